package mockserver_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestConcurrentSessions lets 64 goroutines create, read and close sessions of 8 apps, with the same ids and users
// in each app. It checks each reply, and the sessions that are open at the end.
func TestConcurrentSessions(t *testing.T) {
	t.Parallel()
	const apps, workers, rounds = 8, 64, 20
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			app, user := fmt.Sprintf("mock-%d", w%apps), fmt.Sprintf("u-%d", w/apps)
			token := token(t, s, "appkey="+app+"&appsecret=s")
			call := func(call, id string) {
				body := fmt.Sprintf(`{"session_id":%q,"app_key":%q,"chatid":%q,"user_id":%q}`, id, app, "chat of "+app, user)
				want := createOK[:len(`{"errcode":0,"errmsg":"ok","result":`)] + fmt.Sprintf(`{"session_id":%q},"request_id":"…"}`, id)
				if call == closing {
					want = closeOK
				}
				if a := topapi(s, call, token, body); tidy(a.body) != want {
					t.Errorf("%s %s %s: %s, want %s", app, call, id, a.body, want)
				}
			}
			last := func(id string) {
				want := fmt.Sprintf(`{"errcode":0,"errmsg":"ok","result":{"session":{"session_id":%q,"app_key":%q,"user_id":%q,"chatid":"chat of %s","create_time":%s}},"request_id":"…"}`, id, app, user, app, stamp)
				if a := topapi(s, getsession, token, fmt.Sprintf(`{"userid":%q}`, user)); tidy(a.body) != want {
					t.Errorf("%s %s: %s, want %s", app, user, a.body, want)
				}
			}
			for i := range rounds {
				kept, dropped := fmt.Sprintf("%s-%d", user, i), fmt.Sprintf("%s-gone", user)
				call(create, kept)
				last(kept)
				call(create, dropped)
				last(dropped)
				call(closing, dropped)
				last(kept)
			}
		})
	}
	wg.Wait()
	for i := range apps {
		app := fmt.Sprintf("mock-%d", i)
		var got, want []string
		for _, x := range state(t, s, app).Sessions {
			if x.AppKey != app || x.ChatID != "chat of "+app {
				t.Errorf("%s has a session of another app: %+v", app, x)
			}
			got = append(got, x.SessionID)
		}
		for w := range workers / apps {
			for r := range rounds {
				want = append(want, fmt.Sprintf("u-%d-%d", w, r))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("open sessions of %s (-want +got)\n%s", app, diff)
		}
	}
	if list := violations(t, s); len(list) != 0 {
		t.Errorf("violations: %v", rows(list))
	}
}

// TestConcurrentClaims lets 64 goroutines claim one id with their own values and then close it: only one may have
// it.
func TestConcurrentClaims(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for _, call := range []string{create, closing} {
		var won, refused atomic.Int64
		var wg sync.WaitGroup
		for w := range 64 {
			wg.Go(func() {
				switch c := session(t, s, call, "s", fmt.Sprint("chat ", w), "u"); c {
				case 0:
					won.Add(1)
				case 34001:
					refused.Add(1)
				default:
					t.Errorf("%s answers %d", call, c)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || refused.Load() != 63 {
			t.Errorf("%s: %d won and %d were refused, want 1 and 63", call, won.Load(), refused.Load())
		}
	}
}

// TestConcurrentEviction makes more apps than the limit allows, while others read and move clocks.
func TestConcurrentEviction(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{MaxApps: 5})
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 20 {
				app := fmt.Sprintf("mock-%d", (w+i)%20)
				got := do(s, "GET /gettoken?appkey="+app+"&appsecret=s", "", "")
				var reply struct {
					Token string `json:"access_token"`
				}
				if err := json.Unmarshal([]byte(got.body), &reply); err != nil || reply.Token == "" {
					t.Errorf("gettoken of %s: %s", app, got.body)
					continue
				}
				body := fmt.Sprintf(`{"session_id":"s %d","app_key":%q,"user_id":"u"}`, w, app)
				if a := topapi(s, create, reply.Token, body); code(t, a) != 0 && code(t, a) != 88 {
					t.Errorf("create_session of %s: %s", app, a.body)
				}
				_, _ = appOf(t, s, app).Advance(t.Context(), 1)
				if n := len(s.Apps()); n > 5 {
					t.Errorf("there are %d apps, want at most 5", n)
				}
				violations(t, s)
			}
		})
	}
	wg.Wait()
	if !lives(t, s, live) {
		t.Error("the app that was given at the start is gone")
	}
}

// TestEverythingAtOnce makes calls of all kinds, including those of the control API, at once to a few apps that
// come and go. The race detector checks what is guarded; that the test ends shows that locks are taken in one
// order.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	const workers, rounds = 16, 40
	s := fake(t, mockserver.Options{MaxApps: 6, QPS: 5, Journal: 20, SessionTTL: time.Hour})
	rule := `{"effect":{"fault":"system-busy"},"when":{"times":1}}`
	token := `{"match":{"path":"/ours/*"},"effect":{"reply":{"body":{"token":"{{token}}"},"template":true,"without_token":true}}}`
	steps := []func(app string, n int) (line, body string){
		func(app string, _ int) (string, string) { return "GET /gettoken?appkey=" + app + "&appsecret=s", "" },
		func(app string, _ int) (string, string) {
			return "POST /v1.0/oauth2/accessToken", `{"appKey":"` + app + `","appSecret":"s"}`
		},
		func(app string, n int) (string, string) {
			return "POST /topapi/v2/im/create_session?access_token=" + live, fmt.Sprintf(`{"session_id":"s-%d","app_key":"dingmockapp","user_id":"u"}`, n)
		},
		func(app string, n int) (string, string) {
			return "POST /topapi/v2/im/close_session?access_token=" + live, fmt.Sprintf(`{"session_id":"s-%d","app_key":"dingmockapp","user_id":"u"}`, n-1)
		},
		func(string, int) (string, string) {
			return "POST /topapi/v2/user/getsession?access_token=" + live, `{"userid":"u"}`
		},
		func(app string, _ int) (string, string) { return "GET /ours/x?appkey=" + app, "" },
		func(string, int) (string, string) { return "GET /no/such/path?n=1", "" },
		func(app string, _ int) (string, string) { return "POST /_mock/apps/" + app + "/rules", rule },
		func(app string, _ int) (string, string) { return "POST /_mock/apps/" + app + "/rules", token },
		func(app string, _ int) (string, string) { return "DELETE /_mock/apps/" + app + "/rules", "" },
		func(string, int) (string, string) { return "POST /_mock/rules", rule },
		func(app string, _ int) (string, string) {
			return "POST /_mock/apps/" + app + "/clock/advance", `{"by":"10m"}`
		},
		func(app string, _ int) (string, string) { return "POST /_mock/apps/" + app + "/clock/freeze", "" },
		func(app string, _ int) (string, string) { return "DELETE /_mock/apps/" + app + "/tokens", "" },
		func(app string, _ int) (string, string) { return "POST /_mock/apps/" + app + "/reset", "" },
		func(app string, n int) (string, string) {
			if n%8 > 0 {
				return "GET /_mock/apps/" + app, ""
			}
			return "DELETE /_mock/apps/" + app, ""
		},
		func(string, int) (string, string) { return "GET /_mock/state", "" },
		func(app string, _ int) (string, string) {
			return "PUT /_mock/state", `{"apps":[{"name":"` + app + `","appkey":"` + app + `","appsecret":"s","corpid":"` + app + `","corpsecret":"s"}]}`
		},
		func(app string, _ int) (string, string) { return "PATCH /_mock/apps/" + app, `{"users":["u"],"qps":3}` },
		func(app string, _ int) (string, string) { return "GET /_mock/apps/" + app + "/journal", "" },
		func(string, int) (string, string) { return "GET /_mock/journal", "" },
		func(app string, _ int) (string, string) {
			return "POST /_mock/apps/" + app + "/journal/expect", `{"at_least":1}`
		},
		func(app string, _ int) (string, string) {
			return "POST /_mock/apps/" + app + "/journal/wait", `{"at_least":1,"timeout":"1ms"}`
		},
		func(string, int) (string, string) { return "GET /_mock/verdict", "" },
		func(string, int) (string, string) { return "GET /_mock/apps?limit=2", "" },
	}
	var wg sync.WaitGroup
	var issued atomic.Int64
	for w := range workers {
		wg.Go(func() {
			for i := range rounds * len(steps) {
				app := fmt.Sprintf("mock-%d", (w+i)%8)
				line, body := steps[(w*7+i)%len(steps)](app, i)
				a := do(s, line, "application/json", body)
				if a.status >= 500 || a.status == 405 || a.body == "" && a.status == 200 {
					t.Errorf("%s: HTTP %d %s", line, a.status, a.body)
				}
				if strings.HasPrefix(line, "GET /gettoken") && strings.Contains(a.body, `"errcode":0`) {
					issued.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if issued.Load() == 0 {
		t.Error("no app got a token")
	}
	if n := len(s.Apps()); n > 6 {
		t.Errorf("there are %d apps, want at most 6", n)
	}
}
