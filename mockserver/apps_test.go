package mockserver_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// names returns the names of the apps, in the order they were made.
func names(s *mockserver.Server) []string {
	var list []string
	for _, a := range s.Apps() {
		list = append(list, a.Name)
	}
	return list
}

func TestAutoAppKeys(t *testing.T) {
	t.Parallel()
	long := "mock-" + strings.Repeat("a", 64)
	for _, test := range []struct {
		name, line, body string
		made             string
	}{
		{"appkey", "GET /gettoken?appkey=mock-a&appsecret=s", "", "mock-a"},
		{"corpid", "GET /gettoken?corpid=mock-a&corpsecret=s", "", "mock-a"},
		{"accessToken", "POST /v1.0/oauth2/accessToken", `{"appKey":"mock-a","appSecret":"s"}`, "mock-a"},
		{"POST", "POST /gettoken", `{"appkey":"mock-a","appsecret":"s"}`, "mock-a"},
		{"all kinds of characters", "GET /gettoken?appkey=mock-Az09_-&appsecret=s", "", "mock-Az09_-"},
		{"64 characters", "GET /gettoken?appkey=" + long + "&appsecret=s", "", long},
		{"any secret", "GET /gettoken?appkey=mock-a&appsecret=%20%F0%9F%98%80", "", "mock-a"},
		{"65 characters", "GET /gettoken?appkey=" + long + "a&appsecret=s", "", ""},
		{"nothing after the dash", "GET /gettoken?appkey=mock-&appsecret=s", "", ""},
		{"no dash", "GET /gettoken?appkey=mocka&appsecret=s", "", ""},
		{"capitals", "GET /gettoken?appkey=Mock-a&appsecret=s", "", ""},
		{"a dot", "GET /gettoken?appkey=mock-a.b&appsecret=s", "", ""},
		{"a space", "GET /gettoken?appkey=mock-a%20&appsecret=s", "", ""},
		{"a new line", "GET /gettoken?appkey=mock-a%0A&appsecret=s", "", ""},
		{"Chinese", "GET /gettoken?appkey=mock-%E4%BC%9A&appsecret=s", "", ""},
		{"something before", "GET /gettoken?appkey=xmock-a&appsecret=s", "", ""},
		{"no secret", "GET /gettoken?appkey=mock-a", "", ""},
		{"empty secret", "GET /gettoken?appkey=mock-a&appsecret=", "", ""},
		{"a mixed pair", "GET /gettoken?appkey=mock-a&corpsecret=s", "", ""},
		{"accessToken, empty secret", "POST /v1.0/oauth2/accessToken", `{"appKey":"mock-a","appSecret":""}`, ""},
		{"accessToken, no body", "POST /v1.0/oauth2/accessToken?appKey=mock-a&appSecret=s", "", ""},
		{"another method", "PUT /gettoken?appkey=mock-a&appsecret=s", "", ""},
		{"another call", "POST /topapi/v2/user/getsession?appkey=mock-a&appsecret=s&access_token=mock-a", `{"userid":"u"}`, ""},
		{"a path that is unknown", "GET /gettoken/?appkey=mock-a&appsecret=s", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
			a := do(s, test.line, jsonType, test.body)
			if test.made == "" {
				if list := names(s); len(list) != 0 {
					t.Fatalf("a call that is to be refused made the app %q: %s", list, a.body)
				}
				return
			}
			if !exists(t, s, test.made) {
				t.Fatalf("it is not made: %s", a.body)
			}
			got := state(t, s, test.made)
			if got.Name != test.made || got.AppKey != test.made || got.CorpID != test.made || got.AppSecret != got.CorpSecret || !got.Auto {
				t.Errorf("the app is %+v", got)
			}
			if len(got.Tokens) != 1 || !strings.Contains(a.body, got.Tokens[0].Token) {
				t.Errorf("the app's tokens are %+v, the answer %s", got.Tokens, a.body)
			}
			noted := fake(t, mockserver.Options{Apps: []mockserver.AppState{}, RefuseUndeclared: true})
			if a := do(noted, strings.Replace(test.line, "?", "?x=1&", 1), jsonType, strings.Replace(test.body, "{", `{"x":1,`, 1)); len(names(noted)) != 0 {
				t.Errorf("RefuseUndeclared answers %s and makes the app all the same", a.body)
			}
			refused := fake(t, mockserver.Options{Apps: []mockserver.AppState{}, NoAutoApps: true})
			if a := do(refused, test.line, jsonType, test.body); len(names(refused)) != 0 || !strings.Contains(a.header.Get("Dingmock-Explain"), "(options app, state), and none is made on first use here (option no-auto-apps") {
				t.Errorf("NoAutoApps answers %s, explained %q", a.body, a.header.Get("Dingmock-Explain"))
			}
		})
	}
}

func TestAutoAppSecret(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
	first := token(t, s, "appkey=mock-a&appsecret=right")
	if got := token(t, s, "corpid=mock-a&corpsecret=right"); got != first {
		t.Error("the secret is not that of both pairs")
	}
	for line, want := range map[string]string{
		"GET /gettoken?appkey=mock-a&appsecret=wrong":  wrongApp,
		"GET /gettoken?corpid=mock-a&corpsecret=wrong": wrongCorp,
		"GET /gettoken?appkey=mock-a":                  noAppsecret,
	} {
		if a := do(s, line, "", ""); a.body != want {
			t.Errorf("%s answers %s, want %s", line, a.body, want)
		}
	}
	if token(t, s, "appkey=mock-b&appsecret=right") == first {
		t.Error("two apps have one token")
	}
	if diff := cmp.Diff([]string{"mock-a", "mock-b"}, names(s)); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
}

// TestAutoAppTakenKey checks that no second app may take an id of the auto form that is an app's corpid.
func TestAutoAppTakenKey(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{{Name: "x", CorpID: "mock-a", CorpSecret: "s", AppKey: "k", AppSecret: "s"}}})
	if a := do(s, "GET /gettoken?appkey=mock-a&appsecret=s", "", ""); a.body != wrongApp {
		t.Errorf("answers %s, want %s", a.body, wrongApp)
	}
	if diff := cmp.Diff([]string{"x"}, names(s)); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
}

func TestEviction(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := fake(t, mockserver.Options{MaxApps: 3, Log: slog.New(slog.NewTextHandler(&log, nil))})
	a := token(t, s, "appkey=mock-a&appsecret=s")
	b := token(t, s, "appkey=mock-b&appsecret=s")
	if !lives(t, s, a) { // now b has been unused for longest
		t.Fatal("the token of mock-a is dead")
	}
	token(t, s, "appkey=mock-c&appsecret=s")
	if diff := cmp.Diff([]string{"default", "mock-a", "mock-c"}, names(s)); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
	r := topapi(s, getsession, b, `{"userid":"u"}`)
	if code(t, r) != 88 {
		t.Errorf("the token of an evicted app is answered %s", r.body)
	}
	want := "this token was good, but its app mock-b was evicted: there were 3 apps, and it had been unused for longest (option max-apps); call gettoken again"
	if got := r.header.Get("Dingmock-Explain"); got != want {
		t.Errorf("Dingmock-Explain\n got %q\nwant %q", got, want)
	}
	if !lives(t, s, a) || !lives(t, s, live) {
		t.Error("the tokens of apps that stayed are dead")
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `msg="app evicted" app=mock-b max_apps=3`) {
		t.Errorf("the log is %q", got)
	}
	if fresh := token(t, s, "appkey=mock-b&appsecret=other"); fresh == b {
		t.Error("an app that is made again has its old token")
	}
	if diff := cmp.Diff([]string{"default", "mock-a", "mock-b"}, names(s)); diff != "" {
		t.Errorf("apps: want mock-c evicted, unused for longest (-want +got)\n%s", diff)
	}
}

func TestEvictionSparesGivenApps(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{MaxApps: 1})
	a := do(s, "GET /gettoken?appkey=mock-a&appsecret=s", "", "")
	if a.body != wrongApp {
		t.Errorf("a new app beyond the cap is answered %s, want %s", a.body, wrongApp)
	}
	if diff := cmp.Diff([]string{"default"}, names(s)); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
}

// TestAppsAreSeparate uses two apps with the same session ids and users.
func TestAppsAreSeparate(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
	tokens := map[string]string{}
	for _, app := range []string{"mock-a", "mock-b"} {
		tokens[app] = token(t, s, "appkey="+app+"&appsecret=s")
		body := fmt.Sprintf(`{"session_id":"s","app_key":%q,"chatid":%q,"user_id":"u"}`, app, "chat of "+app)
		if a := topapi(s, create, tokens[app], body); code(t, a) != 0 {
			t.Fatalf("%s: %s", app, a.body)
		}
	}
	advance(t, s, "mock-a", 2*time.Hour)
	if lives(t, s, tokens["mock-a"]) || !lives(t, s, tokens["mock-b"]) {
		t.Error("the clock of one app is not its own")
	}
	if a := topapi(s, closing, tokens["mock-b"], `{"session_id":"s","app_key":"mock-b","chatid":"chat of mock-b","user_id":"u"}`); code(t, a) != 0 {
		t.Fatal(a.body)
	}
	if n := len(state(t, s, "mock-a").Sessions); n != 1 {
		t.Errorf("closing a session of mock-b left %d of mock-a", n)
	}
}

func TestAppThatIsNot(t *testing.T) {
	t.Parallel()
	a, ctx := appOf(t, fake(t, mockserver.Options{}), "nobody"), t.Context()
	for name, ask := range map[string]func() error{
		"State":   func() error { _, err := a.State(ctx); return err },
		"Clock":   func() error { _, err := a.Clock(ctx); return err },
		"Advance": func() error { _, err := a.Advance(ctx, time.Second); return err },
		"Freeze":  func() error { _, err := a.Freeze(ctx); return err },
		"Resume":  func() error { _, err := a.Resume(ctx); return err },
		"Verdict": func() error { _, err := a.Verdict(ctx, nil); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), `there is no app "nobody"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppByNameAndKey(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	byName, byKey := state(t, s, "default"), state(t, s, "dingmockapp")
	if diff := cmp.Diff(byName, byKey); diff != "" {
		t.Errorf("the app by its name and by its appkey (-name +appkey)\n%s", diff)
	}
	if exists(t, s, "dingmockcorp") {
		t.Error("an app is found by its corpid")
	}
}
