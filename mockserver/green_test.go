package mockserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// verdictOf returns the level, the app and the rule of each row.
func verdictOf(t *testing.T, s *mockserver.Server, o *mockserver.VerdictOptions) (rows []string, ok bool) {
	t.Helper()
	v, err := s.Verdict(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range v.Violations {
		rows = append(rows, string(row.Level)+" "+row.App+" "+row.Kind)
	}
	return rows, v.OK
}

// Each call that could turn a job wrongly green or wrongly red is judged for what it is.
func TestGreenMeansSomething(t *testing.T) {
	t.Parallel()
	const (
		misspelt = "POST /topapi/v2/im/create_sesion?access_token=" + live
		unknown  = "red default unknown-path"
	)
	for _, test := range []struct {
		name, rule string // a rule of the app, if any
		calls      []string
		want       []string
	}{
		{"a fault for any call makes no path known", `{"effect":{"fault":"system-busy"}}`, []string{misspelt}, []string{unknown}},
		{"nor does one for all that begin so", `{"match":{"path":"/topapi/*"},"effect":{"errcode":-1}}`, []string{misspelt}, []string{unknown}},
		{"nor does a reply for any call", `{"effect":{"reply":{"body":{}}}}`, []string{misspelt}, []string{unknown}},
		{"nor a fault for any path of a call that is not modelled", `{"effect":{"status":503}}`, []string{"POST /topapi/v2/user/get?access_token=" + live}, []string{"note default not-modelled"}},
		{"a reply for the path does", `{"match":{"path":"/ours/x"},"effect":{"reply":{"body":{}}}}`, []string{"POST /ours/x?access_token=" + live}, nil},
		{"a fault for the path does", `{"match":{"path":"/ours/x"},"effect":{"status":503}}`, []string{"POST /ours/x?access_token=" + live}, nil},
		{"a reply that is not due makes no path known", `{"match":{"path":"/ours/x"},"when":{"skip":9},"effect":{"reply":{"body":{}}}}`, []string{"POST /ours/x"}, []string{"red _ unknown-path"}},
		{"a reply that asks for no token lets one be missing", `{"match":{"path":"/topapi/v2/user/get"},"effect":{"reply":{"without_token":true,"body":{}}}}`, []string{"POST /topapi/v2/user/get"}, []string{"note default missing-credential"}},
		{"a token in the wrong header", "", []string{"POST /topapi/v2/user/getsession X-Acs-Dingtalk-Access-Token: " + live}, []string{"red default missing-credential", "red default missing-parameter"}},
		{"a token in a JSON body", "", []string{"POST /topapi/v2/user/getsession {\"userid\":\"u\",\"access_token\":\"" + live + "\"}"}, []string{"red default missing-credential", "red default undeclared-parameter"}},
		{"the key of an app that is not made yet", "", []string{"GET /gettoken?appkey=mock-zz"}, []string{"red mock-zz missing-credential"}},
		{"a preflight of the older host", "", []string{"OPTIONS /topapi/v2/user/get", "OPTIONS /nowhere"}, []string{"note _ unknown-path", "note _ method", "note _ not-modelled"}},
		{"JSON that is said to be a form", "", []string{"POST /topapi/v2/user/get?access_token=" + live + " form {\"userid\":\"u\"}"}, []string{"red default content-type", "note default not-modelled"}},
		{"a command of dingmock's with a wrong base URL", "", []string{"GET /prefix/_mock/readyz"}, []string{"note _ unknown-path"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
			if test.rule != "" {
				added(t, s, "/apps/default/rules", test.rule)
			}
			for _, call := range test.calls {
				part := strings.SplitN(call, " ", 3)
				line, rest := part[0]+" "+part[1], strings.Join(part[2:], "")
				if strings.HasPrefix(rest, "X-") {
					do(s, line, "", "", rest)
				} else if form, isForm := strings.CutPrefix(rest, "form "); isForm {
					do(s, line, formType, form)
				} else {
					do(s, line, mediaOf(rest), rest)
				}
			}
			got, ok := verdictOf(t, s, &mockserver.VerdictOptions{AllowNoCalls: true})
			if diff := cmp.Diff(sorted(test.want), sorted(got)); diff != "" || ok != !strings.Contains(fmt.Sprint(test.want), "red ") {
				t.Errorf("ok %t, rows (-want +got)\n%s", ok, diff)
			}
		})
	}
}

// A rule for every app issues a token of the app whose call it is, or that the call names.
func TestRuleForEveryAppHandsOutTokens(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	added(t, s, "/rules", `{"match":{"path":"/v1.0/oauth2/userAccessToken"},"effect":{"reply":{"template":true,"body":"{{token}}"}}}`)
	for _, test := range []struct{ body, header string }{{`{"clientId":"dingmockapp"}`, ""}, {`{}`, live}} {
		got := do(s, "POST /v1.0/oauth2/userAccessToken", jsonType, test.body, "X-Acs-Dingtalk-Access-Token: "+test.header)
		if !lives(t, s, got.body) {
			t.Errorf("%s, %q: answered %s", test.body, test.header, got.body)
		}
	}
}

// If two apps have the same stub, the call belongs to the app whose calls came on its connection, if any.
func TestOneStubOfTwoApps(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for _, app := range []string{"mock-a", "mock-b"} {
		added(t, s, "/apps/"+app+"/rules", `{"match":{"path":"/ours/login"},"effect":{"reply":{"without_token":true,"body":"`+app+`"}}}`)
	}
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ConnContext = s.ConnContext
	srv.Start()
	t.Cleanup(srv.Close)
	get := func(client *http.Client, path string) string {
		t.Helper()
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var b strings.Builder
		if _, err := fmt.Fprint(&b, resp.Header.Get("Dingmock-Known"), " "); err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 100)
		n, _ := resp.Body.Read(data)
		return b.String() + string(data[:n])
	}
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	t.Cleanup(client.CloseIdleConnections)
	get(client, "/gettoken?appkey=mock-b&appsecret=s")
	if got := get(client, "/ours/login"); got != "rule mock-b" {
		t.Errorf("after a call of mock-b: %s", got)
	}
	if got := get(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "/ours/login"); got != "rule mock-a" {
		t.Errorf("of nobody's: %s", got)
	}
	calls := map[string]int{}
	for _, app := range []string{"mock-a", "mock-b", "_"} {
		v, err := s.Verdict(&mockserver.VerdictOptions{Apps: []string{app}, AllowNoCalls: true})
		if err != nil {
			t.Fatal(err)
		}
		calls[app] = v.Calls
	}
	if diff := cmp.Diff(map[string]int{"mock-a": 0, "mock-b": 2, "_": 1}, calls); diff != "" {
		t.Errorf("calls (-want +got)\n%s", diff)
	}

	// The connection still belongs to the app after the app is made again.
	steer(t, s, "PUT", "/state", `{"apps":[{"name":"mock-b","appkey":"mock-b","appsecret":"s"}]}`, nil)
	get(client, "/gettoken?appkey=mock-b&appsecret=s")
	get(client, "/topapi/v2/im/nope")
	if rows, ok := verdictOf(t, s, &mockserver.VerdictOptions{Apps: []string{"mock-b", mockserver.NoApp}}); ok || fmt.Sprint(rows) != "[red mock-b unknown-path]" {
		t.Errorf("ok %t, rows %v", ok, rows)
	}
}

// Calls of no app are judged if requested, but not required.
func TestStrayCallsNeedNotCome(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "GET /gettoken?appkey=mock-shop&appsecret=s", "", "")
	if _, ok := verdictOf(t, s, &mockserver.VerdictOptions{Apps: []string{"mock-shop*", mockserver.NoApp}}); !ok {
		t.Error("that there were no stray calls is red")
	}
}

// Allowing all unknown paths also covers those beyond the ones that are told apart.
func TestAllUnknownPathsPass(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	token(t, s, appPairQuery)
	for i := range 1010 {
		do(s, fmt.Sprintf("GET /ours/%d", i), "", "")
	}
	if _, ok := verdictOf(t, s, &mockserver.VerdictOptions{AllowUnknown: []string{"/*"}}); !ok {
		t.Error("some unknown paths are red")
	}
}

// A call that a rule answers is neither an unknown path nor an off-spec reply to a client's Transport.
func TestTransportKnowsRules(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	added(t, s, "/apps/default/rules", `{"match":{"path":"/ours/x"},"effect":{"reply":{"body":{"own":1}}}}`)
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	client := &http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) { t.Error(x) })}
	resp, err := client.Get(srv.URL + "/ours/x?access_token=" + live)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}
