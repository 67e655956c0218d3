package mockserver_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// The exact Content-Type of each family.
const (
	oapiType   = "application/json"
	topapiType = "application/json;charset=UTF-8"
	apiType    = "application/json;charset=utf-8"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// Tokens of the apps of wireApps, in addition to live.
const (
	otherToken   = "03ac6a7029ab339387b301e29e7ec094"
	expiredToken = "00000000000000000000000000000001"
	unknownToken = "ffffffffffffffffffffffffffffffff"
)

// wireCase is one request and the exact reply. Each gets its own fake; TOKEN, OTHER, EXPIRED and UNKNOWN stand for
// the tokens, … for the id of the request.
type wireCase struct {
	name   string
	line   string // method and target
	media  string // Content-Type
	body   string
	status int
	typ    string // Content-Type of the reply
	want   string // body of the reply
}

// wireApps returns the apps of a wire case: one with an open session, one with a list of users, and one whose
// token has expired at the time of the request.
func wireApps() []mockserver.AppState {
	a := liveApp()
	a.Sessions = []mockserver.SessionState{{SessionID: "s-1", UserID: "u-1", ChatID: "c-1"}}
	return []mockserver.AppState{
		a,
		{
			AppKey: "otherapp", AppSecret: "otherappsecret", CorpID: "othercorp", CorpSecret: "othercorpsecret",
			Users: []string{"u-1", "u-2"}, Tokens: []mockserver.TokenState{{Token: otherToken, ExpiresIn: 7200}},
		},
		{
			AppKey: "oldapp", AppSecret: "oldappsecret", CorpID: "oldcorp", CorpSecret: "oldcorpsecret",
			Tokens: []mockserver.TokenState{{Token: expiredToken, ExpiresIn: 12}},
		},
	}
}

// headCase is one HEAD, whose reply has no body to say what it is.
type headCase struct {
	wireCase
	refused bool // the reply is that of an error
}

// runWire sends each case over a socket to a fake with these options, and checks what all replies have in common.
func runWire(t *testing.T, o mockserver.Options, cases []wireCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.check(t, o)
			success := strings.Contains(got.body, `"errcode":0`) || strings.Contains(got.body, `"accessToken"`)
			checkExplain(t, got, got.status != http.StatusOK || !success)
		})
	}
}

// runHeads is runWire for HEAD.
func runHeads(t *testing.T, o mockserver.Options, cases []headCase) {
	t.Helper()
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checkExplain(t, test.check(t, o), test.refused)
		})
	}
}

// check makes the request of a case, and checks the reply but for its explanation.
func (test wireCase) check(t *testing.T, o mockserver.Options) answer {
	t.Helper()
	o.Version = "v1.2.3"
	if o.Apps == nil {
		o.Apps = wireApps()
	}
	s := fake(t, o)
	advance(t, s, "oldapp", 24*time.Second)
	named := strings.NewReplacer("TOKEN", live, "OTHER", otherToken, "EXPIRED", expiredToken, "UNKNOWN", unknownToken)
	raw := request(named.Replace(test.line), test.media, named.Replace(test.body))
	got := send(t, listen(t, s), raw)
	if diff := cmp.Diff(test.want, tidy(got.body)); diff != "" {
		t.Errorf("body (-want +got)\n%s", diff)
	}
	if got.status != test.status {
		t.Errorf("status %d, want %d", got.status, test.status)
	}
	checkHeader(t, test, got)
	return got
}

// checkHeader checks the headers that each reply has.
func checkHeader(t *testing.T, test wireCase, got answer) {
	t.Helper()
	want := map[string]string{"Content-Type": test.typ, "Server": "DingTalk/1.0.0", "Dingmock-Version": "v1.2.3"}
	for name, value := range want {
		if list := got.header.Values(name); !slices.Equal(list, []string{value}) {
			t.Errorf("header %s is %q, want %q", name, list, value)
		}
	}
	length := len(got.body)
	if strings.HasPrefix(test.line, "HEAD ") {
		length = headLength(got.header)
	}
	if list := got.header.Values("Content-Length"); !slices.Equal(list, []string{strconv.Itoa(length)}) {
		t.Errorf("Content-Length is %q, want %d", list, length)
	}
}

// checkExplain checks that errors are explained, and they alone, without secrets.
func checkExplain(t *testing.T, got answer, failed bool) {
	t.Helper()
	explain := got.header.Values("Dingmock-Explain")
	switch {
	case failed && (len(explain) != 1 || len(explain[0]) < 20):
		t.Errorf("an error with Dingmock-Explain %q", explain)
	case !failed && len(explain) != 0:
		t.Errorf("a success with Dingmock-Explain %q", explain)
	}
	for _, s := range explain {
		if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("Dingmock-Explain is not printable ASCII: %q", s)
		}
		for _, secret := range []string{"dingmockappsecret", "dingmockcorpsecret", "otherappsecret", "othercorpsecret", live, otherToken, expiredToken, unknownToken} {
			if strings.Contains(s, secret) {
				t.Errorf("Dingmock-Explain holds a secret: %q", s)
			}
		}
	}
}

// headLength returns the length that a HEAD's reply claims, if it has one.
func headLength(h http.Header) int {
	n, err := strconv.Atoi(h.Get("Content-Length"))
	if err != nil || n == 0 {
		return -1
	}
	return n
}

const (
	tokenOK       = `{"errcode":0,"access_token":"82ad1e1b28b2357dbf090b9a2582319c","errmsg":"ok","expires_in":7200}`
	otherTokenOK  = `{"errcode":0,"access_token":"03ac6a7029ab339387b301e29e7ec094","errmsg":"ok","expires_in":7200}`
	wrongApp      = `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`
	wrongCorp     = `{"errcode":40089,"errmsg":"不合法的corpid或corpsecret"}`
	noID          = `{"errcode":40035,"errmsg":"缺少参数 corpid or appkey"}`
	noAppsecret   = `{"errcode":40035,"errmsg":"缺少参数 appsecret"}`
	noCorpsecret  = `{"errcode":40035,"errmsg":"缺少参数 corpsecret"}`
	needGet       = `{"errcode":43001,"errmsg":"需要GET请求"}`
	notFound      = `{"errcode":404,"errmsg":"请求的URI地址不存在"}`
	bothPairs     = "appkey=dingmockapp&appsecret=dingmockappsecret&corpid=dingmockcorp&corpsecret=dingmockcorpsecret"
	appPairQuery  = "appkey=dingmockapp&appsecret=dingmockappsecret"
	corpPairQuery = "corpid=dingmockcorp&corpsecret=dingmockcorpsecret"
)

func TestWireGettoken(t *testing.T) {
	t.Parallel()
	const get = "GET /gettoken?"
	runWire(t, mockserver.Options{}, []wireCase{
		{"appkey", get + appPairQuery, "", "", 200, oapiType, tokenOK},
		{"corpid", get + corpPairQuery, "", "", 200, oapiType, tokenOK},
		{"both pairs", get + bothPairs, "", "", 200, oapiType, tokenOK},
		{"both pairs, appkey first", get + appPairQuery + "&corpid=nobody&corpsecret=x", "", "", 200, oapiType, tokenOK},
		{"both pairs, of two apps", get + "corpid=othercorp&corpsecret=othercorpsecret&" + appPairQuery, "", "", 200, oapiType, tokenOK},
		{"both pairs, appkey wrong", get + "appkey=nobody&appsecret=x&" + corpPairQuery, "", "", 200, oapiType, wrongApp},
		{"corpid complete, appkey not", get + "appkey=nobody&" + corpPairQuery, "", "", 200, oapiType, tokenOK},
		{"corpid complete, appsecret alone", get + "appsecret=x&" + corpPairQuery, "", "", 200, oapiType, tokenOK},
		{"other app", get + "corpid=othercorp&corpsecret=othercorpsecret", "", "", 200, oapiType, otherTokenOK},
		{"undeclared parameter", get + appPairQuery + "&x=1", "", "", 200, oapiType, tokenOK},
		{"repeated parameter, the first counts", get + appPairQuery + "&appkey=nobody", "", "", 200, oapiType, tokenOK},
		{"repeated parameter, the first is wrong", get + "appkey=nobody&" + appPairQuery, "", "", 200, oapiType, wrongApp},
		{"escaped parameters", get + "%61ppkey=%64ingmockapp&appsecret=dingmockappsecret", "", "", 200, oapiType, tokenOK},
		{"unneeded token", get + appPairQuery + "&access_token=UNKNOWN", "", "", 200, oapiType, tokenOK},

		{"no query", "GET /gettoken", "", "", 200, oapiType, noID},
		{"neither id", get + "x=1", "", "", 200, oapiType, noID},
		{"a secret alone", get + "appsecret=dingmockappsecret", "", "", 200, oapiType, noID},
		{"empty values", get + "appkey=&appsecret=&corpid=&corpsecret=", "", "", 200, oapiType, noID},
		{"names without =", get + "appkey&appsecret", "", "", 200, oapiType, noID},
		{"names in capitals", get + "AppKey=dingmockapp&AppSecret=dingmockappsecret", "", "", 200, oapiType, noID},
		{"appkey alone", get + "appkey=dingmockapp", "", "", 200, oapiType, noAppsecret},
		{"appkey, empty secret", get + "appkey=dingmockapp&appsecret=", "", "", 200, oapiType, noAppsecret},
		{"appkey unknown, no secret", get + "appkey=nobody", "", "", 200, oapiType, noAppsecret},
		{"corpid alone", get + "corpid=dingmockcorp", "", "", 200, oapiType, noCorpsecret},
		{"both ids, no secret", get + "corpid=dingmockcorp&appkey=dingmockapp", "", "", 200, oapiType, noAppsecret},
		{"mixed pair", get + "appkey=dingmockapp&corpsecret=dingmockcorpsecret", "", "", 200, oapiType, noAppsecret},
		{"mixed pair, the other way", get + "corpid=dingmockcorp&appsecret=dingmockappsecret", "", "", 200, oapiType, noCorpsecret},

		{"wrong appkey", get + "appkey=nobody&appsecret=dingmockappsecret", "", "", 200, oapiType, wrongApp},
		{"wrong appsecret", get + "appkey=dingmockapp&appsecret=x", "", "", 200, oapiType, wrongApp},
		{"appsecret in capitals", get + "appkey=dingmockapp&appsecret=DINGMOCKAPPSECRET", "", "", 200, oapiType, wrongApp},
		{"appsecret with a space after", get + "appkey=dingmockapp&appsecret=dingmockappsecret%20", "", "", 200, oapiType, wrongApp},
		{"blank appkey", get + "appkey=%20&appsecret=dingmockappsecret", "", "", 200, oapiType, wrongApp},
		{"the secret of another app", get + "appkey=dingmockapp&appsecret=otherappsecret", "", "", 200, oapiType, wrongApp},
		{"the corpsecret as appsecret", get + "appkey=dingmockapp&appsecret=dingmockcorpsecret", "", "", 200, oapiType, wrongApp},
		{"a corpid as appkey", get + "appkey=dingmockcorp&appsecret=dingmockcorpsecret", "", "", 200, oapiType, wrongApp},
		{"an appkey as corpid", get + "corpid=dingmockapp&corpsecret=dingmockappsecret", "", "", 200, oapiType, wrongCorp},
		{"wrong corpid", get + "corpid=nobody&corpsecret=dingmockcorpsecret", "", "", 200, oapiType, wrongCorp},
		{"wrong corpsecret", get + "corpid=dingmockcorp&corpsecret=x", "", "", 200, oapiType, wrongCorp},
		{"bytes that are not UTF-8", get + "appkey=%ff%fe&appsecret=%00", "", "", 200, oapiType, wrongApp},
		{"escapes that are broken", get + "appkey=%zz&appsecret=%", "", "", 200, oapiType, wrongApp},
		{"an appkey of 64 KiB", get + "appkey=" + strings.Repeat("a", 64<<10) + "&appsecret=x", "", "", 200, oapiType, wrongApp},

		{"GET with the parameters in a form", "GET /gettoken", formType, appPairQuery, 200, oapiType, noID},
		{"GET with the parameters in JSON", "GET /gettoken", jsonType, `{"appkey":"dingmockapp","appsecret":"dingmockappsecret"}`, 200, oapiType, noID},
		{"GET with a body beside the query", get + appPairQuery, "text/plain", "\xff", 200, oapiType, tokenOK},
		{"POST, query", "POST /gettoken?" + appPairQuery, "", "", 200, oapiType, tokenOK},
		{"POST, form", "POST /gettoken", formType, corpPairQuery, 200, oapiType, tokenOK},
		{"POST, form without a type", "POST /gettoken", "", corpPairQuery, 200, oapiType, tokenOK},
		{"POST, JSON", "POST /gettoken", jsonType, `{"appkey":"dingmockapp","appsecret":"dingmockappsecret"}`, 200, oapiType, tokenOK},
		{"POST, JSON with a charset", "POST /gettoken", "application/json; charset=utf-8", `{"corpid":"dingmockcorp","corpsecret":"dingmockcorpsecret"}`, 200, oapiType, tokenOK},
		{"POST, JSON, null", "POST /gettoken", jsonType, `{"appkey":null,"appsecret":"x","corpid":"dingmockcorp","corpsecret":"dingmockcorpsecret"}`, 200, oapiType, tokenOK},
		{"POST, JSON, the last of a duplicate counts", "POST /gettoken", jsonType, `{"appkey":"nobody","appkey":"dingmockapp","appsecret":"dingmockappsecret"}`, 200, oapiType, tokenOK},
		{"POST, query before body", "POST /gettoken?appkey=dingmockapp", jsonType, `{"appkey":"nobody","appsecret":"dingmockappsecret"}`, 200, oapiType, tokenOK},
		{"POST, a number", "POST /gettoken", jsonType, `{"appkey":1,"appsecret":"dingmockappsecret"}`, 200, oapiType, `{"errcode":40035,"errmsg":"不合法的参数 appkey"}`},
		{"POST, broken JSON beside the query", "POST /gettoken?" + appPairQuery, jsonType, `{"appkey`, 200, oapiType, tokenOK},
		{"POST, broken JSON", "POST /gettoken", jsonType, `{"appkey`, 200, oapiType, noID},
		{"POST, another type", "POST /gettoken", "text/plain", appPairQuery, 200, oapiType, noID},
		{"POST, nothing", "POST /gettoken", "", "", 200, oapiType, noID},
		{"POST, wrong secret", "POST /gettoken", formType, "appkey=dingmockapp&appsecret=x", 200, oapiType, wrongApp},

		{"PUT", "PUT /gettoken?" + appPairQuery, "", "", 200, oapiType, needGet},
		{"DELETE", "DELETE /gettoken?" + appPairQuery, "", "", 200, oapiType, needGet},
		{"PATCH", "PATCH /gettoken?" + appPairQuery, jsonType, "{}", 200, oapiType, needGet},
		{"OPTIONS", "OPTIONS /gettoken?" + appPairQuery, "", "", 200, oapiType, needGet},
		{"lower-case get", "get /gettoken?" + appPairQuery, "", "", 200, oapiType, needGet},
		{"a method of its own", "BREW /gettoken", "", "", 200, oapiType, needGet},
		{"absolute target", "GET http://api.dingtalk.com/gettoken?" + appPairQuery, "", "", 200, oapiType, tokenOK},
	})
	runHeads(t, mockserver.Options{}, []headCase{
		{wireCase{"HEAD", "HEAD /gettoken?" + appPairQuery, "", "", 200, oapiType, ""}, false},
		{wireCase{"HEAD, refused", "HEAD /gettoken", "", "", 200, oapiType, ""}, true},
	})
}

// A call that is not modelled is rejected as DingTalk would before it looks at the call itself, and otherwise as
// an unknown path.
func TestWireNotModelled(t *testing.T) {
	t.Parallel()
	const (
		noAction = `{"code":"InvalidAction.NotFound","requestid":"…","message":"Specified api is not found, please check your url and method."}`
		apiBlank = `{"code":"AuthenticationFailed.MissingParameter","requestid":"…","message":"缺少参数：x-acs-dingtalk-access-token"}`
	)
	runWire(t, mockserver.Options{}, []wireCase{
		{"topapi, no token", "POST /topapi/v2/user/get", jsonType, `{}`, 200, topapiType, tokenBlank},
		{"topapi, a bad token", "POST /topapi/v2/user/get?access_token=" + unknownToken, jsonType, `{}`, 200, topapiType, tokenInvalid},
		{"topapi, a token", "POST /topapi/v2/user/get?access_token=TOKEN", jsonType, `{}`, 200, topapiType, unknownAPI("v2.user.get")},
		{"topapi, another method", "PUT /topapi/v2/user/get?access_token=TOKEN", jsonType, `{}`, 200, topapiType, needPost},
		{"topapi, GET with its parameters", "GET /topapi/v2/user/get?access_token=TOKEN&userid=u", "", "", 200, topapiType, unknownAPI("v2.user.get")},
		{"legacy, no token", "GET /user/get", "", "", 200, oapiType, `{"errcode":40035,"errmsg":"缺少参数 access_token"}`},
		{"legacy, a bad token", "GET /user/get?access_token=undefined", "", "", 200, oapiType, `{"errcode":40014,"errmsg":"不合法的access_token"}`},
		{"legacy, a token", "GET /user/get?access_token=TOKEN", "", "", 200, oapiType, notFound},
		{"legacy, POST for GET", "POST /user/get?access_token=TOKEN", jsonType, "{}", 200, oapiType, `{"errcode":43001,"errmsg":"需要GET请求"}`},
		{"legacy, GET for POST", "GET /robot/send?access_token=x", "", "", 200, oapiType, `{"errcode":43002,"errmsg":"需要POST请求"}`},
		{"a robot's token is none of an app", "POST /robot/send?access_token=x", jsonType, "{}", 200, oapiType, notFound},
		{"a robot's token, none", "POST /robot/send", jsonType, "{}", 200, oapiType, `{"errcode":40035,"errmsg":"缺少参数 access_token"}`},
		{"a session's webhook, none", "POST /robot/sendBySession", jsonType, "{}", 200, oapiType, `{"errcode":40035,"errmsg":"缺少参数 session"}`},
		{"no token is asked for", "POST /v1.0/gateway/connections/open", jsonType, "{}", 404, apiType, noAction},
		{"v1.0, no token", "GET /v1.0/contact/users/me", "", "", 400, apiType, apiBlank},
		{"v1.0, a token in the query", "GET /v1.0/contact/users/me?access_token=TOKEN", "", "", 400, apiType, apiBlank},
		{"v2.0, no token", "GET /v2.0/storage/spaces/dentries/x/y", "", "", 404, apiType, noAction},
	})
}

func TestWireUnknownPath(t *testing.T) {
	t.Parallel()
	const noAction = `{"code":"InvalidAction.NotFound","requestid":"…","message":"Specified api is not found, please check your url and method."}`
	runWire(t, mockserver.Options{}, []wireCase{
		{"root", "GET /", "", "", 200, oapiType, notFound},
		{"any path", "GET /user/get?access_token=TOKEN", "", "", 200, oapiType, notFound},
		{"any path, POST", "POST /chat/create?access_token=TOKEN", jsonType, "{}", 200, oapiType, notFound},
		{"gettoken with a slash after", "GET /gettoken/?" + appPairQuery, "", "", 200, oapiType, notFound},
		{"gettoken with two slashes", "GET //gettoken?" + appPairQuery, "", "", 200, oapiType, notFound},
		{"gettoken in capitals", "GET /GetToken?" + appPairQuery, "", "", 200, oapiType, notFound},
		{"gettoken behind dots", "GET /x/../gettoken?" + appPairQuery, "", "", 200, oapiType, notFound},
		{"gettoken and more", "GET /gettoken/x?" + appPairQuery, "", "", 200, oapiType, notFound},
		{"absolute target without a path", "GET http://oapi.dingtalk.com", "", "", 200, oapiType, notFound},
		{"topapi without a slash", "POST /topapi?access_token=TOKEN", jsonType, "{}", 200, oapiType, notFound},
		{"v1.0 without a slash", "POST /v1.0", jsonType, "{}", 200, oapiType, notFound},
		{"v1 is no version", "POST /v1/oauth2/accessToken", jsonType, "{}", 200, oapiType, notFound},
		{"accessToken without v1.0", "POST /oauth2/accessToken", jsonType, "{}", 200, oapiType, notFound},
		{"bytes that are not UTF-8", "GET /%ff%fe", "", "", 200, oapiType, notFound},

		{"topapi", "POST /topapi/x?access_token=TOKEN", jsonType, "{}", 200, topapiType, unknownAPI("x")},
		{"topapi, no token", "POST /topapi/v2/user/notexist", jsonType, "{}", 200, topapiType, unknownAPI("v2.user.notexist")},
		{"topapi, GET", "GET /topapi/v2/user/notexist", "", "", 200, topapiType, unknownAPI("v2.user.notexist")},
		{"topapi, PUT", "PUT /topapi/v2/user/notexist", "", "", 200, topapiType, unknownAPI("v2.user.notexist")},
		{"topapi, expired token and broken body", "POST /topapi/x?access_token=EXPIRED", "text/plain", "\xff{", 200, topapiType, unknownAPI("x")},
		{"topapi alone", "GET /topapi/", "", "", 200, topapiType, unknownAPI("")},
		{"create_session with a slash after", "POST /topapi/v2/im/create_session/?access_token=TOKEN", jsonType, "{}", 200, topapiType, unknownAPI("v2.im.create_session.")},
		{"create_session with two slashes", "POST /topapi//v2/im/create_session?access_token=TOKEN", jsonType, "{}", 200, topapiType, unknownAPI(".v2.im.create_session")},
		{"topapi, quotes and signs are not escaped", "GET /topapi/%22%3C%26%3E'%5C", "", "", 200, topapiType, unknownAPI(`\"<&>'\\`)},
		{"topapi, a new line", "GET /topapi/a%0Ab", "", "", 200, topapiType, unknownAPI(`a\nb`)},
		{"topapi, Chinese", "GET /topapi/%E4%BC%9A%E8%AF%9D", "", "", 200, topapiType, unknownAPI(`会话`)},
		{"topapi, braces are no holes", "GET /topapi/%7Bsub_msg%7D%7BapiName%7D", "", "", 200, topapiType, unknownAPI(`{sub_msg}{apiName}`)},

		{"v1.0", "POST /v1.0/x", jsonType, "{}", 404, apiType, noAction},
		{"v2.0", "POST /v2.0/oauth2/accessToken", jsonType, "{}", 404, apiType, noAction},
		{"v10.25", "POST /v10.25/x", jsonType, "{}", 404, apiType, noAction},
		{"v1.0 alone", "GET /v1.0/", "", "", 404, apiType, noAction},
		{"v1.0, broken body", "POST /v1.0/x", "text/plain", "\xff", 404, apiType, noAction},
		{"accessToken with a slash after", "POST /v1.0/oauth2/accessToken/", jsonType, "{}", 404, apiType, noAction},
		{"accessToken with two slashes", "POST /v1.0//oauth2/accessToken", jsonType, "{}", 404, apiType, noAction},
		{"accessToken by GET", "GET /v1.0/oauth2/accessToken", "", "", 404, apiType, noAction},
		{"accessToken by PUT", "PUT /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`, 404, apiType, noAction},
		{"accessToken by post", "post /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`, 404, apiType, noAction},
	})
	runHeads(t, mockserver.Options{}, []headCase{
		{wireCase{"accessToken by HEAD, refused", "HEAD /v1.0/oauth2/accessToken", "", "", 404, apiType, ""}, true},
		{wireCase{"HEAD, refused", "HEAD /nowhere", "", "", 200, oapiType, ""}, true},
	})
}

func TestWireAccessToken(t *testing.T) {
	t.Parallel()
	const (
		post        = "POST /v1.0/oauth2/accessToken"
		ok          = `{"expireIn":7200,"accessToken":"82ad1e1b28b2357dbf090b9a2582319c"}`
		wrong       = `{"code":"invalidClientIdOrSecret","requestid":"…","message":"无效的clientId或者clientSecret"}`
		missingBody = `{"code":"Missingbody","requestid":"…","message":"body is mandatory for this action."}`
		invalidBody = `{"code":"Invalidbody","requestid":"…","message":"Specified parameter body is not valid."}`
		noKey       = `{"code":"MissingappKey","requestid":"…","message":"appKey is mandatory for this action."}`
		noSecret    = `{"code":"MissingappSecret","requestid":"…","message":"appSecret is mandatory for this action."}`
		pair        = `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`
	)
	runWire(t, mockserver.Options{}, []wireCase{
		{"success", post, jsonType, pair, 200, apiType, ok},
		{"a charset", post, "application/json;charset=UTF-8", pair, 200, apiType, ok},
		{"a type in capitals", post, "Application/JSON", pair, 200, apiType, ok},
		{"no type", post, "", pair, 200, apiType, ok},
		{"space around", post, jsonType, " \r\n\t" + pair + "\n", 200, apiType, ok},
		{"undeclared field", post, jsonType, `{"x":[1,{"y":null}],"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`, 200, apiType, ok},
		{"the last of a duplicate counts", post, jsonType, `{"appKey":"x","appSecret":"dingmockappsecret","appKey":"dingmockapp"}`, 200, apiType, ok},
		{"escaped characters", post, jsonType, `{"\u0061ppKey":"dingmock\u0061pp","appSecret":"dingmockappsecret"}`, 200, apiType, ok},

		{"form", post, formType, "appKey=dingmockapp&appSecret=dingmockappsecret", 400, apiType, missingBody},
		{"form without a type", post, "", "appKey=dingmockapp&appSecret=dingmockappsecret", 400, apiType, missingBody},
		{"text", post, "text/plain", pair, 400, apiType, missingBody},
		{"a type of parameters alone", post, ";charset=utf-8", pair, 400, apiType, missingBody},
		{"no body", post, jsonType, "", 400, apiType, missingBody},
		{"no body, no type", post, "", "", 400, apiType, missingBody},
		{"the pair in the query, no body", post + "?appKey=dingmockapp&appSecret=dingmockappsecret", "", "", 400, apiType, missingBody},

		{"broken JSON", post, jsonType, `{"appKey":`, 400, apiType, invalidBody},
		{"broken JSON without a type", post, "", `{`, 400, apiType, invalidBody},
		{"text after the JSON", post, jsonType, pair + "x", 400, apiType, invalidBody},
		{"two objects", post, jsonType, pair + pair, 400, apiType, invalidBody},
		{"not an object", post, jsonType, `["appKey"]`, 400, apiType, invalidBody},
		{"null", post, jsonType, `null`, 400, apiType, invalidBody},
		{"not UTF-8", post, jsonType, "{\"appKey\":\"\xff\",\"appSecret\":\"x\"}", 400, apiType, invalidBody},
		{"a number", post, jsonType, `{"appKey":1,"appSecret":"x"}`, 400, apiType, invalidBody},
		{"a number beyond all bounds", post, jsonType, `{"appKey":1e999,"appSecret":"x"}`, 400, apiType, invalidBody},
		{"an object", post, jsonType, `{"appKey":"dingmockapp","appSecret":{}}`, 400, apiType, invalidBody},
		{"over 1 MiB", post, jsonType, `{"appKey":"` + strings.Repeat("a", 1<<20) + `"}`, 400, apiType, invalidBody},

		{"empty object", post, jsonType, `{}`, 400, apiType, noKey},
		{"the pair in the query", post + "?appKey=dingmockapp&appSecret=dingmockappsecret", jsonType, `{}`, 400, apiType, noKey},
		{"appSecret alone", post, jsonType, `{"appSecret":"x"}`, 400, apiType, noKey},
		{"appKey empty", post, jsonType, `{"appKey":"","appSecret":"x"}`, 400, apiType, noKey},
		{"appKey null", post, jsonType, `{"appKey":null,"appSecret":"x"}`, 400, apiType, noKey},
		{"names in other capitals", post, jsonType, `{"appkey":"dingmockapp","appsecret":"dingmockappsecret"}`, 400, apiType, noKey},
		{"appKey alone", post, jsonType, `{"appKey":"dingmockapp"}`, 400, apiType, noSecret},
		{"appKey wrong and appSecret missing", post, jsonType, `{"appKey":1}`, 400, apiType, noSecret},

		{"wrong appKey", post, jsonType, `{"appKey":"nobody","appSecret":"dingmockappsecret"}`, 400, apiType, wrong},
		{"wrong appSecret", post, jsonType, `{"appKey":"dingmockapp","appSecret":"x"}`, 400, apiType, wrong},
		{"the corp pair", post, jsonType, `{"appKey":"dingmockcorp","appSecret":"dingmockcorpsecret"}`, 400, apiType, wrong},
		{"blank", post, jsonType, `{"appKey":" ","appSecret":" "}`, 400, apiType, wrong},
		{"NUL", post, jsonType, `{"appKey":"dingmockapp\u0000","appSecret":"dingmockappsecret"}`, 400, apiType, wrong},
	})
}
