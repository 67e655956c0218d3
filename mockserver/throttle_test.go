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

// TestTimeOverHTTP shows, using only HTTP, what would take hours: a token that expires and is renewed, a throttle
// window, and the end of a block.
func TestTimeOverHTTP(t *testing.T) {
	t.Parallel()
	began := time.Now()
	clock := manual.New(start)
	addr := listen(t, fake(t, mockserver.Options{Now: clock.Now, QPS: 3, Apps: []mockserver.AppState{mockserver.DefaultApp()}}))
	get := func(target string) string { return tidy(send(t, addr, request("GET "+target, "", "")).body) }
	post := func(target, body string) string {
		return tidy(send(t, addr, request("POST "+target, jsonType, body)).body)
	}
	advance := func(by string) string {
		return strings.TrimSpace(post("/_mock/apps/default/clock/advance", `{"by":"`+by+`"}`))
	}
	gettoken := func() string {
		_, token, _ := strings.Cut(get("/gettoken?"+appPairQuery), `"access_token":"`)
		token, _, _ = strings.Cut(token, `"`)
		return token
	}
	getsession := func(token string) string {
		return post("/topapi/v2/user/getsession?access_token="+token, `{"userid":"u"}`)
	}
	same := func(what, want, got string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}

	first := gettoken()
	same("a live token", noSession, getsession(first))
	same("the clock after 7199 s", `{"now":"2026-09-03T02:01:01Z","offset":"1h59m59s","frozen":false,"expired":{"tokens":0,"sessions":0}}`, advance("7199s"))
	same("a token of 7199 s", noSession, getsession(first))
	same("renewed", first, gettoken())
	advance("7199s")
	same("a renewed token lives on", noSession, getsession(first))
	same("the clock at the end", `{"now":"2026-09-03T04:01:01Z","offset":"3h59m59s","frozen":false,"expired":{"tokens":1,"sessions":0}}`, advance("1s"))
	same("an expired token", tokenInvalid, getsession(first))
	second := gettoken()
	if second == first || len(second) != 32 {
		t.Errorf("after its end the token is %s, as before", second)
	}

	// Three calls per second of each kind: the fourth is throttled until the next second.
	advance("1s")
	for range 3 {
		same("within the limit", noSession, getsession(second))
	}
	throttled := fmt.Sprintf(`当前钉钉应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口, apiPath(dingtalk.oapi.v2.user.getsession), 从 %s 到 %[1]s 请求总次数超过 3 次, 限制将在 %s 结束.`, "2026-09-03 12:01:02", "2026-09-03 12:01:03")
	same("beyond the limit", `{"errcode":88,"sub_code":"90018","sub_msg":"`+throttled+`","errmsg":"ding talk error[subcode=90018,submsg=`+throttled+`]","request_id":"…"}`, getsession(second))
	same("another call has a limit of its own", createOKOf("s"), post("/topapi/v2/im/create_session?access_token="+second, `{"session_id":"s","app_key":"dingmockapp","user_id":"u"}`))
	advance("999ms")
	if got := getsession(second); !strings.Contains(got, `"90018"`) {
		t.Errorf("in the same second: %s", got)
	}
	advance("1ms")
	if got := getsession(second); !strings.Contains(got, `"errcode":0`) {
		t.Errorf("in the next second: %s", got)
	}

	// A rule blocks for five minutes of the app's clock.
	post("/_mock/apps/default/rules", `{"when":{"for":"5m"},"effect":{"fault":"ip-blocked-json"}}`)
	if got := getsession(second); !strings.HasPrefix(got, `{"status":1111,`) {
		t.Errorf("blocked: %s", got)
	}
	advance("299s")
	if got := get("/gettoken?" + appPairQuery); !strings.HasPrefix(got, `{"status":1111,`) {
		t.Errorf("still blocked: %s", got)
	}
	advance("1s")
	same("the block is over", second, gettoken())
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func createOKOf(id string) string {
	return `{"errcode":0,"errmsg":"ok","result":{"session_id":"` + id + `"},"request_id":"…"}`
}

// TestSettingsBack checks that null restores the server's setting, and that a change keeps what it leaves out.
func TestSettingsBack(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{QPS: 7, TokenLife: 300 * time.Second})
	five := 5
	for _, test := range []struct {
		name, change string
		qps          *int
		life         time.Duration
		users        []string
	}{
		{"values", `{"qps":5,"token_life":"60s","users":["u"]}`, &five, time.Minute, []string{"u"}},
		{"nothing", `{}`, &five, time.Minute, []string{"u"}},
		{"a life of null", `{"token_life":null}`, &five, 0, []string{"u"}},
		{"a limit of null", `{"qps":null}`, nil, 0, []string{"u"}},
		{"users of null", `{"users":null}`, nil, 0, nil},
	} {
		if status := steer(t, s, http.MethodPatch, "/apps/default", test.change, nil); status != http.StatusOK {
			t.Errorf("%s: HTTP %d", test.name, status)
		}
		got := state(t, s, "default")
		if diff := cmp.Diff([]any{test.qps, test.life, test.users}, []any{got.QPS, time.Duration(got.TokenLife), got.Users}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
	if got := do(s, "GET /gettoken?"+appPairQuery, "", "").body; !strings.Contains(got, `"expires_in":300`) {
		t.Errorf("with the server's life: %s", got)
	}
}

// TestThrottle checks that calls are counted by app and API, token calls included, and that a call with a bad token
// counts for no app.
func TestThrottle(t *testing.T) {
	t.Parallel()
	clock := manual.New(start)
	one, none := 1, 0
	a, b := liveApp(), mockserver.AppState{AppKey: "free", AppSecret: "x", QPS: &none, Tokens: []mockserver.TokenState{{Token: otherToken, ExpiresIn: 7200}}}
	a.QPS = &one
	s := fake(t, mockserver.Options{Now: clock.Now, QPS: 2, Apps: []mockserver.AppState{a, b}})
	codes := func(n int, line, body string) string {
		var list []string
		for range n {
			got := do(s, line, mediaOf(body), body).body
			_, c, _ := strings.Cut(got, `code":`)
			c, _, _ = strings.Cut(strings.TrimPrefix(c, `"`), `,`)
			list = append(list, strings.Trim(c, `"`))
		}
		return strings.Join(list, " ")
	}
	for _, test := range []struct{ name, line, body, want string }{
		{"the app's own limit", "POST " + sessionURL, `{"userid":"u"}`, "0 88 88"},
		{"no limit", "POST /topapi/v2/user/getsession?access_token=" + otherToken, `{"userid":"u"}`, "0 0 0"},
		{"gettoken", "GET /gettoken?" + appPairQuery, "", "0 90018 90018"},
		{"the server's limit", "GET /gettoken?appkey=mock-a&appsecret=x", "", "0 0 90018"},
		{"a bad token reaches no app", "POST /topapi/v2/user/getsession?access_token=" + unknownToken, `{"userid":"u"}`, "88 88 88"},
		{"before the parameters", "POST /topapi/v2/im/create_session?access_token=" + live, `{}`, "40035 88 88"},
	} {
		if got := codes(3, test.line, test.body); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	steer(t, s, http.MethodPatch, "/apps/default", `{"qps":3}`, nil)
	clock.Advance(time.Second)
	if got := codes(4, "POST "+sessionURL, `{"userid":"u"}`); got != "0 0 0 88" {
		t.Errorf("with another limit: %s", got)
	}
}
