package mockserver_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
)

// controlDocument returns control.yaml as a fake serves it.
func controlDocument(t testing.TB, addr string) *dingmock.Document {
	t.Helper()
	doc, err := dingmock.Parse([]byte(send(t, addr, request("GET /_mock/control.yaml", "", "")).body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// controlled returns a fake with two apps that have their own tokens, session, rule and clock.
func controlled(t testing.TB, o mockserver.Options) *mockserver.Server {
	t.Helper()
	a := liveApp()
	a.Sessions = []mockserver.SessionState{{SessionID: "s-1", UserID: "u-1", CreateTime: 1}}
	a.Rules = []mockserver.Rule{{Match: mockserver.RuleMatch{Path: "/nowhere"}, Effect: mockserver.Effect{Status: 503}}}
	a.Clock = &mockserver.ClockState{Offset: 3600e9, Frozen: true}
	o.Apps = []mockserver.AppState{a, {AppKey: "otherapp", AppSecret: "othersecret", CorpID: "othercorp", CorpSecret: "othersecret"}}
	return fake(t, o)
}

// snapshot returns everything that a bad request must not change.
func snapshot(t testing.TB, s *mockserver.Server) string {
	t.Helper()
	data, err := json.MarshalIndent(s.Apps(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// concrete fills in the parameters of a path.
func concrete(path, app string) string {
	return strings.NewReplacer("{app}", app, "{id}", "r1", "{n}", "1").Replace(path)
}

// TestControlBadInput calls every operation of control.yaml in every wrong way. Each call is rejected with a
// problem that control.yaml allows, and changes nothing.
func TestControlBadInput(t *testing.T) {
	t.Parallel()
	s := controlled(t, mockserver.Options{ControlToken: "let-me-in"})
	addr := listen(t, s)
	doc := controlDocument(t, addr)
	before := snapshot(t, s)
	const permit = "Authorization: Bearer let-me-in"
	type ask struct {
		name, line, media, body string
		header                  []string
		status                  int
		field                   string
	}
	refused := func(op *dingmock.Operation, x ask) {
		t.Helper()
		got := send(t, addr, request(x.line, x.media, x.body, x.header...))
		var p struct {
			Type, Title, Detail, Field string
			Status                     int
		}
		if err := json.Unmarshal([]byte(got.body), &p); err != nil || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %.60s: answered HTTP %d %s %.200q, want a problem", x.name, x.line, got.status, got.header.Get("Content-Type"), got.body)
			return
		}
		if got.status != x.status || p.Status != x.status || p.Title != http.StatusText(x.status) || p.Type == "" || len(p.Detail) < 15 {
			t.Errorf("%s: %.60s: answered HTTP %d %s, want %d", x.name, x.line, got.status, got.body, x.status)
		}
		if x.field != "" && p.Field != x.field {
			t.Errorf("%s: %.60s: the field is %q, want %q", x.name, x.line, p.Field, x.field)
		}
		if op != nil {
			q := &dingmock.Request{Operation: op, Method: op.Method, Path: op.Path}
			for _, v := range q.CheckResponse(got.status, got.header, []byte(got.body)) {
				t.Errorf("%s: %.60s: %s", x.name, x.line, v)
			}
		}
	}
	for _, op := range doc.Operations() {
		line := op.Method + " " + concrete(op.Path, "default")
		in := []string{permit}
		if op.Bearer {
			refused(op, ask{"no token", line, "", "", nil, 401, ""})
			refused(op, ask{"a wrong token", line, "", "", []string{"Authorization: Bearer let-me-out"}, 401, ""})
			refused(op, ask{"a token of another kind", line, "", "", []string{"Authorization: Basic let-me-in"}, 401, ""})
		} else {
			in = nil
		}
		refused(op, ask{"another method", "BREW " + concrete(op.Path, "default"), "", "", in, 405, "/method"})
		if strings.Contains(op.Path, "{app}") {
			refused(op, ask{"no such app", op.Method + " " + concrete(op.Path, "nobody"), "application/json", valid[op.ID], in, 404, "/path/app"})
		}
		if len(op.BodyTypes) == 0 {
			continue
		}
		for _, x := range []ask{
			{"another type", line, "multipart/form-data; boundary=x", valid[op.ID], in, 415, "/header/Content-Type"},
			{"gzip", line, "application/json", valid[op.ID], append([]string{"Content-Encoding: gzip"}, in...), 415, "/header/Content-Encoding"},
			{"broken JSON", line, "application/json", `{"`, in, 400, "/body"},
			{"text after it", line, "application/json", "{} x", in, 400, "/body"},
			{"an array", line, "application/json", "[]", in, 400, "/body"},
			{"null", line, "application/json", "null", in, 400, "/body"},
			{"not UTF-8", line, "application/json", "{\"name\":\"\xff\"}", in, 400, "/body"},
			{"an unknown field", line, "application/json", `{"no_such_field":1}`, in, 400, ""},
			{"too large", line, "application/json", `{"name":"` + strings.Repeat("x", dingmock.MaxBody) + `"}`, in, 413, "/body"},
		} {
			if x.status == http.StatusRequestEntityTooLarge && int64(len(x.body)) <= op.MaxBody { // it is read, and then something else is wrong
				x.status, x.field = 400, ""
			}
			refused(op, x)
		}
		if i := slices.IndexFunc(op.Parameters, func(p dingmock.Parameter) bool { return p.In == "body" && p.Required }); i >= 0 {
			refused(op, ask{"no body", line, "", "", in, 400, "/body/" + op.Parameters[i].Name})
			refused(op, ask{"white space", line, "application/json", " \n", in, 400, "/body/" + op.Parameters[i].Name})
		}
	}
	refused(nil, ask{"no such path", "GET /_mock/nowhere", "", "", nil, 404, ""})
	refused(nil, ask{"no path", "GET /_mock/", "", "", nil, 404, ""})
	if after := snapshot(t, s); after != before {
		t.Errorf("bad input has changed the state (-before +after)\n%s", cmp.Diff(before, after))
	}
}

// valid are bodies with which an operation would do something.
var valid = map[string]string{
	"create_app": `{}`, "update_app": `{"qps":5}`, "advance_clock": `{"by":"2h"}`, "add_rule": `{"effect":{"status":503}}`,
	"add_rule_for_all": `{"effect":{"status":503}}`, "wait_journal": `{"timeout":"1ms"}`, "expect_journal": `{}`,
	"put_app_state": `{"apps":[{"appkey":"nobody","appsecret":"x"}]}`, "put_state": `{"apps":[{"appkey":"new","appsecret":"x"}]}`,
}

// TestControlFields checks the errors about wrong values, which change nothing.
func TestControlFields(t *testing.T) {
	t.Parallel()
	const (
		advance = "POST /_mock/apps/default/clock/advance"
		rules   = "POST /_mock/apps/default/rules"
		forAll  = "POST /_mock/rules"
		apps    = "POST /_mock/apps"
		state   = "PUT /_mock/state"
		wait    = "POST /_mock/apps/default/journal/wait"
		expect  = "POST /_mock/apps/default/journal/expect"
		journal = "GET /_mock/apps/default/journal"
	)
	effect := func(e string) string { return `{"effect":` + e + `}` }
	s := controlled(t, mockserver.Options{})
	addr := listen(t, s)
	before := snapshot(t, s)
	for _, test := range []struct {
		name, line, body string
		status           int
		field, says      string
	}{
		{"negative", advance, `{"by":"-1s"}`, 400, "/body/by", "never goes back"},
		{"beyond the year 9999", advance, `{"by":"2000000h"}`, 400, "/body/by", "200 years"},
		{"beyond a duration", advance, `{"by":"99999999h"}`, 400, "", "is no duration up to 292 years"},
		{"a number", advance, `{"by":7200}`, 400, "/body/by", "found the number 7200, expected a duration such as 7200s"},
		{"no unit", advance, `{"by":"7200"}`, 400, "/body/by", `found "7200", expected a duration such as 7200s`},
		{"a wrong unit", wait, `{"timeout":"5 seconds"}`, 400, "/body/timeout", `found "5 seconds", expected a duration such as 7200s`},
		{"a number within a rule", rules, `{"when":{"for":60},"effect":{"hang":true}}`, 400, "/body/when/for", "found the number 60, expected a duration such as 7200s"},
		{"a number in a state", state, `{"apps":[{"appkey":"x","appsecret":"y","clock":{"offset":3600}}]}`, 400, "/body/apps/0/clock/offset", "found the number 3600, expected a duration such as 7200s"},
		{"without by", advance, `{}`, 400, "/body/by", "found nothing, expected a duration such as 7200s"},
		{"another name for by", advance, `{"by":"2h","bye":"1h"}`, 400, "/body/bye", "did you mean by?"},

		{"no effect", rules, `{}`, 400, "/body/effect", "found nothing"},
		{"an empty effect", rules, effect(`{}`), 400, "/body/effect", "found an empty object, expected an object with exactly one of fault, errcode"},
		{"an effect that is none", rules, effect(`"hang"`), 400, "/body/effect", `found "hang", expected an object with exactly one of fault, errcode`},
		{"two effects", rules, effect(`{"hang":true,"reset":true}`), 400, "/body/effect", "has 2 effects: give exactly one"},
		{"an unknown effect", rules, effect(`{"explode":true}`), 400, "/body/effect/explode", "undeclared"},
		{"an unknown fault", rules, effect(`{"fault":"bored"}`), 400, "/body/effect/fault", `found "bored", expected "system-busy" or`},
		{"part of a fault", rules, effect(`{"fault":"throttled"}`), 400, "/body/effect/fault", "did you mean app-throttled?"},
		{"a fault with a slip", rules, effect(`{"fault":"system_busy"}`), 400, "/body/effect/fault", "did you mean system-busy?"},
		{"an effect with a slip", rules, effect(`{"latncy":"1s"}`), 400, "/body/effect/latncy", "did you mean latency?"},
		{"an effect in place of the rule", rules, `{"efect":{"hang":true},"effect":{"hang":true}}`, 400, "/body/efect", "did you mean effect?"},
		{"an operation with a slip", rules, `{"match":{"operation":"get_token"},"effect":{"hang":true}}`, 400, "/body/match/operation", "did you mean gettoken?"},
		{"a state's field with a slip", state, `{"apps":[{"appkey":"x","appsecrt":"hush"}]}`, 400, "/body/apps/0/appsecrt", "did you mean appsecret?"},
		{"a method in lower case", rules, `{"match":{"method":"get"},"effect":{"hang":true}}`, 400, "/body/match/method", `found "get"`},
		{"a filter with a slip", journal + "?operations=gettoken", "", 400, "/query/operations", "did you mean operation?"},
		{"an app with a slip", "GET /_mock/apps/defualt", "", 404, "/path/app", "did you mean default?"},
		{"an app that may come", "GET /_mock/apps/mock-y", "", 404, "/path/app", "its first call makes it"},
		{"a path with a slip", "GET /_mock/app/default/rules", "", 404, "", "did you mean /_mock/apps/default/rules?"},
		{"errcode 0", rules, effect(`{"errcode":0}`), 400, "/body/effect/errcode", "other than [0]"},
		{"a sub_code alone", rules, effect(`{"sub_code":"1","status":500}`), 400, "/body/effect/errcode", "go with errcode"},
		{"a sub_code of another errcode", rules, effect(`{"errcode":1,"sub_code":"1"}`), 400, "/body/effect/sub_code", "errcode 88 alone"},
		{"a status too low", rules, effect(`{"status":199}`), 400, "/body/effect/status", "from 200 to 599"},
		{"a negative latency", rules, effect(`{"latency":"-1s"}`), 400, "/body/effect/latency", "above 0"},
		{"a latency of an hour", rules, effect(`{"latency":"1h"}`), 400, "/body/effect/latency", "at most 10m"},
		{"latencies the wrong way", rules, effect(`{"latency":"2s","latency_max":"1s"}`), 400, "/body/effect/latency_max", "latency or more"},
		{"a reply of two lines", rules, effect(`{"reply":{"content_type":"a\nb"}}`), 400, "/body/effect/reply/content_type", "one line"},
		{"a reply with a bad status", rules, effect(`{"reply":{"status":99}}`), 400, "/body/effect/reply/status", "200 to 599"},
		{"a negative skip", rules, `{"when":{"skip":-1},"effect":{"hang":true}}`, 400, "/body/when/skip", "from 0 up"},
		{"a probability above 1", rules, `{"when":{"probability":1.5},"effect":{"hang":true}}`, 400, "/body/when/probability", "from 0 to 1"},
		{"a seed alone", rules, `{"when":{"seed":1},"effect":{"hang":true}}`, 400, "/body/when/seed", "goes with probability"},
		{"a negative time", rules, `{"when":{"for":"-1s"},"effect":{"hang":true}}`, 400, "/body/when/for", "0 or more"},
		{"a time for all apps", forAll, `{"when":{"for":"1s"},"effect":{"hang":true}}`, 400, "/body/when/for", "one app"},
		{"an unknown operation", rules, `{"match":{"operation":"user_get"},"effect":{"hang":true}}`, 400, "/body/match/operation", "use method and path"},
		{"a path without a slash", rules, `{"match":{"path":"user"},"effect":{"hang":true}}`, 400, "/body/match/path", "^/"},
		{"an id of one's own", rules, `{"id":"mine","effect":{"hang":true}}`, 400, "/body/id", "undeclared"},
		{"no such rule", "DELETE /_mock/apps/default/rules/r99", "", 404, "/path/id", `no rule "r99"`},

		{"a name that is taken", apps, `{"name":"default","appkey":"x","appsecret":"y"}`, 409, "/body/name", "already"},
		{"a name that is another's appkey", apps, `{"name":"otherapp","appkey":"x","appsecret":"y"}`, 409, "/body/name", "already"},
		{"an appkey that is taken", apps, `{"appkey":"otherapp","appsecret":"y"}`, 409, "/body/name", "already"},
		{"a corpid that is taken", apps, `{"corpid":"othercorp","corpsecret":"y"}`, 409, "/body/corpid", "already"},
		{"a token that is taken", apps, `{"appkey":"x","appsecret":"y","tokens":[{"token":"` + live + `","expires_in":1}]}`, 409, "/body/tokens/0/token", "of the app default already"},
		{"an appkey without its secret", apps, `{"appkey":"x"}`, 400, "/body/appkey", "give both or neither"},
		{"a character that needs escaping", apps, `{"appkey":"x y","appsecret":"z"}`, 400, "", ""},
		{"a name that means something else", apps, `{"name":"_","appkey":"x","appsecret":"y"}`, 400, "/body/name", "is taken"},

		{"state: one good, one bad", state, `{"apps":[{"appkey":"new","appsecret":"y"},{"appkey":"bad"}]}`, 400, "/body/apps/1/appkey", "give both"},
		{"state: one new, one of another's id", state, `{"apps":[{"appkey":"new","appsecret":"y"},{"name":"z","appkey":"otherapp","appsecret":"y"}]}`, 409, "/body/apps/1/appkey", "already"},
		{"state: a session twice", state, `{"apps":[{"appkey":"new","appsecret":"y","sessions":[{"session_id":"s","user_id":"u"},{"session_id":"s","user_id":"u"}]}]}`, 400, "/body/apps/0/sessions/1/session_id", "is open already"},
		{"state: a bad rule", state, `{"apps":[{"appkey":"new","appsecret":"y","rules":[{"effect":{"hang":true,"reset":true}}]}]}`, 400, "/body/apps/0/rules/0/effect", "exactly one"},
		{"state: of another app", "PUT /_mock/apps/default/state", `{"apps":[{"name":"new","appkey":"new","appsecret":"y"}]}`, 400, "/body/apps", `of the name "default"`},

		{"wait: no time", wait, `{"timeout":"0s"}`, 400, "/body/timeout", "above 0"},
		{"wait: too long", wait, `{"timeout":"1h"}`, 400, "/body/timeout", "at most 10m"},
		{"wait: for nothing", wait, `{"at_least":0}`, 400, "/body/at_least", "from 1"},
		{"expect: the wrong way", expect, `{"at_least":2,"at_most":1}`, 400, "/body/at_most", "at_least or more"},
		{"expect: an operation with a slip", expect, `{"match":{"operation":"get_token"},"at_most":0}`, 400, "/body/match/operation", "did you mean gettoken?"},
		{"wait: an operation with a slip", wait, `{"match":{"operation":"getsesion"}}`, 400, "/body/match/operation", "did you mean getsession?"},
		{"journal: an operation with a slip", journal + "?operation=get_token", "", 400, "/query/operation", "did you mean gettoken?"},
		{"expect: negative", expect, `{"at_most":-1}`, 400, "/body/at_most", "from 0"},
		{"journal: since is no number", journal + "?since=x", "", 400, "/query/since", `found "x", expected an integer from 0`},
		{"journal: a negative limit", journal + "?limit=-1", "", 400, "/query/limit", "an integer from 1"},
		{"journal: violations is neither", journal + "?violations=maybe", "", 400, "/query/violations", "a boolean"},
		{"journal: an unknown filter", journal + "?status=200", "", 400, "/query/status", "undeclared"},
		{"journal: no such entry", journal + "/7", "", 404, "/path/n", "the latest is 0"},
		{"journal: an entry that is no number", journal + "/x", "", 400, "/path/n", "an integer"},
		{"the calls of no app have no clock", "GET /_mock/apps/_/clock", "", 404, "/path/app", "journal and a verdict"},
	} {
		got := send(t, addr, request(test.line, mediaOf(test.body), test.body))
		var p struct{ Detail, Field, Accepted string }
		if err := json.Unmarshal([]byte(got.body), &p); err != nil || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: HTTP %d %.300s, want a problem", test.name, got.status, got.body)
			continue
		}
		if got.status != test.status || test.field != "" && p.Field != test.field || !strings.Contains(p.Detail+p.Accepted, test.says) {
			t.Errorf("%s: HTTP %d %s\nwant %d, field %s, %q in it", test.name, got.status, got.body, test.status, test.field, test.says)
		}
	}
	if after := snapshot(t, s); after != before {
		t.Errorf("bad input has changed the state (-before +after)\n%s", cmp.Diff(before, after))
	}
}

// TestControlAccepted checks that an error says what a field accepts, and does not repeat what is wrong with it.
func TestControlAccepted(t *testing.T) {
	t.Parallel()
	const (
		rules  = "POST /_mock/apps/default/rules"
		forAll = "POST /_mock/rules"
		apps   = "POST /_mock/apps"
		state  = "PUT /_mock/state"
		effect = "an object with exactly one of fault, errcode, status, latency, hang, reset, empty, truncate, slow, malformed, token_life and reply"
		header = "the name of a header, other than Content-Type, those of how an answer is sent and Dingmock-…, with a text of one line"
		path   = "a path that begins with /, decoded and without a query, or its beginning followed by *"
	)
	addr := listen(t, controlled(t, mockserver.Options{}))
	for _, test := range []struct{ line, body, accepted string }{
		{"POST /_mock/apps/default/clock/advance", `{"by":"-1s"}`, "a duration of 0 or more, up to 200 years (1752000h) from real time and the year 9999"},
		{"POST /_mock/apps/default/clock/advance", `{"by":"2h","bye":1}`, "one of by"},
		{"PATCH /_mock/apps/default", `{"qbs":1}`, "one of judge, qps, token_life, users"},
		{"PATCH /_mock/apps/default", `{"token_life":"0s"}`, "1s to 720h, or null for the server's"},
		{"GET /_mock/apps?order=odd", ``, `"oldest" or "newest"`},
		{"GET /_mock/apps?odd=1", ``, "one of cursor, limit, order"},
		{"GET /_mock/livez?odd=1", ``, "nothing"},
		{"GET /_mock/apps/default/journal?operation=get_token", ``, "one of " + strings.Join(operations(t), ", ") + ", or the id of another call of DingTalk's"},
		{rules, `{"effect":{}}`, effect},
		{rules, `{"effect":{"explode":true}}`, "one of empty, errcode, errmsg, fault, hang, latency, latency_max, malformed, reply, reset, slow, status, sub_code, token_life, truncate"},
		{rules, `{"effect":{"hang":true,"reset":true}}`, "exactly one of fault, errcode, status, latency, hang, reset, empty, truncate, slow, malformed, token_life, reply"},
		{rules, `{"effect":{"latency":"1h"}}`, "above 0 and at most 10m0s"},
		{rules, `{"effect":{"token_life":"721h"}}`, "1s to 720h"},
		{rules, `{"effect":{"hang":true},"when":{"seed":1}}`, "a number beside probability, else nothing"},
		{rules, `{"effect":{"hang":true},"match":{"path":"/a?b"}}`, path},
		{rules, `{"effect":{"hang":true},"match":{"path":"/a*b"}}`, path},
		{rules, `{"effect":{"hang":true},"match":{"operation":"get_token"}}`, "one of " + strings.Join(operations(t), ", ") + ", or the id of another call of DingTalk's"},
		{rules, `{"effect":{"hang":true},"match":{"parameters":{"x":{"like":1}}}}`, "a string, a number, true, false or null, or an object with exactly one of \"equals\", \"contains\", \"absent\": true and \"pattern\""},
		{rules, `{"effect":{"hang":true},"match":{"headers":{"a b":"x"}}}`, "the name of a header, with a condition"},
		{rules, `{"effect":{"reply":{"headers":{"content-type":"x"}}}}`, header},
		{rules, `{"effect":{"reply":{"template":true,"body":"{{x"}}}`, "values with holes such as {{body.userid}}, {{body.list.0.name}}, {{query.x}} and {{token}}, at most 100 in a reply"},
		{forAll, `{"effect":{"hang":true},"when":{"for":"1s"}}`, "nothing in a rule for every app"},
		{apps, `{"appkey":"x"}`, "an appkey beside an appsecret, or neither"},
		{apps, `{"appkey":"x","appsecret":"y","token_life":"721h"}`, "1s to 720h"},
		{apps, `{"name":"_","appkey":"x","appsecret":"y"}`, "another name than _, . and .."},
		{state, `{"apps":[{"appkey":"a","appsecret":"s"},{"appkey":"a","appsecret":"s"}]}`, "one that no other app has"},
		{state, `{"apps":[{"appkey":"a","appsecret":"s","sessions":[{"session_id":"s","user_id":"u"},{"session_id":"s","user_id":"u"}]}]}`, "an id that no other open session of the app has"},
	} {
		got := send(t, addr, request(test.line, mediaOf(test.body), test.body))
		var p struct{ Detail, Accepted string }
		decode(t, got.body, &p)
		if p.Accepted != test.accepted {
			t.Errorf("%s %s\n got %q\nwant %q\nof   %s", test.line, test.body, p.Accepted, test.accepted, p.Detail)
		}
	}
}

// absent are the operations that TestControlRoutes calls for something that does not exist, and their status.
var absent = map[string]int{
	"ca_pem": http.StatusNotFound, "delete_rule": http.StatusNotFound, "delete_rule_for_all": http.StatusNotFound, // all were deleted before
}

// TestControlRoutes calls each operation by its route, so that document and routes agree.
func TestControlRoutes(t *testing.T) {
	t.Parallel()
	s := controlled(t, mockserver.Options{})
	addr := listen(t, s)
	send(t, addr, request("GET /gettoken?"+appPairQuery, "", ""))
	ops := controlDocument(t, addr).Operations()
	// Operations that end something go last.
	ends := func(op *dingmock.Operation) bool { return op.Method == http.MethodDelete || op.ID == "reset_app" }
	ops = append(slices.DeleteFunc(slices.Clone(ops), ends), slices.DeleteFunc(slices.Clone(ops), func(op *dingmock.Operation) bool { return !ends(op) })...)
	for _, op := range ops {
		if strings.HasPrefix(op.ID, "stream_") || op.ID == "delete_app" {
			continue // it does not end, or it ends what the others need
		}
		body := valid[op.ID]
		if op.ID == "put_app_state" {
			body = `{"apps":[{"appkey":"dingmockapp","appsecret":"x","name":"default","rules":[{"effect":{"status":503},"match":{"path":"/x"}}]}]}`
		}
		got := send(t, addr, request(op.Method+" "+concrete(op.Path, "default"), mediaOf(body), body))
		if want, ok := absent[op.ID]; ok && got.status != want || !ok && got.status/100 != 2 {
			t.Errorf("%s: HTTP %d %.300s", op.ID, got.status, got.body)
		}
	}
}

// No error contains what may be a secret, wherever it was sent.
func TestControlErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	addr := listen(t, controlled(t, mockserver.Options{}))
	for _, body := range []string{
		`{"appkey":"x","appsecret":["hush-hush"]}`,
		`{"appkey":"x","appsecret":31337}`,
		`{"appkey":"x","appsecret":"y","tokens":[{"token":31337,"expires_in":1}]}`,
		`{"appkey":"x","appsecrt":"hush-hush"}`,
		`{"appkey":"x","corpsecret":"hush-hush"}`,
		`{"appkey":"x","appsecret":"hush hush-hush"}`,
		`{"appkey":"x","appsecret":"y","tokens":[{"token":"hush-hush","expires_in":1}]}`,
		`{"appkey":"x","appsecret":"y","tokens":["hush-hush"]}`,
		`{"appkey":"x","appsecret":"y","access_token":"hush-hush"}`,
	} {
		for line, body := range map[string]string{"POST /_mock/apps": body, "PUT /_mock/state": `{"apps":[` + body + `]}`} {
			got := send(t, addr, request(line, jsonType, body))
			if got.status != http.StatusBadRequest || strings.Contains(got.body, "hush") || strings.Contains(got.body, "31337") {
				t.Errorf("%s %s: HTTP %d %s", line, body, got.status, got.body)
			}
			if _, err := mockserver.ReadState("s", []byte(body)); err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "31337") {
				t.Errorf("%s in a file: %v", body, err)
			}
		}
	}
}

// A body is JSON whatever its sender declares, and no body is an empty object.
func TestControlBodies(t *testing.T) {
	t.Parallel()
	addr := listen(t, controlled(t, mockserver.Options{}))
	const (
		advance = "POST /_mock/apps/default/clock/advance"
		expect  = "POST /_mock/apps/default/journal/expect"
	)
	for _, test := range []struct {
		name, line, media, body string
		status                  int
		says                    string
	}{
		{"JSON", advance, "application/json", `{"by":"1s"}`, 200, ""},
		{"JSON with a charset", advance, "application/json; charset=utf-8", `{"by":"1s"}`, 200, ""},
		{"none", advance, "", `{"by":"1s"}`, 200, ""},
		{"none, after a line break", advance, "", "\n" + `{"by":"1s"}`, 200, ""},
		{"text", advance, "text/plain;charset=UTF-8", `{"by":"1s"}`, 200, ""},
		{"a form, as curl -d says", advance, "application/x-www-form-urlencoded", `{"by":"1s"}`, 200, ""},
		{"a form, after white space", advance, "application/x-www-form-urlencoded", ` {"by":"1s"}`, 200, ""},
		{"a problem", advance, "application/merge-patch+json", `{"by":"1s"}`, 200, ""},
		{"no type at all", advance, "nonsense", `{"by":"1s"}`, 200, ""},
		{"multipart", advance, "multipart/form-data; boundary=x", `{"by":"1s"}`, 415, "expected application/json"},
		{"a real form", advance, "application/x-www-form-urlencoded", `by=1s`, 400, "expected a JSON object"},
		{"nothing, all optional: make an app", "POST /_mock/apps", "", "", 201, ""},
		{"nothing, all optional: change an app", "PATCH /_mock/apps/default", "", "", 200, ""},
		{"nothing, all optional: expect", expect, "", "", 409, "at least 1"},
		{"nothing, all optional: a form", expect, "application/x-www-form-urlencoded", "", 409, "at least 1"},
		{"nothing, one needed", advance, "", "", 400, "/body/by"},
		{"nothing, one needed of a rule", "POST /_mock/rules", "", "", 400, "/body/effect"},
		{"nothing, one needed of a state", "PUT /_mock/state", "", "", 400, "/body/apps"},
	} {
		got := send(t, addr, request(test.line, test.media, test.body))
		if got.status != test.status || !strings.Contains(got.body, test.says) {
			t.Errorf("%s: HTTP %d %s, want %d with %q", test.name, got.status, got.body, test.status, test.says)
		}
	}
}

// The header may write its scheme in any case and with extra spaces, and the control token may come with the white
// space of a file.
func TestControlToken(t *testing.T) {
	t.Parallel()
	addr := listen(t, fake(t, mockserver.Options{ControlToken: " let-me-in\r\n"}))
	for _, test := range []struct {
		header string
		status int
	}{
		{"Bearer let-me-in", 200},
		{"bearer let-me-in", 200},
		{"BEARER   let-me-in  ", 200},
		{"bEaReR \tlet-me-in", 200},
		{"Bearer let-me-out", 401},
		{"Bearer let-me-in x", 401},
		{"Bearer", 401},
		{"Bearerlet-me-in", 401},
		{"Basic let-me-in", 401},
		{"let-me-in", 401},
	} {
		if got := send(t, addr, request("GET /_mock/apps", "", "", "Authorization: "+test.header)); got.status != test.status {
			t.Errorf("%q: HTTP %d %s, want %d", test.header, got.status, got.body, test.status)
		}
	}
	for _, test := range []struct{ name, token, want string }{
		{"blank", " \n\t", "blank"},
		{"a line break within", "let-me\nin", "header"},
		{"a zero", "let-me-in\x00", "header"},
		{"not ASCII", "läßt-mich-ein", "header"},
	} {
		if _, err := mockserver.New(&mockserver.Options{ControlToken: test.token}); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "let-me") {
			t.Errorf("%s: error %v, want %q in it", test.name, err, test.want)
		}
	}
}
