package dingmock_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
	pairOK   = "/gettoken?appkey=k&appsecret=s"
	sessions = "/topapi/v2/im/create_session?access_token=t"
	goodBody = `{"session_id":"s","app_key":"k","chatid":"c","user_id":"u"}`
)

// check makes a request and what the document makes of it. The headers are name: value.
func check(t testing.TB, doc *dingmock.Document, line, media, body string, headers ...string) *dingmock.Request {
	t.Helper()
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, nil)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Set(name, value)
	}
	return doc.CheckRequest(doc.Match(r.Method, r.URL.Path), r, []byte(body))
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	const (
		text         = "a string of 1 to 128 characters"
		chat         = "a string of 0 to 128 characters or null"
		noPair       = "gettoken: missing-credential at /query/appkey: found nothing, expected appkey and appsecret, or corpid and corpsecret"
		noAppsecret  = "gettoken: missing-credential at /query/appsecret: found nothing, expected appsecret to go with appkey"
		noCorpsecret = "gettoken: missing-credential at /query/corpsecret: found nothing, expected corpsecret to go with corpid"
		noToken      = "create_session: missing-credential at /query/access_token: found nothing, expected access_token"
		noBody       = "accessToken: body at /body: found no body, expected a JSON object"
		types        = "application/json or application/x-www-form-urlencoded"
	)
	for _, test := range []struct {
		name, line, media, body string
		headers                 []string
		want                    []string // violation → answer
	}{
		{"gettoken", "GET " + pairOK, "", "", nil, nil},
		{"gettoken, HEAD", "HEAD " + pairOK, "", "", nil, nil},
		{"gettoken, a body is ignored", "GET " + pairOK, "text/plain", "\xff", nil, nil},
		{"create_session", "POST " + sessions, jsonType, goodBody, nil, nil},
		{"create_session, form", "POST " + sessions, formType, "session_id=s&app_key=k&user_id=u", nil, nil},
		{"create_session, token in a form", "POST /topapi/v2/im/create_session", formType, "session_id=s&app_key=k&user_id=u&access_token=t", nil, nil},
		{"create_session, chatid null", "POST " + sessions, jsonType, `{"session_id":"s","app_key":"k","chatid":null,"user_id":"u"}`, nil, nil},
		{"accessToken", "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"k","appSecret":"s"}`, nil, nil},

		{"unknown path", "GET /nowhere", "", "", nil, []string{"unknown-path at /path: found /nowhere, expected a path that DingTalk has → uri-not-found"}},
		{"unknown path, topapi", "GET /topapi/nowhere", "", "", nil, []string{"unknown-path at /path: found /topapi/nowhere, expected a path that DingTalk has → api-name-invalid"}},
		{"unknown path, v1.0", "GET /v1.0/x", "", "", nil, []string{"unknown-path at /path: found /v1.0/x, expected a path that DingTalk has → InvalidAction.NotFound"}},
		{"unknown path, of two lines", "GET /a%0A%E2%80%A8b", "", "", nil, []string{"unknown-path at /path: found /a \\u2028b, expected a path that DingTalk has → uri-not-found"}},

		{"method", "PUT " + pairOK, "", "", nil, []string{"gettoken: method at /method: found PUT, expected GET → need-get"}},
		{"method, noted", "POST " + pairOK, "", "", nil, []string{"gettoken: method at /method: found POST, expected GET → "}},
		{"method, refused before all else", "PUT /topapi/v2/im/create_session", "text/plain", "\xff", nil, []string{"create_session: method at /method: found PUT, expected POST → need-post"}},
		{"method, GET without parameters", "GET " + sessions, "", "", nil, []string{"create_session: method at /method: found GET, expected POST → need-post"}},
		{"method, GET with one parameter", "GET " + sessions + "&chatid=", "", "", nil, []string{
			"create_session: method at /method: found GET, expected POST → ",
			"create_session: missing-parameter at /query/session_id: found nothing, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /query/app_key: found nothing, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /query/user_id: found nothing, expected " + text + " → parameter-missing",
		}},
		{"method, HEAD with a parameter", "HEAD /topapi/v2/user/getsession?access_token=t&userid=u", "", "", nil, []string{"getsession: method at /method: found HEAD, expected POST → "}},
		{"method, v1.0", "GET /v1.0/oauth2/accessToken", "", "", nil, []string{"accessToken: method at /method: found GET, expected POST → InvalidAction.NotFound"}},

		{"missing credential", "GET /gettoken", "", "", nil, []string{noPair + " → "}},
		{"missing credential, both ids empty", "GET /gettoken?appkey=&corpid=", "", "", nil, []string{strings.Replace(noPair, "nothing", "an empty string", 1) + " → "}},
		{"missing credential, secrets alone", "GET /gettoken?appsecret=s&corpsecret=s", "", "", nil, []string{noPair + " → "}},
		{"missing credential, appkey alone", "GET /gettoken?appkey=k", "", "", nil, []string{noAppsecret + " → "}},
		{"missing credential, appkey with an empty secret", "GET /gettoken?appkey=k&appsecret=", "", "", nil, []string{strings.Replace(noAppsecret, "nothing", "an empty string", 1) + " → "}},
		{"missing credential, corpid alone", "GET /gettoken?corpid=c", "", "", nil, []string{noCorpsecret + " → "}},
		{"missing credential, both ids", "GET /gettoken?corpid=c&appkey=k", "", "", nil, []string{noAppsecret + " → "}},
		{"missing credential, half a pair", "GET /gettoken?corpid=c&appsecret=s", "", "", nil, []string{noCorpsecret + " → "}},
		{"missing credential, blank", "GET /gettoken?corpid=c&corpsecret=%20", "", "", nil, []string{strings.Replace(noCorpsecret, "nothing", "blanks", 1) + " → "}},
		{"missing credential, by POST", "POST /gettoken", formType, "appkey=k", nil, []string{"gettoken: method at /method: found POST, expected GET → ", noAppsecret + " → "}},
		{"missing credential, token", "POST /topapi/v2/im/create_session", jsonType, goodBody, nil, []string{noToken + " → "}},
		{"missing credential, token blank", "POST /topapi/v2/im/create_session?access_token=%20", jsonType, goodBody, nil, []string{strings.Replace(noToken, "nothing", "blanks", 1) + " → "}},

		{"content type", "POST " + sessions, "text/plain; x=y", goodBody, nil, []string{"create_session: content-type at /header/Content-Type: found text/plain, expected " + types + " → content-type-invalid"}},
		{"content type, of parameters alone", "POST " + sessions, ";x=y", goodBody, nil, []string{"create_session: content-type at /header/Content-Type: found ;x=y, expected " + types + " → content-type-invalid"}},
		{"content type, odd", "POST " + sessions, "\u200b" + strings.Repeat("x", 99), goodBody, nil, []string{"create_session: content-type at /header/Content-Type: found \\u200b" + strings.Repeat("x", 58) + "…, expected " + types + " → content-type-invalid"}},
		{"content encoding", "POST " + sessions, jsonType, goodBody, []string{"Content-Encoding: gzip"}, []string{"create_session: content-type at /header/Content-Encoding: found gzip, expected no Content-Encoding → content-type-invalid"}},
		{"content encoding identity", "POST " + sessions, jsonType, goodBody, []string{"Content-Encoding: Identity"}, nil},
		{"content type, v1.0", "POST /v1.0/oauth2/accessToken", formType, "appKey=k&appSecret=s", nil, []string{"accessToken: content-type at /header/Content-Type: found application/x-www-form-urlencoded, expected application/json → Missingbody"}},
		{"content type, POST gettoken", "POST " + pairOK, "text/plain", "x", nil, []string{
			"gettoken: method at /method: found POST, expected GET → ",
			"gettoken: content-type at /header/Content-Type: found text/plain, expected " + "application/x-www-form-urlencoded or application/json → ",
		}},

		{"body missing", "POST /v1.0/oauth2/accessToken", jsonType, "", nil, []string{noBody + " → Missingbody"}},
		{"body broken", "POST " + sessions, jsonType, `{"session_id":"s",`, nil, []string{"create_session: body at /body: found JSON that is broken near byte 18, expected a JSON object → body-unreadable"}},
		{"body that ends early", "POST " + sessions, jsonType, `{"session_id":"s"`, nil, []string{"create_session: body at /body: found JSON that ends too early, expected a JSON object → body-unreadable"}},
		{"body not JSON", "POST " + sessions, jsonType, "session_id=s", nil, []string{"create_session: body at /body: found text that is not JSON, expected a JSON object → body-unreadable"}},
		{"body not an object", "POST " + sessions, jsonType, "[1]", nil, []string{"create_session: body at /body: found JSON that is not an object, expected a JSON object → body-unreadable"}},
		{"body with text after", "POST " + sessions, jsonType, goodBody + " x", nil, []string{"create_session: body at /body: found text after the JSON, near byte " + fmt.Sprint(len(goodBody)+1) + ", expected a JSON object → body-unreadable"}},
		{"body not UTF-8", "POST " + sessions, jsonType, "{\"session_id\":\"\xff\"}", nil, []string{"create_session: body at /body: found bytes that are not UTF-8, expected UTF-8 → body-unreadable"}},
		{"form not UTF-8", "POST " + sessions, formType, "session_id=%ff", nil, []string{"create_session: body at /body: found a form whose values are not UTF-8, expected UTF-8 → body-unreadable"}},
		{"body too large", "POST " + sessions, jsonType, strings.Repeat(" ", 1<<20+1), nil, []string{"create_session: body at /body: found more than 1048576 bytes, expected at most 1048576 bytes → body-too-large"}},

		{"missing", "POST " + sessions, jsonType, `{"app_key":null,"user_id":""}`, nil, []string{
			"create_session: missing-parameter at /body/session_id: found nothing, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /body/app_key: found null, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /body/user_id: found an empty string, expected " + text + " → parameter-missing",
		}},
		{"invalid", "POST " + sessions, jsonType, `{"session_id":1e999,"app_key":true,"user_id":[1,2],"chatid":{"a":"b"}}`, nil, []string{
			"create_session: invalid-parameter at /body/session_id: found the number 1.7976931348623157e+308, expected " + text + " → parameter-invalid",
			"create_session: invalid-parameter at /body/app_key: found true, expected " + text + " → parameter-invalid",
			"create_session: invalid-parameter at /body/user_id: found an array of 2, expected " + text + " → parameter-invalid",
			"create_session: invalid-parameter at /body/chatid: found an object, expected " + chat + " → parameter-invalid",
		}},
		{"invalid, number", "POST " + sessions, jsonType, `{"session_id":-0.25,"app_key":"k","user_id":"u"}`, nil, []string{"create_session: invalid-parameter at /body/session_id: found the number -0.25, expected " + text + " → parameter-invalid"}},
		{"invalid, length", "POST " + sessions, jsonType, `{"session_id":"` + strings.Repeat("会", 129) + `","app_key":"k","user_id":"u"}`, nil, []string{"create_session: invalid-parameter at /body/session_id: found a string of 129 characters, expected " + text + " → parameter-invalid"}},
		{"invalid, query not UTF-8", "GET " + sessions + "&session_id=%ff&app_key=k&user_id=u", "", "", nil, []string{
			"create_session: method at /method: found GET, expected POST → ",
			"create_session: invalid-parameter at /query/session_id: found bytes that are not UTF-8, expected " + text + " → parameter-invalid",
		}},
		{"missing before invalid", "POST " + sessions, jsonType, `{"session_id":1,"app_key":"k"}`, nil, []string{
			"create_session: missing-parameter at /body/user_id: found nothing, expected " + text + " → parameter-missing",
			"create_session: invalid-parameter at /body/session_id: found the number 1, expected " + text + " → parameter-invalid",
		}},
		{"invalid, POST gettoken", "POST /gettoken", jsonType, `{"appkey":1,"appsecret":"s"}`, nil, []string{
			"gettoken: method at /method: found POST, expected GET → ",
			noPair + " → ",
			"gettoken: invalid-parameter at /body/appkey: found the number 1, expected a string → parameter-invalid",
		}},

		{"undeclared", "POST " + sessions + "&user_id=u", jsonType, strings.Replace(goodBody, "{", `{"a~/b":1,"access_token":"t",`, 1), nil, []string{
			"create_session: undeclared-parameter at /query/user_id: found an undeclared parameter, expected no such parameter → ",
			"create_session: undeclared-parameter at /body/a…: found an undeclared parameter, expected no such parameter → ",
			"create_session: undeclared-parameter at /body/access_token: found an undeclared parameter, expected no such parameter → ",
		}},
		{"undeclared, JSON as a form", "POST " + sessions, formType, `{"session_id":"s3cret"}`, nil, []string{
			"create_session: missing-parameter at /body/session_id: found nothing, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /body/app_key: found nothing, expected " + text + " → parameter-missing",
			"create_session: missing-parameter at /body/user_id: found nothing, expected " + text + " → parameter-missing",
			"create_session: undeclared-parameter at /body/…: found an undeclared parameter, expected no such parameter → ",
		}},
		{"undeclared, a token alone", "GET " + pairOK + "&82ad1e1b28b2357dbf090b9a2582319c&support_exclusive_account_search", "", "", nil, []string{
			"gettoken: undeclared-parameter at /query/…: found an undeclared parameter, expected no such parameter → ",
			"gettoken: undeclared-parameter at /query/support_exclusive_account_search: found an undeclared parameter, expected no such parameter → ",
		}},
		{"repeated", "GET " + pairOK + "&appkey=k2&appkey=k3&x&x", "", "", nil, []string{
			"gettoken: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter → ",
			"gettoken: repeated-parameter at /query/appkey: found a repeated parameter, expected one value → ",
			"gettoken: repeated-parameter at /query/x: found a repeated parameter, expected one value → ",
		}},
		{"repeated key", "POST " + sessions, jsonType, `{"session_id":1,"session_id":"s","app_key":"k","user_id":"u"}`, nil, []string{
			"create_session: repeated-parameter at /body/session_id: found a repeated parameter, expected one value → ",
		}},
		{"all at once", "POST /topapi/v2/im/create_session?x=1&x=2", "text/plain", "", nil, []string{
			noToken + " → ",
			"create_session: content-type at /header/Content-Type: found text/plain, expected " + types + " → content-type-invalid",
			"create_session: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter → ",
			"create_session: repeated-parameter at /query/x: found a repeated parameter, expected one value → ",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range check(t, load(t), test.line, test.media, test.body, test.headers...).Violations {
				got = append(got, v.String()+" → "+v.Answer)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
			}
		})
	}
}

// What is known of the calls that the document does not have: path, method and token, and how much each break counts.
func TestCheckListed(t *testing.T) {
	t.Parallel()
	const (
		mine       = ": not-modelled at /path: found "
		rule       = ", expected a call that dingmock models, or a rule that answers it → "
		queryToken = ": missing-credential at /query/access_token: found nothing, expected a token in the query parameter access_token → "
		header     = "x-acs-dingtalk-access-token"
	)
	for _, test := range []struct {
		name, line, media, body, host string
		headers                       []string
		known                         dingmock.Known
		want                          []string // level, violation → answer
	}{
		{"topapi", "POST /topapi/v2/user/get?access_token=t", jsonType, `{"userid":"u"}`, "", nil, "documented", []string{
			"note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"topapi, no token", "POST /topapi/v2/user/get", jsonType, `{"userid":"u"}`, "", nil, "documented", []string{
			"red v2.user.get" + queryToken, "note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"topapi, the token in a form", "POST /topapi/v2/user/get", formType, "access_token=t&userid=u", "", nil, "documented", []string{
			"note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"topapi, GET with parameters", "GET /topapi/v2/user/get?access_token=t&userid=u", "", "", "", nil, "documented", []string{
			"red v2.user.get: method at /method: found GET, expected POST → ", "note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"topapi, GET without", "GET /topapi/v2/user/get?access_token=t", "", "", "", nil, "documented", []string{
			"red v2.user.get: method at /method: found GET, expected POST → need-post", "note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"topapi, broken JSON", "POST /topapi/v2/user/get?access_token=t", jsonType, `{"userid":`, "", nil, "documented", []string{
			"red v2.user.get: body at /body: found text that is not JSON, expected JSON, as the Content-Type says → body-unreadable",
			"note v2.user.get" + mine + "/topapi/v2/user/get" + rule + "api-name-invalid",
		}},
		{"legacy, GET", "GET /user/get?access_token=t", "", "", "", nil, "documented", []string{"note user.get" + mine + "/user/get" + rule + "uri-not-found"}},
		{"legacy, HEAD", "HEAD /user/get?access_token=t", "", "", "", nil, "documented", []string{"note user.get" + mine + "/user/get" + rule + "uri-not-found"}},
		{"legacy, POST for GET", "POST /user/get?access_token=t", jsonType, "{}", "", nil, "documented", []string{
			"red user.get: method at /method: found POST, expected GET → need-get", "note user.get" + mine + "/user/get" + rule + "uri-not-found",
		}},
		{"legacy, GET for POST", "GET /robot/send?access_token=t", "", "", "", nil, "documented", []string{
			"red robot.send: method at /method: found GET, expected POST → need-post", "note robot.send" + mine + "/robot/send" + rule + "uri-not-found",
		}},
		{"no token is asked for", "POST /v1.0/gateway/connections/open", jsonType, "{}", "", nil, "documented", []string{
			"note openConnection" + mine + "/v1.0/gateway/connections/open" + rule + "InvalidAction.NotFound",
		}},
		{"the newer host, any version", "GET /v2.0/storage/spaces/s/dentries/d", "", "", "", []string{header + ": t"}, "unknown", []string{
			"red : unknown-path",
		}},
		{"the newer host, no token", "POST /v1.0/robot/oToMessages/batchSend", jsonType, "{}", "", nil, "documented", []string{
			"red batchSendOTO: missing-credential at /header/x-acs-dingtalk-access-token: found nothing, expected a token in the header parameter x-acs-dingtalk-access-token → ",
			"note batchSendOTO" + mine + "/v1.0/robot/oToMessages/batchSend" + rule + "InvalidAction.NotFound",
		}},
		{"a parameter in the path, two methods", "PUT /v1.0/card/instances", jsonType, "[]", "", []string{header + ": t"}, "documented", []string{
			"note card_1_0.updateCard" + mine + "/v1.0/card/instances" + rule + "InvalidAction.NotFound",
		}},
		{"a method of neither", "DELETE /v1.0/card/instances", "", "", "", []string{header + ": t"}, "documented", []string{
			"red createCard: method at /method: found DELETE, expected POST or PUT → InvalidAction.NotFound",
			"note createCard" + mine + "/v1.0/card/instances" + rule + "InvalidAction.NotFound",
		}},
		{"preflight", "OPTIONS /v1.0/card/instances", "", "", "api.dingtalk.com", nil, "documented", nil},
		{"preflight of the other host", "OPTIONS " + sessions, "", "", "", nil, "modelled", []string{"note create_session: method at /method: found OPTIONS, expected POST → need-post"}},
		{"the other host", "GET " + pairOK, "", "", "API.dingtalk.com:443", nil, "modelled", []string{
			"note gettoken: wrong-host at /header/Host: found api.dingtalk.com, expected oapi.dingtalk.com or oapi.dingtalk.io → ",
		}},
		{"the other host, of a path that is listed", "POST /v1.0/gateway/connections/open", jsonType, "{}", "oapi.dingtalk.io", nil, "documented", []string{
			"note openConnection" + mine + "/v1.0/gateway/connections/open" + rule + "InvalidAction.NotFound",
			"note openConnection: wrong-host at /header/Host: found oapi.dingtalk.io, expected api.dingtalk.com or api.dingtalk.io → ",
		}},
		{"the right host", "GET " + pairOK, "", "", "oapi.dingtalk.com", nil, "modelled", nil},
		{"a visit", "GET /", "", "", "", nil, "unknown", []string{"note : unknown-path"}},
		{"a visit for its icon", "GET /favicon.ico", "", "", "", nil, "unknown", []string{"note : unknown-path"}},
		{"a call of /", "POST /", "", "", "", nil, "unknown", []string{"red : unknown-path"}},
		{"undeclared on a modelled call", "GET " + pairOK + "&x=1", "", "", "", nil, "modelled", []string{
			"red gettoken: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter → ",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			headers := test.headers
			if test.host != "" {
				headers = append(headers, "Host: "+test.host)
			}
			q := check(t, load(t), test.line, test.media, test.body, headers...)
			if q.Known != test.known {
				t.Errorf("known from %q, want %q", q.Known, test.known)
			}
			var got []string
			for _, v := range q.Violations {
				if v.Kind == dingmock.KindUnknownPath {
					got = append(got, string(v.Level)+" : "+v.Kind)
					continue
				}
				got = append(got, string(v.Level)+" "+v.String()+" → "+v.Answer)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
			}
			if test.known == "documented" {
				if broken := q.CheckResponse(418, http.Header{}, []byte("tea")); broken != nil {
					t.Errorf("a reply that nobody knows is off-spec: %v", broken)
				}
			}
		})
	}
}

func TestAllowUnknown(t *testing.T) {
	t.Parallel()
	list := []dingmock.Violation{
		{Kind: dingmock.KindUnknownPath, Level: dingmock.Red, Found: "/ours/a"},
		{Kind: dingmock.KindUnknownPath, Level: dingmock.Red, Found: "/theirs"},
		{Kind: dingmock.KindBody, Level: dingmock.Red, Found: "/ours/a"},
	}
	for _, test := range []struct {
		patterns []string
		want     string
	}{
		{nil, "red red red"}, {[]string{"/ours/*"}, "note red red"}, {[]string{"/x", "/theirs"}, "red note red"},
		{[]string{"/*"}, "note note red"}, {[]string{"/ours"}, "red red red"}, {[]string{""}, "red red red"},
	} {
		var got []string
		for _, v := range dingmock.AllowUnknown(test.patterns, list) {
			got = append(got, string(v.Level))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q: %q, want %s", test.patterns, got, test.want)
		}
	}
	if list[0].Level != dingmock.Red {
		t.Error("the list itself was changed")
	}
}

func TestCheckRequestValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, media, body string
		header                  string
		token                   string
		want                    map[string]any
	}{
		{"query", "GET /gettoken?appkey=a%20b&appsecret=c+d&x=y", "", "", "", "", map[string]any{"appkey": "a b", "appsecret": "c d"}},
		{"the first of a repeated one", "GET /gettoken?appkey=a&appkey=b", "", "", "", "", map[string]any{"appkey": "a"}},
		{"POST gettoken, the last of a key", "POST /gettoken", jsonType, `{"appkey":"a","appkey":"b"}`, "", "", map[string]any{"appkey": "b"}},
		{"POST gettoken, query before body", "POST /gettoken?appkey=a", jsonType, `{"appkey":"b","corpid":"c"}`, "", "", map[string]any{"appkey": "a", "corpid": "c"}},
		{"a method that is refused", "PUT /gettoken?appkey=a", "", "", "", "", map[string]any{"appkey": "a"}},
		{"JSON", "POST " + sessions, jsonType, `{"session_id":1,"chatid":null,"x":"y"}`, "", "t", map[string]any{"access_token": "t", "session_id": json.Number("1"), "chatid": nil}},
		{"form", "POST /topapi/v2/im/create_session", formType, "session_id=s&session_id=t&access_token=f", "", "f", map[string]any{"access_token": "f", "session_id": "s"}},
		{"a POST's query is not its body", "POST " + sessions + "&session_id=s", jsonType, "{}", "", "t", map[string]any{"access_token": "t"}},
		{"GET", "GET " + sessions + "&session_id=s", "", "", "", "t", map[string]any{"access_token": "t", "session_id": "s"}},
		{"a token in JSON", "POST /topapi/v2/im/create_session", jsonType, `{"access_token":"t"}`, "", "", map[string]any{}},
		{"a token in the header, topapi", "POST /topapi/v2/im/create_session", jsonType, "{}", "h", "", map[string]any{}},
		{"a token in the header, v1.0", "POST /v1.0/oauth2/accessToken", jsonType, "{}", "h", "h", map[string]any{}},
		{"a token in the query, v1.0", "POST /v1.0/oauth2/accessToken?access_token=q", jsonType, "{}", "", "", map[string]any{}},
		{"a token of an unknown path", "GET /x?access_token=q", "", "", "h", "q", map[string]any{"access_token": "q"}},
		{"numbers by their own text", "POST " + sessions, jsonType, `{"session_id":1234567890123456789,"app_key":[1.50,1e400],"chatid":-0.0}`, "", "t", map[string]any{
			"access_token": "t", "session_id": json.Number("1234567890123456789"), "app_key": []any{json.Number("1.50"), json.Number("1e400")}, "chatid": json.Number("-0.0"),
		}},
		{"unknown path, query and JSON", "POST /x?a=q&b=q&b=r&%7B%22=1", jsonType, `{"a":1,"a":2,"c":{"d":[true]},"":1,"82ad1e1b28b2357dbf090b9a2582319c":1}`, "", "", map[string]any{
			"a": json.Number("2"), "b": "q", "c": map[string]any{"d": []any{true}},
		}},
		{"unknown path, form", "POST /x?a=q", formType, "a=1&a=2&c=%7B%22d%22%3A1%7D&x", "", "", map[string]any{"a": "1", "c": `{"d":1}`, "x": ""}},
		{"unknown path, JSON that is said to be a form", "POST /x", formType, `{"a":1}`, "", "", map[string]any{"a": json.Number("1")}},
		{"unknown path, an empty form", "POST /x?a=q", formType, "", "", "", map[string]any{"a": "q"}},
		{"unknown path, no JSON", "POST /x?a=q", jsonType, `[{"a":1}]`, "", "", map[string]any{"a": "q"}},
		{"unknown path, too large", "POST /x?a=q", jsonType, `{"b":1}` + strings.Repeat(" ", 1<<20), "", "", map[string]any{"a": "q"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q := check(t, load(t), test.line, test.media, test.body, "x-acs-dingtalk-access-token: "+test.header)
			if q.Token != test.token {
				t.Errorf("token %q, want %q", q.Token, test.token)
			}
			if diff := cmp.Diff(test.want, q.Values); diff != "" {
				t.Errorf("values (-want +got)\n%s", diff)
			}
		})
	}
}

// TestCheckRequestOthers checks that fields other than a call's parameters are kept, unless their names may be secrets.
func TestCheckRequestOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, media, body string
		want                    map[string]any
	}{
		{"none", "POST " + sessions, jsonType, goodBody, nil},
		{"query", "GET " + pairOK + "&x=1&x=2&82ad1e1b28b2357dbf090b9a2582319c=1", "", "", map[string]any{"x": "1"}},
		{"a POST's query and body", "POST " + sessions + "&session_id=q&x=q&y=q", jsonType, `{"session_id":"s","x":1,"x":2}`, map[string]any{"x": json.Number("2"), "y": "q"}},
		{"a POST's query, a name of the body", "POST " + sessions + "&session_id=q", jsonType, `{}`, map[string]any{"session_id": "q"}},
		{"a body that is broken", "POST " + sessions, jsonType, `{"x":1`, nil},
	} {
		if diff := cmp.Diff(test.want, check(t, load(t), test.line, test.media, test.body).Others); diff != "" {
			t.Errorf("%s: others (-want +got)\n%s", test.name, diff)
		}
	}
}

// TestCheckRequestIsBounded has a request with forty thousand undeclared parameters.
func TestCheckRequestIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&b, "&p%d&p%d", i, i)
	}
	q := check(t, load(t), "POST "+sessions, formType, "session_id=s&app_key=k&user_id=u"+b.String())
	if len(q.Violations) != 100 || len(q.Others) != 100 {
		t.Errorf("%d violations, %d others, want 100 of each", len(q.Violations), len(q.Others))
	}
	if n := len(check(t, load(t), "POST /x", formType, b.String()).Values); n != 100 {
		t.Errorf("of an unknown path %d parameters are kept, want 100", n)
	}
}

// FuzzCheckRequest has any request checked twice, and looks at the violations: one line each, no secret, in order.
func FuzzCheckRequest(f *testing.F) {
	for _, body := range []string{"", goodBody, "{", `{"a":1e999}`, "session_id=\xff", `{"userid":"s3cret"}`, `{"\n":{"s3cret":"s3cret"}}`} {
		f.Add("POST", "/topapi/v2/im/create_session", "access_token=s3cret", jsonType, body)
		f.Add("POST", "/topapi/v2/user/getsession", "access_token=s3cret&%0A=1&%E2%80%A8", formType, body)
		f.Add("POST", "/v1.0/oauth2/accessToken", "", "", body)
		f.Add("GET", "/gettoken", "appkey=a&appsecret=s3cret&appsecret=s3cret", "text/plain", body)
		f.Add("POST", "/gettoken", "", "", body)
		f.Add("PUT", "/topapi/\xff", "%", "\x00", body)
	}
	doc := load(f)
	rules := []string{
		dingmock.KindUnknownPath, dingmock.KindMethod, dingmock.KindMissingCredential, dingmock.KindContentType, dingmock.KindBody,
		dingmock.KindMissingParameter, dingmock.KindInvalidParameter, dingmock.KindUndeclaredParameter, dingmock.KindRepeatedParameter,
	}
	f.Fuzz(func(t *testing.T, method, path, query, media, body string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		r.Header = http.Header{"Content-Type": {media}}
		q := doc.CheckRequest(doc.Match(method, path), r, []byte(body))
		last := 0
		for _, v := range q.Violations {
			line := v.String()
			if len(line) > 600 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("no line: %q", line)
			}
			if strings.Contains(line, "s3cret") && !strings.Contains(path+method+media, "s3cret") && !named(query+"&"+body) {
				t.Errorf("a value in %q", line)
			}
			at := 0
			for at < len(rules) && rules[at] != v.Kind {
				at++
			}
			if at < last || at == len(rules) {
				t.Errorf("out of order: %q", line)
			}
			last = at
		}
		if diff := cmp.Diff(q.Violations, doc.CheckRequest(doc.Match(method, path), r, []byte(body)).Violations); diff != "" {
			t.Errorf("checked twice\n%s", diff)
		}
	})
}

// named reports whether the secret of the seeds may have become the name of a parameter.
func named(text string) bool {
	return strings.Count(text, "=s3cret")+strings.Count(text, `:"s3cret"`) < strings.Count(text, "s3cret")
}
