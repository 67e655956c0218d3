package mockserver_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// lives reports whether a token is accepted.
func lives(t testing.TB, s *mockserver.Server, token string) bool {
	t.Helper()
	a := topapi(s, getsession, token, `{"userid":"u-1"}`)
	switch c := code(t, a); c {
	case 0:
		return true
	case 88:
		return false
	default:
		t.Fatalf("getsession: %s", a.body)
		return false
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{mockserver.DefaultApp()}})
	first := token(t, s, appPairQuery)

	if due := advance(t, s, "default", 7199*time.Second); due.Tokens != 0 {
		t.Errorf("%d tokens ended a second early", due.Tokens)
	}
	if !lives(t, s, first) {
		t.Fatal("the token is dead after 7199 s")
	}
	if again := token(t, s, appPairQuery); again != first {
		t.Fatalf("a repeated call within the life made another token")
	}
	if diff := cmp.Diff([]mockserver.TokenState{{Token: first, ExpiresIn: 7200}}, state(t, s, "default").Tokens); diff != "" {
		t.Errorf("a repeated call renews to 7200 s (-want +got)\n%s", diff)
	}

	advance(t, s, "default", 7199*time.Second)
	if !lives(t, s, first) {
		t.Error("the token is dead before 7200 s after its renewal")
	}
	if left := state(t, s, "default").Tokens[0].ExpiresIn; left != 1 {
		t.Errorf("%v s are left after a use, want 1: using a token does not renew it", left)
	}
	if due := advance(t, s, "default", time.Second-time.Nanosecond); due.Tokens != 0 || !lives(t, s, first) {
		t.Error("the token died a nanosecond early")
	}
	if due := advance(t, s, "default", time.Nanosecond); due.Tokens != 1 {
		t.Errorf("%d tokens ended at 7200 s, want 1", due.Tokens)
	}
	if lives(t, s, first) {
		t.Error("the token lives at 7200 s")
	}
	second := token(t, s, appPairQuery)
	if second == first {
		t.Error("an expired token was issued again")
	}
	if lives(t, s, first) || !lives(t, s, second) {
		t.Error("want the new token alone to live")
	}
}

func TestTokenIsOneForAllCalls(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{mockserver.DefaultApp()}})
	want := token(t, s, appPairQuery)
	advance(t, s, "default", time.Hour)
	for _, test := range []struct{ name, line, body string }{
		{"corp pair", "GET /gettoken?" + corpPairQuery, ""},
		{"app pair", "GET /gettoken?" + appPairQuery, ""},
		{"POST", "POST /gettoken?" + appPairQuery, ""},
		{"accessToken", "POST /v1.0/oauth2/accessToken", `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`},
	} {
		a := do(s, test.line, jsonType, test.body)
		if !strings.Contains(a.body, want) {
			t.Errorf("%s answered another token: %s", test.name, a.body)
		}
		if left := state(t, s, "default").Tokens[0].ExpiresIn; left != 7200 {
			t.Errorf("%s renewed to %v s, want 7200", test.name, left)
		}
		advance(t, s, "default", time.Minute)
	}
}

func TestTokenRefusedRenewsNothing(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	advance(t, s, "default", time.Hour)
	before := s.Apps()
	do(s, "GET /gettoken?appkey=dingmockapp&appsecret=x", "", "")
	do(s, "GET /gettoken?corpid=dingmockcorp", "", "")
	do(s, "PUT /gettoken?"+appPairQuery, "", "")
	do(s, "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"x"}`)
	if diff := cmp.Diff(before, s.Apps()); diff != "" {
		t.Errorf("refused calls changed the state (-want +got)\n%s", diff)
	}
}

func TestTokensRemembered(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{mockserver.DefaultApp()}})
	var tokens []string
	for range 18 {
		tokens = append(tokens, token(t, s, appPairQuery))
		advance(t, s, "default", 7200*time.Second)
	}
	tokens = append(tokens, token(t, s, appPairQuery))
	// Of 19 tokens the last one is alive, and the 16 before it are still known as the app's.
	for i, token := range tokens {
		var want string
		switch age := len(tokens) - 1 - i; {
		case age > 16:
			want = "this token was never issued here, or so long ago that it is forgotten; call gettoken"
		case age > 0:
			want = fmt.Sprintf("token expired %s ago by this app's clock; call gettoken again", time.Duration(age-1)*7200*time.Second)
		}
		a := topapi(s, getsession, token, `{"userid":"u-1"}`)
		if got := a.header.Get("Dingmock-Explain"); got != want {
			t.Errorf("token %d of %d: Dingmock-Explain %q, want %q", i, len(tokens), got, want)
		}
	}
}

func TestTokenConcurrentCalls(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{mockserver.DefaultApp()}})
	for round := range 2 {
		got := make([]string, 1000)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				query := appPairQuery
				if i%2 == 1 {
					query = corpPairQuery
				}
				got[i] = token(t, s, query)
			})
		}
		wg.Wait()
		for _, token := range got {
			if token != got[0] {
				t.Fatalf("round %d: two tokens of one app at once", round)
			}
		}
		if n := len(state(t, s, "default").Tokens); n != 1 {
			t.Fatalf("round %d: the app has %d live tokens, want 1", round, n)
		}
		advance(t, s, "default", 3*time.Hour)
	}
}

// A shorter lifetime, of the server or of one app, is what token calls answer and how long tokens live.
func TestTokenLifeOption(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{TokenLife: 90 * time.Second, Apps: []mockserver.AppState{
		mockserver.DefaultApp(), {Name: "brief", AppKey: "brief", AppSecret: "x", TokenLife: mockserver.Duration(2500 * time.Millisecond)},
	}})
	for _, test := range []struct {
		app, line, body, want string
		life                  time.Duration
	}{
		{"default", "GET /gettoken?" + appPairQuery, "", `"expires_in":90}`, 90 * time.Second},
		{"brief", "GET /gettoken?appkey=brief&appsecret=x", "", `"expires_in":2}`, 2500 * time.Millisecond},
		{"brief", "POST /v1.0/oauth2/accessToken", `{"appKey":"brief","appSecret":"x"}`, `{"expireIn":2,`, 2500 * time.Millisecond},
		{"mock-a", "GET /gettoken?appkey=mock-a&appsecret=x", "", `"expires_in":90}`, 90 * time.Second},
	} {
		if a := do(s, test.line, mediaOf(test.body), test.body); !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %s, want %s", test.line, a.body, test.want)
		}
		if due := advance(t, s, test.app, test.life-time.Nanosecond); due.Tokens != 0 {
			t.Errorf("%s: a token ended early", test.line)
		}
		if due := advance(t, s, test.app, time.Nanosecond); due.Tokens != 1 {
			t.Errorf("%s: %d tokens ended at %s", test.line, due.Tokens, test.life)
		}
	}
	if status := steer(t, s, "PATCH", "/apps/brief", `{"token_life":"1h"}`, nil); status != 200 {
		t.Errorf("changed with HTTP %d", status)
	}
	if a := do(s, "GET /gettoken?appkey=brief&appsecret=x", "", ""); !strings.Contains(a.body, `"expires_in":3600}`) {
		t.Errorf("after a change: %s", a.body)
	}
	for _, bad := range []string{"999ms", "721h", "-2s"} {
		if status := steer(t, s, "PATCH", "/apps/brief", `{"token_life":"`+bad+`"}`, nil); status != 400 {
			t.Errorf("%s is taken with HTTP %d", bad, status)
		}
	}
	if _, err := mockserver.New(&mockserver.Options{TokenLife: time.Millisecond}); err == nil {
		t.Error("a life of 1 ms is taken")
	}
}

// A token in a state lives as long as the state says, until a token call renews it as usual.
func TestTokenOfStateLives(t *testing.T) {
	t.Parallel()
	a := liveApp()
	a.Tokens = []mockserver.TokenState{{Token: live, ExpiresIn: 5}}
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{a}})
	advance(t, s, "default", 5*time.Second-time.Nanosecond)
	if !lives(t, s, live) {
		t.Error("it is dead before its time")
	}
	if got := token(t, s, appPairQuery); got != live {
		t.Errorf("gettoken answers %s while it lives", got)
	}
	advance(t, s, "default", 7199*time.Second)
	if !lives(t, s, live) {
		t.Error("it was not renewed")
	}
	advance(t, s, "default", time.Second)
	if lives(t, s, live) {
		t.Error("it outlives its renewal")
	}
}

// A rule can shorten the life of the tokens of a token call, in each dialect, and the answer says so.
func TestRuleTokenLife(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	added(t, s, "/apps/default/rules", `{"match":{"operation":"gettoken"},"when":{"times":2},"effect":{"token_life":"2s"}}`)
	added(t, s, "/rules", `{"match":{"operation":"accessToken"},"effect":{"token_life":"3s"}}`)
	first := do(s, "GET /gettoken?"+appPairQuery, "", "").body
	if !strings.HasSuffix(first, `"expires_in":2}`) {
		t.Errorf("gettoken answers %s", first)
	}
	if due := advance(t, s, "default", 2*time.Second); due.Tokens != 1 {
		t.Errorf("%d tokens ended after 2 s", due.Tokens)
	}
	if again := do(s, "GET /gettoken?"+appPairQuery, "", "").body; again == first || !strings.HasSuffix(again, `"expires_in":2}`) {
		t.Errorf("after that gettoken answers %s", again)
	}
	if got := do(s, "GET /gettoken?"+appPairQuery, "", "").body; !strings.HasSuffix(got, `"expires_in":7200}`) {
		t.Errorf("once the rule is used up gettoken answers %s", got)
	}
	if got := do(s, "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`).body; !strings.HasPrefix(got, `{"expireIn":3,`) {
		t.Errorf("accessToken answers %s", got)
	}
}

// A reply can issue tokens of the app that work in each call, live as long as the reply says, and leave the app's
// own token alone.
func TestReplyHandsOutTokens(t *testing.T) {
	t.Parallel()
	const path = "/v1.0/oauth2/userAccessToken"
	s := fake(t, mockserver.Options{})
	own := token(t, s, appPairQuery)
	added(t, s, "/apps/default/rules", `{"match":{"path":"`+path+`"},"effect":{"reply":{"template":true,"token_life":"5s","headers":{"X-Token":"{{token}}"},
		"body":{"accessToken":"{{token}}","refreshToken":"r-{{token}}","expireIn":5}}}}`)
	named := `{"clientId":"dingmockapp","clientSecret":"x","code":"c","grantType":"authorization_code"}`
	a := do(s, "POST "+path, jsonType, named)
	var reply struct {
		AccessToken, RefreshToken string
		ExpireIn                  int
	}
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil || len(reply.AccessToken) != 32 || reply.RefreshToken != "r-"+reply.AccessToken || a.header.Get("X-Token") != reply.AccessToken || reply.ExpireIn != 5 {
		t.Fatalf("answered %s, X-Token %q", a.body, a.header.Get("X-Token"))
	}
	if reply.AccessToken == own || !lives(t, s, reply.AccessToken) || !lives(t, s, own) {
		t.Error("the token is not a good one of its own")
	}
	if again := token(t, s, appPairQuery); again != own {
		t.Error("gettoken renews the token that was handed out")
	}
	for range 1100 { // even many short-lived tokens do not crowd out the app's own
		do(s, "POST "+path, jsonType, named)
	}
	if !lives(t, s, own) {
		t.Error("the app's own token is forgotten")
	}
	advance(t, s, "default", 5*time.Second)
	if lives(t, s, reply.AccessToken) || !lives(t, s, own) {
		t.Error("it lives beyond its 5 s, or the app's own does not")
	}
	var journal struct{ Entries []*mockserver.Entry }
	steer(t, s, "GET", "/apps/default/journal?limit=3", "", &journal)
	for _, e := range journal.Entries {
		if strings.Contains(e.Reply.Body, "access") && !strings.Contains(e.Reply.Body, "***") {
			t.Errorf("the journal shows %s", e.Reply.Body)
		}
	}

	added(t, s, "/rules", `{"match":{"path":"/sns/gettoken"},"effect":{"reply":{"template":true,"body":{"access_token":"{{token}}"}}}}`)
	if got := do(s, "GET /sns/gettoken?appid=nobody", "", ""); !strings.Contains(got.body, "40014") || !strings.Contains(got.header.Get("Dingmock-Explain"), "names its app") {
		t.Errorf("of no app: %s, explained as %q", got.body, got.header.Get("Dingmock-Explain"))
	}
	for _, bad := range []string{
		`{"effect":{"token_life":"1ms"}}`, `{"match":{"operation":"getsession"},"effect":{"token_life":"2s"}}`, `{"effect":{"token_life":"2s","status":500}}`,
		`{"effect":{"reply":{"token_life":"2s","body":"x"}}}`, `{"effect":{"reply":{"template":true,"token_life":"721h","body":"{{token}}"}}}`, `{"effect":{"reply":{"template":true,"body":"{{token.x}}"}}}`,
	} {
		if status := steer(t, s, "POST", "/apps/default/rules", bad, nil); status != 400 {
			t.Errorf("%s is taken with HTTP %d", bad, status)
		}
	}
}
