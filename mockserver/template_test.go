package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestReplyTemplate checks that a call's values fill the holes of a reply, over a real socket.
func TestReplyTemplate(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	const call = "POST /custom?x=a%20%3Cb%3E&x=2&n=12&odd=%0D%0AEvil:%201&access_token=t0ken"
	const given = `{ "userid":"u-1","id":1234567890123456789,"price":1.50,"huge":1e400,"on":true,"none":null,"o":{"z":1,"a":[1, "<"]},
		"list":["v0",{"k":"会\""}],"msg":"{\"text\":{\"content\":\"hi\"}}","password":"p4ss","empty":"","a-b":{"c_d":7}}`
	const form = "userid=f-1&msg=%7B%22text%22%3A%7B%22content%22%3A%22hi%22%7D%7D"
	for _, test := range []struct{ name, body, sent, want string }{
		{"a string of its own", `{"u":"{{body.userid}}"}`, given, `{"u":"u-1"}`},
		{"within a text", `{"u":"<{{body.userid}}> & {{query.x}}!"}`, given, `{"u":"<u-1> & a <b>!"}`},
		{"spaces inside", `{"u":"{{ body.userid }}"}`, given, `{"u":"u-1"}`},
		{"numbers by their own text", `{"id":"{{body.id}}","p":"{{body.price}}","h":"{{body.huge}}","t":"no. {{body.id}} at {{body.price}}"}`, given, `{"id":1234567890123456789,"p":1.50,"h":1e400,"t":"no. 1234567890123456789 at 1.50"}`},
		{"booleans and null", `["{{body.on}}","{{body.none}}","{{body.empty}}","{{body.on}}/{{body.none}}/{{body.empty}}"]`, given, `[true,null,"","true//"]`},
		{"what there is not", `["{{body.nobody}}","{{body.list.9}}","{{body.userid.x}}","{{query.y}}","a{{body.nobody}}b"]`, given, `[null,null,null,null,"ab"]`},
		{"objects as they are", `{"o":"{{body.o}}","t":"{{body.o}}!"}`, given, `{"o":{"z":1,"a":[1,"<"]},"t":"{\"z\":1,\"a\":[1,\"<\"]}!"}`},
		{"places in lists", `["{{body.list.0}}","{{body.list.1.k}}","{{body.o.a.1}}"]`, given, `["v0","会\"","<"]`},
		{"JSON in a string", `["{{body.msg.text.content}}","{{body.msg.text}}"]`, given, `["hi",{"content":"hi"}]`},
		{"odd names", `["{{body.a-b.c_d}}"]`, given, `[7]`},
		{"a form", `["{{body.userid}}","{{body.msg.text.content}}","{{body.id}}"]`, form, `["f-1","hi",null]`},
		{"no body", `["{{body.userid}}"]`, "", `[null]`},
		{"no JSON", `["{{body.userid}}"]`, `{"userid":`, `[null]`},
		{"a list", `["{{body.1.a}}"]`, `[0,{"a":2}]`, `[2]`},
		{"the query", `["{{query.x}}","{{query.n}}"]`, given, `["a <b>","12"]`},
		{"keys in their order, and no escapes", `{"z":"<&>","a":{"y":1,"b":"{{query.n}}"},"n":1.50}`, given, `{"z":"<&>","a":{"y":1,"b":"12"},"n":1.50}`},
		{"secrets go back to the caller", `["{{body.password}}","{{query.access_token}}"]`, given, `["p4ss","t0ken"]`},
		{"a text", `"hello {{body.userid}}, {{body.o}}{{body.none}}{{body.nobody}}\n"`, given, "hello u-1, {\"z\":1,\"a\":[1,\"<\"]}\n"},
		{"a text that is one hole", `"{{body.userid}}"`, given, "u-1"},
		{"braces that are no holes", `["{}","}}","{ {body.x} }","{\"a\":{\"b\":{{body.id}}}}"]`, given, `["{}","}}","{ {body.x} }","{\"a\":{\"b\":1234567890123456789}}"]`},
	} {
		steer(t, s, "DELETE", "/rules", "", nil)
		added(t, s, "/rules", `{"match":{"path":"/custom"},"effect":{"reply":{"without_token":true,"template":true,"body":`+test.body+`}}}`)
		media := jsonType
		if test.sent == form {
			media = formType
		}
		if got := send(t, addr, request(call, media, test.sent)); got.body != test.want {
			t.Errorf("%s: answered\n%s, want\n%s", test.name, got.body, test.want)
		}
	}

	steer(t, s, "DELETE", "/rules", "", nil)
	added(t, s, "/rules", `{"match":{"path":"/custom"},"effect":{"reply":{"without_token":true,"template":true,"body":{"echo":"{{body.password}} {{query.access_token}}","all":"{{body.o2}}","text":"<{{body.o2}}>","u":"{{body.userid}}"}}}}`)
	send(t, addr, request(call, jsonType, `{"userid":"u-1","password":"p4ss","o2":{"token":"t0ken"}}`))
	var list struct{ Entries []mockserver.Entry }
	steer(t, s, "GET", "/apps/_/journal?limit=1", "", &list)
	want := `{"echo":"*** ***","all":{"token":"***"},"text":"<{\"token\":\"***\"}>","u":"u-1"}`
	if got := list.Entries[0].Reply.Body; strings.Contains(got, "p4ss") || strings.Contains(got, "t0ken") || !strings.Contains(got, `"echo":"*** ***"`) || !strings.Contains(got, `"u":"u-1"`) {
		t.Errorf("the journal shows %s, want the likes of %s", got, want)
	}
}

// TestReplyPlain checks that braces are left alone if the reply is no template.
func TestReplyPlain(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	for body, want := range map[string]string{`{"z": "{{body.userid}} <&>", "a": "{{"}`: `{"z":"{{body.userid}} <&>","a":"{{"}`, `"{{nothing}}"`: "{{nothing}}"} {
		steer(t, s, "DELETE", "/rules", "", nil)
		added(t, s, "/rules", `{"match":{"path":"/x"},"effect":{"reply":{"without_token":true,"headers":{"X-A":"{{b"},"body":`+body+`}}}`)
		if got := send(t, addr, request("GET /x", "", "")); got.body != want || got.header.Get("X-A") != "{{b" {
			t.Errorf("%s is answered as %s, %v", body, got.body, got.header)
		}
	}
}

// TestReplyHeaders checks that a rule's headers are sent as one line each, whatever fills them.
func TestReplyHeaders(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	added(t, s, "/rules", `{"match":{"path":"/x"},"effect":{"reply":{"without_token":true,"status":302,"template":true,"content_type":"text/x","headers":{"location":"https://a/?code={{query.code}}","X-Echo":"{{body.v}}{{query.odd}}","Retry-After":"3","Server":"Tengine"}}}}`)
	got := send(t, addr, request("POST /x?code=a%26b&odd=%0D%0AEvil%3A%201%00", jsonType, `{"v":"1\r\n\u0085Evil: 1"}`))
	want := map[string]string{"Location": "https://a/?code=a&b", "X-Echo": "1Evil: 1Evil: 1", "Retry-After": "3", "Content-Type": "text/x", "Evil": "", "Content-Length": "0", "Server": "Tengine"}
	for name, value := range want {
		if got.header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	if got.status != http.StatusFound || got.header.Get("Dingmock-Version") == "" {
		t.Errorf("HTTP %d, %v", got.status, got.header)
	}
}

// TestReplyRefused checks the errors about a reply that is not valid.
func TestReplyRefused(t *testing.T) {
	t.Parallel()
	s := controlled(t, mockserver.Options{})
	for _, test := range []struct{ reply, field, says string }{
		{`{"headers":{"Content-Length":"1"}}`, "headers/Content-Length", "not a rule's to set"},
		{`{"headers":{"connection":"close"}}`, "headers/connection", "not a rule's to set"},
		{`{"headers":{"Transfer-Encoding":"chunked"}}`, "headers/Transfer-Encoding", "not a rule's to set"},
		{`{"headers":{"dingmock-explain":"x"}}`, "headers/dingmock-explain", "not a rule's to set"},
		{`{"headers":{"content-type":"x"}}`, "headers/content-type", "content_type"},
		{`{"headers":{"a b":"x"}}`, "headers/a b", "no name of a header"},
		{`{"headers":{"":"x"}}`, "headers/", "no name of a header"},
		{`{"headers":{"x-a":"1","X-A":"2"}}`, "headers/x-a", "another spelling"},
		{`{"headers":{"x-a":"1\r\nx: 2"}}`, "headers/x-a", "one line"},
		{`{"template":true,"headers":{"x-a":"{{boddy.x}}"}}`, "headers/x-a", `"{{boddy.x}}" begins with "boddy": it has to begin with one of body, query`},
		{`{"template":true,"body":{"a":["{{header.x}}"]}}`, "body", `"{{header.x}}" begins with "header"`},
		{`{"template":true,"body":"{{body}}"}`, "body", `"{{body}}" has to name a field, as {{body.userid}} does`},
		{`{"template":true,"body":"{{}}"}`, "body", `"{{}}" is none`},
		{`{"template":true,"body":"a {{body.x"}`, "body", `"{{body.x" is not closed`},
		{`{"template":true,"body":"{{body..x}}"}`, "body", "is none"},
		{`{"template":true,"body":"{{body.x.}}"}`, "body", "is none"},
		{`{"template":true,"body":"{{body.x y}}"}`, "body", "is none"},
		{`{"template":true,"body":"{{{body.x}}}"}`, "body", "is none"},
		{`{"template":true,"body":"{{#if body.x}}"}`, "body", "is none"},
		{`{"template":true,"body":{"{{body.x}}":1}}`, "body", "holes stand in values"},
		{`{"template":true,"body":"` + strings.Repeat("{{body.x}}", 101) + `"}`, "body", "more than 100 holes"},
		{`{"template":"yes"}`, "template", "a boolean"},
	} {
		var p struct{ Detail, Field, Accepted string }
		status := steer(t, s, "POST", "/apps/default/rules", `{"effect":{"reply":`+test.reply+`}}`, &p)
		if status != http.StatusBadRequest || p.Field != "/body/effect/reply/"+test.field || !strings.Contains(p.Detail+p.Accepted, test.says) {
			t.Errorf("%s: HTTP %d, %s: %s\nwant the field %s, %q", test.reply, status, p.Field, p.Detail, test.field, test.says)
		}
	}
}

// FuzzTemplate adds a rule with a match and a template, and makes a call: an accepted rule answers with JSON and
// headers of one line, the rule and expect agree, and no answer is a 5xx.
func FuzzTemplate(f *testing.F) {
	for _, body := range []string{
		`{"a":"{{body.a}}","b":["{{ body.b.0 }}!"]}`, `"{{query.x}}"`, `["{{body.a.b.c}}{{query.x.0}}"]`, `{"{{":1}`, `"{{"`, `"}}{{"`, `"{{body. a}}"`, `"{{body.a}}}}"`,
		`null`, `"\ud800{{body.a}}"`, `1e999`, `{"a":"{{body.\u0000}}"}`,
	} {
		f.Add(body, `"x"`, "a", `{"a":"x","b":[1.50,{"c":null}]}`, "x=%00%0a")
		f.Add(body, `{"pattern":"^x"}`, "/a/0", `a={"b":1}&x`, "x={\"0\":1}")
		f.Add(body, `{"absent":true}`, "/b/1/c", `{"b":"[1,{\"c\":1e400}]"}`, "")
		f.Add(body, `{"contains":"\ud800"}`, "b", "{\"b\":\"\xff\"}", "b=%ff")
		f.Add(body, `1e999`, "/a~1b/", `[`, "a%2Fb=1")
	}
	f.Fuzz(func(t *testing.T, body, condition, name, sent, query string) {
		s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
		if !json.Valid([]byte(body)) || !json.Valid([]byte(condition)) || !utf8.ValidString(body+condition) {
			return
		}
		key, err := json.Marshal(name)
		if err != nil {
			return
		}
		match := fmt.Sprintf(`{"path":"/x","parameters":{%s:%s}}`, key, condition)
		status := steer(t, s, "POST", "/rules", fmt.Sprintf(`{"match":%s,"effect":{"reply":{"without_token":true,"template":true,"status":299,"content_type":"text/x","headers":{"X-A":"{{query.x}}{{body.a}}"},"body":%s}}}`, match, body), nil)
		if status >= 500 || status != http.StatusCreated && status != http.StatusBadRequest {
			t.Fatalf("the rule is answered with HTTP %d", status)
		}
		if status != http.StatusCreated {
			return
		}
		got := do(s, "POST /x?"+strings.NewReplacer(" ", "+", "#", "", "\n", "", "\r", "").Replace(printableASCII(query)), "", sent)
		if strings.ContainsAny(got.header.Get("X-A"), "\r\n\x00") {
			t.Errorf("a header of two lines: %q", got.header.Get("X-A"))
		}
		var plain string
		if got.status == 299 && json.Unmarshal([]byte(body), &plain) != nil && !json.Valid([]byte(got.body)) {
			t.Errorf("%s is answered as %s", body, got.body)
		}
		var counted mockserver.MatchResult
		steer(t, s, "POST", "/apps/_/journal/expect", `{"match":`+match+`}`, &counted)
		if (got.status == 299) != (counted.Found == 1) {
			t.Errorf("%s: the rule answers HTTP %d, expect finds %d: %v", match, got.status, counted.Found, counted.Nearest)
		}
	})
}

// printableASCII keeps those characters of a text that the target of a request may contain.
func printableASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
}

// TestRulesInStateFile checks that an error in a rule is reported with file and line.
func TestRulesInStateFile(t *testing.T) {
	t.Parallel()
	all := func(rule string) string { return "{\"apps\":[],\n\"rules\":[\n" + rule + "]}" }
	app := func(rule string) string {
		return "{\"apps\":[{\"appkey\":\"k\",\"appsecret\":\"s\",\"rules\":[\n" + rule + "]}]}"
	}
	for _, test := range []struct{ name, text, want string }{
		{"for every app", all("{\"effect\":{\"status\":503},\n\"when\":{\"for\":\"1s\"}}"), "f:4: rules/0/when/for: is by an app's clock: make the rule for one app"},
		{"an id with a comma", all("{\"effect\":{\"status\":503},\n\"id\":\"a,b\"}"), "f:4: rules/0/id: has to be 1 to 32 of the characters A-Z a-z 0-9 _ -"},
		{"an id that is too long", app("{\"effect\":{\"status\":503},\n\"id\":\"" + strings.Repeat("x", 33) + "\"}"), "f:3: apps/0/rules/0/id: has to be 1 to 32 of the characters A-Z a-z 0-9 _ -"},
		{"no effect", all("{\"effect\":\n{}}"), "f:3: rules/0/effect: has 0 effects: give exactly one of fault, errcode, status, latency, hang, reset, empty, truncate, slow, malformed, token_life, reply"},
		{"an unknown field", all("{\"effect\":{\"status\":503},\n\"prio\":1}"), "f:4: rules/0/prio: there is no such field; did you mean priority?"},
		{"a priority that is text", all("{\"effect\":{\"status\":503},\n\"priority\":\"1\"}"), "f:4: rules/0/priority: has to be a whole number, not a string"},
		{"a priority beyond all bounds", all("{\"effect\":{\"status\":503},\n\"priority\":1000001}"), "f:4: rules/0/priority: has to be -1000000 to 1000000"},
		{"not a list", "{\"apps\":[],\n\"rules\":{}}", "f:2: rules: has to be an array, not an object"},
		{"a query in a path", app("{\"effect\":{\"status\":503},\"match\":{\n\"path\":\"/a?b=1\"}}"), "f:3: apps/0/rules/0/match/path: a path has no query: match its values by parameters"},
		{"no slash", app("{\"effect\":{\"status\":503},\"match\":{\n\"path\":\"a\"}}"), "f:3: apps/0/rules/0/match/path: has to begin with /"},
		{"a secret", app("{\"effect\":{\"status\":503},\"match\":{\"parameters\":{\"x\":1,\n\"/a/token\":1}}}"), "f:3: apps/0/rules/0/match/parameters/~1a~1token: may be a secret or a token: those are not kept, so that no call can be matched by them; match by another parameter or header"},
		{"a broken pattern", app("{\"effect\":{\"status\":503},\"match\":{\"headers\":{\"x\":{\n\"pattern\":\"[\"}}}}"), "f:2: apps/0/rules/0/match/headers/x: has a pattern that is no Go regular expression (RE2): missing closing ]: `[`"},
		{"no condition", app("{\"effect\":{\"status\":503},\"match\":{\"parameters\":{\n\"x\":{\"like\":1}}}}"), "f:3: apps/0/rules/0/match/parameters/x: has to be a string, a number, true, false or null, or an object with exactly one of \"equals\", \"contains\", \"absent\": true and \"pattern\""},
		{"conditions that are a list", app("{\"effect\":{\"status\":503},\"match\":{\n\"parameters\":[]}}"), "f:3: apps/0/rules/0/match/parameters: has to be an object, not an array"},
		{"a hole", app("{\"effect\":{\"reply\":{\"template\":true,\n\"body\":\"{{x.y}}\"}}}"), "f:3: apps/0/rules/0/effect/reply/body: the hole \"{{x.y}}\" begins with \"x\": it has to begin with one of body, query, token"},
		{"a header", app("{\"effect\":{\"reply\":{\"headers\":{\n\"Content-Type\":\"x\"}}}}"), "f:3: apps/0/rules/0/effect/reply/headers/Content-Type: is given by content_type"},
		{"a header that is no text", app("{\"effect\":{\"reply\":{\"headers\":{\n\"x\":1}}}}"), "f:3: apps/0/rules/0/effect/reply/headers/x: has to be a string, not the number 1"},
	} {
		got := "<nil>"
		if _, err := mockserver.ReadState("f", []byte(test.text)); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.name, diff)
		}
	}
}

// TestTemplateIsBounded uses holes that would come to a hundred times the body: the reply is limited, and says so.
func TestTemplateIsBounded(t *testing.T) {
	t.Parallel()
	const most = 8<<20 + 1<<16
	holes := strings.Repeat("{{body.a}}", 100)
	list := `["{{body.a}}"` + strings.Repeat(`,"{{body.a}}"`, 99) + `]`
	large := strings.Repeat("x", 1<<20-100)
	for _, test := range []struct {
		name, reply, sent string
		secret            bool // the journal hides what was answered
	}{
		{"a text", `"body":"` + holes + `"`, `{"a":"` + large + `"}`, false},
		{"a string of JSON", `"body":["` + holes + `"]`, `{"a":"` + large + `"}`, false},
		{"values of JSON", `"body":` + list, `{"a":["` + large + `"]}`, false},
		{"a form", `"body":` + list, `a=` + large, false},
		{"characters that JSON escapes", `"body":["` + holes + `"]`, `a=` + strings.Repeat("\x01", 1<<20-100), false},
		{"white space that is left out", `"body":` + list, `{"a":[` + strings.Repeat(" ", 1<<20-100) + `]}`, false},
		{"a secret inside", `"body":` + list, `{"a":{"token":"` + large + `"}}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{})
			added(t, s, "/rules", `{"match":{"path":"/x"},"effect":{"reply":{"without_token":true,"template":true,`+test.reply+`}}}`)
			got := do(s, "POST /x", "", test.sent)
			if len(got.body) > most || !strings.Contains(got.header.Get("Dingmock-Explain"), "no more than 8 MiB") {
				t.Errorf("%d bytes are answered, and %q", len(got.body), got.header.Get("Dingmock-Explain"))
			}
			var list struct{ Entries []mockserver.Entry }
			steer(t, s, "GET", "/apps/_/journal?limit=1", "", &list)
			kept := list.Entries[0].Reply.Body
			if len(kept) > 16<<10+len("…") {
				t.Errorf("the journal keeps %d bytes", len(kept))
			}
			if shown := strings.TrimSuffix(kept, "…"); !strings.HasPrefix(got.body, shown) && !test.secret {
				t.Errorf("the journal shows %.100q, where %.100q was answered", shown, got.body)
			}
		})
	}
	s := fake(t, mockserver.Options{})
	added(t, s, "/rules", `{"match":{"path":"/x"},"effect":{"reply":{"without_token":true,"template":true,"body":["`+strings.Repeat("{{body.a}}", 7)+`"]}}}`)
	got := do(s, "POST /x", "", `{"a":"`+large+`"}`)
	if len(got.body) != 7*len(large)+4 || strings.Contains(got.header.Get("Dingmock-Explain"), "MiB") {
		t.Errorf("what fits is answered as %d bytes, and %q", len(got.body), got.header.Get("Dingmock-Explain"))
	}
}
