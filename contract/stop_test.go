package contract_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// Each failure names the line of the case that it is of: one that stands in the case, if that was written by hand.
func TestFailuresTellWhere(t *testing.T) {
	t.Parallel()
	refuses := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`))
	})
	target := fake(t, mockserver.Options{})
	honest := target.Handler
	target.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() == "" || r.Method != http.MethodGet || r.URL.Query().Get("access_token") != "" || strings.HasSuffix(r.URL.Path, "notexist") {
			refuses.ServeHTTP(w, r)
			return
		}
		honest.ServeHTTP(w, r)
	})
	report, err := contract.Verify(t.Context(), target, &contract.Options{Seed: 1, Budget: 20, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile(`^contract/(cases_\w+\.go):(\d+)(, contract/cases_\w+\.go:\d+)*$`)
	lines := map[string]string{}
	n, written := 0, 0
	for _, r := range report.Results {
		if r.Failure == nil {
			continue
		}
		n++
		lines[r.ID] = r.Failure.At
		m := place.FindStringSubmatch(r.Failure.At)
		if m == nil {
			t.Errorf("%s: the case is said to be at %q", r.ID, r.Failure.At)
			continue
		}
		data, err := os.ReadFile(m[1])
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		at := strings.Index(text, `ID: "`+r.ID+`"`)
		line, _ := strconv.Atoi(m[2])
		if lines := strings.Count(text, "\n"); line < 1 || line > lines {
			t.Errorf("%s: %s has no line %d", r.ID, m[1], line)
		}
		if at < 0 {
			continue
		}
		_, rest, _ := strings.Cut(text[at:], "\n")
		first := strings.Count(text[:at], "\n") + 1
		last := first + strings.Count(strings.Split(rest, "\t{\n\t\tID: ")[0], "\n")
		if line < first || line > last && strings.Contains(rest, "\tID: ") {
			t.Errorf("%s: the case is said to be at line %d of %s, and stands at %d to %d", r.ID, line, m[1], first, last)
		}
		written++
	}
	if blank, bad := lines["getsession/auth-token-blank"], lines["getsession/auth-token-invalid"]; blank == bad || blank == "" || bad == "" {
		t.Errorf("the cases of two errors are said to be at %q and %q", blank, bad)
	}
	if n < 50 || written < 3 {
		t.Errorf("only %d cases fail, %d of them in a table", n, written)
	}
}

// What breaks in a driver is told with its stack; what ends the goroutine, or with the context, is no pass.
func TestDriversThatBreak(t *testing.T) {
	t.Parallel()
	_, self, _, _ := runtime.Caller(0)
	for _, x := range []struct {
		name, reason, stack string
		fails               func()
	}{
		{"a panic", "a panic in the case, or in a driver or power that it called: out of order (contract/cases_gettoken.go:", path.Base(self), func() { panic("out of order") }},
		{"a nil dereference", "a panic in the case, or in a driver or power that it called: runtime error: invalid memory address or nil pointer dereference (contract/cases_gettoken.go:", path.Base(self), func() { _ = (*http.Request)(nil).URL }},
		{"t.FailNow", "the case was ended from outside, as by t.FailNow in a driver or a power", "", runtime.Goexit},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			target := fake(t, mockserver.Options{})
			advance := target.Powers.Advance
			target.Powers.Advance = func(ctx context.Context, app contract.App, by time.Duration) error {
				x.fails()
				return advance(ctx, app, by)
			}
			report, err := contract.Verify(t.Context(), target, &contract.Options{Run: func(id string) bool { return id == "gettoken/expires" }})
			if err != nil {
				t.Fatal(err)
			}
			r := report.Results[0]
			if r.Outcome != contract.Errored || !strings.HasPrefix(r.Reason, x.reason) || !strings.Contains(r.Stack, x.stack) || (r.Stack == "") != (x.stack == "") {
				t.Errorf("%s %s\n%s", r.Outcome, r.Reason, r.Stack)
			}
			var text strings.Builder
			if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "gettoken/expires: "+r.Reason+"\n"+r.Stack) {
				t.Errorf("error %v:\n%s", err, text.String())
			}
		})
	}
}

// Once its context ends, Verify begins no further case and returns at once, although the target still owes answers.
func TestVerifyStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, err := mockserver.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = fake.Close() }()
		ctx, cancel := context.WithCancel(t.Context())
		var calls, late atomic.Int64
		began := time.Now()
		report, err := contract.Verify(ctx, contract.Target{
			App: contract.App{AppKey: "dingmockapp", AppSecret: "dingmockappsecret"},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch n := calls.Add(1); {
				case ctx.Err() != nil:
					late.Add(1)
				case n < 20:
					fake.ServeHTTP(w, r)
					return
				case n == 24:
					cancel()
				}
				<-r.Context().Done()
			}),
		}, &contract.Options{Timeout: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > 0 || late.Load() > 8 { // the others of eight at once may have been on their way
			t.Errorf("it went on for %s and made %d further calls", d, late.Load())
		}
		if !report.Interrupted || report.Count(contract.Pass) > 20 || report.Count(contract.Fail) > 0 {
			t.Errorf("interrupted %t, %d of %d cases pass", report.Interrupted, report.Count(contract.Pass), len(report.Results))
		}
	})
}

// empty is a client that makes each call, and tells nothing of what it was answered.
type empty struct{ contract.Client }

func (e empty) Do(ctx context.Context, operation string, params map[string]any) (json.RawMessage, error) {
	_, err := e.Client.Do(ctx, operation, params)
	return json.RawMessage("{}"), err
}

// What a client leaves out is compared with nothing, and charged to no server.
func TestDriverThatLeavesOut(t *testing.T) {
	t.Parallel()
	report, err := contract.Verify(t.Context(), fake(t, mockserver.Options{}), &contract.Options{
		Driver: func(config contract.DriverConfig) (contract.Client, error) {
			c, err := goClient(config)
			return empty{c}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := report.Count(contract.Errored); n < 20 {
		t.Errorf("only %d cases are errors", n)
	}
	for _, r := range report.Results {
		judged := r.Outcome == contract.Pass || r.Outcome == contract.Fail || r.Outcome == contract.Blocked
		if judged || r.Outcome == contract.Errored && !strings.Contains(r.Reason, ") returned no ") {
			t.Errorf("%s: %s %s", r.ID, r.Outcome, r.Reason)
		}
	}
}
