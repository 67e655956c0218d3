package mockserver_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// rows returns the violations so far, as "app: violation ×count".
func rows(list []mockserver.ViolationCount) []string {
	var text []string
	for _, row := range list {
		text = append(text, fmt.Sprintf("%s: %s ×%d", row.App, row.Violation, row.Count))
	}
	return text
}

func TestTallyAttribution(t *testing.T) {
	t.Parallel()
	const (
		noCredential = "gettoken: missing-credential at /query/appkey: found nothing, expected appkey and appsecret, or corpid and corpsecret"
		noAppsecret  = "gettoken: missing-credential at /query/appsecret: found nothing, expected appsecret to go with appkey"
		noCorpsecret = "gettoken: missing-credential at /query/corpsecret: found nothing, expected corpsecret to go with corpid"
		notAPost     = "getsession: method at /method: found GET, expected POST"
	)
	for _, test := range []struct {
		name, line, media, body string
		want                    []string
	}{
		{"nothing wrong", "GET /gettoken?" + appPairQuery, "", "", nil},
		{"a wrong secret is none", "GET /gettoken?appkey=dingmockapp&appsecret=x", "", "", nil},
		{"an unknown appkey is none", "GET /gettoken?appkey=nobody&appsecret=x", "", "", nil},
		{"an unknown token is none", "POST /topapi/v2/user/getsession?access_token=" + unknownToken, jsonType, `{"userid":"u"}`, nil},
		{"an expired token is none", "POST /topapi/v2/user/getsession?access_token=" + expiredToken, jsonType, `{"userid":"u"}`, nil},
		{"a user that is not listed is none", "POST /topapi/v2/user/getsession?access_token=" + otherToken, jsonType, `{"userid":"u-9"}`, nil},
		{"HEAD is none", "HEAD /gettoken?" + appPairQuery, "", "", nil},

		{"no credential", "GET /gettoken", "", "", []string{"_: " + noCredential + " ×1"}},
		{"an appkey alone", "GET /gettoken?appkey=dingmockapp", "", "", []string{"default: " + noAppsecret + " ×1"}},
		{"a corpid alone", "GET /gettoken?corpid=othercorp", "", "", []string{"otherapp: " + noCorpsecret + " ×1"}},
		{"an unknown appkey alone", "GET /gettoken?appkey=nobody", "", "", []string{"_: " + noAppsecret + " ×1"}},
		{"no token", "POST /topapi/v2/user/getsession", jsonType, `{"userid":"u"}`, []string{"_: getsession: missing-credential at /query/access_token: found nothing, expected access_token ×1"}},

		{"an unknown path", "GET /nowhere", "", "", []string{"_: unknown-path at /path: found /nowhere, expected a path that DingTalk has ×1"}},
		{"an unknown path with a token", "POST /chat/send?access_token=" + live, "", "", []string{"default: chat.send: not-modelled at /path: found /chat/send, expected a call that dingmock models, or a rule that answers it ×1"}},
		{"an unknown path with a token in a form", "POST /topapi/x", formType, "access_token=" + otherToken, []string{"otherapp: unknown-path at /path: found /topapi/x, expected a path that DingTalk has ×1"}},
		{"an unknown path with an expired token", "POST /topapi/x?access_token=" + expiredToken, "", "", []string{"oldapp: unknown-path at /path: found /topapi/x, expected a path that DingTalk has ×1"}},
		{"an unknown path with a bad token", "POST /topapi/x?access_token=" + unknownToken, "", "", []string{"_: unknown-path at /path: found /topapi/x, expected a path that DingTalk has ×1"}},
		{"a method, with a token", "PUT /topapi/v2/user/getsession?access_token=" + live, "", "", []string{"default: getsession: method at /method: found PUT, expected POST ×1"}},
		{"a method, with credentials", "PUT /gettoken?" + corpPairQuery, "", "", []string{"default: gettoken: method at /method: found PUT, expected GET ×1"}},

		{"GET in the place of POST, answered", "GET /topapi/v2/user/getsession?userid=u&access_token=" + live, "", "", []string{"default: " + notAPost + " ×1"}},
		{"POST in the place of GET, answered", "POST /gettoken", formType, appPairQuery, []string{"default: gettoken: method at /method: found POST, expected GET ×1"}},
		{"with an expired token", "POST /topapi/v2/user/getsession?access_token=" + expiredToken, jsonType, `{"userid":7}`, []string{"oldapp: getsession: invalid-parameter at /body/userid: found the number 7, expected a string of 1 to 128 characters ×1"}},
		{"with a wrong secret", "GET /gettoken?x=1&appkey=dingmockapp&appsecret=x", "", "", []string{"default: gettoken: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter ×1"}},
		{
			"several", "POST /topapi/v2/im/create_session?x=1&access_token=" + live, jsonType, `{"session_id":"s","session_id":"s","user_id":"","access_token":"x"}`,
			[]string{
				"default: create_session: missing-parameter at /body/app_key: found nothing, expected a string of 1 to 128 characters ×1",
				"default: create_session: missing-parameter at /body/user_id: found an empty string, expected a string of 1 to 128 characters ×1",
				"default: create_session: repeated-parameter at /body/session_id: found a repeated parameter, expected one value ×1",
				"default: create_session: undeclared-parameter at /body/access_token: found an undeclared parameter, expected no such parameter ×1",
				"default: create_session: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter ×1",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{Apps: wireApps()})
			advance(t, s, "oldapp", 24*time.Second)
			a := do(s, test.line, test.media, test.body)
			if diff := cmp.Diff(test.want, rows(violations(t, s))); diff != "" {
				t.Errorf("violations of a call that was answered %s (-want +got)\n%s", a.body, diff)
			}
			for _, row := range violations(t, s) {
				if diff := cmp.Diff(rows([]mockserver.ViolationCount{row})[0], rows(violations(t, s, row.App))[0]); diff != "" && len(test.want) == 1 {
					t.Errorf("the app's own violations (-server +app)\n%s", diff)
				}
			}
		})
	}
}

func TestTallyCounts(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{MaxApps: 2})
	mine := token(t, s, "appkey=mock-a&appsecret=s")
	for _, user := range []string{`7`, `true`, `"u"`, `[]`} {
		topapi(s, getsession, mine, `{"userid":`+user+`}`)
	}
	do(s, "GET /one?access_token="+mine, "", "")
	do(s, "GET /two?access_token="+mine, "", "")
	do(s, "POST /one?access_token="+mine, "", "")
	want := []string{
		"mock-a: unknown-path at /path: found /one, expected a path that DingTalk has ×2",
		"mock-a: unknown-path at /path: found /two, expected a path that DingTalk has ×1",
		"mock-a: getsession: invalid-parameter at /body/userid: found the number 7 and others, expected a string of 1 to 128 characters ×3",
	}
	if diff := cmp.Diff(want, rows(violations(t, s))); diff != "" {
		t.Errorf("violations (-want +got)\n%s", diff)
	}
	token(t, s, "appkey=mock-b&appsecret=s") // evicts mock-a
	if diff := cmp.Diff(want, rows(violations(t, s, "mock-a"))); diff != "" {
		t.Errorf("violations of an app that is no more (-want +got)\n%s", diff)
	}
	first := violations(t, s, "mock-a")[2].First
	if got := fmt.Sprintf("%s %s → %s", first.Request.Method, strings.Split(first.Request.URL, "?")[0], first.Code); got != "POST /topapi/v2/user/getsession → 40035" {
		t.Errorf("the first such call is %s", got)
	}
	if strings.Contains(fmt.Sprintf("%+v", *first), mine) {
		t.Errorf("the first such call holds the token: %+v", *first)
	}
}

// TestTallyIsBounded calls more unknown paths than are told apart.
func TestTallyIsBounded(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	const calls = 1500
	for i := range calls {
		do(s, fmt.Sprintf("GET /x/%d", i), "", "")
	}
	list := violations(t, s)
	sum := 0
	for _, row := range list {
		sum += row.Count
	}
	if len(list) != 1001 || sum != calls {
		t.Errorf("%d calls are tallied as %d in %d rows, want 1001 rows", calls, sum, len(list))
	}
}

func TestCallLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, media, body, want string
		attrs                         []string
	}{
		{"success", "GET /gettoken?" + appPairQuery, "", "", "GET gettoken default 0", []string{"method GET", "host example.com", "operation gettoken", "app default", "code 0"}},
		{"accessToken", "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"mock-a","appSecret":"s"}`, "POST accessToken mock-a 0", nil},
		{"errcode", "GET /gettoken?appkey=dingmockapp&appsecret=x", "", "", "GET gettoken default 40096", nil},
		{"no app", "GET /gettoken", "", "", "GET gettoken _ 40035", nil},
		{"sub_code", "POST /topapi/v2/user/getsession", jsonType, "{}", "POST getsession _ 88/40000", nil},
		{"code", "POST /v1.0/oauth2/accessToken", "", "", "POST accessToken _ Missingbody", nil},
		{"hole in a code", "POST /v1.0/oauth2/accessToken", jsonType, "{}", "POST accessToken _ MissingappKey", nil},
		{"session", "POST /topapi/v2/im/create_session?access_token=" + live, jsonType, secondSession, "POST create_session default 0", nil},
		{"unknown path", "GET /user/get?access_token=" + live, "", "", "GET user.get default 404", nil},
		{"unknown API", "GET /topapi/x", "", "", "GET /topapi/x _ 22", nil},
		{"unknown action", "GET /v1.0/x", "", "", "GET /v1.0/x _ InvalidAction.NotFound", nil},
		{"a path of two lines", "GET /a%0Ab%20c", "", "", `GET /a\nb c _ 404`, []string{"method GET", "host example.com", "path /a\nb c", "app _", "code 404"}},
		{"a path of other letters", "GET /%E4%BC%9A%ff", "", "", `GET /\u4f1a\xff _ 404`, nil},
		{"lower-case method", "get /gettoken", "", "", "get gettoken _ 43001", nil},
		{"by a name of the platform", "GET http://API.dingtalk.com:443/gettoken?" + appPairQuery, "", "", "GET gettoken default 0 api.dingtalk.com", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var lines, attrs []string
			s := fake(t, mockserver.Options{Calls: func(l mockserver.CallLine) {
				lines = append(lines, l.String())
				for _, a := range l.Attrs() {
					attrs = append(attrs, a.Key+" "+a.Value.String())
				}
			}})
			do(s, test.line, test.media, test.body)
			if diff := cmp.Diff([]string{test.want}, lines); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if test.attrs != nil {
				if diff := cmp.Diff(test.attrs, attrs); diff != "" {
					t.Errorf("attributes (-want +got)\n%s", diff)
				}
			}
		})
	}
}
