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

// Options configures a Server. By default there is one app, named default, with the credentials of DefaultApp.
type Options struct {
	// Apps are the apps that exist from the start. Default: only DefaultApp.
	Apps []AppState

	// Rules are the rules for every app that exist from the start. Default: none.
	Rules []Rule

	// Now returns real time, from which each app's clock is offset. It must be safe for concurrent use. Default:
	// time.Now.
	Now func() time.Time

	// NoAutoApps rejects unknown keys of the form mock-… as well. By default an app is made on first use of such a
	// key.
	NoAutoApps bool

	// MaxApps is the maximum number of apps, 1 or more. At the limit, a new app replaces the auto-app that has
	// been unused for longest; if there is no auto-app, the new app is refused. Default: 10,000.
	MaxApps int

	// MaxSessions is the maximum number of open sessions per app, 1 or more. Default: 1,000,000.
	MaxSessions int

	// TokenLife is how long an access token lives, 1 s to 30 days; token calls answer it in whole seconds. An
	// app's own TokenLife takes precedence. Default: 7200 s, as on the platform.
	TokenLife time.Duration

	// SessionTTL is how long after its creation a session ends. Default: 0, never.
	SessionTTL time.Duration

	// WithoutSessions answers the three calls that only the article knows as the public platform does: with
	// errcode 22.
	WithoutSessions bool

	// RefuseUndeclared rejects undeclared and repeated parameters, which the platform accepts.
	RefuseUndeclared bool

	// QPS is how many calls of one operation, or of one path that a rule answers, an app may make in one second of
	// its clock; further calls are answered as throttled. Calls beyond 10,000 operations and paths in a second are
	// counted together. Default: 0, no limit.
	QPS int

	// Journal is the number of exchanges kept for each app, 1 or more, with 16 KiB of each body and 4 MiB in all.
	// All journals together hold 256 MiB; above that, the largest give up their oldest exchanges. Default: 1000.
	Journal int

	// NoJournal keeps no exchanges. The verdict still counts them.
	NoJournal bool

	// ControlToken is the bearer token that the control API requires, except for health and documents. It is read
	// as by api.ParseControlToken. Default: none.
	ControlToken string

	// ControlHosts are further names under which the control API may be called. Loopback names, addresses, names
	// without a dot or of a local domain such as .test, and the platform's names are always allowed. Requests for
	// another Host are rejected, because a page of another site could have sent them. With ControlToken any Host
	// is allowed. Default: none.
	ControlHosts []string

	// CA returns, in PEM, the certificate that signs the certificates of the TLS listeners; /_mock/ca.pem serves
	// it. Default: there is none.
	CA func() ([]byte, error)

	// Refusals returns the number of connections that clients ended at the certificate, as happens if a client
	// does not trust it. A verdict reports it if no call came. Default: none are known.
	Refusals func() int

	// Log gets events other than calls, such as the eviction of an app. Default: nothing is logged.
	Log *slog.Logger

	// Calls gets a line for each call before the call is answered. The answer waits until Calls returns, so Calls
	// should not block. It must be safe for concurrent use. Default: none.
	Calls func(CallLine)

	// Version is the value of the header Dingmock-Version. Default: "dev".
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
