package client

import (
	"bytes"
	gocmp "cmp"
	"context"
	"encoding/json"
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
	"github.com/dingmock/dingmock/internal/manual"
)

// method is a method of Client that makes a call of the document.
type method struct {
	call func(context.Context, *Client) (any, error) // with all that the document declares
	want map[string]any                              // an example of a success → what the method returns of it
}

// methods are all of them, by name.
var methods = map[string]method{
	"Token": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Token(ctx) },
		want: map[string]any{"success": exampleToken},
	},
	"AccessToken": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.AccessToken(ctx) },
		want: map[string]any{"success": exampleToken},
	},
	"AuthScopes": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.AuthScopes(ctx) },
		want: map[string]any{"success": Scopes{
			Departments: []int64{1}, Users: []string{},
			UserFields: []string{"jobnumber", "isLeader", "name", "position", "isAdmin", "avatar", "department", "userid", "deviceId", "isHide"},
		}},
	},
	"UserCount": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.UserCount(ctx, true) },
		want: map[string]any{"success": 4},
	},
	"GetSession": {
		call: func(ctx context.Context, c *Client) (any, error) {
			s, ok, err := c.GetSession(ctx, "manager4220")
			return found{s, ok}, err
		},
		want: map[string]any{
			"success": found{Session{
				SessionID: "s-1", AppKey: "dingmockapp", UserID: "manager4220", CreateTime: time.Date(2023, 9, 2, 16, 1, 2, 0, time.UTC),
			}, true},
			"success-none": found{},
		},
	},
	"CreateSession": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.CreateSession(ctx, SessionParams{SessionID: "s-1", UserID: "manager4220", ChatID: "chat-1"})
		},
		want: map[string]any{"success": "s-1"},
	},
	"CloseSession": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return done{}, c.CloseSession(ctx, SessionParams{SessionID: "s-1", UserID: "manager4220", ChatID: "chat-1"})
		},
		want: map[string]any{"success": done{}},
	},
}

// exampleToken is the token of the document's examples.
var exampleToken = Token{Value: "82ad1e1b28b2357dbf090b9a2582319c", Expires: midnight.Add(7200 * time.Second)}

// done is what a method returns that tells but that it succeeded.
type done struct{}

// kindOf is which of the Err… variables each error of the document is.
var kindOf = map[string]error{
	"appkey-or-appsecret-wrong": ErrWrongCredentials, "corpid-or-corpsecret-wrong": ErrWrongCredentials, "app-key-wrong": ErrWrongCredentials,
	"invalidClientIdOrSecret": ErrWrongCredentials,
	"parameter-missing":       ErrInvalidParameter, "parameter-invalid": ErrInvalidParameter, "appsecret-missing": ErrInvalidParameter,
	"corpsecret-missing": ErrInvalidParameter, "need-get": ErrInvalidParameter, "need-post": ErrInvalidParameter, "content-type-invalid": ErrInvalidParameter,
	"body-unreadable": ErrInvalidParameter, "body-too-large": ErrInvalidParameter, "Missingbody": ErrInvalidParameter, "Invalidbody": ErrInvalidParameter,
	"MissingParameter":     ErrInvalidParameter,
	"access-token-missing": ErrInvalidParameter, "access-token-invalid": ErrInvalidToken, "auth-token-blank": ErrInvalidToken,
	"auth-token-invalid": ErrInvalidToken, "InvalidAuthentication": ErrInvalidToken, "AuthenticationFailed.MissingParameter": ErrInvalidToken,
	"system-busy": ErrBusy, "serviceBusy": ErrBusy,
	"permission-denied": ErrNoPermission, "auth-permission-denied": ErrNoPermission, "AccessTokenPermissionDenied": ErrNoPermission,
	"ip-not-allowed": ErrIPNotAllowed, "auth-ip-not-allowed": ErrIPNotAllowed, "IpNotInWhiteList": ErrIPNotAllowed,
	"app-throttled": ErrThrottled, "api-throttled": ErrThrottled, "auth-app-throttled": ErrThrottled, "auth-api-throttled": ErrThrottled,
	"QpsLimitForAppkeyAndApi": ErrThrottled, "QpsLimitForApi": ErrThrottled,
	"quota-exhausted": ErrQuotaExhausted, "auth-quota-exhausted": ErrQuotaExhausted, "ApiCountLimitForOrg": ErrQuotaExhausted,
	"user-not-found": ErrUserNotFound, "session-invalid": ErrInvalidSession, "sessions-too-many": ErrTooManySessions,
	"uri-not-found": ErrUnknownAPI, "api-name-invalid": ErrUnknownAPI, "InvalidAction.NotFound": ErrUnknownAPI,
}

type found struct {
	Session Session
	OK      bool
}

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
						if v := q.Values[p.Name]; v == nil || v == "" {
							t.Errorf("%s sends no %s", name, p.Name)
						}
					}
				}
				return respond(200, string(op.Replies[0].Examples["success"])), nil
			})
			if _, err := method.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got := ids[len(ids)-1]; got != tied[name] {
				t.Errorf("%s makes the call %s, want %s", name, got, tied[name])
			}
		})
	}
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
	for _, op := range load(t).Operations() {
		method, told := methods[operations[op.ID].by], map[string]bool{}
		for _, reply := range op.Replies {
			for example, body := range reply.Examples {
				want, success := method.want[example]
				told[example] = true
				if !success {
					want = refusalOf(t, op.ID, reply.Status, example, body)
				}
				t.Run(op.ID+"/"+example, func(t *testing.T) {
					t.Parallel()
					options := testOptions()
					options.Now = manual.New(midnight).Now
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
					got, err := method.call(t.Context(), c)
					if err != nil {
						refused, ok := err.(*Error) //nolint:errorlint // err itself, not one that it wraps
						if !ok {
							t.Fatalf("error %v is a %T, want an *Error", err, err)
						}
						got = refusal{*refused, only(t, err)}
					}
					same := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) })
					if diff := cmp.Diff(want, got, same); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			}
		}
		for example := range method.want {
			if !told[example] {
				t.Errorf("%s: the document has no example %s", op.ID, example)
			}
		}
	}
}

// refusalOf is what an example of an error has to become: what stands in its body, the kind that the error's name says, and if it is
// throttled the time that its text names.
func refusalOf(t *testing.T, operation string, status int, example string, body []byte) refusal {
	t.Helper()
	var b struct {
		Errcode               int
		SubCode               string `json:"sub_code"`
		SubMsg                string `json:"sub_msg"`
		Errmsg, Code, Message string
		RequestID             string `json:"request_id"`
		NewID                 string `json:"requestid"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	kind := kindOf[example]
	if kind == nil {
		t.Errorf("%s/%s: this test does not say which of the Err… variables it is", operation, example)
	}
	e := Error{
		Operation: operation, HTTPStatus: status, Errcode: b.Errcode, SubCode: b.SubCode, Code: b.Code,
		Message: gocmp.Or(b.SubMsg, b.Message, b.Errmsg), RequestID: b.RequestID + b.NewID,
	}
	if errors.Is(kind, ErrThrottled) {
		e.Until = time.Date(2026, 9, 3, 0, 1, 3, 0, china)
	}
	return refusal{e, kind}
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
		{&Error{Operation: "getsession", HTTPStatus: 200, Errcode: 88, SubCode: "40014", Message: "不合法的access_token", RequestID: "16l4ew3d47pdp"}, "dingtalk: getsession: errcode 88, sub_code 40014: 不合法的access_token (request id 16l4ew3d47pdp)"},
		{&Error{Operation: "accessToken", HTTPStatus: 503, Code: "serviceBusy", RequestID: "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"}, "dingtalk: accessToken: HTTP 503, code serviceBusy (request id 0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71)"},
		{&ReplyError{Operation: "getsession", HTTPStatus: 502, Reason: "it is empty"}, `dingtalk: getsession: not a reply of the platform: it is empty (HTTP 502, Content-Type "", no body)`},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// brokenReply is something that is not a reply to a call: to all of them if it names none.
type brokenReply struct {
	name, id, body string
	status         int
	want           string // the reason
}

const blockPage = "<!DOCTYPE html>\n<html><head><title>405</title></head><body>blocked</body></html>"

// TestBrokenReplies answers each call with something that is not a reply to it.
func TestBrokenReplies(t *testing.T) {
	t.Parallel()
	for _, tt := range []brokenReply{
		{"page of a proxy", "", blockPage, 502, "it is not JSON"},
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
	} {
		tt.check(t, ReplyError{})
	}
	for _, tt := range []struct {
		brokenReply
		wait time.Duration
	}{
		{brokenReply{"page", "", blockPage, 200, "it is not JSON"}, 0},
		{brokenReply{"blocked", "gettoken", `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}`, 200, "the caller's address is blocked"}, 5 * time.Minute},
		{brokenReply{"blocked", "accessToken", `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"xxx"}`, 200, "the caller's address is blocked"}, 5 * time.Minute},
	} {
		tt.check(t, ReplyError{Wait: tt.wait, blocked: true})
	}
}

// noObject are the reasons of the newer call, whose dialect allows JSON that is no object, and does not say so itself.
var noObject = map[string]string{"[]": "it is of the wrong type, array", `"ok"`: "it is of the wrong type, string", "null": "accessToken is missing"}

// check answers calls with it. All that the error is to be but what stands in the row is given.
func (tt brokenReply) check(t *testing.T, want ReplyError) {
	t.Helper()
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
			value, err := methods[op.by].call(t.Context(), c)
			var broken *ReplyError
			if !errors.As(err, &broken) {
				t.Fatalf("error %v is a %T, want a *ReplyError; the value is %v", err, err, value)
			}
			want := want
			want.Operation, want.HTTPStatus, want.ContentType, want.Reason, want.Body = id, tt.status, "text/html", tt.want, broken.Body
			if want.blocked != errors.Is(err, ErrBlocked) {
				t.Errorf("errors.Is(err, ErrBlocked) is %t", !want.blocked)
			}
			if reason := noObject[tt.body]; reason != "" && id == "accessToken" {
				want.Reason = reason
			}
			if diff := cmp.Diff(want, *broken, cmp.AllowUnexported(ReplyError{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if v := reflect.ValueOf(value); !v.IsZero() {
				t.Errorf("value %v, want none", value)
			}
			if strings.HasPrefix(tt.body, "<") && broken.Body != tt.body {
				t.Errorf("body %q, want %q", broken.Body, tt.body)
			}
		})
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
