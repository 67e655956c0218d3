package mockserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
)

// ruled returns a fake whose default app has rules from the start.
func ruled(t testing.TB, rules ...mockserver.Rule) *mockserver.Server {
	t.Helper()
	a := liveApp()
	a.Sessions = []mockserver.SessionState{{SessionID: "s-1", UserID: "u-1", ChatID: "c-1", CreateTime: 1788393662000}}
	a.Rules = rules
	return fake(t, mockserver.Options{Apps: []mockserver.AppState{a}})
}

// on returns a rule for every call of getsession.
func on(e mockserver.Effect) mockserver.Rule {
	return mockserver.Rule{Match: mockserver.RuleMatch{Operation: "getsession"}, Effect: e}
}

const second = mockserver.Duration(time.Second)

var uuid = regexp.MustCompile(`"uuid":"[0-9a-f]{32}"`)

// TestRuleFaults checks each named fault in each dialect, byte for byte.
func TestRuleFaults(t *testing.T) {
	t.Parallel()
	const (
		times    = "从 2026-09-03 08:01:02 到 2026-09-03 08:01:02 请求总次数超过 %s 次, 限制将在 2026-09-03 08:01:03 结束."
		busyPart = "应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口, apiPath(%s), "
		id       = `,"request_id":"…"}`
	)
	wrap := func(code, text string) string {
		return `{"errcode":88,"sub_code":"` + code + `","sub_msg":"` + text + `","errmsg":"ding talk error[subcode=` + code + `,submsg=` + text + `]"` + id
	}
	api := func(code, text string) string {
		return `{"code":"` + code + `","requestid":"…","message":"` + text + `"}`
	}
	throttle := func(who, api, count string) string {
		return who + fmt.Sprintf(busyPart, api) + fmt.Sprintf(times, count)
	}
	const old = "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了, apiPath(/gettoken), 从 2026-09-03 08:01:02 到 2026-09-03 08:01:02 请求总次数超过了 300 次, 处罚将在 2026-09-03 08:01:03 结束."
	const scope = "应用尚未开通所需的权限：[qyapi_getsession]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=dingmockapp%23qyapi_getsession, {requiredScopes=[qyapi_getsession]}"
	html := "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>访问被拦截</title></head><body><h1>访问被拦截</h1><p>您的访问过于频繁，请5分钟后再试。</p></body></html>\n"
	const topapi = "dingtalk.oapi.v2.user.getsession"
	type want struct {
		status    int
		typ, body string
	}
	for fault, wants := range map[string][3]want{
		"system-busy": {
			{200, oapiType, `{"errcode":-1,"errmsg":"系统繁忙"}`}, {200, topapiType, `{"errcode":-1,"errmsg":"系统繁忙"` + id}, {503, apiType, api("serviceBusy", "系统繁忙")},
		},
		"token-expired": {
			{200, oapiType, `{"errcode":40014,"errmsg":"不合法的access_token"}`}, {200, topapiType, tokenInvalid}, {400, apiType, api("InvalidAuthentication", "不合法的access_token")},
		},
		"no-permission": {
			{200, oapiType, `{"errcode":60011,"errmsg":"没有调用该接口的权限"}`}, {200, topapiType, wrap("60011", scope)},
			{403, apiType, api("Forbidden.AccessDenied.AccessTokenPermissionDenied", "没有调用该接口的权限")},
		},
		"ip-not-allowed": {
			{200, oapiType, `{"errcode":60020,"errmsg":"访问ip不在白名单之中,request ip=127.0.0.1 appKey(dingmockapp)"}`},
			{200, topapiType, wrap("60020", "访问ip不在白名单之中,request ip=127.0.0.1 appKey(dingmockapp)")},
			{403, apiType, api("Forbidden.AccessDenied.IpNotInWhiteList", "访问ip不在白名单之中，请参考FAQ：https://open.dingtalk.com/document/org-faq/app-faq,request ip=127.0.0.1 appKey(dingmockapp)")},
		},
		"app-throttled": {
			{200, oapiType, `{"errcode":90018,"errmsg":"` + throttle("当前钉钉", "/gettoken", "20") + `"}`}, {200, topapiType, wrap("90018", throttle("当前钉钉", topapi, "20"))},
			{403, apiType, api("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", throttle("当前钉钉", "/v1.0/oauth2/accessToken", "20"))},
		},
		"api-throttled": {
			{200, oapiType, `{"errcode":90002,"errmsg":"` + old + `"}`}, {200, topapiType, wrap("90002", throttle("当前所有钉钉", topapi, "1200"))},
			{403, apiType, api("Forbidden.AccessDenied.QpsLimitForApi", throttle("当前所有钉钉", "/v1.0/oauth2/accessToken", "300"))},
		},
		"quota-exhausted": {
			{200, oapiType, `{"errcode":90020,"errmsg":"本月接口调用次数已超过限额"}`}, {200, topapiType, wrap("90020", "本月接口调用次数已超过限额")},
			{403, apiType, api("Forbidden.AccessDenied.ApiCountLimitForOrg", "本月接口调用次数已超过限额")},
		},
		"ip-blocked": {{200, "text/html;charset=utf-8", html}, {200, "text/html;charset=utf-8", html}, {200, "text/html;charset=utf-8", html}},
		"ip-blocked-json": {
			{200, oapiType, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"…"}`}, {200, topapiType, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"…"}`},
			{200, apiType, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"…"}`},
		},
	} {
		addr := listen(t, ruled(t, mockserver.Rule{Effect: mockserver.Effect{Fault: fault}}))
		for i, raw := range []string{
			request("GET /gettoken?"+appPairQuery, "", ""), request("POST "+sessionURL, jsonType, `{"userid":"u-1"}`),
			request("POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`),
		} {
			got := send(t, addr, raw)
			if diff := cmp.Diff(wants[i], want{got.status, got.header.Get("Content-Type"), uuid.ReplaceAllString(tidy(got.body), `"uuid":"…"`)}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("%s, family %d (-want +got)\n%s", fault, i, diff)
			}
			if explain := got.header.Get("Dingmock-Explain"); explain != "rule r1 ("+fault+") answered in the fake's place" {
				t.Errorf("%s: explained as %q", fault, explain)
			}
		}
	}
}

// effects are the effects that a client sees on the wire, as Go, curl and PHP report them over HTTP/1.1.
var effects = []struct {
	name   string
	effect mockserver.Effect
	goErr  func(error) bool // nil: none
	curl   int              // exit code
	says   string           // in curl's words, or its output
	php    string           // the result of file_get_contents: a word, or the beginning of the body
}{
	{"errcode", mockserver.Effect{Errcode: 4711, Errmsg: "nein"}, nil, 0, `{"errcode":4711,"errmsg":"nein","request_id":"`, `{"errcode":4711`},
	{"errcode 88", mockserver.Effect{Errcode: 88, SubCode: "47", Errmsg: "no"}, nil, 0, `{"errcode":88,"sub_code":"47","sub_msg":"no","errmsg":"ding talk error[subcode=47,submsg=no]"`, `{"errcode":88`},
	{"status", mockserver.Effect{Status: 502}, nil, 22, "502", "false"},
	{"latency", mockserver.Effect{Latency: 60 * second, LatencyMax: 61 * second}, timedOut, 28, "timed out", "false"},
	{"hang", mockserver.Effect{Hang: true}, timedOut, 28, "timed out", "false"},
	{"reset", mockserver.Effect{Reset: true}, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }, 56, "Recv failure: Connection reset by peer", "false"},
	{"empty", mockserver.Effect{Empty: true}, func(err error) bool { return errors.Is(err, io.EOF) }, 52, "Empty reply from server", "false"},
	{"truncate", mockserver.Effect{Truncate: true}, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }, 18, "bytes remaining to read", `{"errcode":0,"errmsg":"ok"`},
	{"slow", mockserver.Effect{Slow: 30 * second}, timedOut, 28, "timed out", "false"},
	{"malformed", mockserver.Effect{Malformed: true}, nil, 0, `"request_id":"`, `{"errcode":0,"errmsg":"ok"`},
	{"reply", mockserver.Effect{Reply: &mockserver.FixedReply{Status: 202, ContentType: "text/x", Body: []byte(`"as it is\n"`)}}, nil, 0, "as it is\n", "as it is"},
}

func timedOut(err error) bool {
	var slow net.Error
	return errors.As(err, &slow) && slow.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// TestEffectsInGo checks each effect with Go's client, over HTTP/1.1 and HTTP/2.
func TestEffectsInGo(t *testing.T) {
	t.Parallel()
	for _, x := range effects {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(x.name+" "+proto, func(t *testing.T) {
				t.Parallel()
				s := ruled(t, on(x.effect))
				srv := httptest.NewUnstartedServer(s)
				srv.EnableHTTP2 = proto == "HTTP/2.0"
				srv.StartTLS()
				t.Cleanup(srv.Close)
				t.Cleanup(func() { _ = s.Close() })
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if x.curl == 28 { // the client gives up once the fake has the call
					go func() {
						do(s, "POST http://localhost/_mock/apps/default/journal/wait", jsonType, `{"timeout":"60s"}`)
						cancel(context.DeadlineExceeded)
					}()
				}
				req, err := http.NewRequestWithContext(ctx, "POST", srv.URL+sessionURL, strings.NewReader(`{"userid":"u-1"}`))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", jsonType)
				var body []byte
				resp, err := srv.Client().Do(req)
				if err == nil {
					if resp.Proto != proto {
						t.Errorf("answered by %s", resp.Proto)
					}
					body, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				switch {
				case x.goErr == nil && err != nil:
					t.Errorf("error %v, body %q", err, body)
				case x.goErr == nil && x.effect.Status == 0 && !strings.Contains(string(body), x.says):
					t.Errorf("body %q, want %q in it", body, x.says)
				case x.goErr == nil:
				case err == nil:
					t.Errorf("no error, body %q", body)
				case proto == "HTTP/1.1" && !x.goErr(err):
					t.Errorf("error %v (%T)", err, err)
				case proto == "HTTP/2.0" && !timedOut(err) && !strings.Contains(err.Error(), "stream error"):
					t.Errorf("error %v (%T), want one of the stream", err, err)
				}
				if e := s.Apps()[0].Rules[0]; e.Fired != 1 {
					t.Errorf("the rule has fired %d times", e.Fired)
				}
			})
		}
	}
}

// program runs a program for at most a minute.
func program(t *testing.T, name string, args ...string) (out string, code int) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("there is no %s", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return b.String(), cmd.ProcessState.ExitCode()
}

func TestEffectsInCurl(t *testing.T) {
	t.Parallel()
	for _, x := range effects {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := ruled(t, on(x.effect))
			url := "http://" + listen(t, s) + sessionURL
			t.Cleanup(func() { _ = s.Close() })
			limit := "60"
			if x.curl == 28 {
				limit = "0.5"
			}
			out, code := program(t, "curl", "-sSf", "--noproxy", "*", "--max-time", limit, "-H", "Content-Type: application/json", "-d", `{"userid":"u-1"}`, url)
			if code != x.curl || !strings.Contains(out, x.says) {
				t.Errorf("exit code %d, %s, want %d and %q", code, out, x.curl, x.says)
			}
		})
	}
}

// TestEffectsInCurlHTTP2 checks with curl the effects that break a stream.
func TestEffectsInCurlHTTP2(t *testing.T) {
	t.Parallel()
	for _, x := range effects {
		if x.goErr == nil {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := ruled(t, on(x.effect))
			srv := httptest.NewUnstartedServer(s)
			srv.EnableHTTP2 = true
			srv.StartTLS()
			t.Cleanup(srv.Close)
			t.Cleanup(func() { _ = s.Close() })
			limit, want := "60", 92 // a stream that was not closed cleanly
			if x.curl == 28 {
				limit, want = "1", 28
			}
			out, code := program(t, "curl", "-sSk", "--http2", "--noproxy", "*", "--max-time", limit, "-H", "Content-Type: application/json", "-d", `{"userid":"u-1"}`, srv.URL+sessionURL)
			if code != want {
				t.Errorf("exit code %d, %s, want %d", code, out, want)
			}
		})
	}
}

func TestEffectsInPHP(t *testing.T) {
	t.Parallel()
	const script = `$r = @file_get_contents($argv[1], false, stream_context_create(['http' => ['method' => 'POST', 'timeout' => (float) $argv[2],
		'header' => 'Content-Type: application/json', 'content' => '{"userid":"u-1"}']]));
		echo $r === false || $r === '' ? 'false' : $r;`
	for _, x := range effects {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s := ruled(t, on(x.effect))
			url := "http://" + listen(t, s) + sessionURL
			t.Cleanup(func() { _ = s.Close() })
			limit := "60"
			if x.curl == 28 {
				limit = "0.5"
			}
			if out, _ := program(t, "php", "-n", "-r", script, "--", url, limit); !strings.HasPrefix(out, x.php) {
				t.Errorf("PHP gets %q, want %q", out, x.php)
			}
		})
	}
}

// TestRuleOrder checks that rules are tried in order, and counts which matched and fired.
func TestRuleOrder(t *testing.T) {
	t.Parallel()
	match := func(path string, w mockserver.RuleWhen, code int) mockserver.Rule {
		return mockserver.Rule{Match: mockserver.RuleMatch{Path: path}, When: w, Effect: mockserver.Effect{Errcode: code}}
	}
	one := 1.0
	never := 0.0
	for _, test := range []struct {
		name  string
		rules []mockserver.Rule
		want  string // the codes of eight calls of gettoken
		fired []int64
	}{
		{"none", nil, "0 0 0 0 0 0 0 0", nil},
		{"always", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{}, 7)}, "7 7 7 7 7 7 7 7", []int64{8}},
		{"times", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Times: 2}, 7)}, "7 7 0 0 0 0 0 0", []int64{2}},
		{"skip", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Skip: 3, Times: 1}, 7)}, "0 0 0 7 0 0 0 0", []int64{1}},
		{"every", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Every: 3}, 7)}, "0 0 7 0 0 7 0 0", []int64{2}},
		{"skip and every", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Skip: 1, Every: 3, Times: 1}, 7)}, "0 0 0 7 0 0 0 0", []int64{1}},
		{"the first that fires wins", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Times: 1}, 7), match("/gettoken", mockserver.RuleWhen{Times: 2}, 8)}, "7 8 8 0 0 0 0 0", []int64{1, 2}},
		{"another path", []mockserver.Rule{match("/topapi/*", mockserver.RuleWhen{}, 7)}, "0 0 0 0 0 0 0 0", []int64{0}},
		{"the beginning of a path", []mockserver.Rule{match("/get*", mockserver.RuleWhen{Times: 1}, 7)}, "7 0 0 0 0 0 0 0", []int64{1}},
		{"certain", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Probability: &one}, 7)}, "7 7 7 7 7 7 7 7", []int64{8}},
		{"impossible", []mockserver.Rule{match("/gettoken", mockserver.RuleWhen{Probability: &never}, 7)}, "0 0 0 0 0 0 0 0", []int64{0}},
		{"another method", []mockserver.Rule{{Match: mockserver.RuleMatch{Method: "POST"}, Effect: mockserver.Effect{Errcode: 7}}}, "0 0 0 0 0 0 0 0", []int64{0}},
		{"another operation", []mockserver.Rule{on(mockserver.Effect{Errcode: 7})}, "0 0 0 0 0 0 0 0", []int64{0}},
	} {
		s := ruled(t, test.rules...)
		var codes []string
		for range 8 {
			_, code, _ := strings.Cut(do(s, "GET /gettoken?"+appPairQuery, "", "").body, `"errcode":`)
			code, _, _ = strings.Cut(code, ",")
			codes = append(codes, code)
		}
		if got := strings.Join(codes, " "); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		for i, want := range test.fired {
			var r mockserver.Rule
			if steer(t, s, "GET", fmt.Sprintf("/apps/default/rules/r%d", i+1), "", &r); r.Fired != want {
				t.Errorf("%s: rule %d has fired %d times, want %d", test.name, i, r.Fired, want)
			}
		}
	}
}

// A probability draws by its seed: the same draws again, even across a snapshot in between.
func TestRuleSeed(t *testing.T) {
	t.Parallel()
	half := 0.5
	draw := func(s *mockserver.Server, n int) string {
		var b strings.Builder
		for range n {
			failed := strings.Contains(do(s, "GET /gettoken?"+appPairQuery, "", "").body, `:7,`)
			b.WriteString(map[bool]string{true: "x", false: "."}[failed])
		}
		return b.String()
	}
	rule := mockserver.Rule{When: mockserver.RuleWhen{Probability: &half, Seed: 42}, Effect: mockserver.Effect{Errcode: 7}}
	want := draw(ruled(t, rule), 64)
	if n := strings.Count(want, "x"); n < 16 || n > 48 {
		t.Errorf("of 64 calls %d fail", n)
	}
	first := ruled(t, rule)
	got := draw(first, 20)
	got += draw(fake(t, mockserver.Options{Apps: first.Apps()}), 44)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the draws of one seed differ (-want +got)\n%s", diff)
	}
}

// A fixed reply can answer any path; on /topapi/ and /v1.0/ the token is checked first.
func TestRuleReply(t *testing.T) {
	t.Parallel()
	reply := func(path string, without bool) mockserver.Rule {
		return mockserver.Rule{Match: mockserver.RuleMatch{Path: path}, Effect: mockserver.Effect{Reply: &mockserver.FixedReply{Body: []byte(`{ "errcode": 0, "result": {"userid": "u"} }`), WithoutToken: without}}}
	}
	addr := listen(t, ruled(t, reply("/topapi/v2/user/get", false), reply("/topapi/open", true), reply("/v1.0/contact/*", false), reply("/user/get", false), reply("/gettoken", false),
		reply("/ours", false), reply("/open", true), reply("/robot/send", false), reply("/v1.0/gateway/connections/open", false), reply("/v2.0/*", false)))
	const body = `{"errcode":0,"result":{"userid":"u"}}`
	for _, test := range []struct {
		name, raw string
		status    int
		typ, want string
	}{
		{"topapi", request("POST /topapi/v2/user/get?access_token="+live, jsonType, `{}`), 200, topapiType, body},
		{"topapi without a token", request("POST /topapi/v2/user/get", jsonType, `{}`), 200, topapiType, tokenBlank},
		{"topapi with a bad token", request("POST /topapi/v2/user/get?access_token="+unknownToken, jsonType, `{}`), 200, topapiType, tokenInvalid},
		{"topapi, token not asked for", request("POST /topapi/open?access_token="+live, "", ""), 200, topapiType, body},
		{"v1.0", request("GET /v1.0/contact/users/me", "", "", "x-acs-dingtalk-access-token: "+live), 200, apiType, body},
		{"v1.0 with a bad token", request("GET /v1.0/contact/users/me", "", "", "x-acs-dingtalk-access-token: "+unknownToken), 400, apiType, `{"code":"InvalidAuthentication","requestid":"…","message":"不合法的access_token"}`},
		{"topapi, of a path without a rule", request("POST /topapi/v2/user/list?access_token="+live, jsonType, `{}`), 200, topapiType, unknownAPI("v2.user.list")},
		{"v1.0 without a token", request("GET /v1.0/contact/users/me", "", ""), 400, apiType, `{"code":"AuthenticationFailed.MissingParameter","requestid":"…","message":"缺少参数：x-acs-dingtalk-access-token"}`},
		{"the rest", request("GET /user/get?access_token="+live, "", ""), 200, oapiType, body},
		{"the rest without a token", request("GET /user/get", "", ""), 200, oapiType, `{"errcode":40035,"errmsg":"缺少参数 access_token"}`},
		{"the rest with a bad token", request("GET /user/get?access_token=undefined", "", ""), 200, oapiType, `{"errcode":40014,"errmsg":"不合法的access_token"}`},
		{"a path of the team's own", request("GET /ours?access_token="+live, "", ""), 200, oapiType, body},
		{"a path of the team's own without a token", request("GET /ours", "", ""), 200, oapiType, `{"errcode":40035,"errmsg":"缺少参数 access_token"}`},
		{"a path of the team's own, token not asked for", request("GET /open", "", ""), 200, oapiType, body},
		{"a robot's token is none of an app", request("POST /robot/send?access_token=x", jsonType, "{}"), 200, oapiType, body},
		{"no token is asked for", request("POST /v1.0/gateway/connections/open", jsonType, "{}"), 200, apiType, body},
		{"v2.0 without a token", request("GET /v2.0/storage/spaces/s/dentries/d", "", ""), 400, apiType, `{"code":"AuthenticationFailed.MissingParameter","requestid":"…","message":"缺少参数：x-acs-dingtalk-access-token"}`},
		{"v2.0", request("GET /v2.0/storage/spaces/s/dentries/d", "", "", "x-acs-dingtalk-access-token: "+live), 200, apiType, body},
		{"a token call", request("GET /gettoken?"+appPairQuery, "", ""), 200, oapiType, body},
	} {
		got := send(t, addr, test.raw)
		if got.status != test.status || got.header.Get("Content-Type") != test.typ || tidy(got.body) != test.want {
			t.Errorf("%s: HTTP %d %s %s", test.name, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

// A DingTalk call that a reply answers is known, whatever the rule matches by; a path that DingTalk does not have
// is not.
func TestReplyMakesKnown(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		match, call string
		want        []string
	}{
		{`{"operation":"v2.user.get"}`, "POST /topapi/v2/user/get", nil},
		{`{"parameters":{"userid":"u"}}`, "POST /topapi/v2/user/get", nil},
		{`{"method":"POST"}`, "POST /topapi/v2/user/get", nil},
		{`{"operation":"v2.user.list"}`, "POST /topapi/v2/user/get", []string{dingmock.KindNotModelled}},
		{`{"parameters":{"userid":"u"}}`, "POST /topapi/none", []string{dingmock.KindUnknownPath}},
		{`{"path":"/topapi/none"}`, "POST /topapi/none", nil},
	} {
		s := fake(t, mockserver.Options{})
		added(t, s, "/apps/default/rules", `{"match":`+x.match+`,"effect":{"reply":{"body":{"errcode":0}}}}`)
		do(s, x.call+"?access_token="+live, jsonType, `{"userid":"u"}`)
		v, err := s.Verdict(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range v.Violations {
			got = append(got, row.Kind)
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("%s answered by a rule for %s (-want +got):\n%s", x.call, x.match, diff)
		}
	}
}

// A call that hangs ends with its app and with the server, and so does its connection.
func TestHangEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *mockserver.Server){
		"deleted": func(s *mockserver.Server) { do(s, "DELETE http://localhost/_mock/apps/default", "", "") },
		"reset":   func(s *mockserver.Server) { do(s, "POST http://localhost/_mock/apps/default/reset", "", "") },
		"closed":  func(s *mockserver.Server) { _ = s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ruled(t, on(mockserver.Effect{Hang: true}))
			conn, err := net.Dial("tcp", listen(t, s))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.WriteString(conn, request("POST "+sessionURL, jsonType, `{"userid":"u-1"}`))
			waited := do(s, "POST http://localhost/_mock/apps/default/journal/wait", jsonType, `{"match":{"operation":"getsession"},"timeout":"60s"}`)
			if waited.status != http.StatusOK {
				t.Fatalf("the call is not in the journal: %s", waited.body)
			}
			end(s)
			if n, err := io.Copy(io.Discard, conn); n != 0 || err != nil {
				t.Errorf("%d bytes came, error %v, want the end", n, err)
			}
		})
	}
}
