package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

// methods calls each method of Client that makes a call of the document, and tells what it returned. The session's
// chat is given so that each field of the document goes out.
var methods = map[string]func(context.Context, *Client) (any, error){
	"Token":       func(ctx context.Context, c *Client) (any, error) { return c.Token(ctx) },
	"AccessToken": func(ctx context.Context, c *Client) (any, error) { return c.AccessToken(ctx) },
	"GetSession": func(ctx context.Context, c *Client) (any, error) {
		s, ok, err := c.GetSession(ctx, "manager4220")
		return found{s, ok}, err
	},
	"CreateSession": func(ctx context.Context, c *Client) (any, error) {
		return c.CreateSession(ctx, SessionParams{SessionID: "s-1", UserID: "manager4220", ChatID: "chat-1"})
	},
	"CloseSession": func(ctx context.Context, c *Client) (any, error) {
		return closed{}, c.CloseSession(ctx, SessionParams{SessionID: "s-1", UserID: "manager4220", ChatID: "chat-1"})
	},
}

type found struct {
	Session Session
	OK      bool
}

type closed struct{}

func load(t testing.TB) *dingmock.Document {
	t.Helper()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestEveryOperationHasItsMethod holds document, table of operations and methods together, in every direction.
func TestEveryOperationHasItsMethod(t *testing.T) {
	t.Parallel()
	type operation struct{ Method, Path string }
	inDocument, inTable := map[string]operation{}, map[string]operation{}
	doc := load(t)
	for _, op := range doc.Operations() {
		inDocument[op.ID] = operation{op.Method, op.Path}
	}
	tied := map[string]string{}
	for id, op := range operations {
		inTable[id] = operation{op.method, op.path}
		if other, again := tied[op.by]; again {
			t.Errorf("%s makes both %s and %s", op.by, id, other)
		}
		tied[op.by] = id
	}
	if diff := cmp.Diff(inDocument, inTable); diff != "" {
		t.Errorf("operations (-document +client):\n%s", diff)
	}
	var exported []string
	for m := range reflect.TypeFor[*Client]().Methods() {
		if !slices.Contains([]string{"Call", "Format", "LogValue"}, m.Name) {
			exported = append(exported, m.Name)
		}
	}
	if diff := cmp.Diff(exported, slices.Sorted(maps.Keys(tied))); diff != "" {
		t.Errorf("methods (-exported +in the table):\n%s", diff)
	}
	if diff := cmp.Diff(exported, slices.Sorted(maps.Keys(methods))); diff != "" {
		t.Errorf("methods (-exported +in this test):\n%s", diff)
	}

	for name, method := range methods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
				var body []byte
				if r.Body != nil {
					body, _ = io.ReadAll(r.Body)
				}
				op := doc.Match(r.Method, r.URL.Path)
				ids = append(ids, op.ID)
				q := doc.CheckRequest(op, r, body)
				for _, v := range q.Violations {
					t.Error(v)
				}
				if op.Family.Name == "topapi" { // all that the document declares goes out
					for _, p := range op.Parameters {
						if q.Value(p.Name) == "" {
							t.Errorf("%s sends no %s", name, p.Name)
						}
					}
				}
				return respond(200, map[string]string{
					"gettoken": okToken, "accessToken": okNew, "getsession": okNone, "create_session": okCreate, "close_session": okClose,
				}[op.ID]), nil
			})
			if _, err := method(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got := ids[len(ids)-1]; got != tied[name] {
				t.Errorf("%s makes the call %s, want %s", name, got, tied[name])
			}
		})
	}
}

const (
	oapiID   = ""
	topapiID = "16l4ew3d47pdp"
	apiID    = "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"
)

// wantReplies says what each example of the document must become: a value, or an *Error and its kind.
func wantReplies(clock time.Time) map[string]any {
	token := Token{Value: "82ad1e1b28b2357dbf090b9a2582319c", Expires: clock.Add(7200 * time.Second)}
	want := map[string]any{
		"gettoken/success":    token,
		"accessToken/success": token,
		"getsession/success": found{Session{
			SessionID: "s-1", AppKey: "dingmockapp", UserID: "manager4220",
			CreateTime: time.Date(2023, 9, 2, 16, 1, 2, 0, time.UTC),
		}, true},
		"getsession/success-none": found{},
		"create_session/success":  "s-1",
		"close_session/success":   closed{},
	}
	refuse := func(operation, example string, kind error, e Error) {
		e.Operation, e.HTTPStatus = operation, max(e.HTTPStatus, 200)
		if errors.Is(kind, ErrThrottled) {
			e.Until = time.Date(2026, 9, 3, 0, 1, 3, 0, china)
		}
		want[operation+"/"+example] = refusal{e, kind}
	}
	throttled := func(api, count string) string {
		return "应用调用该接口次数过多，超出了该接口承受的最大qps，请求被暂时限制了，建议错开整点时刻调用该接口, apiPath(" + api +
			"), 从 2026-09-03 00:01:02 到 2026-09-03 00:01:02 请求总次数超过 " + count + " 次, 限制将在 2026-09-03 00:01:03 结束."
	}

	const oapi = "gettoken"
	refuse(oapi, "appkey-or-appsecret-wrong", ErrWrongCredentials, Error{Errcode: 40096, Message: "不合法的appKey或appSecret"})
	refuse(oapi, "corpid-or-corpsecret-wrong", ErrWrongCredentials, Error{Errcode: 40089, Message: "不合法的corpid或corpsecret"})
	refuse(oapi, "parameter-missing", ErrInvalidParameter, Error{Errcode: 40035, Message: "缺少参数 corpid or appkey"})
	refuse(oapi, "appsecret-missing", ErrInvalidParameter, Error{Errcode: 40035, Message: "缺少参数 appsecret"})
	refuse(oapi, "corpsecret-missing", ErrInvalidParameter, Error{Errcode: 40035, Message: "缺少参数 corpsecret"})
	refuse(oapi, "parameter-invalid", ErrInvalidParameter, Error{Errcode: 40035, Message: "不合法的参数 appkey"})
	refuse(oapi, "need-get", ErrInvalidParameter, Error{Errcode: 43001, Message: "需要GET请求"})
	refuse(oapi, "system-busy", ErrBusy, Error{Errcode: -1, Message: "系统繁忙"})
	refuse(oapi, "permission-denied", ErrNoPermission, Error{Errcode: 60011, Message: "没有调用该接口的权限"})
	refuse(oapi, "ip-not-allowed", ErrIPNotAllowed, Error{Errcode: 60020, Message: "访问ip不在白名单之中,request ip=203.0.113.7 appKey(dingmockapp)"})
	refuse(oapi, "app-throttled", ErrThrottled, Error{Errcode: 90018, Message: "当前钉钉" + throttled("/gettoken", "20")})
	refuse(oapi, "api-throttled", ErrThrottled, Error{Errcode: 90002, Message: "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了, apiPath(/gettoken), 从 2026-09-03 00:01:02 到 2026-09-03 00:01:02 请求总次数超过了 300 次, 处罚将在 2026-09-03 00:01:03 结束."})
	refuse(oapi, "quota-exhausted", ErrQuotaExhausted, Error{Errcode: 90020, Message: "本月接口调用次数已超过限额"})
	refuse(oapi, "access-token-invalid", ErrInvalidToken, Error{Errcode: 40014, Message: "不合法的access_token"})

	for operation, x := range map[string]struct{ api, missing, invalid string }{
		"getsession":     {"dingtalk.oapi.v2.user.getsession", "userid", "userid"},
		"create_session": {"dingtalk.oapi.v2.im.create_session", "session_id", "chatid"},
		"close_session":  {"dingtalk.oapi.v2.im.close_session", "session_id", "chatid"},
	} {
		plain := func(example string, kind error, errcode int, message string) {
			refuse(operation, example, kind, Error{Errcode: errcode, Message: message, RequestID: topapiID})
		}
		gateway := func(example string, kind error, subCode, message string) {
			refuse(operation, example, kind, Error{Errcode: 88, SubCode: subCode, Message: message, RequestID: topapiID})
		}
		plain("session-invalid", ErrInvalidSession, 34001, "无效的会话id")
		plain("need-post", ErrInvalidParameter, 43002, "需要POST请求")
		plain("content-type-invalid", ErrInvalidParameter, 43004, "无效的HTTP HEADER Content-Type")
		plain("body-unreadable", ErrInvalidParameter, 47001, "解析JSON/XML内容错误")
		plain("body-too-large", ErrInvalidParameter, 40038, "不合法的请求格式")
		plain("parameter-missing", ErrInvalidParameter, 40035, "缺少参数 "+x.missing)
		plain("parameter-invalid", ErrInvalidParameter, 40035, "不合法的参数 "+x.invalid)
		plain("system-busy", ErrBusy, -1, "系统繁忙")
		refuse(operation, "api-name-invalid", ErrUnknownAPI, Error{Errcode: 22, Message: "不合法ApiName，ApiName = " + x.api, RequestID: "15r6taqz8r6xu"})
		gateway("auth-token-blank", ErrInvalidToken, "40000", "access_token is blank")
		gateway("auth-token-invalid", ErrInvalidToken, "40014", "不合法的access_token")
		gateway("auth-permission-denied", ErrNoPermission, "60011", "应用尚未开通所需的权限：[qyapi_getsession]，点击链接申请并开通即可：https://open-dev.dingtalk.com/appscope/apply?content=dingmockapp%23qyapi_getsession, {requiredScopes=[qyapi_getsession]}")
		gateway("auth-ip-not-allowed", ErrIPNotAllowed, "60020", "访问ip不在白名单之中,request ip=203.0.113.7 appKey(dingmockapp)")
		gateway("auth-app-throttled", ErrThrottled, "90018", "当前钉钉"+throttled("dingtalk.oapi.v2.im.create_session", "20"))
		gateway("auth-api-throttled", ErrThrottled, "90002", "当前所有钉钉"+throttled("dingtalk.oapi.v2.im.create_session", "1200"))
		gateway("auth-quota-exhausted", ErrQuotaExhausted, "90020", "本月接口调用次数已超过限额")
		switch operation {
		case "getsession":
			delete(want, "getsession/session-invalid")
			plain("user-not-found", ErrUserNotFound, 60121, "找不到该用户")
		case "create_session":
			plain("user-not-found", ErrUserNotFound, 60121, "找不到该用户")
			plain("app-key-wrong", ErrWrongCredentials, 40096, "不合法的appKey或appSecret")
			plain("sessions-too-many", ErrTooManySessions, 1002, "组织建群超出上限")
		}
	}

	api := func(example string, kind error, status int, code, message string) {
		refuse("accessToken", example, kind, Error{HTTPStatus: status, Code: code, Message: message, RequestID: apiID})
	}
	api("invalidClientIdOrSecret", ErrWrongCredentials, 400, "invalidClientIdOrSecret", "无效的clientId或者clientSecret")
	api("Missingbody", ErrInvalidParameter, 400, "Missingbody", "body is mandatory for this action.")
	api("Invalidbody", ErrInvalidParameter, 400, "Invalidbody", "Specified parameter body is not valid.")
	api("MissingParameter", ErrInvalidParameter, 400, "MissingappKey", "appKey is mandatory for this action.")
	api("InvalidAuthentication", ErrInvalidToken, 400, "InvalidAuthentication", "不合法的access_token")
	api("AccessTokenPermissionDenied", ErrNoPermission, 403, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "没有调用该接口的权限")
	api("IpNotInWhiteList", ErrIPNotAllowed, 403, "Forbidden.AccessDenied.IpNotInWhiteList", "访问ip不在白名单之中，请参考FAQ：https://open.dingtalk.com/document/org-faq/app-faq,request ip=203.0.113.7 appKey(dingmockapp)")
	api("QpsLimitForAppkeyAndApi", ErrThrottled, 403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "当前钉钉"+throttled("/v1.0/oauth2/accessToken", "20"))
	api("QpsLimitForApi", ErrThrottled, 403, "Forbidden.AccessDenied.QpsLimitForApi", "当前所有钉钉"+throttled("/v1.0/oauth2/accessToken", "1200"))
	api("ApiCountLimitForOrg", ErrQuotaExhausted, 403, "Forbidden.AccessDenied.ApiCountLimitForOrg", "本月接口调用次数已超过限额")
	api("InvalidAction.NotFound", ErrUnknownAPI, 404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	api("serviceBusy", ErrBusy, 503, "serviceBusy", "系统繁忙")
	return want
}

// refusal is an *Error and the Err… variable that it is.
type refusal struct {
	Error Error
	Kind  error
}

// kinds lists all the Err… variables.
var kinds = []error{
	ErrInvalidToken, ErrWrongCredentials, ErrInvalidParameter, ErrUserNotFound, ErrInvalidSession, ErrTooManySessions,
	ErrThrottled, ErrQuotaExhausted, ErrBusy, ErrNoPermission, ErrIPNotAllowed, ErrUnknownAPI,
}

// TestEveryExample answers each call with each example of the document, and compares what the method returns.
func TestEveryExample(t *testing.T) {
	t.Parallel()
	clock := newManual()
	want := wantReplies(clock.Now())
	for _, op := range load(t).Operations() {
		for _, reply := range op.Replies {
			for example, body := range reply.Examples {
				name := op.ID + "/" + example
				expected, ok := want[name]
				if !ok {
					t.Errorf("%s: this test does not say what it has to become", name)
					continue
				}
				delete(want, name)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					options := testOptions()
					options.Now = clock.Now
					c := serve(t, options, func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/gettoken" && op.ID != "gettoken" {
							answer(w, okToken)
							return
						}
						if r.URL.Path != op.Path {
							t.Errorf("%s was called, want %s", r.URL.Path, op.Path)
						}
						w.Header().Set("Content-Type", reply.ContentType)
						w.WriteHeader(reply.Status)
						_, _ = w.Write(body)
					})
					value, err := methods[operations[op.ID].by](t.Context(), c)
					var got any = value
					if err != nil {
						refused, ok := err.(*Error) //nolint:errorlint // err itself, not one that it wraps
						if !ok {
							t.Fatalf("error %v is a %T, want an *Error", err, err)
						}
						got = refusal{*refused, only(t, err)}
					}
					same := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) })
					if diff := cmp.Diff(expected, got, same); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			}
		}
	}
	for name := range want {
		t.Errorf("%s: is not in the document", name)
	}
}

// only returns the one Err… variable that an error is.
func only(t *testing.T, err error) error {
	t.Helper()
	var is []error
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			is = append(is, kind)
		}
	}
	switch len(is) {
	case 0:
		return nil
	case 1:
		return is[0]
	}
	t.Errorf("%v is %v, want one of them", err, is)
	return nil
}

// TestEveryErrorHasAKind checks that errors.Is knows each error of the document.
func TestEveryErrorHasAKind(t *testing.T) {
	t.Parallel()
	for _, e := range load(t).ErrorReplies() {
		err := &Error{Errcode: e.Errcode, SubCode: e.SubCode, Code: e.Code}
		if only(t, err) == nil {
			t.Errorf("%s is none of the Err… variables", e.Name)
		}
	}
	if only(t, &Error{Errcode: 34004}) != nil || only(t, &Error{Code: "unknownError"}) != nil || only(t, &Error{}) != nil {
		t.Error("an error that is none of the Err… variables is one")
	}
}

// TestErrorText checks the text of errors.
func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want string
	}{
		{&Error{Operation: "gettoken", HTTPStatus: 200, Errcode: 40096, Message: "不合法的appKey或appSecret"}, "dingtalk: gettoken: errcode 40096: 不合法的appKey或appSecret"},
		{&Error{Operation: "getsession", HTTPStatus: 200, Errcode: 88, SubCode: "40014", Message: "不合法的access_token", RequestID: topapiID}, "dingtalk: getsession: errcode 88, sub_code 40014: 不合法的access_token (request id 16l4ew3d47pdp)"},
		{&Error{Operation: "accessToken", HTTPStatus: 503, Code: "serviceBusy", RequestID: apiID}, "dingtalk: accessToken: HTTP 503, code serviceBusy (request id " + apiID + ")"},
		{&ReplyError{Operation: "getsession", HTTPStatus: 502, Reason: "it is empty"}, `dingtalk: getsession: not a reply of the platform: it is empty (HTTP 502, Content-Type "", no body)`},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// TestBrokenReplies answers each call with something that is not a reply to it.
func TestBrokenReplies(t *testing.T) {
	t.Parallel()
	const html = "<!DOCTYPE html>\n<html><head><title>405</title></head><body>blocked</body></html>"
	tests := []struct {
		name, id, body string
		status         int
		want           string // the reason
	}{
		{"page", "", html, 200, "it is not JSON"},
		{"page of a proxy", "", html, 502, "it is not JSON"},
		{"empty", "", "", 200, "it is empty"},
		{"blank", "", " \r\n", 200, "it is empty"},
		{"no content", "", "", 204, "it is empty"},
		{"null", "", "null", 200, "it is not a JSON object"},
		{"array", "", "[]", 200, "it is not a JSON object"},
		{"text", "", `"ok"`, 200, "it is not a JSON object"},
		{"cut off", "", `{"errcode":0,"errmsg":"o`, 200, "it is JSON that is cut off"},
		{"text after it", "", `{"errcode":0} x`, 200, "it is not JSON"},
		{"not UTF-8", "", "{\"errcode\":0,\"errmsg\":\"\xff\"}", 200, "it is not UTF-8"},
		{"errcode of another type", "", `{"errcode":true,"errmsg":"ok"}`, 200, "errcode is not a number"},
		{"errcode with a fraction", "", `{"errcode":0.5}`, 200, "errcode is not a number"},
		{"errcode out of range", "", `{"errcode":1e99}`, 200, "errcode is not a number"},
		{"errcode null", "", `{"errcode":null}`, 200, "errcode is not a number"},
		{"a success by HTTP 500", "", `{"errcode":0}`, 500, "its HTTP status is not that of a success, and it says no error"},
		{"a redirect", "", `{"errcode":0}`, 302, "its HTTP status is not that of a success, and it says no error"},
		{"HTTP 400 without a code", "", `{"message":"no"}`, 400, "its HTTP status is not that of a success, and it says no error"},

		{"blocked", "gettoken", `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}`, 200, "the caller's address is blocked"},
		{"errcode as text", "gettoken", `{"errcode":"0","access_token":"` + testToken + `","errmsg":"ok","expires_in":7200}`, 200, "errcode is of the wrong type, string"},
		{"no token", "gettoken", `{"errcode":0,"errmsg":"ok","expires_in":7200}`, 200, "access_token is missing"},
		{"token null", "gettoken", `{"errcode":0,"access_token":null,"errmsg":"ok","expires_in":7200}`, 200, "access_token is missing"},
		{"token empty", "gettoken", tokenReply("", 7200), 200, "the token is empty"},
		{"token of another type", "gettoken", `{"errcode":0,"access_token":5,"errmsg":"ok","expires_in":7200}`, 200, "access_token is of the wrong type, number"},
		{"token with a line break", "gettoken", tokenReply("82ad\r\nX: y", 7200), 200, "the token is not of printable ASCII"},
		{"no life", "gettoken", `{"errcode":0,"access_token":"` + testToken + `","errmsg":"ok"}`, 200, "expires_in is missing"},
		{"life as text", "gettoken", `{"errcode":0,"access_token":"` + testToken + `","errmsg":"ok","expires_in":"7200"}`, 200, "expires_in is of the wrong type, string"},
		{"life of nothing", "gettoken", tokenReply(testToken, 0), 200, "the token's life is less than a second"},
		{"life that is negative", "gettoken", tokenReply(testToken, -7200), 200, "the token's life is less than a second"},
		{"a reply of the newer call", "gettoken", okNew, 200, "it has no errcode"},

		{"blocked", "accessToken", `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}`, 200, "the caller's address is blocked"},
		{"no token", "accessToken", `{"expireIn":7200}`, 200, "accessToken is missing"},
		{"no life", "accessToken", `{"accessToken":"` + testToken + `"}`, 200, "expireIn is missing"},
		{"nothing", "accessToken", `{}`, 200, "accessToken is missing"},
		{"a reply of the older call", "accessToken", okToken, 200, "accessToken is missing"},

		{"no errcode", "getsession", `{"errmsg":"ok","result":{"session":null}}`, 200, "it has no errcode"},
		{"no result", "getsession", `{"errcode":0,"errmsg":"ok"}`, 200, "result is missing"},
		{"result null", "getsession", `{"errcode":0,"result":null}`, 200, "result is missing"},
		{"result of another type", "getsession", `{"errcode":0,"result":[]}`, 200, "result is of the wrong type, array"},
		{"no session, not null either", "getsession", `{"errcode":0,"result":{}}`, 200, "result.session is missing"},
		{"session of another type", "getsession", `{"errcode":0,"result":{"session":"s-1"}}`, 200, "result.session is of the wrong type, string"},
		{"empty session", "getsession", `{"errcode":0,"result":{"session":{}}}`, 200, "result.session.app_key is missing"},
		{"session without its time", "getsession", `{"errcode":0,"result":{"session":{"session_id":"s","app_key":"k","user_id":"u","chatid":""}}}`, 200, "result.session.create_time is missing"},
		{"time as text", "getsession", `{"errcode":0,"result":{"session":{"session_id":"s","app_key":"k","user_id":"u","chatid":"","create_time":"1"}}}`, 200, "result.session.create_time is of the wrong type, string"},
		{"time null", "getsession", `{"errcode":0,"result":{"session":{"session_id":"s","app_key":"k","user_id":"u","chatid":"","create_time":null}}}`, 200, "result.session.create_time is missing"},
		{"id empty", "getsession", `{"errcode":0,"result":{"session":{"session_id":"","app_key":"k","user_id":"u","chatid":"","create_time":1}}}`, 200, "result.session.session_id is empty"},

		{"no result", "create_session", `{"errcode":0,"errmsg":"ok","success":true}`, 200, "result is missing"},
		{"no id", "create_session", `{"errcode":0,"result":{}}`, 200, "result.session_id is missing"},
		{"id empty", "create_session", `{"errcode":0,"result":{"session_id":""}}`, 200, "result.session_id is empty"},

		{"no success", "close_session", `{"errcode":0,"errmsg":"ok"}`, 200, "success is missing"},
		{"success false", "close_session", `{"errcode":0,"success":false}`, 200, "success is false"},
		{"success as text", "close_session", `{"errcode":0,"success":"true"}`, 200, "success is of the wrong type, string"},
		{"success below result", "close_session", `{"errcode":0,"result":{"success":true}}`, 200, "success is missing"},
	}
	for _, tt := range tests {
		for id, op := range operations {
			if tt.id != "" && tt.id != id {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", id, tt.name), func(t *testing.T) {
				t.Parallel()
				c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != op.path {
						answer(w, okToken)
						return
					}
					w.Header().Set("Content-Type", "text/html")
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.body)
				})
				value, err := methods[op.by](t.Context(), c)
				var broken *ReplyError
				if !errors.As(err, &broken) {
					t.Fatalf("error %v is a %T, want a *ReplyError; the value is %v", err, err, value)
				}
				want := ReplyError{Operation: id, HTTPStatus: tt.status, ContentType: "text/html", Reason: tt.want, Body: broken.Body}
				want.blocked = tt.name == "page" || tt.name == "blocked"
				if tt.name == "blocked" {
					want.Wait = 5 * time.Minute
				}
				if want.blocked != errors.Is(err, ErrBlocked) {
					t.Errorf("errors.Is(err, ErrBlocked) is %t", !want.blocked)
				}
				if tt.id == "" && tt.status == 200 && tt.body == "null" || strings.HasPrefix(tt.name, "no content") {
					want.ContentType = broken.ContentType
				}
				if id == "accessToken" && (tt.body == "[]" || tt.body == "null" || tt.body == `"ok"`) {
					want.Reason = broken.Reason // JSON that the dialect allows, but not the call
				}
				if diff := cmp.Diff(want, *broken, cmp.AllowUnexported(ReplyError{})); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if v := reflect.ValueOf(value); !v.IsZero() {
					t.Errorf("value %v, want none", value)
				}
				if !strings.HasPrefix(tt.body, "<") {
					return
				}
				if want := html; broken.Body != want {
					t.Errorf("body %q, want %q", broken.Body, want)
				}
			})
		}
	}
}

func TestLargeReplies(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("钉"), 4<<20)
	c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gettoken" {
			answer(w, okToken)
			return
		}
		_, _ = w.Write(body)
	})
	_, _, err := c.GetSession(t.Context(), "u")
	var broken *ReplyError
	if !errors.As(err, &broken) {
		t.Fatalf("error %v, want a *ReplyError", err)
	}
	if want := strings.Repeat("钉", 85) + "…"; broken.Body != want || broken.Reason != "it is over 8388608 bytes" {
		t.Errorf("reason %q, body %q, want %q", broken.Reason, broken.Body, want)
	}

	long := fmt.Sprintf(`{"errcode":5,"errmsg":%q}`, strings.Repeat("钉", 1<<16))
	c = offline(t, testOptions(), func(*http.Request) (*http.Response, error) { return respond(200, long), nil })
	_, err = c.Token(t.Context())
	var refused *Error
	if !errors.As(err, &refused) || len(refused.Message) > maxMessage+len("…") {
		t.Errorf("error %T with a message of %d bytes, want an *Error of at most %d", err, len(message(err)), maxMessage)
	}
}

func TestRepliesCutOff(t *testing.T) {
	t.Parallel()
	c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gettoken" {
			answer(w, okToken)
			return
		}
		w.Header().Set("Content-Length", "1000")
		answer(w, okNone)
	})
	_, _, err := c.GetSession(t.Context(), "u")
	var broken *ReplyError
	if !errors.As(err, &broken) || !errors.Is(err, io.ErrUnexpectedEOF) || broken.Reason != "it breaks off" || broken.Body != okNone {
		t.Errorf("error %v, want a *ReplyError that shows the reply and is io.ErrUnexpectedEOF", err)
	}
}

// TestBlockPages checks what counts as a block page, and that such a call is not retried.
func TestBlockPages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		wait       time.Duration
	}{
		{"UTF-8", "<html>请5分钟后再试</html>", 5 * time.Minute},
		{"no time", "<html>请稍后再试</html>", 0},
		{"GBK", "<html>\xc7\xeb5\xb7\xd6\xd6\xd3\xba\xf3\xd4\xd9\xca\xd4</html>", 0},
		{"a time that is not believed", "<html>请9999999999999999999分钟后再试</html>", 0},
		{"byte order mark", "\ufeff<html></html>", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := 0
			c := offline(t, testOptions(), func(*http.Request) (*http.Response, error) {
				n++
				return respond(200, tt.body), nil
			})
			_, err := c.Token(t.Context())
			var broken *ReplyError
			if !errors.Is(err, ErrBlocked) || !errors.As(err, &broken) || broken.Wait != tt.wait {
				t.Errorf("error %v, want ErrBlocked for %s", err, tt.wait)
			}
			if n != 1 {
				t.Errorf("%d calls went out, want 1", n)
			}
		})
	}
}
