// Package contract holds servers and clients of the DingTalk (钉钉) open platform to one document, openapi.yaml at
// the root of the module: our fake, anyone else's, the real platform, and any client.
//
// Its cases each check one rule. [Run] makes a sub-test of each, [Verify] returns a [Report]; both take a [Target],
// which is a base URL or an http.Handler and the credentials of one app:
//
//	func TestMyServer(t *testing.T) {
//		contract.Run(t, contract.Target{Handler: myserver.New(), App: contract.App{AppKey: "k", AppSecret: "s"}}, nil)
//	}
//
// What a case needs beyond that (an app of its own, a clock to move, faults to inject) the target gives through
// [Target.Powers]; a case whose power is missing is unsupported, which is neither pass nor failure. [Transport] holds
// any Go client to the document; for other languages there is `dingmock proxy`.
//
// The kit is no load test and knows nothing of any server or client: it speaks HTTP and reads the document. That it
// can fail is proved by package contract/internal/mutant.
package contract

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
)

// Level says how binding a rule is.
type Level string

// MUST is a rule that clients rely on; SHOULD is one of which the platform's own answer is not known for certain, or
// without which nothing breaks; BYTES is what only a stand-in that is exact to the byte needs, such as the order of keys
// (Options.Bytes).
const (
	MUST   Level = "MUST"
	SHOULD Level = "SHOULD"
	BYTES  Level = "BYTES"
)

// Case checks one rule.
type Case struct {
	ID        string // the rule's name, such as create_session/idempotent
	Rule      string // what has to hold, in one sentence
	Level     Level
	Operation string // the operationId it is about; "" for paths that are no operation's
	Needs     Needs  // what the target has to offer

	run func(*trial)
}

// Target is what the cases run against.
type Target struct {
	// URL is the base URL of the platform. It may have a path. Ignored if Handler is set.
	URL string

	// APIURL is the base URL of the paths under /v1.0/, which the real platform has on another host. Default: URL.
	APIURL string

	// Handler is called in process instead of URL.
	Handler http.Handler

	// Client makes the calls to URL: its Transport does, and no redirect is followed. Of an *http.Transport each case has a clone,
	// with connections of its own; any other RoundTripper is called as it is, by all cases at once, makes what connections it
	// will, and chooses the version of HTTP itself, so that the cases of one version are unsupported. Default: a client of its own.
	Client *http.Client

	// App is an app that exists at the target. Not needed if Powers can make apps.
	App App

	// Powers is what else the target can do. The zero value can do nothing.
	Powers Powers

	// MaxSessions is how many sessions an app of the target may have open, if that is few: the case that opens
	// them all runs if it is 1 to 1000.
	MaxSessions int

	// SessionTTL is how long a session lives at the target, if sessions end by themselves.
	SessionTTL time.Duration

	// WithoutSessions says that the target answers the session calls as the public platform does: errcode 22.
	WithoutSessions bool
}

// App is the credentials of one app: at least one pair.
type App struct {
	CorpID     string `json:"corpid,omitempty"`
	CorpSecret string `json:"corpsecret,omitempty"`
	AppKey     string `json:"appkey,omitempty"`
	AppSecret  string `json:"appsecret,omitempty"`
}

// AppSpec is what an app that Powers.NewApp makes has to be like.
type AppSpec struct {
	Users []string // the users that exist; nil: every user does
}

// Powers are what a target can do beyond the platform's calls: each is a function, or nil if the target cannot do it. Cases run at
// once, and so do these. A power that returns an error makes the case that asked for it end in [Errored].
type Powers struct {
	// NewApp makes an app at the target. With it, each case has an app of its own.
	NewApp func(ctx context.Context, spec AppSpec) (App, error)

	// RemoveApp removes an app that NewApp made, and all that the target keeps of it; nothing if it is already gone. With it, the
	// cases leave no app behind, even if they are interrupted.
	RemoveApp func(ctx context.Context, app App) error

	// Mark marks a request as one that no client sent, so that the target does not judge it. It leaves alone what goes to another
	// server. The cases that need Violations send theirs without.
	Mark func(req *http.Request)

	// Advance moves the clock of an app forward. It needs NewApp.
	Advance func(ctx context.Context, app App, by time.Duration) error

	// Fault makes the next call of an operation by the app fail with a named fault, one of x-families.*.faults of the document, such
	// as system-busy. It needs NewApp.
	Fault func(ctx context.Context, app App, operation, fault string) error

	// Violations returns what the target has found off-spec in an app's calls so far. It needs NewApp.
	Violations func(ctx context.Context, app App) ([]dingmock.Violation, error)
}

// Options says how the cases run. Nil and the zero value are ready.
type Options struct {
	// Run selects the cases whose id it returns true for. Default: all.
	Run func(id string) bool

	// Operations selects the cases of these operations. Default: all, and those of no operation.
	Operations []string

	// Level MUST leaves out the cases of level SHOULD. Default: all.
	Level Level

	// Bytes checks the level BYTES too: spaces, the order of keys, how headers are spelt, the Server header. Default: if a
	// dingmock answers, which says so in the header Dingmock-Version.
	Bytes bool

	// Timeout is how long one case may take. Default 10 s. Generated cases have ten times as long.
	Timeout time.Duration

	// Parallel is how many cases run at once in Verify. Default 8, with Live 1. In Run, go test's -parallel says it.
	Parallel int

	// Seed is where random values begin. Default 0: one is made up. The report says it.
	Seed uint64

	// Budget is how many generated requests are made of each operation, 1 or more. Default 200.
	Budget int

	// NoGenerated leaves out the cases of generated requests.
	NoGenerated bool

	// Driver makes the calls of the cases that need no raw requests. Default: raw HTTP from the document.
	Driver Driver

	// Live is for the real platform: only operations that it documents, one call every 250 ms, nothing random.
	Live bool

	// AllowWrites lets Live run the cases that change something.
	AllowWrites bool

	// Known are the ids of cases that are known to fail. They run; that they fail does not count.
	Known []string

	// Exact makes a known failure that passes count as a failure.
	Exact bool

	// Progress gets each result as it comes. Calls do not overlap. Default: none.
	Progress func(Result)
}

// Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Pass        Outcome = "pass"
	Fail        Outcome = "fail"        // the target breaks the rule
	Blocked     Outcome = "blocked"     // something else that the target does wrong keeps the rule from being checked
	Unsupported Outcome = "unsupported" // the target cannot do what the case needs
	Skipped     Outcome = "skipped"     // left out by the options
	Errored     Outcome = "error"       // the rule could not be checked
)

// Result is how one case ended.
type Result struct {
	Case
	Outcome  Outcome
	Reason   string   // why it was not run, or could not be
	Failure  *Failure // of the outcome fail, and of blocked
	Stack    string   // of the outcome error, if the kit, a driver or a power panicked
	Known    bool     // whether it stands in the list of known failures
	Duration time.Duration

	finding *Finding // what ended it, of the outcomes fail and blocked
	calls   int      // that it made
}

// Bad reports whether the result makes the whole fail.
func (r Result) Bad(exact bool) bool {
	return r.Outcome == Fail && !r.Known || exact && r.Known && r.Outcome == Pass
}

var document = sync.OnceValues(dingmock.Load)

var table = sync.OnceValues(func() ([]Case, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	list, err := rowCases(doc)
	if err != nil {
		return nil, err
	}
	list = slices.Concat(list, gettokenCases, accessTokenCases, scopesCases, userCases, sessionCases, casesOf(doc, requestCases), journalCases, casesOf(doc, protocolCases), casesOf(doc, orderCases),
		pathCases(doc), concurrentCases, casesOf(doc, generatedCases), []Case{modelCase})
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.ID] {
			return nil, fmt.Errorf("contract: there are two cases %s", c.ID)
		}
		seen[c.ID] = true
	}
	slices.SortStableFunc(list, func(a, b Case) int { return rank(doc, a) - rank(doc, b) })
	return list, nil
})

// rank orders the cases: paths first, then by operation as the document has them, generated ones last.
func rank(doc *dingmock.Document, c Case) int {
	if strings.HasPrefix(c.ID, "generated/") || strings.HasPrefix(c.ID, "model/") {
		return 1000
	}
	return 1 + slices.Index(doc.Operations(), doc.Operation(c.Operation))
}

// Cases returns all cases. They are those of the embedded document.
func Cases() ([]Case, error) {
	list, err := table()
	return slices.Clone(list), err
}
