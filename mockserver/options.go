package mockserver

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/clock"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

// Options says how a Server behaves. Nil and the zero value are ready: one app, named default, whose
// credentials are those of DefaultApp.
type Options struct {
	// Apps are the apps that exist from the start. Default: DefaultApp alone.
	Apps []AppState

	// Rules are the rules for every app that there are from the start. Default: none.
	Rules []Rule

	// Now is the real time that each app's clock is an offset from. Default: time.Now. It is called by
	// several goroutines at once.
	Now func() time.Time

	// NoAutoApps refuses unknown keys of the form mock-… too, for which otherwise an app is made on first use.
	NoAutoApps bool

	// MaxApps is how many apps there may be, 1 or more. Default 10,000. At the cap, a new app replaces the
	// auto-app that has been unused for longest; where there is none, it is refused.
	MaxApps int

	// MaxSessions is how many sessions one app may have open, 1 or more. Default 1,000,000.
	MaxSessions int

	// TokenLife is how long an access token lives, 1 s to 30 days; whole seconds of it are what token calls answer. An app's
	// own goes before it. Default: 7200 s, as the platform's.
	TokenLife time.Duration

	// SessionTTL ends a session that long after its creation. Default 0: never.
	SessionTTL time.Duration

	// WithoutSessions answers the three calls that only the article knows as the public platform does: errcode 22.
	WithoutSessions bool

	// RefuseUndeclared refuses undeclared and repeated parameters, which the platform accepts.
	RefuseUndeclared bool

	// QPS is how many calls of one operation, or of one path that a rule answers, an app may make in one second of its clock;
	// more are answered as throttled. Those beyond 10,000 operations and paths in a second are counted together. Default 0:
	// no limit.
	QPS int

	// Journal is how many exchanges are kept for each app, 1 or more, 16 KiB of each body, 4 MiB in all. Default 1000. The journals
	// of all apps have 256 MiB: beyond, those that hold most give up their oldest exchanges.
	Journal int

	// NoJournal keeps no exchanges. The verdict counts them all the same.
	NoJournal bool

	// ControlToken is the bearer token that the control API asks for, health and documents aside. It is taken as
	// api.ParseControlToken reads it. Default: none.
	ControlToken string

	// ControlHosts are names that the control API is asked by, beside loopback names, addresses, names without a dot or
	// of a local domain such as .test, and the platform's names: requests of another Host are refused, lest a page of
	// another site asks. Default: none. With ControlToken any Host is taken.
	ControlHosts []string

	// CA returns the PEM of the certificate that the TLS listeners' certificates are signed by, for /_mock/ca.pem.
	// Default: there is none.
	CA func() ([]byte, error)

	// Refusals returns how many connections clients ended at the certificate, as one does that does not trust it. A verdict on
	// a job from which no call came says so. Default: none are known of.
	Refusals func() int

	// Log gets what happens beside the calls, such as an app evicted. Default: nothing is logged.
	Log *slog.Logger

	// Calls gets a line for each call, before the call is answered: the answer waits until it returns, so it should not
	// block. It is called by several goroutines at once. Default: none.
	Calls func(CallLine)

	// Version is what the header Dingmock-Version says. Default "dev".
	Version string
}

// complete checks the options and fills in the defaults.
func (o *Options) complete(doc *dingmock.Document) error {
	if o.Apps == nil {
		o.Apps = []AppState{DefaultApp()}
	}
	state := State{Apps: slices.Clone(o.Apps), Rules: o.Rules}
	if err := validateState(&state, doc); err != nil {
		return fmt.Errorf("Options: %w", err)
	}
	o.Apps = state.Apps
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"MaxApps", &o.MaxApps, 10_000}, {"MaxSessions", &o.MaxSessions, 1_000_000}, {"QPS", &o.QPS, 0}, {"Journal", &o.Journal, 1000}} {
		if *n.value < 0 {
			return fmt.Errorf("Options: %s: %d is negative; it has to be 1 or more, or 0 for %d", n.name, *n.value, n.def)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	if o.TokenLife == 0 {
		o.TokenLife = tokenlife.Usual
	}
	if err := tokenlife.Check(o.TokenLife); err != nil {
		return fmt.Errorf("Options: TokenLife: %w", err)
	}
	if o.SessionTTL < 0 {
		return fmt.Errorf("Options: SessionTTL: %s is negative; it has to be more, or 0 for never", o.SessionTTL)
	}
	if len(o.Apps) > o.MaxApps {
		return &codedError{api.ErrAppLimit, fmt.Sprintf("Options: Apps: are %d, more than MaxApps, %d", len(o.Apps), o.MaxApps)}
	}
	var err error
	if o.ControlToken, err = api.ParseControlToken(o.ControlToken); err != nil {
		return fmt.Errorf("Options: ControlToken: %w", err)
	}
	o.ControlHosts = slices.Clone(o.ControlHosts)
	for i, h := range o.ControlHosts {
		if o.ControlHosts[i] = hosts.Name(h); o.ControlHosts[i] == "" {
			return fmt.Errorf("Options: ControlHosts: %q is no host name", h)
		}
	}
	if o.NoJournal {
		o.Journal = 0
	}
	if o.Now == nil {
		o.Now = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return nil
}
