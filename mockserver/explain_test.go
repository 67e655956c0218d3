package mockserver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
)

// TestExplain causes every error of the document, over a socket, in every dialect and in every way that a newcomer
// may meet it. Each explanation states the cause and what to do, and shows no secret.
func TestExplain(t *testing.T) {
	t.Parallel()
	const (
		read    = "POST /topapi/v2/user/getsession"
		mine    = read + "?access_token=TOKEN"
		open    = "POST /topapi/v2/im/create_session?access_token=TOKEN"
		end     = "POST /topapi/v2/im/close_session?access_token=TOKEN"
		access  = "POST /v1.0/oauth2/accessToken"
		apiPair = `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`
	)
	bare := mockserver.Options{}
	full := mockserver.Options{MaxApps: 3}
	without := mockserver.Options{WithoutSessions: true}
	auto := mockserver.Options{Apps: append(wireApps(), mockserver.AppState{Name: "mock-a", AppKey: "mock-a", AppSecret: "s", CorpID: "mock-a", CorpSecret: "s", Auto: true})}
	stub := mockserver.Options{Apps: wireApps()}
	stub.Apps[0].Rules = []mockserver.Rule{{Match: mockserver.RuleMatch{Path: "/v1.0/stub"}, Effect: mockserver.Effect{Reply: &mockserver.FixedReply{}}}}
	strict := mockserver.Options{RefuseUndeclared: true}
	fault := func(name string) mockserver.Options {
		apps := wireApps()
		apps[0].Rules = []mockserver.Rule{{Effect: mockserver.Effect{Fault: name}}}
		return mockserver.Options{Apps: apps}
	}
	ruled := func(name string) string { return "rule r1 (" + name + ") answered in the fake's place" }
	long := strings.Repeat(" ", 1<<20)
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, test := range []struct {
		name, error string // of the document
		options     mockserver.Options
		line        string
		media, body string
		want        string
	}{
		{"no id", "parameter-missing", bare, "GET /gettoken", "", "", "neither appkey nor corpid was given; give one with its secret, in the query"},
		{"no id, a GET with a body", "parameter-missing", bare, "GET /gettoken", formType, appPairQuery, "neither appkey nor corpid was given, and the body of a GET is not read; give one with its secret, in the query"},
		{"no id, a POST of broken JSON", "parameter-missing", bare, "POST /gettoken", jsonType, `{"appkey":"dingmockapp",`, "neither appkey nor corpid was given, and the body could not be read: found JSON that is broken near byte 24, expected a JSON object; give one with its secret, in the query"},
		{"no id, a POST of an array", "parameter-missing", bare, "POST /gettoken", jsonType, `[]`, "neither appkey nor corpid was given, and the body could not be read: found JSON that is not an object, expected a JSON object; give one with its secret, in the query"},
		{"no id, a POST that is not UTF-8", "parameter-missing", bare, "POST /gettoken", jsonType, "{\"appkey\":\"\xff\"}", "neither appkey nor corpid was given, and the body could not be read: found bytes that are not UTF-8, expected UTF-8; give one with its secret, in the query"},
		{"no id, a POST of another type", "parameter-missing", bare, "POST /gettoken", "text/plain", appPairQuery, "neither appkey nor corpid was given, and the body could not be read: found text/plain, expected application/x-www-form-urlencoded or application/json; give one with its secret, in the query"},
		{"no id, a POST over 1 MiB", "parameter-missing", bare, "POST /gettoken", jsonType, long + `{}`, "neither appkey nor corpid was given, and the body could not be read: found more than 1048576 bytes, expected at most 1048576 bytes; give one with its secret, in the query"},
		{"no secret", "appsecret-missing", bare, "GET /gettoken?appkey=dingmockapp", "", "", "appkey was given without appsecret; give both, in the query"},
		{"no secret, of a corpid", "corpsecret-missing", bare, "GET /gettoken?corpid=x", "", "", "corpid was given without corpsecret; give both, in the query"},
		{"no secret, in a body that is broken", "appsecret-missing", bare, "POST /gettoken?appkey=dingmockapp", jsonType, `{"appsecret":"x"`, "appkey was given without appsecret, and the body could not be read: found JSON that ends too early, expected a JSON object; give both, in the query"},
		{"id that is no string", "parameter-invalid", bare, "POST /gettoken", jsonType, `{"appkey":7}`, "gettoken: invalid-parameter at /body/appkey: found the number 7, expected a string"},
		{"unknown appkey", "appkey-or-appsecret-wrong", bare, "GET /gettoken?appkey=x&appsecret=x", "", "", "no app has this appkey; a key like mock-my-test makes one on first use, others come from the options, a state file or the control API (options app, state)"},
		{"unknown appkey, none on first use", "appkey-or-appsecret-wrong", mockserver.Options{NoAutoApps: true}, "GET /gettoken?appkey=mock-a&appsecret=x", "", "", "no app has this appkey; apps come from the options, a state file or the control API (options app, state), and none is made on first use here (option no-auto-apps)"},
		{"unknown appkey, as many apps as may be", "appkey-or-appsecret-wrong", full, "GET /gettoken?appkey=mock-my-test&appsecret=x", "", "", "no app has this appkey, and none could be made: there are 3 apps, as many as there may be (option max-apps), and none of them was made on first use, to go in its place; delete one, or allow more"},
		{"unknown appkey, not quite of the form", "appkey-or-appsecret-wrong", bare, "GET /gettoken?appkey=mock-my.test&appsecret=x", "", "", "no app has this appkey; a key makes one on first use if it is mock- and then 1 to 64 of A-Z, a-z, 0-9, _ and -, which this one is not"},
		{"unknown appkey, a corpid", "appkey-or-appsecret-wrong", bare, "GET /gettoken?appkey=dingmockcorp&appsecret=x", "", "", "no app has this appkey; it is the corpid of the app default, whose appkey is dingmockapp"},
		{"unknown appkey, a name", "appkey-or-appsecret-wrong", bare, "GET /gettoken?appkey=default&appsecret=x", "", "", "no app has this appkey; it is the name of the app default, whose appkey is dingmockapp"},
		{"unknown corpid", "corpid-or-corpsecret-wrong", bare, "GET /gettoken?corpid=x&corpsecret=x", "", "", "no app has this corpid; a key like mock-my-test makes one on first use, others come from the options, a state file or the control API (options app, state)"},
		{"unknown corpid, an appkey", "corpid-or-corpsecret-wrong", bare, "GET /gettoken?corpid=dingmockapp&corpsecret=x", "", "", "no app has this corpid; it is the appkey of the app default, whose corpid is dingmockcorp"},
		{"wrong secret", "appkey-or-appsecret-wrong", bare, "GET /gettoken?appkey=dingmockapp&appsecret=x", "", "", "this is not the appsecret of the app default"},
		{"wrong secret of an app made on first use", "appkey-or-appsecret-wrong", auto, "GET /gettoken?appkey=mock-a&appsecret=x", "", "", "this is not the appsecret of the app mock-a, which was made on first use with another; give that one, or take a key of your own"},
		{"wrong corpsecret", "corpid-or-corpsecret-wrong", bare, "GET /gettoken?corpid=dingmockcorp&corpsecret=x", "", "", "this is not the corpsecret of the app default"},
		{"undeclared", "parameter-invalid", strict, "GET /gettoken?x=1&" + appPairQuery, "", "", "gettoken: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter; this server refuses undeclared and repeated parameters (option refuse-undeclared)"},
		{"method", "need-get", bare, "PUT /gettoken", "", "", "gettoken: method at /method: found PUT, expected GET"},
		{"unknown path", "uri-not-found", bare, "GET /nowhere", "", "", "unknown-path at /path: found /nowhere, expected a path that DingTalk has"},

		{"unknown appKey", "invalidClientIdOrSecret", bare, access, jsonType, `{"appKey":"x","appSecret":"x"}`, "no app has this appKey; a key like mock-my-test makes one on first use, others come from the options, a state file or the control API (options app, state)"},
		{"unknown appKey, as many apps as may be", "invalidClientIdOrSecret", full, access, jsonType, `{"appKey":"mock-my-test","appSecret":"x"}`, "no app has this appKey, and none could be made: there are 3 apps, as many as there may be (option max-apps), and none of them was made on first use, to go in its place; delete one, or allow more"},
		{"wrong appSecret", "invalidClientIdOrSecret", bare, access, jsonType, `{"appKey":"dingmockapp","appSecret":"x"}`, "this is not the appSecret of the app default"},
		{"no body, newer host", "Missingbody", bare, access, jsonType, "", "accessToken: body at /body: found no body, expected a JSON object"},
		{"a form, newer host", "Missingbody", bare, access, formType, "appKey=k", "accessToken: content-type at /header/Content-Type: found application/x-www-form-urlencoded, expected application/json"},
		{"broken JSON, newer host", "Invalidbody", bare, access, jsonType, "{", "accessToken: body at /body: found JSON that ends too early, expected a JSON object"},
		{"missing, newer host", "MissingParameter", bare, access, jsonType, `{"appKey":"k"}`, "accessToken: missing-parameter at /body/appSecret: found nothing, expected a string of 1 characters or more"},
		{"method, newer host", "InvalidAction.NotFound", bare, "GET /v1.0/oauth2/accessToken", "", "", "accessToken: method at /method: found GET, expected POST"},
		{"unknown path, newer host", "InvalidAction.NotFound", bare, "GET /v1.0/nowhere", "", "", "unknown-path at /path: found /v1.0/nowhere, expected a path that DingTalk has"},
		{"no token, newer host", "AuthenticationFailed.MissingParameter", stub, "GET /v1.0/stub", "", "", "no access token was given, in the header x-acs-dingtalk-access-token; get one by gettoken"},

		{"no token", "auth-token-blank", bare, read, jsonType, "{}", "no access token was given, in the query parameter access_token; get one by gettoken"},
		{"blank token", "auth-token-blank", bare, read + "?access_token=%20", jsonType, "{}", "the access token in the query parameter access_token is blank; get one by gettoken"},
		{"no token, one in a JSON body", "auth-token-blank", bare, read, jsonType, `{"access_token":"TOKEN"}`, "no access token was given, in the query parameter access_token, and one in a JSON body is not read; get one by gettoken"},
		{"no token, one in a form over 1 MiB", "auth-token-blank", bare, read, formType, "access_token=TOKEN&x=" + long, "no access token was given, in the query parameter access_token, and the body is over 1048576 bytes, too large to look for one; get one by gettoken"},
		{"unknown token", "auth-token-invalid", bare, read + "?access_token=UNKNOWN", jsonType, "{}", "this token was never issued here, or so long ago that it is forgotten; call gettoken"},
		{"expired token", "auth-token-invalid", bare, read + "?access_token=EXPIRED", jsonType, "{}", "token expired 12s ago by this app's clock; call gettoken again"},
		{"without the session calls", "api-name-invalid", without, open, jsonType, firstSession, "create_session is answered as the public platform does, which has no such API: this server was started without the session calls (option without-sessions)"},
		{"without the session calls, another path", "api-name-invalid", without, "POST /topapi/nowhere", jsonType, "{}", "unknown-path at /path: found /topapi/nowhere, expected a path that DingTalk has"},
		{"unknown path, topapi", "api-name-invalid", bare, "POST /topapi/nowhere", jsonType, "{}", "unknown-path at /path: found /topapi/nowhere, expected a path that DingTalk has"},
		{"method, topapi", "need-post", bare, "PUT /topapi/v2/user/getsession", "", "", "getsession: method at /method: found PUT, expected POST"},
		{"content type", "content-type-invalid", bare, mine, "text/plain", "x", "getsession: content-type at /header/Content-Type: found text/plain, expected application/json or application/x-www-form-urlencoded"},
		{"broken JSON", "body-unreadable", bare, mine, jsonType, `{"userid":`, "getsession: body at /body: found JSON that is broken near byte 10, expected a JSON object"},
		{"body over 1 MiB", "body-too-large", bare, mine, jsonType, long + "{}", "getsession: body at /body: found more than 1048576 bytes, expected at most 1048576 bytes"},
		{"missing", "parameter-missing", bare, mine, jsonType, `{"userid":null}`, "getsession: missing-parameter at /body/userid: found null, expected a string of 1 to 128 characters"},
		{"invalid", "parameter-invalid", bare, mine, jsonType, `{"userid":7}`, "getsession: invalid-parameter at /body/userid: found the number 7, expected a string of 1 to 128 characters"},
		{"repeated", "parameter-invalid", strict, mine, jsonType, `{"userid":"u","userid":"u"}`, "getsession: repeated-parameter at /body/userid: found a repeated parameter, expected one value; this server refuses undeclared and repeated parameters (option refuse-undeclared)"},
		{"user", "user-not-found", bare, read + "?access_token=OTHER", jsonType, `{"userid":"u-9"}`, "the app otherapp has a list of users, and this one is not in it; add it to users in the app's state, or leave users out to know every user"},
		{"app_key", "app-key-wrong", bare, open, jsonType, `{"session_id":"s","app_key":"otherapp","user_id":"u"}`, "app_key is not the appkey of the token's app default; give that, whichever pair got the token"},
		{"open with other values", "session-invalid", bare, open, jsonType, `{"session_id":"s-1","app_key":"dingmockapp","user_id":"u"}`, "a session of this id is open with other values; close it first or choose another id"},
		{"not open", "session-invalid", bare, end, jsonType, secondSession, "no session of this id is open in the app default: it was never created there, or was closed, or has ended"},
		{"close with other values", "session-invalid", bare, end, jsonType, `{"session_id":"s-1","app_key":"dingmockapp","user_id":"u"}`, "the open session of this id was created with other values; close it with the same ones"},
		{"too many", "sessions-too-many", mockserver.Options{MaxSessions: 1}, open, jsonType, secondSession, "the app default has as many sessions open as it may have, 1 (option max-sessions); close some"},
		{"throttled", "auth-app-throttled", mockserver.Options{QPS: 1}, mine, jsonType, `{"userid":"u"}`, "the app made more calls of getsession in this second, by its clock, than it may (option qps)"},
		{"fault system-busy, system-busy", "system-busy", fault("system-busy"), "GET /gettoken?" + appPairQuery, "", "", ruled("system-busy")},
		{"fault system-busy, system-busy", "system-busy", fault("system-busy"), mine, jsonType, `{"userid":"u"}`, ruled("system-busy")},
		{"fault system-busy, serviceBusy", "serviceBusy", fault("system-busy"), access, jsonType, apiPair, ruled("system-busy")},
		{"fault token-expired, access-token-invalid", "access-token-invalid", fault("token-expired"), "GET /gettoken?" + appPairQuery, "", "", ruled("token-expired")},
		{"fault token-expired, auth-token-invalid", "auth-token-invalid", fault("token-expired"), mine, jsonType, `{"userid":"u"}`, ruled("token-expired")},
		{"fault token-expired, InvalidAuthentication", "InvalidAuthentication", fault("token-expired"), access, jsonType, apiPair, ruled("token-expired")},
		{"fault no-permission, permission-denied", "permission-denied", fault("no-permission"), "GET /gettoken?" + appPairQuery, "", "", ruled("no-permission")},
		{"fault no-permission, auth-permission-denied", "auth-permission-denied", fault("no-permission"), mine, jsonType, `{"userid":"u"}`, ruled("no-permission")},
		{"fault no-permission, AccessTokenPermissionDenied", "AccessTokenPermissionDenied", fault("no-permission"), access, jsonType, apiPair, ruled("no-permission")},
		{"fault ip-not-allowed, ip-not-allowed", "ip-not-allowed", fault("ip-not-allowed"), "GET /gettoken?" + appPairQuery, "", "", ruled("ip-not-allowed")},
		{"fault ip-not-allowed, auth-ip-not-allowed", "auth-ip-not-allowed", fault("ip-not-allowed"), mine, jsonType, `{"userid":"u"}`, ruled("ip-not-allowed")},
		{"fault ip-not-allowed, IpNotInWhiteList", "IpNotInWhiteList", fault("ip-not-allowed"), access, jsonType, apiPair, ruled("ip-not-allowed")},
		{"fault app-throttled, app-throttled", "app-throttled", fault("app-throttled"), "GET /gettoken?" + appPairQuery, "", "", ruled("app-throttled")},
		{"fault app-throttled, auth-app-throttled", "auth-app-throttled", fault("app-throttled"), mine, jsonType, `{"userid":"u"}`, ruled("app-throttled")},
		{"fault app-throttled, QpsLimitForAppkeyAndApi", "QpsLimitForAppkeyAndApi", fault("app-throttled"), access, jsonType, apiPair, ruled("app-throttled")},
		{"fault api-throttled, api-throttled", "api-throttled", fault("api-throttled"), "GET /gettoken?" + appPairQuery, "", "", ruled("api-throttled")},
		{"fault api-throttled, auth-api-throttled", "auth-api-throttled", fault("api-throttled"), mine, jsonType, `{"userid":"u"}`, ruled("api-throttled")},
		{"fault api-throttled, QpsLimitForApi", "QpsLimitForApi", fault("api-throttled"), access, jsonType, apiPair, ruled("api-throttled")},
		{"fault quota-exhausted, quota-exhausted", "quota-exhausted", fault("quota-exhausted"), "GET /gettoken?" + appPairQuery, "", "", ruled("quota-exhausted")},
		{"fault quota-exhausted, auth-quota-exhausted", "auth-quota-exhausted", fault("quota-exhausted"), mine, jsonType, `{"userid":"u"}`, ruled("quota-exhausted")},
		{"fault quota-exhausted, ApiCountLimitForOrg", "ApiCountLimitForOrg", fault("quota-exhausted"), access, jsonType, apiPair, ruled("quota-exhausted")},
	} {
		seen[test.error] = true
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := test.options
			if o.Apps == nil {
				o.Apps = wireApps()
			}
			s := fake(t, o)
			advance(t, s, "oldapp", 24*time.Second)
			named := strings.NewReplacer("TOKEN", live, "OTHER", otherToken, "EXPIRED", expiredToken, "UNKNOWN", unknownToken)
			addr, raw := listen(t, s), request(named.Replace(test.line), test.media, named.Replace(test.body))
			for range o.QPS {
				send(t, addr, raw)
			}
			a := send(t, addr, raw)
			if _, ok := doc.ErrorReply(test.error).Match(a.status, []byte(a.body)); !ok {
				t.Errorf("the answer is %d %s, want the error %s", a.status, a.body, test.error)
			}
			if got := a.header.Get("Dingmock-Explain"); got != test.want {
				t.Errorf("%s\n got %q\nwant %q", a.body, got, test.want)
			}
		})
	}
	for _, e := range doc.ErrorReplies() {
		if !seen[e.Name] && e.Name != "access-token-missing" { // no call answers with it
			t.Errorf("no row makes the error %s happen", e.Name)
		}
	}
}

// TestExplainBodyCutOff sends bodies that end early to calls that look for a credential in them.
func TestExplainBodyCutOff(t *testing.T) {
	t.Parallel()
	addr := listen(t, fake(t, mockserver.Options{}))
	for line, want := range map[string]string{
		"POST /gettoken":                    "neither appkey nor corpid was given, and the body could not be read to its end; give one with its secret, in the query",
		"POST /topapi/v2/user/getsession":   "no access token was given, in the query parameter access_token, and the body could not be read to its end; get one by gettoken",
		"POST /gettoken?appkey=dingmockapp": "appkey was given without appsecret, and the body could not be read to its end; give both, in the query",
	} {
		a := send(t, addr, request(line, formType, "", "Transfer-Encoding: chunked")+"zz\r\n")
		if got := a.header.Get("Dingmock-Explain"); got != want {
			t.Errorf("%s is answered %s\n got %q\nwant %q", line, a.body, got, want)
		}
	}
}
