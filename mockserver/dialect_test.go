package mockserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestMostUsedPaths calls the twenty paths that public applications call most, with no token, a wrong one and a
// good one, with and without a reply rule: each answers in its own dialect and at its level, and gets the verdict
// that it deserves.
func TestMostUsedPaths(t *testing.T) {
	t.Parallel()
	const (
		app, robot, session, none = "app", "robot", "session", "none" // what carries the credential
		header                    = "x-acs-dingtalk-access-token"
		stub                      = `{"stub":true}`
		plainBlank                = `{"errcode":40035,"errmsg":"缺少参数 access_token"}`
		plainBad                  = `{"errcode":40014,"errmsg":"不合法的access_token"}`
		apiBlank                  = `{"code":"AuthenticationFailed.MissingParameter","requestid":"…","message":"缺少参数：x-acs-dingtalk-access-token"}`
		apiBad                    = `{"code":"InvalidAuthentication","requestid":"…","message":"不合法的access_token"}`
		apiUnknown                = `{"code":"InvalidAction.NotFound","requestid":"…","message":"Specified api is not found, please check your url and method."}`
	)
	for _, test := range []struct{ method, path, id, of string }{
		{"POST", "/v1.0/gateway/connections/open", "openConnection", none},
		{"POST", "/v1.0/robot/oToMessages/batchSend", "batchSendOTO", app},
		{"POST", "/media/upload", "media.upload", app},
		{"POST", "/robot/send", "robot.send", robot},
		{"POST", "/v1.0/robot/groupMessages/send", "orgGroupSend", app},
		{"POST", "/robot/sendBySession", "robot.sendBySession", session},
		{"GET", "/v1.0/contact/users/zPr8", "contact_1_0.getUser", app},
		{"POST", "/v1.0/robot/messageFiles/download", "robotMessageFileDownload", app},
		{"POST", "/topapi/v2/user/get", "v2.user.get", app},
		{"PUT", "/v1.0/card/streaming", "streamingUpdate", app},
		{"POST", "/v1.0/oauth2/userAccessToken", "getUserToken", none},
		{"POST", "/v1.0/card/instances", "createCard", app},
		{"PUT", "/v1.0/card/instances", "card_1_0.updateCard", app},
		{"POST", "/topapi/message/corpconversation/asyncsend_v2", "message.corpconversation.asyncsend_v2", app},
		{"POST", "/v1.0/card/instances/createAndDeliver", "createAndDeliver", app},
		{"GET", "/user/get", "user.get", app},
		{"POST", "/topapi/v2/department/get", "v2.department.get", app},
		{"POST", "/topapi/user/getbyunionid", "user.getbyunionid", app},
		{"POST", "/v1.0/card/instances/deliver", "deliverCard", app},
		{"GET", "/department/list", "department.list", app},
	} {
		// The dialect of the path.
		status, media, blank, bad, unknown, name := 200, oapiType, plainBlank, plainBad, notFound, "access_token"
		switch {
		case strings.HasPrefix(test.path, "/topapi/"):
			media, blank, bad = topapiType, tokenBlank, tokenInvalid
			unknown = unknownAPI(strings.ReplaceAll(strings.TrimPrefix(test.path, "/topapi/"), "/", "."))
		case strings.HasPrefix(test.path, "/v1.0/"):
			status, media, blank, bad, unknown, name = 400, apiType, apiBlank, apiBad, apiUnknown, header
		case test.of == session:
			blank, name = `{"errcode":40035,"errmsg":"缺少参数 session"}`, "session"
		}
		for _, ruled := range []bool{false, true} {
			for _, given := range []string{"", "undefined", live} {
				what := fmt.Sprintf("%s %s, token %q, ruled %t", test.method, test.path, given, ruled)
				wantStatus, wantBody := 200, stub
				wantRows := []string{}
				if !ruled {
					wantBody = unknown
					if media == apiType {
						wantStatus = 404
					}
					wantRows = append(wantRows, "note "+test.id+" not-modelled")
				}
				switch {
				case test.of == none:
				case given == "":
					wantStatus, wantBody = status, blank
					wantRows = append(wantRows, "red "+test.id+" missing-credential")
				case given != live && test.of == app:
					wantStatus, wantBody = status, bad
				}

				s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
				if ruled {
					steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"`+test.path+`"},"effect":{"reply":{"body":`+stub+`}}}`, nil)
				}
				target, headers := test.path, []string{}
				switch {
				case given == "":
				case name == header:
					headers = append(headers, header+": "+given)
				default:
					target += "?" + name + "=" + given
				}
				body := ""
				if test.method != "GET" {
					body = "{}"
				}
				raw := request(test.method+" "+target, mediaOf(body), body, headers...)
				if media == apiType {
					raw = strings.Replace(raw, "Host: oapi.", "Host: api.", 1)
				}
				got := send(t, listen(t, s), raw)
				if got.status != wantStatus || got.header.Get("Content-Type") != media || tidy(got.body) != wantBody {
					t.Errorf("%s: HTTP %d %s %s, want HTTP %d %s %s", what, got.status, got.header.Get("Content-Type"), tidy(got.body), wantStatus, media, wantBody)
				}
				if explain := got.header.Get("Dingmock-Explain"); explain == "" {
					t.Errorf("%s: is not explained", what)
				}
				var v mockserver.Verdict
				steer(t, s, "GET", "/verdict", "", &v)
				rows, red := []string{}, false
				for _, row := range v.Violations {
					rows = append(rows, string(row.Level)+" "+row.Operation+" "+row.Kind)
					red = red || row.Red()
				}
				if diff := cmp.Diff(sorted(wantRows), sorted(rows)); diff != "" || v.OK == red || v.Calls != 1 {
					t.Errorf("%s: ok %t, %d calls, rows (-want +got)\n%s", what, v.OK, v.Calls, diff)
				}
			}
		}
	}
}

// All answers of the newer host carry its headers, and a browser may ask what it may send.
func TestHeadersOfTheNewerHost(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"/v1.0/contact/users/me"},"effect":{"reply":{"body":{}}}}`, nil)
	addr := listen(t, s)
	want := map[string]string{
		"Access-Control-Allow-Origin":  "*",
		"Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
		"Access-Control-Max-Age":       "172800",
		"Access-Control-Allow-Headers": "X-Requested-With, X-Sequence, _aop_secret, _aop_signature, x-acs-dingtalk-access-token",
	}
	for _, test := range []struct {
		raw    string
		status int
		newer  bool
	}{
		{request("POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`), 200, true},
		{request("POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"x"}`), 400, true},
		{request("GET /v1.0/contact/users/me", "", "", "x-acs-dingtalk-access-token: "+live), 200, true},
		{request("GET /v2.0/nowhere", "", ""), 404, true},
		{request("OPTIONS /v1.0/oauth2/accessToken", "", "", "Origin: https://a.example", "Access-Control-Request-Method: POST"), 200, true},
		{request("OPTIONS /v1.0/nowhere", "", ""), 200, true},
		{request("GET /gettoken?"+appPairQuery, "", ""), 200, false},
		{request("OPTIONS /gettoken", "", ""), 200, false},
		{request("POST "+sessionURL, jsonType, `{"userid":"u"}`), 200, false},
	} {
		got := send(t, addr, test.raw)
		line, _, _ := strings.Cut(test.raw, "\r\n")
		if got.status != test.status {
			t.Errorf("%s: HTTP %d, want %d", line, got.status, test.status)
		}
		for name, value := range want {
			if !test.newer {
				value = ""
			}
			if got.header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", line, name, got.header.Get(name), value)
			}
		}
		id, trace := got.header.Get("X-Acs-Request-Id"), got.header.Get("X-Acs-Trace-Id")
		if test.newer != (len(id) == 36 && len(trace) == 32) {
			t.Errorf("%s: x-acs-request-id %q, x-acs-trace-id %q", line, id, trace)
		}
		var failure struct{ Requestid string }
		_ = json.Unmarshal([]byte(got.body), &failure)
		if failure.Requestid != "" && failure.Requestid != id {
			t.Errorf("%s: the body's requestid %s is not the header's %s", line, failure.Requestid, id)
		}
		if strings.HasPrefix(line, "OPTIONS /v") && got.body != "" {
			t.Errorf("%s: answers %q", line, got.body)
		}
	}
	for _, row := range violations(t, s) {
		if row.Red() && row.First.Request.Method == "OPTIONS" {
			t.Errorf("a preflight is off-spec: %s", row.Violation)
		}
	}
}

// The limit of calls per second counts per app and API, no matter what answers.
func TestThrottleCountsWhatARuleAnswers(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{QPS: 20, Apps: []mockserver.AppState{liveApp()}})
	steer(t, s, "POST", "/apps/default/clock/freeze", "", nil)
	steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"/user/list"},"effect":{"reply":{"body":{"errcode":0}}}}`, nil)
	steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"/v1.0/card/*"},"effect":{"reply":{"body":{}}}}`, nil)
	steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"/topapi/user/count"},"effect":{"fault":"system-busy"},"when":{"times":15}}`, nil)
	for _, test := range []struct {
		line    string
		headers []string
		refused string
		want    int
	}{
		{"GET /user/list?access_token=" + live, nil, `"errcode":90018`, 10},
		{"PUT /v1.0/card/streaming", []string{"x-acs-dingtalk-access-token: " + live}, "QpsLimitForAppkeyAndApi", 10},
		{"PUT /v1.0/card/instances", []string{"x-acs-dingtalk-access-token: " + live}, "QpsLimitForAppkeyAndApi", 10},
		{"POST /topapi/v2/user/get?access_token=" + live, nil, `"sub_code":"90018"`, 10}, // nothing answers it
		{"POST /topapi/user/count?access_token=" + live, nil, `"sub_code":"90018"`, 10},
	} {
		refused := 0
		for range 30 {
			if strings.Contains(do(s, test.line, "", "", test.headers...).body, test.refused) {
				refused++
			}
		}
		if refused != test.want {
			t.Errorf("%s: %d of 30 calls in one second were throttled, want %d", test.line, refused, test.want)
		}
	}
}

// A call without a credential is attributed to the app that it names, or else to the one whose calls came on its
// connection.
func TestAttribution(t *testing.T) {
	t.Parallel()
	const noToken = "/topapi/v2/user/getsession"
	named := `{"session_id":"s","app_key":"otherapp","user_id":"u"}`
	for _, test := range []struct {
		name  string
		calls []string // on one connection, as method, target and body
		want  []string // of each call: the app, and how it was attributed
	}{
		{"no credential, alone", []string{"POST " + noToken + " {}"}, []string{"_ "}},
		{"after a call with a token", []string{"POST " + noToken + "?access_token=" + live + " {}", "POST " + noToken + " {}"}, []string{"default ", "default connection"}},
		{"after calls of two apps", []string{
			"POST " + noToken + "?access_token=" + live + " {}", "POST " + noToken + "?access_token=" + otherToken + " {}", "POST " + noToken + " {}",
		}, []string{"default ", "otherapp ", "_ "}},
		{"a bad token", []string{"GET /gettoken?" + appPairQuery, "POST " + noToken + "?access_token=undefined {}"}, []string{"default ", "default connection"}},
		{"a call that names its app", []string{"POST /topapi/v2/im/create_session " + named}, []string{"otherapp app_key"}},
		{"a name goes before the connection", []string{"GET /gettoken?" + appPairQuery, "POST /topapi/v2/im/create_session " + named}, []string{"default ", "otherapp app_key"}},
		{"an appkey alone", []string{"GET /gettoken?appkey=otherapp"}, []string{"otherapp "}},
		{"a robot of the app's code", []string{`POST /v1.0/robot/oToMessages/batchSend {"robotCode":"otherapp"}`}, []string{"otherapp robotCode"}},
		{"a name that nobody has", []string{`POST /v1.0/robot/oToMessages/batchSend {"robotCode":"nobody"}`}, []string{"_ "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{Apps: wireApps()})
			srv := httptest.NewUnstartedServer(s)
			srv.Config.ConnContext = s.ConnContext
			srv.Start()
			t.Cleanup(srv.Close)
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			replies := bufio.NewReader(conn)
			seen := map[string]int64{}
			var got []string
			for _, call := range test.calls {
				part := strings.SplitN(call, " ", 3)
				body := strings.Join(part[2:], "")
				_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", part[0], part[1], len(body), body)
				resp, err := http.ReadResponse(replies, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				found := "nowhere"
				for _, app := range []string{"_", "default", "otherapp"} {
					var j struct{ Entries []*mockserver.Entry }
					steer(t, s, "GET", fmt.Sprintf("/apps/%s/journal?since=%d", app, seen[app]), "", &j)
					for _, e := range j.Entries {
						found, seen[app] = e.App+" "+e.By, e.N
					}
				}
				got = append(got, found)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// A body that ends early is off-spec for that alone, not for what the rest may have held.
func TestBodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	conn, err := net.Dial("tcp", listen(t, s))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "POST /topapi/v2/im/create_session?access_token="+live+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{\"session_id\":\"s")
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
	var got []string
	for _, row := range violations(t, s) {
		got = append(got, row.Violation.String())
	}
	want := []string{"create_session: body at /body: found a body that breaks off, expected as many bytes as its headers announce"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// A path of any version of the newer host finds the app's rules by its header, and its faults use the newer
// dialect.
func TestFaultsOfAnyVersion(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	addr := listen(t, s)
	for _, test := range []struct {
		effect string
		status int
		body   string
	}{
		{`{"fault":"token-expired"}`, 400, `{"code":"InvalidAuthentication","requestid":"…","message":"不合法的access_token"}`},
		{`{"fault":"no-permission"}`, 403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","requestid":"…","message":"没有调用该接口的权限"}`},
		{`{"fault":"system-busy"}`, 503, `{"code":"serviceBusy","requestid":"…","message":"系统繁忙"}`},
		{`{"errcode":4711,"errmsg":"nein"}`, 400, `{"code":"4711","requestid":"…","message":"nein"}`},
		{`{"reply":{"body":{"dentry":{}}}}`, 200, `{"dentry":{}}`},
	} {
		for _, path := range []string{"/v2.0/storage/spaces/s/dentries/d", "/v1.0/card/instances", "/v3.14/of/our/own"} {
			steer(t, s, "POST", "/apps/default/rules", `{"match":{"path":"`+path+`"},"when":{"times":1},"effect":`+test.effect+`}`, nil)
			got := send(t, addr, request("POST "+path, jsonType, "{}", "x-acs-dingtalk-access-token: "+live))
			if got.status != test.status || got.header.Get("Content-Type") != apiType || tidy(got.body) != test.body {
				t.Errorf("%s of %s: HTTP %d %s %s", test.effect, path, got.status, got.header.Get("Content-Type"), tidy(got.body))
			}
		}
	}
}
