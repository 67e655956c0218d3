package mockserver_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

const (
	createOK      = `{"errcode":0,"errmsg":"ok","result":{"session_id":"s-2"},"request_id":"…"}`
	createOldOK   = `{"errcode":0,"errmsg":"ok","result":{"session_id":"s-1"},"request_id":"…"}`
	closeOK       = `{"errcode":0,"errmsg":"ok","success":true,"request_id":"…"}`
	noSession     = `{"errcode":0,"errmsg":"ok","result":{"session":null},"request_id":"…"}`
	sessionOne    = `{"errcode":0,"errmsg":"ok","result":{"session":{"session_id":"s-1","app_key":"dingmockapp","user_id":"u-1","chatid":"c-1","create_time":` + stamp + `}},"request_id":"…"}`
	tokenBlank    = `{"errcode":88,"sub_code":"40000","sub_msg":"access_token is blank","errmsg":"ding talk error[subcode=40000,submsg=access_token is blank]","request_id":"…"}`
	tokenInvalid  = `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]","request_id":"…"}`
	needPost      = `{"errcode":43002,"errmsg":"需要POST请求","request_id":"…"}`
	badType       = `{"errcode":43004,"errmsg":"无效的HTTP HEADER Content-Type","request_id":"…"}`
	badBody       = `{"errcode":47001,"errmsg":"解析JSON/XML内容错误","request_id":"…"}`
	tooLarge      = `{"errcode":40038,"errmsg":"不合法的请求格式","request_id":"…"}`
	badSession    = `{"errcode":34001,"errmsg":"无效的会话id","request_id":"…"}`
	noUser        = `{"errcode":60121,"errmsg":"找不到该用户","request_id":"…"}`
	badAppKey     = `{"errcode":40096,"errmsg":"不合法的appKey或appSecret","request_id":"…"}`
	tooMany       = `{"errcode":1002,"errmsg":"组织建群超出上限","request_id":"…"}`
	missingFormat = `{"errcode":40035,"errmsg":"缺少参数 %s","request_id":"…"}`
	invalidFormat = `{"errcode":40035,"errmsg":"不合法的参数 %s","request_id":"…"}`

	secondSession = `{"session_id":"s-2","app_key":"dingmockapp","chatid":"c-1","user_id":"u-1"}`
	firstSession  = `{"session_id":"s-1","app_key":"dingmockapp","chatid":"c-1","user_id":"u-1"}`
)

func unknownAPI(name string) string {
	return `{"errcode":22,"sub_msg":"不合法ApiName，ApiName = dingtalk.oapi.` + name + `","errmsg":"Invalid method[submsg=不合法ApiName，ApiName = dingtalk.oapi.` + name + `]","request_id":"…"}`
}

func missing(name string) string { return fmt.Sprintf(missingFormat, name) }
func invalid(name string) string { return fmt.Sprintf(invalidFormat, name) }

// TestWireChecks runs the rows that all three session calls share on each of them.
func TestWireChecks(t *testing.T) {
	t.Parallel()
	for _, call := range []struct {
		path, body, form, ok, first string
	}{
		{"/topapi/v2/user/getsession", `{"userid":"u-1"}`, "userid=u-1", sessionOne, "userid"},
		{"/topapi/v2/im/create_session", secondSession, "session_id=s-2&app_key=dingmockapp&chatid=c-1&user_id=u-1", createOK, "session_id"},
		{"/topapi/v2/im/close_session", firstSession, "session_id=s-1&app_key=dingmockapp&chatid=c-1&user_id=u-1", closeOK, "session_id"},
	} {
		var (
			bare   = "POST " + call.path
			post   = "POST " + call.path + "?access_token=TOKEN"
			get    = "GET " + call.path + "?access_token=TOKEN"
			inside = strings.TrimSuffix(call.body, "}") + ","
			long   = strings.TrimSuffix(call.body, "}") + `,"x":"` + strings.Repeat("a", 1<<20) + `"}`
			exact  = strings.TrimSuffix(call.body, "}") + `,"x":"` + strings.Repeat("a", 1<<20-len(call.body)-7) + `"}`
		)
		runWire(t, mockserver.Options{}, []wireCase{
			{"JSON", post, jsonType, call.body, 200, topapiType, call.ok},
			{"JSON with a charset", post, "application/json;charset=UTF-8", call.body, 200, topapiType, call.ok},
			{"JSON in capitals", post, "APPLICATION/JSON ; charset=gbk", call.body, 200, topapiType, call.ok},
			{"JSON without a type", post, "", call.body, 200, topapiType, call.ok},
			{"JSON with space around", post, jsonType, "\n\t " + call.body + " \r\n", 200, topapiType, call.ok},
			{"form", post, formType, call.form, 200, topapiType, call.ok},
			{"form with a charset", post, formType + "; charset=UTF-8", call.form, 200, topapiType, call.ok},
			{"form without a type", post, "", call.form, 200, topapiType, call.ok},
			{"form, the first of a repeated parameter counts", post, formType, call.form + "&" + call.first + "=zzz", 200, topapiType, call.ok},
			{"JSON, the last of a duplicate key counts", post, jsonType, `{"` + call.first + `":1,` + call.body[1:], 200, topapiType, call.ok},
			{"undeclared field", post, jsonType, inside + `"x":{"y":[null,1e400]}}`, 200, topapiType, call.ok},
			{"undeclared parameter", post + "&x=1&x=2", jsonType, call.body, 200, topapiType, call.ok},
			{"a body of just 1 MiB", post, jsonType, exact, 200, topapiType, call.ok},
			{"GET, parameters in the query", get + "&" + call.form, "", "", 200, topapiType, call.ok},
			{"GET, a body is not read", get + "&" + call.form, "text/plain", "\xff", 200, topapiType, call.ok},
			{"absolute target", "POST http://api.dingtalk.com" + call.path + "?access_token=TOKEN", jsonType, call.body, 200, topapiType, call.ok},

			{"GET without parameters", get, "", "", 200, topapiType, needPost},
			{"GET with the parameters in the body", get, jsonType, call.body, 200, topapiType, needPost},
			{"GET with an undeclared parameter", get + "&x=1", "", "", 200, topapiType, needPost},
			{"GET without parameters or token", "GET " + call.path, "", "", 200, topapiType, needPost},
			{"PUT", "PUT " + call.path + "?access_token=TOKEN", jsonType, call.body, 200, topapiType, needPost},
			{"DELETE", "DELETE " + call.path + "?access_token=TOKEN", "", "", 200, topapiType, needPost},
			{"OPTIONS", "OPTIONS " + call.path, "", "", 200, topapiType, needPost},
			{"lower-case post", "post " + call.path + "?access_token=TOKEN", jsonType, call.body, 200, topapiType, needPost},

			{"no token", bare, jsonType, call.body, 200, topapiType, tokenBlank},
			{"empty token", bare + "?access_token=", jsonType, call.body, 200, topapiType, tokenBlank},
			{"blank token", bare + "?access_token=%20%09", jsonType, call.body, 200, topapiType, tokenBlank},
			{"token in a JSON body", bare, jsonType, inside + `"access_token":"` + live + `"}`, 200, topapiType, tokenBlank},
			{"token in a form body", bare, formType, call.form + "&access_token=TOKEN", 200, topapiType, call.ok},
			{"token in a form body without a type", bare, "", "access_token=TOKEN&" + call.form, 200, topapiType, call.ok},
			{"token in a form body, bad", bare, formType, call.form + "&access_token=UNKNOWN", 200, topapiType, tokenInvalid},
			{"token in the query before the form", post, formType, call.form + "&access_token=UNKNOWN", 200, topapiType, call.ok},
			{"token in the query, bad, before the form", bare + "?access_token=UNKNOWN", formType, call.form + "&access_token=TOKEN", 200, topapiType, tokenInvalid},
			{"token empty in the query, then in the form", bare + "?access_token=", formType, call.form + "&access_token=TOKEN", 200, topapiType, call.ok},
			{"token repeated, the first counts", post + "&access_token=UNKNOWN", jsonType, call.body, 200, topapiType, call.ok},
			{"unknown token", bare + "?access_token=UNKNOWN", jsonType, call.body, 200, topapiType, tokenInvalid},
			{"token in capitals", bare + "?access_token=" + strings.ToUpper(live), jsonType, call.body, 200, topapiType, tokenInvalid},
			{"token cut short", bare + "?access_token=" + live[:31], jsonType, call.body, 200, topapiType, tokenInvalid},
			{"expired token", bare + "?access_token=EXPIRED", jsonType, call.body, 200, topapiType, tokenInvalid},
			{"credentials in place of a token", bare + "?" + appPairQuery, jsonType, call.body, 200, topapiType, tokenBlank},

			{"text", post, "text/plain", call.body, 200, topapiType, badType},
			{"text, no body", post, "text/plain", "", 200, topapiType, badType},
			{"multipart", post, "multipart/form-data; boundary=x", "--x--", 200, topapiType, badType},
			{"XML", post, "application/xml", "<x/>", 200, topapiType, badType},
			{"JSON of another kind", post, "application/problem+json", call.body, 200, topapiType, badType},
			{"a type that is none", post, "json", call.body, 200, topapiType, badType},
			{"a type of parameters alone", post, "; charset=utf-8", call.body, 200, topapiType, badType},

			{"broken JSON", post, jsonType, call.body[:len(call.body)-1], 200, topapiType, badBody},
			{"broken JSON without a type", post, "", "{", 200, topapiType, badBody},
			{"JSON with a comma too many", post, jsonType, inside + "}", 200, topapiType, badBody},
			{"text after the JSON", post, jsonType, call.body + "x", 200, topapiType, badBody},
			{"two objects", post, jsonType, call.body + call.body, 200, topapiType, badBody},
			{"array", post, jsonType, "[" + call.body + "]", 200, topapiType, badBody},
			{"string", post, jsonType, `"x"`, 200, topapiType, badBody},
			{"null", post, jsonType, "null", 200, topapiType, badBody},
			{"space alone", post, jsonType, "  ", 200, topapiType, badBody},
			{"byte order mark", post, jsonType, "\ufeff" + call.body, 200, topapiType, badBody},
			{"form as JSON", post, jsonType, call.form, 200, topapiType, badBody},
			{"UTF-16", post, jsonType, "{\x00\"\x00", 200, topapiType, badBody},
			{"JSON that is not UTF-8", post, jsonType, inside + "\"x\":\"\xc3\x28\"}", 200, topapiType, badBody},
			{"form that is not UTF-8", post, formType, call.form + "&x=\xff", 200, topapiType, badBody},
			{"form that is not UTF-8 once unescaped", post, formType, call.form + "&x=%ff", 200, topapiType, badBody},
			{"NUL in JSON", post, jsonType, inside + "\"x\":\"\x00\"}", 200, topapiType, badBody},
			{"nested 100,000 deep", post, jsonType, inside + `"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", 200, topapiType, badBody},

			{"over 1 MiB, JSON", post, jsonType, long, 200, topapiType, tooLarge},
			{"over 1 MiB by a byte", post, jsonType, exact + " ", 200, topapiType, tooLarge},
			{"over 1 MiB, form", post, formType, call.form + "&x=" + strings.Repeat("a", 1<<20), 200, topapiType, tooLarge},
			{"over 1 MiB, token in the form", bare, formType, "access_token=TOKEN&" + call.form + "&x=" + strings.Repeat("a", 1<<20), 200, topapiType, tokenBlank},
			{"over 1 MiB, broken and not UTF-8", post, jsonType, strings.Repeat("\xff", 1<<20+1), 200, topapiType, tooLarge},

			{"no body", post, "", "", 200, topapiType, missing(call.first)},
			{"no body, JSON", post, jsonType, "", 200, topapiType, missing(call.first)},
			{"no body, form", post, formType, "", 200, topapiType, missing(call.first)},
			{"empty object", post, jsonType, "{}", 200, topapiType, missing(call.first)},
			{"form of nothing", post, formType, "&&", 200, topapiType, missing(call.first)},
			{"JSON as form", post, formType, call.body, 200, topapiType, missing(call.first)},
			{"parameters in the query of a POST", post + "&" + call.form, jsonType, "{}", 200, topapiType, missing(call.first)},
			{"parameters in the query of a POST without a body", post + "&" + call.form, "", "", 200, topapiType, missing(call.first)},
			{"first parameter empty", post, jsonType, `{"` + call.first + `":""}`, 200, topapiType, missing(call.first)},
			{"first parameter null", post, jsonType, `{"` + call.first + `":null}`, 200, topapiType, missing(call.first)},
			{"first parameter empty in a form", post, formType, call.first + "=", 200, topapiType, missing(call.first)},
			{"first parameter in capitals", post, jsonType, strings.ToUpper(call.body), 200, topapiType, missing(call.first)},

			// Several things are wrong: the first one in the order of checks decides the answer.
			{"method before token", "PUT " + call.path, "text/plain", "\xff", 200, topapiType, needPost},
			{"token blank before type", bare, "text/plain", "\xff", 200, topapiType, tokenBlank},
			{"token bad before type", bare + "?access_token=UNKNOWN", "text/plain", "\xff", 200, topapiType, tokenInvalid},
			{"token expired before body", bare + "?access_token=EXPIRED", jsonType, "{", 200, topapiType, tokenInvalid},
			{"token before size", bare, jsonType, long, 200, topapiType, tokenBlank},
			{"token before parameters", bare, jsonType, "{}", 200, topapiType, tokenBlank},
			{"type before size", post, "text/plain", long, 200, topapiType, badType},
			{"type before body", post, "text/plain", "\xff", 200, topapiType, badType},
			{"body before parameters", post, jsonType, `{"` + call.first + `":1} x`, 200, topapiType, badBody},
		})
		runHeads(t, mockserver.Options{}, []headCase{
			{wireCase{"HEAD, refused", "HEAD " + call.path + "?access_token=TOKEN", "", "", 200, topapiType, ""}, true},
			{wireCase{"HEAD", "HEAD " + call.path + "?access_token=TOKEN&" + call.form, "", "", 200, topapiType, ""}, false},
		})
	}
}

func TestWireSessions(t *testing.T) {
	t.Parallel()
	const (
		readAt   = "POST /topapi/v2/user/getsession?access_token="
		createAt = "POST /topapi/v2/im/create_session?access_token="
		closeAt  = "POST /topapi/v2/im/close_session?access_token="
		read     = readAt + "TOKEN"
		open     = createAt + "TOKEN"
		end      = closeAt + "TOKEN"
	)
	s := func(id, key, chat, user string) string {
		return fmt.Sprintf(`{"session_id":%s,"app_key":%s,"chatid":%s,"user_id":%s}`, id, key, chat, user)
	}
	const id, key, chat, user = `"s-2"`, `"dingmockapp"`, `"c-1"`, `"u-1"`
	text := func(n int, of string) string { return `"` + strings.Repeat(of, n) + `"` }
	opened := func(id string) string {
		return `{"errcode":0,"errmsg":"ok","result":{"session_id":` + id + `},"request_id":"…"}`
	}
	runWire(t, mockserver.Options{}, []wireCase{
		{"getsession, none", read, jsonType, `{"userid":"nobody"}`, 200, topapiType, noSession},
		{"getsession, of another app", readAt + "OTHER", jsonType, `{"userid":"u-1"}`, 200, topapiType, noSession},
		{"getsession, user not listed", readAt + "OTHER", jsonType, `{"userid":"u-3"}`, 200, topapiType, noUser},
		{"getsession, number", read, jsonType, `{"userid":1}`, 200, topapiType, invalid("userid")},
		{"getsession, boolean", read, jsonType, `{"userid":true}`, 200, topapiType, invalid("userid")},
		{"getsession, array", read, jsonType, `{"userid":["u-1"]}`, 200, topapiType, invalid("userid")},
		{"getsession, object", read, jsonType, `{"userid":{}}`, 200, topapiType, invalid("userid")},
		{"getsession, a number beyond all bounds", read, jsonType, `{"userid":1e999}`, 200, topapiType, invalid("userid")},
		{"getsession, 128 characters", read, jsonType, `{"userid":` + text(128, "u") + `}`, 200, topapiType, noSession},
		{"getsession, 129 characters", read, jsonType, `{"userid":` + text(129, "u") + `}`, 200, topapiType, invalid("userid")},
		{"getsession, 128 emoji", read, jsonType, `{"userid":` + text(128, "😀") + `}`, 200, topapiType, noSession},
		{"getsession, 129 emoji", read, jsonType, `{"userid":` + text(129, "😀") + `}`, 200, topapiType, invalid("userid")},
		{"getsession, 128 emoji, escaped", read, jsonType, `{"userid":` + text(128, `\ud83d\ude00`) + `}`, 200, topapiType, noSession},
		{"getsession, 129 emoji in a form", read, formType, "userid=" + strings.Repeat("%F0%9F%98%80", 129), 200, topapiType, invalid("userid")},
		{"getsession, blank is a value", read, jsonType, `{"userid":" "}`, 200, topapiType, noSession},
		{"getsession, form value that looks like a number", read, formType, "userid=1", 200, topapiType, noSession},
		{"getsession, GET, 129 characters", "GET /topapi/v2/user/getsession?access_token=TOKEN&userid=" + strings.Repeat("u", 129), "", "", 200, topapiType, invalid("userid")},
		{"getsession, GET, empty", "GET /topapi/v2/user/getsession?access_token=TOKEN&userid=", "", "", 200, topapiType, missing("userid")},
		{"getsession, GET, not UTF-8", "GET /topapi/v2/user/getsession?access_token=TOKEN&userid=%ff", "", "", 200, topapiType, invalid("userid")},
		{"getsession, GET, a query of 64 KiB", "GET /topapi/v2/user/getsession?access_token=TOKEN&userid=u-1&x=" + strings.Repeat("a", 64<<10), "", "", 200, topapiType, sessionOne},

		{"create, session_id missing", open, jsonType, `{"app_key":"dingmockapp","user_id":"u-1"}`, 200, topapiType, missing("session_id")},
		{"create, app_key missing", open, jsonType, `{"session_id":"s-2","user_id":"u-1"}`, 200, topapiType, missing("app_key")},
		{"create, user_id missing", open, jsonType, `{"session_id":"s-2","app_key":"dingmockapp"}`, 200, topapiType, missing("user_id")},
		{"create, app_key null and user_id missing", open, jsonType, `{"session_id":"s-2","app_key":null}`, 200, topapiType, missing("app_key")},
		{"create, user_id empty", open, jsonType, s(id, key, chat, `""`), 200, topapiType, missing("user_id")},
		{"create, missing before wrong", open, jsonType, `{"session_id":1,"app_key":"dingmockapp"}`, 200, topapiType, missing("user_id")},
		{"create, session_id wrong first", open, jsonType, s("1", "2", "3", "4"), 200, topapiType, invalid("session_id")},
		{"create, app_key wrong", open, jsonType, s(id, "true", "3", "4"), 200, topapiType, invalid("app_key")},
		{"create, user_id wrong before chatid", open, jsonType, s(id, key, "3", "4"), 200, topapiType, invalid("user_id")},
		{"create, chatid wrong", open, jsonType, s(id, key, "3", user), 200, topapiType, invalid("chatid")},
		{"create, chatid an object", open, jsonType, s(id, key, "{}", user), 200, topapiType, invalid("chatid")},
		{"create, session_id of 128", open, jsonType, s(text(128, "s"), key, chat, user), 200, topapiType, opened(text(128, "s"))},
		{"create, session_id of 129", open, jsonType, s(text(129, "s"), key, chat, user), 200, topapiType, invalid("session_id")},
		{"create, session_id of 128 emoji", open, jsonType, s(text(128, "😀"), key, chat, user), 200, topapiType, opened(text(128, "😀"))},
		{"create, session_id of 129 emoji", open, jsonType, s(text(129, "😀"), key, chat, user), 200, topapiType, invalid("session_id")},
		{"create, app_key of 129", open, jsonType, s(id, text(129, "k"), chat, user), 200, topapiType, invalid("app_key")},
		{"create, user_id of 128", open, jsonType, s(id, key, chat, text(128, "u")), 200, topapiType, createOK},
		{"create, user_id of 129", open, jsonType, s(id, key, chat, text(129, "u")), 200, topapiType, invalid("user_id")},
		{"create, chatid of 128", open, jsonType, s(id, key, text(128, "c"), user), 200, topapiType, createOK},
		{"create, chatid of 129", open, jsonType, s(id, key, text(129, "c"), user), 200, topapiType, invalid("chatid")},
		{"create, chatid empty", open, jsonType, s(id, key, `""`, user), 200, topapiType, createOK},
		{"create, chatid null", open, jsonType, s(id, key, "null", user), 200, topapiType, createOK},
		{"create, chatid absent", open, jsonType, `{"session_id":"s-2","app_key":"dingmockapp","user_id":"u-1"}`, 200, topapiType, createOK},
		{"create, GET, session_id not UTF-8", "GET /topapi/v2/im/create_session?access_token=TOKEN&session_id=%ff&app_key=dingmockapp&user_id=u-1", "", "", 200, topapiType, invalid("session_id")},
		{"create, signs are not escaped", open, jsonType, s(`"<a href=\"x\">&amp;</a>"`, key, chat, user), 200, topapiType, opened(`"<a href=\"x\">&amp;</a>"`)},
		{"create, escapes are undone", open, jsonType, s(`"\u4f1a\u8bdd\/\u003c"`, key, chat, user), 200, topapiType, opened(`"会话/<"`)},
		{"create, line separators", open, jsonType, s("\"\u2028\u2029\"", key, chat, user), 200, topapiType, opened(`"\u2028\u2029"`)},
		{"create, control characters", open, jsonType, s(`"\u0000\u0001\t\n\u007f"`, key, chat, user), 200, topapiType, opened("\"\\u0000\\u0001\\t\\n\u007f\"")},
		{"create, a surrogate alone", open, jsonType, s(`"\ud800"`, key, chat, user), 200, topapiType, opened("\"\ufffd\"")},
		{"create, NUL in a form", open, formType, "session_id=%00&app_key=dingmockapp&user_id=u-1", 200, topapiType, opened(`"\u0000"`)},
		{"create, plus is a space in a form", open, formType, "session_id=a+b%2Bc&app_key=dingmockapp&user_id=u-1", 200, topapiType, opened(`"a b+c"`)},
		{"create, broken escapes stand for themselves", open, formType, "session_id=100%&app_key=dingmockapp&user_id=u-1", 200, topapiType, opened(`"100%"`)},
		{"create, a semicolon is no separator", open, formType, "session_id=a;b&app_key=dingmockapp&user_id=u-1", 200, topapiType, opened(`"a;b"`)},

		{"create, the same again", open, jsonType, firstSession, 200, topapiType, createOldOK},
		{"create, open with another chatid", open, jsonType, s(`"s-1"`, key, `"c-2"`, user), 200, topapiType, badSession},
		{"create, open with another user", open, jsonType, s(`"s-1"`, key, chat, `"u-2"`), 200, topapiType, badSession},
		{"create, the id as it is in another app", createAt + "OTHER", jsonType, s(`"s-1"`, `"otherapp"`, `"c-9"`, user), 200, topapiType, createOldOK},
		{"create, app_key of another app", open, jsonType, s(id, `"otherapp"`, chat, user), 200, topapiType, badAppKey},
		{"create, app_key is the corpid", open, jsonType, s(id, `"dingmockcorp"`, chat, user), 200, topapiType, badAppKey},
		{"create, app_key before user", createAt + "OTHER", jsonType, s(id, key, chat, `"u-3"`), 200, topapiType, badAppKey},
		{"create, user not listed", createAt + "OTHER", jsonType, s(id, `"otherapp"`, chat, `"u-3"`), 200, topapiType, noUser},

		{"close, never created", end, jsonType, secondSession, 200, topapiType, badSession},
		{"close, another chatid", end, jsonType, s(`"s-1"`, key, `""`, user), 200, topapiType, badSession},
		{"close, another user", end, jsonType, s(`"s-1"`, key, chat, `"u-2"`), 200, topapiType, badSession},
		{"close, another app_key", end, jsonType, s(`"s-1"`, `"otherapp"`, chat, user), 200, topapiType, badSession},
		{"close, in another app", closeAt + "OTHER", jsonType, s(`"s-1"`, `"otherapp"`, chat, user), 200, topapiType, badSession},
		{"close, user_id missing", end, jsonType, `{"session_id":"s-1","app_key":"dingmockapp"}`, 200, topapiType, missing("user_id")},
		{"close, chatid wrong", end, jsonType, s(`"s-1"`, key, "[]", user), 200, topapiType, invalid("chatid")},
	})
	runWire(t, mockserver.Options{MaxSessions: 1}, []wireCase{
		{"create, beyond the limit", open, jsonType, secondSession, 200, topapiType, tooMany},
		{"create, the same again at the limit", open, jsonType, firstSession, 200, topapiType, createOldOK},
		{"create, other values at the limit", open, jsonType, s(`"s-1"`, key, `""`, user), 200, topapiType, badSession},
		{"close at the limit", end, jsonType, firstSession, 200, topapiType, closeOK},
	})
}

func TestWireWithoutSessions(t *testing.T) {
	t.Parallel()
	runWire(t, mockserver.Options{WithoutSessions: true}, []wireCase{
		{"getsession", "POST /topapi/v2/user/getsession?access_token=TOKEN", jsonType, `{"userid":"u-1"}`, 200, topapiType, unknownAPI("v2.user.getsession")},
		{"create_session", "POST /topapi/v2/im/create_session?access_token=TOKEN", jsonType, secondSession, 200, topapiType, unknownAPI("v2.im.create_session")},
		{"close_session", "POST /topapi/v2/im/close_session?access_token=TOKEN", jsonType, firstSession, 200, topapiType, unknownAPI("v2.im.close_session")},
		{"close_session, GET without a token", "GET /topapi/v2/im/close_session", "", "", 200, topapiType, unknownAPI("v2.im.close_session")},
		{"gettoken", "GET /gettoken?" + appPairQuery, "", "", 200, oapiType, tokenOK},
		{"accessToken", "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`, 200, apiType, `{"expireIn":7200,"accessToken":"` + live + `"}`},
	})
}

func TestWireRefuseUndeclared(t *testing.T) {
	t.Parallel()
	const (
		post        = "POST /topapi/v2/user/getsession?access_token=TOKEN"
		api         = "POST /v1.0/oauth2/accessToken"
		pair        = `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`
		invalidBody = `{"code":"Invalidbody","requestid":"…","message":"Specified parameter body is not valid."}`
	)
	runWire(t, mockserver.Options{RefuseUndeclared: true}, []wireCase{
		{"nothing of it", post, jsonType, `{"userid":"u-1"}`, 200, topapiType, sessionOne},
		{"undeclared field", post, jsonType, `{"userid":"u-1","x":1}`, 200, topapiType, invalid("x")},
		{"duplicate key", post, jsonType, `{"userid":"u-1","userid":"u-1"}`, 200, topapiType, invalid("userid")},
		{"repeated in a form", post, formType, "userid=u-1&userid=u-1", 200, topapiType, invalid("userid")},
		{"token in a JSON body", post, jsonType, `{"userid":"u-1","access_token":"x"}`, 200, topapiType, invalid("access_token")},
		{"token in a JSON body without a type", post, "", `{"userid":"u-1","access_token":"x"}`, 200, topapiType, invalid("access_token")},
		{"token in a form body", "POST /topapi/v2/user/getsession", formType, "userid=u-1&access_token=TOKEN", 200, topapiType, sessionOne},
		{"undeclared in the query", post + "&x=1", jsonType, `{"userid":"u-1"}`, 200, topapiType, invalid("x")},
		{"parameter in the query of a POST", post + "&userid=u-1", jsonType, `{"userid":"u-1"}`, 200, topapiType, invalid("userid")},
		{"parameters before undeclared ones", post + "&x=1", jsonType, `{"userid":1}`, 200, topapiType, invalid("userid")},
		{"gettoken", "GET /gettoken?" + appPairQuery + "&x=1", "", "", 200, oapiType, `{"errcode":40035,"errmsg":"不合法的参数 x"}`},
		{"gettoken, repeated", "GET /gettoken?" + appPairQuery + "&appkey=dingmockapp", "", "", 200, oapiType, `{"errcode":40035,"errmsg":"不合法的参数 appkey"}`},
		{"gettoken by POST", "POST /gettoken", formType, appPairQuery, 200, oapiType, tokenOK},
		{"accessToken", api, jsonType, pair, 200, apiType, `{"expireIn":7200,"accessToken":"` + live + `"}`},
		{"accessToken, undeclared", api, jsonType, `{"x":1,` + pair[1:], 400, apiType, invalidBody},
		{"accessToken, repeated", api, jsonType, `{"appKey":"dingmockapp",` + pair[1:], 400, apiType, invalidBody},
		{"accessToken, undeclared in the query", api + "?x=1", jsonType, pair, 400, apiType, invalidBody},
	})
}
