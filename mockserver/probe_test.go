package mockserver_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dingmock/dingmock/mockserver"
)

// A marked call gets exactly the answer of an unmarked one, and is judged nowhere.
func TestProbe(t *testing.T) {
	t.Parallel()
	good := "/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret"
	for _, x := range []struct {
		name, method, path, body, mark string
		judged                         bool
	}{
		{"good", "GET", good, "", mockserver.ProbeMark, false},
		{"off-spec", "GET", good + "&colour=red", "", mockserver.ProbeMark, false},
		{"a wrong secret", "GET", "/gettoken?appkey=dingmockapp&appsecret=x", "", mockserver.ProbeMark, false},
		{"of no app", "GET", "/gettoken", "", mockserver.ProbeMark, false},
		{"no token", "POST", "/topapi/v2/user/getsession", `{"userid":"u"}`, mockserver.ProbeMark, false},
		{"an unknown path", "GET", "/no/such/path", "", mockserver.ProbeMark, false},
		{"not modelled", "GET", "/v1.0/contact/users/me", "", mockserver.ProbeMark, false},
		{"not JSON", "POST", "/v1.0/oauth2/accessToken", "{", mockserver.ProbeMark, false},
		{"no mark", "GET", good + "&colour=red", "", "", true},
		{"another value", "GET", good + "&colour=red", "", "1", true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var lines []mockserver.CallLine
			fake, err := mockserver.New(&mockserver.Options{Calls: func(l mockserver.CallLine) { lines = append(lines, l) }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fake.Close() })
			ask := func(mark string) string {
				r := httptest.NewRequestWithContext(t.Context(), x.method, "http://localhost"+x.path, strings.NewReader(x.body))
				if mark != "" {
					r.Header.Set(mockserver.ProbeHeader, mark)
				}
				w := httptest.NewRecorder()
				fake.ServeHTTP(w, r)
				var text strings.Builder
				if err := w.Result().Write(&text); err != nil {
					t.Fatal(err)
				}
				return regexp.MustCompile(`(?i)((request[_-]?id|trace-id)"?: ?"?)[0-9A-Za-z-]+`).ReplaceAllString(text.String(), "$1…")
			}
			told := func() (all [3]string) {
				for i, path := range []string{"/_mock/journal", "/_mock/verdict", "/_mock/apps/_/journal"} {
					all[i] = do(fake, "GET http://localhost"+path, "", "").body
				}
				return all
			}
			before := told()
			marked := ask(x.mark)
			if judged := cmp.Diff(before, told()) != ""; judged != x.judged {
				t.Errorf("judged: %t, want %t\n%v", judged, x.judged, told())
			}
			if len(lines) != 1 || lines[0].Probe == x.judged || strings.HasSuffix(lines[0].String(), " (not judged)") == x.judged {
				t.Errorf("lines of calls: %v", lines)
			}
			if diff := cmp.Diff(ask(""), marked); diff != "" {
				t.Errorf("reply (-unmarked +marked):\n%s", diff)
			}
			if cmp.Diff(before, told()) == "" {
				t.Error("without the mark it is not judged either: the test shows nothing")
			}
		})
	}
}

// Probes on a connection do not affect how other calls on it are attributed.
func TestProbeOnAConnection(t *testing.T) {
	t.Parallel()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	ctx := fake.ConnContext(context.Background(), nil)
	for _, x := range []struct{ path, mark string }{
		{"/gettoken?appkey=mock-a&appsecret=s", ""}, {"/gettoken?appkey=mock-b&appsecret=s", mockserver.ProbeMark}, {"/no/such/path", ""},
	} {
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+x.path, nil)
		r.Header.Set(mockserver.ProbeHeader, x.mark)
		w := httptest.NewRecorder()
		fake.ServeHTTP(w, r)
		_, _ = io.Copy(io.Discard, w.Body)
	}
	verdict, err := fake.Verdict(&mockserver.VerdictOptions{Apps: []string{"mock-a"}})
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, v := range verdict.Violations {
		rules = append(rules, v.App+" "+v.Kind)
	}
	if diff := cmp.Diff([]string{"mock-a unknown-path"}, rules, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the verdict of mock-a (-want +got):\n%s", diff)
	}
}

// A rule that has fired only for probes counts in the verdict as never fired: it affected no call under test.
func TestProbeTestsNoRule(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, rules string
		times       int64
		marks       []string // of the calls
		want        []string // the rules that never fired
	}{
		{"a probe", "/apps/mock-a/rules", 9, []string{mockserver.ProbeMark}, []string{"r1"}},
		{"a probe that uses it up", "/apps/mock-a/rules", 1, []string{mockserver.ProbeMark}, []string{"r1"}},
		{"a probe, a rule of every app", "/rules", 9, []string{mockserver.ProbeMark}, []string{"r1"}},
		{"a probe and a call", "/apps/mock-a/rules", 9, []string{mockserver.ProbeMark, ""}, nil},
		{"a call and a probe", "/rules", 9, []string{"", mockserver.ProbeMark}, nil},
		{"a call", "/apps/mock-a/rules", 1, []string{""}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			fake, err := mockserver.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fake.Close() })
			added(t, fake, x.rules, fmt.Sprintf(`{"match":{"operation":"gettoken"},"when":{"times":%d},"effect":{"fault":"app-throttled"}}`, x.times))
			for _, mark := range x.marks {
				if got := do(fake, "GET /gettoken?appkey=mock-a&appsecret=s", "", "", mockserver.ProbeHeader+": "+mark); !strings.Contains(got.body, "90018") {
					t.Errorf("the rule has no effect: %s", got.body)
				}
			}
			verdict, err := fake.Verdict(&mockserver.VerdictOptions{AllowNoCalls: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range verdict.Unfired {
				got = append(got, u.ID)
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("never fired (-want +got):\n%s", diff)
			}
		})
	}
}
