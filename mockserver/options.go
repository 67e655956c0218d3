package mockserver

import (
	"log/slog"
	"time"
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

	// Journal is how many exchanges are kept for each app, 16 KiB of each body, 4 MiB in all. Default 1000;
	// negative: none.
	Journal int

	// ControlToken is the bearer token that the control API asks for, health and documents aside. It is taken as
	// ParseControlToken reads it. Default: none.
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
