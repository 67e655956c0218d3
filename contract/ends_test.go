package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// leaving keeps what is made, so that it can be seen what is not taken away again.
type leaving struct {
	powers contract.Powers

	mu   sync.Mutex
	made map[contract.App]bool
}

func (l *leaving) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	if err := ctx.Err(); err != nil {
		return contract.App{}, err
	}
	app, err := l.powers.NewApp(ctx, spec)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[app] = true
	return app, err
}

func (l *leaving) RemoveApp(ctx context.Context, app contract.App) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	delete(l.made, app)
	l.mu.Unlock()
	return l.powers.RemoveApp(ctx, app)
}

// What the cases make at a target is taken away again, by whatever driver and however the run ends; and a call that is marked
// is not judged.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		driver  contract.Driver
		calls   int64 // after which the run is cancelled; 0: never
		outcome contract.Outcome
	}{
		{"raw requests", nil, 0, contract.Pass},
		{"a client", goClient, 0, contract.Pass},
		{"cancelled", nil, 200, contract.Errored},
		{"a client, cancelled", goClient, 100, contract.Errored},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server, err := mockserver.New(&mockserver.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Close() })
			var calls atomic.Int64
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n := calls.Add(1); x.calls > 0 && n >= x.calls {
					cancel()
				}
				server.ServeHTTP(w, r)
			})
			p := &leaving{powers: powersOf(t, server), made: map[contract.App]bool{}}
			can := p.powers
			can.NewApp, can.RemoveApp = p.NewApp, p.RemoveApp
			report, err := contract.Verify(ctx, contract.Target{Handler: handler, Powers: can}, &contract.Options{
				Driver: x.driver, Timeout: time.Minute, Budget: 20, Run: func(id string) bool { return !strings.HasPrefix(id, "journal/") },
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := report.Count(contract.Fail) + report.Count(contract.Blocked); n > 0 || report.Count(x.outcome) == 0 || report.Interrupted != (x.calls > 0) {
				t.Errorf("interrupted: %t; %s", report.Interrupted, report.Failures())
			}
			if len(p.made) > 0 {
				t.Errorf("%d apps are left", len(p.made))
			}
			verdict, err := server.Verdict(nil)
			if err != nil {
				t.Fatal(err)
			}
			want := mockserver.Verdict{Reasons: []string{"no call came"}, Violations: []mockserver.ViolationCount{}}
			if diff := cmp.Diff(want, verdict, cmp.AllowUnexported(mockserver.ViolationCount{}, mockserver.Entry{})); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

// A power to take apps away that fails is an error of a case that passes; a broken rule stays one.
func TestAppsThatCannotBeTakenAway(t *testing.T) {
	t.Parallel()
	honest := fake(t, mockserver.Options{})
	broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		honest.Handler.ServeHTTP(w, r)
	})
	for _, x := range []struct {
		name    string
		handler http.Handler
		from    int32 // the call of RemoveApp from which on it fails
		want    contract.Outcome
		says    string
	}{
		{"a rule that is kept", honest.Handler, 2, contract.Errored, "the rule is kept, but the target's power to take an app away failed: locked"},
		{"a rule that is broken", broken, 2, contract.Fail, ""},
		{"before any case", honest.Handler, 1, "", "the target's power to take an app away failed: locked"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			powers := honest.Powers
			powers.RemoveApp = func(ctx context.Context, app contract.App) error {
				if calls.Add(1) >= x.from {
					return errors.New("locked")
				}
				return honest.Powers.RemoveApp(ctx, app)
			}
			report, err := contract.Verify(t.Context(), contract.Target{Handler: x.handler, Powers: powers}, &contract.Options{Run: func(id string) bool { return id == "gettoken/head" }})
			if x.want == "" {
				if err == nil || !strings.Contains(err.Error(), x.says) {
					t.Errorf("error %v, want %q", err, x.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if r := report.Results[0]; r.Outcome != x.want || r.Reason != x.says {
				t.Errorf("got %s", r.Line())
			}
		})
	}
}

// A target that ends during the run has broken no rule by the calls that were under way: nobody knows what ended it. One that
// closes connections and goes on has.
func TestTargetEnds(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		ends bool
		want map[contract.Outcome]bool // whether there are such results
	}{
		{"ends", true, map[contract.Outcome]bool{contract.Pass: true, contract.Errored: true, contract.Fail: false, contract.Blocked: false}},
		{"goes on", false, map[contract.Outcome]bool{contract.Pass: true, contract.Errored: false, contract.Fail: true, contract.Blocked: true}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			target := fake(t, mockserver.Options{})
			honest := target.Handler
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			var calls atomic.Int64
			srv := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) > 100 {
					if x.ends {
						_ = l.Close()
					}
					w.Header().Set("Content-Length", "100") // half a reply: net/http itself asks again where there is none
					_, _ = io.WriteString(w, "{")
					_ = http.NewResponseController(w).Flush()
					panic(http.ErrAbortHandler)
				}
				honest.ServeHTTP(w, r)
			})}
			go func() { _ = srv.Serve(l) }()
			t.Cleanup(func() { _ = srv.Close() })
			target.Handler, target.URL = nil, "http://"+l.Addr().String()
			report, err := contract.Verify(t.Context(), target, &contract.Options{Timeout: time.Minute, NoGenerated: true, Parallel: 2})
			if err != nil {
				t.Fatal(err)
			}
			got := map[contract.Outcome]bool{}
			for outcome := range x.want {
				got[outcome] = report.Count(outcome) > 0
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s%s", diff, report.Failures())
			}
			var text strings.Builder
			if err := report.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			if told := strings.Contains(text.String(), "your server ended during the run"); told != x.ends {
				t.Errorf("that it ended is told: %t\n%s", told, text.String())
			}
			// Which calls were under way is told.
			under := slices.ContainsFunc(report.Results, func(r contract.Result) bool {
				return r.Outcome == contract.Errored && strings.Contains(r.Reason, "was not answered") && strings.Contains(r.Reason, "curl ")
			})
			if under != x.ends {
				t.Errorf("the calls that were under way are told: %t\n%s", under, text.String())
			}
		})
	}
}

// What cannot be told from the end of the run is no broken rule: here a client gives up before it sends.
func TestCancelledClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := contract.Verify(ctx, fake(t, mockserver.Options{}), &contract.Options{
		Driver: func(contract.DriverConfig) (contract.Client, error) { return givingUp{cancel}, nil },
		Run:    func(id string) bool { return id == "getsession/none" },
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Results[0]; r.Outcome != contract.Errored || !report.Interrupted {
		t.Errorf("got %s, interrupted %t", r.Line(), report.Interrupted)
	}
}

// givingUp is a client that has its run cancelled.
type givingUp struct{ cancel func() }

func (g givingUp) Do(context.Context, string, map[string]any) (json.RawMessage, error) {
	g.cancel()
	return nil, fmt.Errorf("gave up: %w", context.Canceled)
}
