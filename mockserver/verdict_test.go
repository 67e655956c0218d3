package mockserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestVerdictOutlives checks that a tally is kept whatever happens to the app and its journal, until it is deleted
// itself.
func TestVerdictOutlives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options mockserver.Options
		happens func(t *testing.T, s *mockserver.Server)
	}{
		{"reset", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) { steer(t, s, "POST", "/apps/mock-a/reset", "", nil) }},
		{"deletion", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) { steer(t, s, "DELETE", "/apps/mock-a", "", nil) }},
		{"replacement", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) {
			steer(t, s, "PUT", "/state", `{"apps":[{"name":"mock-a","appkey":"mock-a","appsecret":"x"}]}`, nil)
		}},
		{"eviction", mockserver.Options{MaxApps: 2}, func(t *testing.T, s *mockserver.Server) { do(s, "GET /gettoken?appkey=mock-b&appsecret=x", "", "") }},
		{"a journal that is off", mockserver.Options{NoJournal: true}, func(*testing.T, *mockserver.Server) {}},
		{"a journal that is full", mockserver.Options{Journal: 1}, func(t *testing.T, s *mockserver.Server) { do(s, "GET /gettoken?appkey=mock-a&appsecret=x", "", "") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, test.options)
			do(s, "GET /gettoken?x=1&appkey=mock-a&appsecret=x", "", "")
			test.happens(t, s)
			var v mockserver.Verdict
			if status := steer(t, s, "GET", "/apps/mock-a/verdict", "", &v); status != http.StatusConflict || len(v.Violations) != 1 || v.Violations[0].First.Operation != "gettoken" {
				t.Errorf("HTTP %d, %+v", status, v)
			}
			if status := steer(t, s, "DELETE", "/apps/mock-a/verdict", "", nil); status != http.StatusNoContent {
				t.Errorf("cleared with HTTP %d", status)
			}
			v = mockserver.Verdict{}
			if status := steer(t, s, "GET", "/verdict?allow_no_calls=true", "", &v); status != http.StatusOK || len(v.Violations) != 0 {
				t.Errorf("after that HTTP %d, %+v", status, v)
			}
		})
	}
}

// TestVerdictAsks judges the calls of some apps, allows some paths, and reports if nobody called.
func TestVerdictAsks(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	steer(t, s, "POST", "/apps", `{"name":"careless","appkey":"careless","appsecret":"x","judge":false}`, nil)
	steer(t, s, "POST", "/apps", `{"name":"idle","appkey":"idlekey","appsecret":"x"}`, nil)
	do(s, "GET /gettoken?x=1&appkey=careless&appsecret=x", "", "")
	do(s, "GET /gettoken?appkey=mock-shop-1&appsecret=x", "", "")
	do(s, "GET /gettoken?x=1&appkey=mock-shop-2&appsecret=x", "", "")
	do(s, "GET /no/such/path", "", "")
	do(s, "GET /user/list?access_token=t", "", "")
	do(s, "GET /", "", "")
	const (
		unknown    = "red unknown-path"
		listed     = "note not-modelled"
		visit      = "note unknown-path"
		undeclared = "red undeclared-parameter"
		ignored    = "ignored undeclared-parameter"
		noCall     = "no call came from "
	)
	for _, test := range []struct {
		path    string
		status  int
		calls   int
		reasons []string
		rows    []string
	}{
		{"/verdict", 409, 5, nil, []string{visit, unknown, listed, ignored, undeclared}},
		{"/verdict?allow_unknown=/no/*", 409, 4, nil, []string{visit, visit, listed, ignored, undeclared}},
		{"/verdict?allow_unknown=/x&allow_unknown=/no/such/path&app=_", 200, 1, nil, []string{visit, visit, listed}},
		{"/verdict?app=_", 409, 2, nil, []string{visit, unknown, listed}},
		{"/apps/_/verdict", 409, 2, nil, []string{visit, unknown, listed}},
		{"/apps/_/verdict?allow_unknown=/no/such/path", 200, 1, nil, []string{visit, visit, listed}},
		{"/apps/careless/verdict", 200, 1, nil, []string{ignored}},
		{"/verdict?app=careless&app=mock-shop-1", 200, 2, nil, []string{ignored}},
		{"/verdict?app=mock-shop*", 409, 2, nil, []string{undeclared}},
		{"/verdict?app=mock-*-1", 200, 1, nil, nil},
		{"/verdict?app=c*s*", 200, 1, nil, []string{ignored}},
		{"/verdict?app=idlekey", 409, 0, []string{noCall + "idlekey"}, nil},
		{"/verdict?app=idle&app=mock-shop-1&app=mock-other*", 409, 1, []string{noCall + "idle", noCall + "mock-other*"}, nil},
		{"/verdict?app=idle&app=mock-other&allow_no_calls=true", 200, 0, nil, nil},
		{"/apps/mock-other/verdict", 409, 0, []string{noCall + "mock-other"}, nil},
		{"/apps/default/verdict?allow_no_calls=true", 200, 0, nil, nil},
		{"/verdict?app=nobody", 404, 0, nil, nil},
		{"/verdict?app=no*", 404, 0, nil, nil},
		{"/apps/nobody/verdict", 404, 0, nil, nil},
		{"/verdict?fail_unknown=true", 400, 0, nil, nil},
		{"/verdict?allow_no_calls=perhaps", 400, 0, nil, nil},
		{"/verdict?app=", 400, 0, nil, nil},
	} {
		var v mockserver.Verdict
		status := steer(t, s, "GET", test.path, "", &v)
		var got []string
		for _, row := range v.Violations {
			level := string(row.Level)
			if row.Ignored {
				level = "ignored"
			}
			got = append(got, level+" "+row.Kind)
		}
		if diff := cmp.Diff(test.rows, got); diff != "" {
			t.Errorf("%s: rows (-want +got)\n%s", test.path, diff)
		}
		if diff := cmp.Diff(test.reasons, v.Reasons); diff != "" || status != test.status || v.OK != (status == 200) || v.Calls != test.calls {
			t.Errorf("%s: HTTP %d, ok %t, %d calls, reasons (-want +got)\n%s", test.path, status, v.OK, v.Calls, diff)
		}
	}
	steer(t, s, "PATCH", "/apps/careless", `{"judge":true}`, nil)
	do(s, "GET /gettoken?x=1&appkey=careless&appsecret=x", "", "")
	if status := steer(t, s, "GET", "/apps/careless/verdict", "", nil); status != http.StatusConflict {
		t.Errorf("once the app is judged: HTTP %d", status)
	}
}

// A verdict lists the rules of the judged apps that took no effect.
func TestVerdictUnfired(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for app, rule := range map[string]string{
		"mock-a": `{"match":{"operation":"gettoken"},"effect":{"fault":"app-throttled"}}`,
		"mock-b": `{"match":{"path":"/user/get"},"when":{"skip":1,"for":"1s"},"effect":{"errcode":1}}`,
	} {
		added(t, s, "/apps/"+app+"/rules", rule)
	}
	added(t, s, "/rules", `{"match":{"host":"oapi.dingtalk.com"},"effect":{"fault":"tls-expired"}}`)
	do(s, "GET /gettoken?appkey=mock-b&appsecret=x", "", "")
	do(s, "GET /user/get?appkey=mock-b", "", "")
	if status := steer(t, s, "POST", "/apps/mock-b/clock/advance", `{"by":"2s"}`, nil); status != http.StatusOK { // a rule that is over is listed too
		t.Fatalf("HTTP %d", status)
	}
	said := func(apps ...string) (list []string) {
		v, err := s.Verdict(&mockserver.VerdictOptions{Apps: apps})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range v.Unfired {
			list = append(list, u.String())
		}
		slices.Sort(list)
		return list
	}
	every := "rule r1 of every app (tls-expired, for oapi.dingtalk.com) never fired"
	a, b := "rule r1 of app mock-a (app-throttled, for gettoken) never fired", "rule r1 of app mock-b (errcode 1, for /user/get) never fired, of calls that it matched: 1"
	for _, x := range []struct{ apps, want []string }{{nil, []string{a, b, every}}, {[]string{"mock-a"}, []string{a, every}}} {
		if diff := cmp.Diff(x.want, said(x.apps...)); diff != "" {
			t.Errorf("of %v (-want +got):\n%s", x.apps, diff)
		}
	}
	do(s, "GET /gettoken?appkey=mock-a&appsecret=x", "", "")
	if diff := cmp.Diff([]string{every}, said("mock-a")); diff != "" {
		t.Errorf("after it fired (-want +got):\n%s", diff)
	}
	for range 110 {
		added(t, s, "/apps/mock-a/rules", `{"match":{"operation":"getsession"},"effect":{"errcode":1}}`)
	}
	if v, err := s.Verdict(nil); err != nil || len(v.Unfired) != 100 || v.UnfiredMore != 12 || !strings.Contains(v.Text(), "\n… and 102 more rules that never fired\n") {
		t.Errorf("of many: %d, and %d more, error %v:\n%s", len(v.Unfired), v.UnfiredMore, err, v.Text())
	}
}

// A server that nobody called is not green, whatever else was requested of it.
func TestVerdictWithoutCalls(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "GET /favicon.ico", "", "")
	do(s, "OPTIONS /v1.0/oauth2/accessToken", "", "")
	var v mockserver.Verdict
	if status := steer(t, s, "GET", "/verdict", "", &v); status != http.StatusConflict || v.OK || v.Calls != 0 || len(v.Reasons) != 1 || v.Reasons[0] != "no call came" {
		t.Errorf("HTTP %d, %+v", status, v)
	}
	do(s, "GET /gettoken", "", "") // off-spec, but a call
	v = mockserver.Verdict{}
	steer(t, s, "GET", "/verdict", "", &v)
	if v.Calls != 1 || v.Reasons != nil {
		t.Errorf("after a call: %+v", v)
	}
}

// A row shows the first text found, and says if there were others.
func TestTallySaysOthers(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for _, body := range []string{`{"userid":7}`, `{"userid":7}`, `{"userid":true}`} {
		if got := violations(t, s); len(got) == 1 && got[0].Found != "the number 7" {
			t.Errorf("found %q while all were the same", got[0].Found)
		}
		do(s, "POST /topapi/v2/user/getsession?access_token="+token(t, s, appPairQuery), jsonType, body)
	}
	if got := violations(t, s); len(got) != 1 || got[0].Found != "the number 7 and others" || got[0].Count != 3 {
		t.Errorf("found %+v", got)
	}
}

// TestTallyOfManyApps checks that the rows are limited, that no count is lost, and that no app beyond the limit
// passes as clean.
func TestTallyOfManyApps(t *testing.T) {
	t.Parallel()
	const apps = 20_100
	s := fake(t, mockserver.Options{MaxApps: 10, NoJournal: true})
	for i := range apps {
		do(s, fmt.Sprintf("GET /gettoken?x=1&appkey=mock-%d&appsecret=x", i), "", "")
	}
	names, sum := map[string]int{}, 0
	for _, row := range violations(t, s) {
		names[row.App] += row.Count
		sum += row.Count
	}
	if len(names) != 20_001 || sum != apps || names[mockserver.NoApp] != 100 {
		t.Errorf("%d calls of %d apps are tallied as %d of %d, %d of them of apps beyond", apps, apps, sum, len(names), names[mockserver.NoApp])
	}
	if list := violations(t, s, fmt.Sprintf("mock-%d", apps-1)); len(list) != 1 || list[0].Count != 100 {
		t.Errorf("the last app passes as clean: %+v", list)
	}
}
