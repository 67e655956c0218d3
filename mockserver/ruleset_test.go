package mockserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

// added adds rules by the control API, in the order given, and returns them as answered.
func added(t testing.TB, s *mockserver.Server, path string, bodies ...string) []mockserver.Rule {
	t.Helper()
	list := make([]mockserver.Rule, len(bodies))
	for i, body := range bodies {
		if status := steer(t, s, "POST", path, body, &list[i]); status != http.StatusCreated {
			t.Fatalf("%s is refused with HTTP %d", body, status)
		}
	}
	return list
}

// listed returns the ids of the rules in the order of the list.
func listedRules(t testing.TB, s *mockserver.Server, path string) string {
	t.Helper()
	var list struct{ Rules []mockserver.Rule }
	steer(t, s, "GET", path, "", &list)
	ids := make([]string, len(list.Rules))
	for i, r := range list.Rules {
		if ids[i] = r.ID; r.ShadowedBy != "" {
			ids[i] += "<" + r.ShadowedBy
		}
	}
	return strings.Join(ids, " ")
}

// TestRulePriority checks that rules are tried and listed by priority, then those that end by themselves first,
// then in the order they were added; the same after a snapshot.
func TestRulePriority(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	const path = "/apps/default/rules"
	added(t, s, path,
		`{"effect":{"errcode":1}}`,
		`{"effect":{"errcode":2},"match":{"path":"/x"}}`,
		`{"effect":{"errcode":3},"when":{"times":1}}`,
		`{"effect":{"errcode":4},"when":{"for":"1h"},"match":{"path":"/x"}}`,
		`{"effect":{"errcode":5},"priority":-1,"when":{"times":1}}`,
		`{"effect":{"errcode":6},"priority":7,"match":{"path":"/x"}}`,
		`{"effect":{"errcode":7},"priority":7,"when":{"times":1},"match":{"path":"/x"}}`,
	)
	want := "r7 r6 r3 r4<r6 r1 r2<r6 r5<r1"
	if diff := cmp.Diff(want, listedRules(t, s, path)); diff != "" {
		t.Errorf("in the order they are asked (-want +got)\n%s", diff)
	}
	again := fake(t, mockserver.Options{Apps: s.Apps()})
	if diff := cmp.Diff(want, listedRules(t, again, path)); diff != "" {
		t.Errorf("after a snapshot (-want +got)\n%s", diff)
	}
	added(t, s, "/rules", `{"effect":{"errcode":9},"priority":1000}`) // for every app: tried after the app's own
	for i, want := range []int{3, 1, 1} {
		if got := code(t, do(s, "GET /gettoken?"+appPairQuery, "", "")); got != want {
			t.Errorf("call %d fails with %d, want %d", i, got, want)
		}
	}
}

// TestRuleShadowed checks which rule is reported to hide another, and that no rule is that may fire.
func TestRuleShadowed(t *testing.T) {
	t.Parallel()
	const all = `{"effect":{"status":503}}`
	match := func(m string) string { return `{"effect":{"status":503},"match":` + m + `}` }
	for _, test := range []struct {
		first, second string
		hidden        bool
	}{
		{all, all, true},
		{all, match(`{"operation":"gettoken"}`), true},
		{all, match(`{"parameters":{"x":{"absent":true}}}`), true},
		{match(`{"operation":"gettoken"}`), all, false},
		{match(`{"operation":"gettoken"}`), match(`{"operation":"gettoken","method":"GET"}`), true},
		{match(`{"operation":"gettoken"}`), match(`{"operation":"getsession"}`), false},
		{match(`{"method":"GET"}`), match(`{"method":"POST"}`), false},
		{match(`{"path":"/a*"}`), match(`{"path":"/a/b"}`), true},
		{match(`{"path":"/a*"}`), match(`{"path":"/a/b*"}`), true},
		{match(`{"path":"/a/b*"}`), match(`{"path":"/a*"}`), false},
		{match(`{"path":"/a"}`), match(`{"path":"/a*"}`), false},
		{match(`{"path":"/a*"}`), all, false},
		{match(`{"path":"/*"}`), all, false}, // OPTIONS * has no such path
		{match(`{"host":"*.dingtalk.com"}`), match(`{"host":"OAPI.dingtalk.com:443"}`), true},
		{match(`{"host":"*.dingtalk.com"}`), match(`{"host":"*.oapi.dingtalk.com"}`), true},
		{match(`{"host":"*.oapi.dingtalk.com"}`), match(`{"host":"*.dingtalk.com"}`), false},
		{match(`{"host":"*.dingtalk.com"}`), match(`{"host":"dingtalk.com"}`), false},
		{match(`{"host":".dingtalk.com"}`), match(`{"host":"*.dingtalk.com"}`), false},
		{match(`{"headers":{"x-a":"1"}}`), match(`{"headers":{"X-A":"1","x-b":"2"}}`), true},
		{match(`{"headers":{"x-a":"1"}}`), match(`{"headers":{"x-a":"2"}}`), false},
		{match(`{"headers":{"x-a":{"contains":"ab"}}}`), match(`{"headers":{"x-a":"cabd"}}`), true},
		{match(`{"parameters":{"a":{"contains":"ab"}}}`), match(`{"parameters":{"a":{"contains":"cabd"}}}`), true},
		{match(`{"parameters":{"a":{"contains":"cabd"}}}`), match(`{"parameters":{"a":{"contains":"ab"}}}`), false},
		{match(`{"parameters":{"a":{"pattern":"^[0-9]+$"}}}`), match(`{"parameters":{"/a":12}}`), true},
		{match(`{"parameters":{"a":{"pattern":"^[0-9]+$"}}}`), match(`{"parameters":{"a":{"pattern":"^1$"}}}`), false},
		{match(`{"parameters":{"a":{"absent":true}}}`), match(`{"parameters":{"a":{"absent":true}}}`), true},
		{match(`{"parameters":{"a":{"absent":true}}}`), match(`{"parameters":{"a":""}}`), false},
		{match(`{"parameters":{"a":1}}`), all, false},
		{`{"effect":{"status":503},"when":{"skip":1}}`, all, false},
		{`{"effect":{"status":503},"when":{"every":2}}`, all, false},
		{`{"effect":{"status":503},"when":{"probability":1}}`, all, false},
		{`{"effect":{"status":503},"when":{"times":1}}`, all, false},
		{`{"effect":{"status":503},"when":{"for":"1h"}}`, all, false},
		{`{"effect":{"status":503},"when":{"every":1}}`, all, true},
		{all, `{"effect":{"status":503},"when":{"times":1}}`, false}, // is tried before
		{all, `{"effect":{"status":503},"priority":1}`, false},
		{all, `{"effect":{"latency":"1s"},"priority":-1,"when":{"times":1}}`, true},
		{`{"effect":{"latency":"1s"}}`, all, true},
	} {
		s := fake(t, mockserver.Options{})
		list := added(t, s, "/apps/default/rules", test.first, test.second)
		want := ""
		if test.hidden {
			want = list[0].ID
		}
		var got mockserver.Rule
		steer(t, s, "GET", "/apps/default/rules/"+list[1].ID, "", &got)
		if list[0].ShadowedBy != "" || list[1].ShadowedBy != want || got.ShadowedBy != want {
			t.Errorf("%s, then %s: hidden by %q and %q, want %q", test.first, test.second, list[1].ShadowedBy, got.ShadowedBy, want)
		}
		if other := added(t, s, "/rules", test.second)[0]; other.ShadowedBy != "" {
			t.Errorf("%s for every app is hidden by %q of one app", test.second, other.ShadowedBy)
		}
	}
}

// TestRuleUsedUp checks that used-up rules leave the list, and that the last 100 of them can be looked up.
func TestRuleUsedUp(t *testing.T) {
	t.Parallel()
	real := manual.New(start)
	s := fake(t, mockserver.Options{Now: real.Now})
	const path = "/apps/default/rules"
	for i := range 1100 {
		added(t, s, path, `{"effect":{"errcode":7},"when":{"times":1},"match":{"path":"/gettoken"}}`)
		if got := code(t, do(s, "GET /gettoken?"+appPairQuery, "", "")); got != 7 {
			t.Fatalf("call %d is answered %d", i, got)
		}
	}
	added(t, s, path, `{"effect":{"errcode":8},"when":{"for":"1m"},"match":{"path":"/x"}}`)
	real.Advance(time.Minute)
	if got := listedRules(t, s, path); got != "" {
		t.Errorf("listed are %s", got)
	}
	for id, want := range map[string]int{"r1": 404, "r1001": 404, "r1002": 200, "r1100": 200, "r1101": 200, "r1102": 404} {
		var got struct {
			mockserver.Rule
			Detail string
		}
		status := steer(t, s, "GET", path+"/"+id, "", &got)
		fired := int64(1)
		if id == "r1101" {
			fired = 0
		}
		if status != want || status == 200 && (!got.UsedUp || got.Fired != fired) || strings.Contains(got.Detail, "used up") {
			t.Errorf("%s: HTTP %d, %+v, want %d", id, status, got, want)
		}
	}
	if status := steer(t, s, "DELETE", path+"/r1100", "", nil); status != http.StatusNoContent {
		t.Errorf("a used-up rule is deleted with HTTP %d", status)
	}
	if status := steer(t, s, "GET", path+"/r1100", "", nil); status != http.StatusNotFound {
		t.Errorf("after that it is answered with HTTP %d", status)
	}
	if made := added(t, s, path, `{"effect":{"errcode":7}}`); made[0].ID != "r1102" {
		t.Errorf("the next rule is %s", made[0].ID)
	}
	for i := range 999 {
		added(t, s, path, fmt.Sprintf(`{"effect":{"errcode":7},"match":{"path":"/%d"}}`, i))
	}
	var p struct{ Detail string }
	if status := steer(t, s, "POST", path, `{"effect":{"errcode":7}}`, &p); status != http.StatusConflict || !strings.Contains(p.Detail, "1000 rules") {
		t.Errorf("rule 1001 that may still fire: HTTP %d %s", status, p.Detail)
	}
}

// TestRulesForEveryAppInState checks that a snapshot holds the rules for every app, and that a state with rules
// replaces them.
func TestRulesForEveryAppInState(t *testing.T) {
	t.Parallel()
	read, err := mockserver.ReadState("f", []byte(`{"apps":[{"appkey":"k","appsecret":"s"}],"rules":[{"match":{"path":"/x","parameters":{"/a/b":{"contains":"1"}}},"effect":{"status":503}},{"priority":1,"effect":{"latency":"1ns"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := fake(t, mockserver.Options{Apps: read.Apps, Rules: read.Rules})
	if got := listedRules(t, s, "/rules"); got != "r2 r1<r2" {
		t.Errorf("rules of the options: %s", got)
	}
	var before mockserver.State
	if steer(t, s, "GET", "/state", "", &before); len(before.Rules) != 2 || before.Rules[0].Effect.Latency != 1 {
		t.Errorf("a snapshot has %+v", before.Rules)
	}
	var one map[string]any
	if steer(t, s, "GET", "/apps/k/state", "", &one); one["rules"] != nil {
		t.Errorf("a snapshot of one app has the rules %v for every app", one["rules"])
	}
	for _, test := range []struct {
		name, path, body string
		status           int
		says, want       string
	}{
		{"absent", "/state", `{"apps":[]}`, 200, "", "r2 r1<r2"},
		{"all or nothing", "/state", `{"apps":[{"name":"n","appkey":"k","appsecret":"x"}],"rules":[]}`, 409, "already", "r2 r1<r2"},
		{"broken", "/state", `{"apps":[],"rules":[{"effect":{"status":503},"when":{"for":"1s"}}]}`, 400, "rules/0/when/for: is by an app's clock", "r2 r1<r2"},
		{"of one app", "/apps/k/state", `{"apps":[{"name":"k","appkey":"k","appsecret":"s"}],"rules":[]}`, 400, "put them to /_mock/state", "r2 r1<r2"},
		{"others", "/state", `{"apps":[],"rules":[{"id":"mine","effect":{"status":503}}]}`, 200, "", "mine"},
		{"none", "/state", `{"apps":[],"rules":[]}`, 200, "", ""},
	} {
		var p struct{ Detail string }
		status := steer(t, s, "PUT", test.path, test.body, &p)
		if got := listedRules(t, s, "/rules"); status != test.status || got != test.want || !strings.Contains(p.Detail, test.says) {
			t.Errorf("%s: HTTP %d %s, rules %q, want %d and %q", test.name, status, p.Detail, got, test.status, test.want)
		}
	}
	broken := mockserver.Rule{Match: mockserver.RuleMatch{Parameters: map[string]mockserver.Condition{"x": mockserver.Pattern("(")}}, Effect: mockserver.Effect{Status: 503}}
	for want, r := range map[string]mockserver.Rule{"Options: rules/0/effect: has 0 effects": {}, "Options: rules/0/match/parameters/x: has a pattern that is no Go": broken} {
		if _, err := mockserver.New(&mockserver.Options{Rules: []mockserver.Rule{r}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestResetBringsBack checks that a reset brings back what an app was made with, however it was made, and nothing
// else.
func TestResetBringsBack(t *testing.T) {
	t.Parallel()
	const app = `{"name":"orders","appkey":"k","appsecret":"s","corpid":"c","corpsecret":"s","users":["u-1"],"qps":1000,` +
		`"clock":{"offset":"1h","frozen":true},"tokens":[{"token":"` + otherToken + `","expires_in":60}],` +
		`"sessions":[{"session_id":"s-1","user_id":"u-1"}],"rules":[{"effect":{"errcode":7},"when":{"times":1,"probability":1},"match":{"path":"/gettoken"}}]}`
	for name, begin := range map[string]func(real *manual.Clock) *mockserver.Server{
		"state file": func(real *manual.Clock) *mockserver.Server {
			read, err := mockserver.ReadState("f", []byte(`{"apps":[`+app+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			return fake(t, mockserver.Options{Now: real.Now, Apps: read.Apps})
		},
		"create": func(real *manual.Clock) *mockserver.Server {
			s := fake(t, mockserver.Options{Now: real.Now, Apps: []mockserver.AppState{}})
			steer(t, s, "POST", "/apps", app, nil)
			return s
		},
		"put state": func(real *manual.Clock) *mockserver.Server {
			s := fake(t, mockserver.Options{Now: real.Now, Apps: []mockserver.AppState{}})
			steer(t, s, "POST", "/apps", `{"name":"orders","appkey":"k","appsecret":"s","corpid":"c","corpsecret":"s"}`, nil)
			steer(t, s, "PUT", "/apps/orders/state", `{"apps":[`+app+`]}`, nil)
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			real := manual.New(start)
			s := begin(real)
			want := state(t, s, "orders")
			if want.Clock == nil || want.Clock.At == nil || len(want.Tokens) != 1 || len(want.Sessions) != 1 || len(want.Rules) != 1 {
				t.Fatalf("made with %+v", want)
			}
			real.Advance(time.Minute)
			steer(t, s, "POST", "/apps/orders/clock/advance", `{"by":"2h"}`, nil)
			steer(t, s, "POST", "/apps/orders/clock/resume", "", nil)
			steer(t, s, "PATCH", "/apps/orders", `{"users":null,"qps":50,"judge":false}`, nil)
			do(s, "GET /gettoken?appkey=k&appsecret=s", "", "")
			do(s, "GET /gettoken?appkey=k&appsecret=s", "", "")
			steer(t, s, "DELETE", "/apps/orders/rules", "", nil)
			topapi(s, closing, otherToken, `{"session_id":"s-1","app_key":"k","user_id":"u-1"}`)
			added(t, s, "/apps/orders/rules", `{"effect":{"hang":true}}`)
			steer(t, s, "POST", "/apps/orders/reset", "", nil)
			qps, judge := 50, false
			want.QPS, want.Judge = &qps, &judge
			if diff := cmp.Diff(want, state(t, s, "orders")); diff != "" {
				t.Errorf("after the reset (-want +got)\n%s", diff)
			}
			if got := code(t, do(s, "GET /gettoken?appkey=k&appsecret=s", "", "")); got != 7 {
				t.Errorf("the rule is not back: the call is answered %d", got)
			}
			if got := code(t, topapi(s, getsession, otherToken, `{"userid":"u-1"}`)); got != 0 {
				t.Errorf("the token is not back: the call is answered %d", got)
			}
		})
	}
}
