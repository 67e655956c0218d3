package dingmock_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

func TestCheckResponse(t *testing.T) {
	t.Parallel()
	const (
		oapi   = "application/json"
		topapi = "application/json;charset=UTF-8"
		api    = "application/json;charset=utf-8"
		id     = `"request_id":"16l4ew3d47pdp"`
		uuid   = `"requestid":"0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"`
		token  = "82ad1e1b28b2357dbf090b9a2582319c"
		tokens = "GET " + pairOK
		create = "POST " + sessions
		read   = "POST /topapi/v2/user/getsession?access_token=t"
		end    = "POST /topapi/v2/im/close_session?access_token=t"
		access = "POST /v1.0/oauth2/accessToken"

		unlisted = "found an error that is none of those that the document lists for this reply, expected one of "
	)
	const busy = `{"errcode":-1,"errmsg":"系统繁忙"}`
	session := func(fields string) string {
		return `{"errcode":0,"errmsg":"ok","result":{"session":` + fields + `},` + id + `}`
	}
	for _, test := range []struct {
		name, line string
		status     int
		typ, body  string
		want       []string
	}{
		{"gettoken", tokens, 200, oapi, `{"errcode":0,"access_token":"` + token + `","errmsg":"ok","expires_in":7200}`, nil},
		{"gettoken, error", tokens, 200, oapi, `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`, nil},
		{"HEAD has no body", "HEAD " + pairOK, 200, oapi, "", nil},
		{"space around", tokens, 200, oapi, " {\"errcode\":-1,\"errmsg\":\"系统繁忙\"}\n", nil},
		{"getsession, null", read, 200, topapi, session("null"), nil},
		{"getsession, chatid empty", read, 200, topapi, session(`{"session_id":"s","app_key":"k","user_id":"u","chatid":"","create_time":0}`), nil},

		{"status", tokens, 500, oapi, `{}`, []string{"gettoken: reply-status at /status: found 500, expected 200"}},
		{"status, of several", access, 401, api, `{}`, []string{"accessToken: reply-status at /status: found 401, expected 200 or 400 or 403 or 404 or 503"}},
		{"status of an unknown path", "GET /nowhere", 404, oapi, `{}`, []string{"reply-status at /status: found 404, expected 200"}},
		{"content type", tokens, 200, topapi, busy, []string{`gettoken: reply-content-type at /header/Content-Type: found "application/json;charset=UTF-8", expected "application/json"`}},
		{"content type in other capitals", create, 200, api, `{"errcode":-1,"errmsg":"系统繁忙",` + id + `}`, []string{`create_session: reply-content-type at /header/Content-Type: found "application/json;charset=utf-8", expected "application/json;charset=UTF-8"`}},
		{"no content type", "HEAD " + pairOK, 200, "", "", []string{`gettoken: reply-content-type at /header/Content-Type: found "", expected "application/json"`}},

		{"content type, not printable", tokens, 200, "text/\x1b", busy, []string{`gettoken: reply-content-type at /header/Content-Type: found "text/\x1b", expected "application/json"`}},
		{"content type, long once it is printable", tokens, 200, strings.Repeat("\x1b", 64), busy, []string{
			`gettoken: reply-content-type at /header/Content-Type: found "` + strings.Repeat(`\x1b`, 16) + `…", expected "application/json"`,
		}},
		{"nothing", tokens, 200, oapi, "", []string{"gettoken: reply-body at /body: found 0 bytes that are not JSON, expected JSON"}},
		{"HTML", tokens, 200, oapi, "<html>s3cret</html>", []string{"gettoken: reply-body at /body: found 19 bytes that are not JSON, expected JSON"}},
		{"cut", tokens, 200, oapi, `{"errcode":0,"acc`, []string{"gettoken: reply-body at /body: found 17 bytes that are not JSON, expected JSON"}},
		{"not UTF-8", tokens, 200, oapi, "{\"errcode\":1,\"errmsg\":\"\xff\"}", []string{"gettoken: reply-body at /body: found bytes that are not UTF-8, expected JSON"}},
		{"text after", tokens, 200, oapi, `{"errcode":1,"errmsg":"x"}{}`, []string{"gettoken: reply-body at /body: found 28 bytes that are not JSON, expected JSON"}},
		{"array", tokens, 200, oapi, "[]", []string{"gettoken: reply-body at /body: found an array of 0, expected an object"}},
		{"null", tokens, 200, oapi, "null", []string{"gettoken: reply-body at /body: found null, expected an object"}},

		{"success without its payload", tokens, 200, oapi, `{"errcode":0,"errmsg":"ok"}`, []string{
			"gettoken: reply-body at /body/access_token: found nothing, expected a value",
			"gettoken: reply-body at /body/expires_in: found nothing, expected a value",
		}},
		{"success of another text", tokens, 200, oapi, `{"errcode":0,"access_token":"` + token + `","errmsg":"OK","expires_in":7200}`, []string{`gettoken: reply-body at /body/errmsg: found a string of 2 characters, expected "ok"`}},
		{"a token of another shape", tokens, 200, oapi, `{"errcode":0,"access_token":"s3cret","errmsg":"ok","expires_in":7200}`, []string{"gettoken: reply-body at /body/access_token: found a string of 6 characters, expected a string like ^[0-9a-f]{32}$"}},
		{"a life too long", tokens, 200, oapi, `{"errcode":0,"access_token":"` + token + `","errmsg":"ok","expires_in":7201}`, []string{"gettoken: reply-body at /body/expires_in: found the number 7201, expected an integer from 1 to 7200"}},
		{"a life with a fraction", tokens, 200, oapi, `{"errcode":0,"access_token":"` + token + `","errmsg":"ok","expires_in":1.5}`, []string{"gettoken: reply-body at /body/expires_in: found the number 1.5, expected an integer from 1 to 7200"}},
		{"errcode as a string", tokens, 200, oapi, `{"errcode":"0","access_token":"` + token + `","errmsg":"ok","expires_in":7200}`, []string{"gettoken: reply-body at /body/errcode: found a string of 1 characters, expected the number 0"}},
		{"a field too many", tokens, 200, oapi, `{"errcode":0,"access_token":"` + token + `","errmsg":"ok","expires_in":7200,"request_id":"x"}`, []string{"gettoken: reply-body at /body/request_id: found an undeclared field, expected no such field"}},
		{"an error with a field too many", tokens, 200, oapi, `{"errcode":40014,"errmsg":"x","a/b~c":1}`, []string{"gettoken: reply-body at /body/a…: found an undeclared field, expected no such field"}},
		{"an error without a text", tokens, 200, oapi, `{"errcode":40014,"errmsg":""}`, []string{"gettoken: reply-body at /body/errmsg: found a string of 0 characters, expected a string of 1 characters or more"}},

		{"88 without sub_code", create, 200, topapi, `{"errcode":88,"errmsg":"ding talk error[subcode=40014,submsg=x]","sub_msg":"x",` + id + `}`, []string{"create_session: reply-body at /body/sub_code: found nothing, expected a value"}},
		{"88 with a number as sub_code", create, 200, topapi, `{"errcode":88,"errmsg":"ding talk error[subcode=40014,submsg=x]","sub_code":40014,"sub_msg":"x",` + id + `}`, []string{"create_session: reply-body at /body/sub_code: found the number 40014, expected a string like ^[0-9]+$"}},
		{"an error without a request_id", create, 200, topapi, `{"errcode":40035,"errmsg":"x"}`, []string{"create_session: reply-body at /body/request_id: found nothing, expected a value"}},
		{"an error with a sub_code", create, 200, topapi, `{"errcode":34001,"errmsg":"x","sub_code":"1",` + id + `}`, []string{"create_session: reply-body at /body/sub_code: found an undeclared field, expected no such field"}},
		{"success that is false", end, 200, topapi, `{"errcode":0,"errmsg":"ok","success":false,` + id + `}`, []string{"close_session: reply-body at /body/success: found false, expected true"}},
		{"a session that lacks a field", read, 200, topapi, session(`{"session_id":"s","app_key":"k","user_id":"u","chatid":""}`), []string{"getsession: reply-body at /body/result/session/create_time: found nothing, expected a value"}},
		{"a session whose time is text", read, 200, topapi, session(`{"session_id":"s","app_key":"k","user_id":"u","chatid":"","create_time":"1"}`), []string{"getsession: reply-body at /body/result/session/create_time: found a string of 1 characters, expected an integer from 0 up"}},
		{"no result", read, 200, topapi, `{"errcode":0,"errmsg":"ok",` + id + `}`, []string{"getsession: reply-body at /body/result: found nothing, expected a value"}},

		{"accessToken with the error's code", access, 400, api, `{"code":"x","requestid":"1","message":"x"}`, []string{"accessToken: reply-body at /body/requestid: found a string of 1 characters, expected a string like ^[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}$"}},
		{"accessToken, an error with 200", access, 200, api, `{"code":"x",` + uuid + `,"message":"x"}`, []string{
			"accessToken: reply-body at /body/code: found an undeclared field, expected no such field",
			"accessToken: reply-body at /body/message: found an undeclared field, expected no such field",
			"accessToken: reply-body at /body/requestid: found an undeclared field, expected no such field",
			"accessToken: reply-body at /body/expireIn: found nothing, expected a value",
			"accessToken: reply-body at /body/accessToken: found nothing, expected a value",
		}},
		{"an unlisted error", tokens, 200, oapi, `{"errcode":60121,"errmsg":"找不到该用户"}`, []string{"gettoken: reply-error at /body: " + unlisted + strings.Join(replyErrors(t, "gettoken"), ", ")}},
		{"a listed error by another text", tokens, 200, oapi, `{"errcode":-1,"errmsg":"busy"}`, []string{"gettoken: reply-error at /body: " + unlisted + strings.Join(replyErrors(t, "gettoken"), ", ")}},
		{"an unlisted sub_code", create, 200, topapi, `{"errcode":88,"errmsg":"ding talk error[subcode=1,submsg=x]","sub_code":"1","sub_msg":"x",` + id + `}`, []string{"create_session: reply-error at /body: " + unlisted + strings.Join(replyErrors(t, "create_session"), ", ")}},
		{"an unlisted code", access, 503, api, `{"code":"systemBusy",` + uuid + `,"message":"x"}`, []string{"accessToken: reply-error at /body: " + unlisted + "serviceBusy"}},
		{"an unlisted error of an unknown path", "GET /user/get", 200, oapi, `{"errcode":60121,"errmsg":"找不到该用户"}`, nil},
		{"an unlisted error of another type", tokens, 200, topapi, `{"errcode":60121,"errmsg":"x"}`, []string{
			`gettoken: reply-content-type at /header/Content-Type: found "application/json;charset=UTF-8", expected "application/json"`,
			"gettoken: reply-error at /body: " + unlisted + strings.Join(replyErrors(t, "gettoken"), ", "),
		}},

		{"Content-Type twice", tokens, 200, oapi + "\n" + oapi, busy, []string{`gettoken: reply-content-type at /header/Content-Type: found 2 of them, the first "application/json", expected "application/json" alone`}},
		{"Content-Type twice, the second of another dialect", tokens, 200, oapi + "\n" + topapi, busy, []string{`gettoken: reply-content-type at /header/Content-Type: found 2 of them, the first "application/json", expected "application/json" alone`}},
		{"Content-Type thrice, of an unknown path", "GET /nowhere", 200, "\n" + oapi + "\n" + oapi, `{"errcode":404,"errmsg":"x"}`, []string{`reply-content-type at /header/Content-Type: found 3 of them, the first "", expected "application/json" alone`}},

		{"a key twice", tokens, 200, oapi, `{"errcode":-1,"errcode":-1,"errmsg":"系统繁忙"}`, []string{"gettoken: reply-body at /body/errcode: found a repeated key, expected one value"}},
		{"a key thrice, escaped", tokens, 200, oapi, `{"errmsg":"s3cret","errcode":-1,"\u0065rrmsg":"s3cret","errmsg":"系统繁忙"}`, []string{"gettoken: reply-body at /body/errmsg: found a repeated key, expected one value"}},
		{"a key twice, deep", read, 200, topapi, session(`{"session_id":"s","session_id":"s","app_key":"k","user_id":"u","chatid":"","create_time":0}`), []string{"getsession: reply-body at /body/result/session/session_id: found a repeated key, expected one value"}},
		{"a key twice, in an undeclared array", tokens, 200, oapi, `{"errcode":-1,"errmsg":"系统繁忙","x":[{"a":1},[{"82ad1e1b28b2357dbf090b9a2582319c":1,"82ad1e1b28b2357dbf090b9a2582319c":{"a":1,"a":2}}]]}`, []string{
			"gettoken: reply-body at /body/x/1/0/…: found a repeated key, expected one value",
			"gettoken: reply-body at /body/x/1/0/…/a: found a repeated key, expected one value",
			"gettoken: reply-body at /body/x: found an undeclared field, expected no such field",
		}},
		{"one key in two objects", read, 200, topapi, `{"errcode":0,"errmsg":"ok","result":{"session":null},` + id + `}`, nil},

		{"unknown path", "GET /nowhere", 200, oapi, `{"errcode":0,"errmsg":"ok"}`, []string{"reply-body at /body/errcode: found the number 0, expected an integer other than [0]"}},
		{"unknown API", "POST /topapi/x", 200, topapi, `{"errcode":22,"errmsg":"x","sub_msg":"x",` + id + `}`, []string{`reply-body at /body/errmsg: found a string of 1 characters, expected a string like ^Invalid method\[submsg=`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc := load(t)
			q := check(t, doc, test.line, "", "")
			header := http.Header{}
			if test.typ != "" {
				header["Content-Type"] = strings.Split(test.typ, "\n")
			}
			var got []string
			for _, v := range q.CheckResponse(test.status, header, []byte(test.body)) {
				line := v.String()
				if strings.Contains(line, "s3cret") || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("not a line without values: %q", line)
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
			}
		})
	}
}

// replyErrors are the names of the errors that the operation's reply of status 200 lists.
func replyErrors(t *testing.T, operation string) []string {
	t.Helper()
	for _, op := range load(t).Operations() {
		for _, reply := range op.Replies {
			if op.ID == operation && reply.Status == http.StatusOK {
				return reply.Errors
			}
		}
	}
	t.Fatalf("the document has no reply 200 of %s", operation)
	return nil
}

// TestCheckResponseOfManyKeys has more repeated keys than are noted, and objects as deep as encoding/json reads them.
func TestCheckResponseOfManyKeys(t *testing.T) {
	t.Parallel()
	doc := load(t)
	q := check(t, doc, "GET "+pairOK, "", "")
	header := http.Header{"Content-Type": {"application/json"}}
	var many strings.Builder
	for i := range 1000 {
		for range 2 {
			fmt.Fprintf(&many, `"k%d":0,`, i)
		}
	}
	deep := strings.Repeat(`{"a":1,"a":`, 9000) + "0" + strings.Repeat("}", 9000)
	for name, body := range map[string]string{"many": "{" + many.String() + `"errcode":-1,"errmsg":"系统繁忙"}`, "deep": deep} {
		repeated := 0
		for _, v := range q.CheckResponse(200, header, []byte(body)) {
			if v.Found == "a repeated key" {
				repeated++
			}
		}
		if repeated != 100 {
			t.Errorf("%s: %d repeated keys are noted, want 100", name, repeated)
		}
	}
}

// TestCheckResponseListsNoErrors has a document whose reply has a code and lists no errors: its schema alone decides.
func TestCheckResponseListsNoErrors(t *testing.T) {
	t.Parallel()
	const text = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a: {get: {operationId: a, responses: {"200": {description: x, content: {application/json: {schema: {type: object}}}}}}}
`
	doc, err := dingmock.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	q := doc.CheckRequest(doc.Operations()[0], httptest.NewRequest("GET", "/a", nil), nil)
	for _, body := range []string{`{"code":"40035"}`, `{"errcode":1}`} {
		if list := q.CheckResponse(200, http.Header{"Content-Type": {"application/json"}}, []byte(body)); list != nil {
			t.Errorf("%s: %v", body, list)
		}
	}
}

// TestIdentify holds that each example is identified as the error whose name it has.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for _, op := range load(t).Operations() {
		for _, reply := range op.Replies {
			for example, body := range reply.Examples {
				got := "success"
				if e := reply.Identify(body); e != nil {
					got = e.Name
				}
				if want, _, _ := strings.Cut(example, "-none"); got != want {
					t.Errorf("%s: the example %s is identified as %s", op.ID, example, got)
				}
			}
			if e := reply.Identify([]byte(`{"errcode":"`)); e != nil {
				t.Errorf("%s: what is no JSON is identified as %s", op.ID, e.Name)
			}
		}
	}
}

// BenchmarkCheckResponse checks an error that may be any of nineteen.
func BenchmarkCheckResponse(b *testing.B) {
	doc := load(b)
	q := check(b, doc, "POST "+sessions, "application/json", goodBody)
	header := http.Header{"Content-Type": {"application/json;charset=UTF-8"}}
	body := []byte(`{"errcode":40035,"errmsg":"缺少参数 session_id","request_id":"16l4ew3d47pdp"}`)
	b.ReportAllocs()
	for b.Loop() {
		if list := q.CheckResponse(200, header, body); list != nil {
			b.Fatal(list)
		}
	}
}

func TestViolationName(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{"/body/user_id": "user_id", "/query/a~1b~0c": "a/b~c", "/method": "method", "/header/Content-Type": "Content-Type", "": ""} {
		if got := (dingmock.Violation{Pointer: pointer}).Name(); got != want {
			t.Errorf("the name of %q is %q, want %q", pointer, got, want)
		}
	}
}
