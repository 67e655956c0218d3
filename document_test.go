package dingmock_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

func load(t testing.TB) *dingmock.Document {
	t.Helper()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// What the document says of calls that clients depend on most is read as it stands there.
func TestOperations(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for _, want := range []string{
		"gettoken: GET /gettoken, documented, also POST, oapi",
		"close_session: POST /topapi/v2/im/close_session, article, also GET, topapi",
		"create_session: POST /topapi/v2/im/create_session, article, also GET, topapi",
		"getsession: POST /topapi/v2/user/getsession, article, also GET, topapi",
		"accessToken: POST /v1.0/oauth2/accessToken, documented, also , v1.0",
	} {
		id, _, _ := strings.Cut(want, ":")
		op := doc.Operation(id)
		if op == nil {
			t.Errorf("there is no operation %s", id)
			continue
		}
		got := op.ID + ": " + op.Method + " " + op.Path + ", " + op.Provenance + ", also " + strings.Join(op.AlsoAnswers, " ") + ", " + op.Family.Name
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestProvenance(t *testing.T) {
	t.Parallel()
	doc := load(t)
	check := func(what, provenance, source string) {
		switch provenance {
		case "documented", "observed", "article":
			if source == "" {
				t.Errorf("%s is %s, of no source", what, provenance)
			}
		case "decided":
		default:
			t.Errorf("%s has x-provenance %q", what, provenance)
		}
	}
	for _, op := range doc.Operations() {
		check("operation "+op.ID, op.Provenance, op.Source)
		if op.Summary == "" {
			t.Errorf("operation %s has no summary", op.ID)
		}
	}
	for _, e := range doc.ErrorReplies() {
		check("error "+e.Name, e.Provenance, e.Source)
	}
}

// TestGuessesAreDecided names the answers that nobody has shown in their place, so that none reads as observed or as
// documented for the sake of a code or a text that is.
func TestGuessesAreDecided(t *testing.T) {
	t.Parallel()
	var got []string
	for _, e := range load(t).ErrorReplies() {
		if e.Provenance == "decided" {
			got = append(got, e.Name)
		}
	}
	want := []string{
		"ApiCountLimitForOrg", "QpsLimitForApi", "QpsLimitForAppkeyAndApi", "app-key-wrong", "app-throttled", "appsecret-missing",
		"auth-app-throttled", "auth-quota-exhausted", "body-too-large", "body-unreadable", "corpsecret-missing", "ip-not-allowed",
		"need-get", "need-post", "parameter-invalid", "quota-exhausted", "serviceBusy", "session-invalid", "sessions-too-many",
		"user-not-found",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors that are decided (-want +got)\n%s", diff)
	}
}

func TestEveryErrorIsUsed(t *testing.T) {
	t.Parallel()
	doc := load(t)
	used := map[string]bool{}
	for _, op := range doc.Operations() {
		for _, reply := range op.Replies {
			for _, name := range reply.Errors {
				used[name] = true
			}
		}
	}
	for _, f := range doc.Families() {
		for _, names := range []map[string]string{f.Answers, f.Faults} {
			for _, name := range names {
				used[name] = true
			}
		}
	}
	for _, e := range doc.ErrorReplies() {
		if !used[e.Name] {
			t.Errorf("nothing answers the error %s", e.Name)
		}
	}
}

// TestRepliesListWhatFamiliesAnswer has each answer and fault of a family among the errors of its operations, so that
// no reply of the server is undocumented.
func TestRepliesListWhatFamiliesAnswer(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for _, op := range doc.Operations() {
		listed := map[string]bool{}
		for _, reply := range op.Replies {
			for _, name := range reply.Errors {
				listed[name] = true
				if e := doc.ErrorReply(name); e.Status != reply.Status {
					t.Errorf("%s: the reply %d lists %s, whose status is %d", op.ID, reply.Status, name, e.Status)
				}
			}
		}
		secured := slices.ContainsFunc(op.Security, func(r dingmock.Requirement) bool { return slices.Contains(r, op.Family.Token) })
		for what, name := range op.Family.Answers {
			switch {
			case what == "unknown-path" && op.Provenance != "article",
				what == "method-post" && op.Method != "POST",
				strings.HasPrefix(what, "token-") && !secured,
				strings.HasPrefix(what, "body") && len(op.BodyTypes) == 0,
				strings.HasSuffix(what, "-parameter") && secured && len(op.Parameters) == 0: // it has none
				continue
			}
			if !listed[name] {
				t.Errorf("%s: %s is answered %s, which no reply lists", op.ID, what, name)
			}
		}
		for fault, name := range op.Family.Faults {
			if !listed[name] {
				t.Errorf("%s: the fault %s is answered %s, which no reply lists", op.ID, fault, name)
			}
		}
	}
}

// TestExamples has one example of each error that a reply can be and at least one of its success; each is valid.
func TestExamples(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for _, op := range doc.Operations() {
		successes := 0
		for _, reply := range op.Replies {
			var errors []string
			for name, body := range reply.Examples {
				if strings.HasPrefix(name, "success") {
					successes++
				} else {
					errors = append(errors, name)
				}
				q := doc.CheckRequest(op, httptest.NewRequest(op.Method, op.Path, nil), nil)
				header := http.Header{"Content-Type": {reply.ContentType}}
				for _, v := range q.CheckResponse(reply.Status, header, body) {
					t.Errorf("%s: the example %s: %s", op.ID, name, v)
				}
				broken := bytes.Replace(body, []byte("{"), []byte(`{"x":1,`), 1)
				if len(q.CheckResponse(reply.Status, header, broken)) == 0 {
					t.Errorf("%s: the example %s is valid with an undeclared field too", op.ID, name)
				}
			}
			slices.Sort(errors)
			if diff := cmp.Diff(slices.Sorted(slices.Values(reply.Errors)), errors); diff != "" {
				t.Errorf("%s %d: x-errors and the examples' names (-x-errors +examples)\n%s", op.ID, reply.Status, diff)
			}
			if got, want := reply.ContentType, op.Family.ContentType; got != want {
				t.Errorf("%s %d: content type %q, the family's is %q", op.ID, reply.Status, got, want)
			}
		}
		if successes == 0 {
			t.Errorf("%s: there is no example of success", op.ID)
		}
	}
}

// TestExamplesHaveTheErrorsCode compares the number or code of an example with that of the error with the same name.
func TestExamplesHaveTheErrorsCode(t *testing.T) {
	t.Parallel()
	doc := load(t)
	for _, op := range doc.Operations() {
		for _, reply := range op.Replies {
			for _, name := range reply.Errors {
				var got struct {
					Errcode int
					SubCode string `json:"sub_code"`
					Code    string
				}
				if err := json.Unmarshal(reply.Examples[name], &got); err != nil {
					t.Errorf("%s: the example %s: %v", op.ID, name, err)
					continue
				}
				e := doc.ErrorReply(name)
				prefix, _, _ := strings.Cut(e.Code, "{")
				if got.Errcode != e.Errcode || got.SubCode != e.SubCode || !strings.HasPrefix(got.Code, prefix) {
					t.Errorf("%s: the example %s is %d/%s %s, the error %d/%s %s", op.ID, name, got.Errcode, got.SubCode, got.Code, e.Errcode, e.SubCode, e.Code)
				}
			}
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const text = `
openapi: 3.0.3
info: {title: t, version: "1"}
paths:
  /a: {get: {operationId: a, responses: {"200": {description: x}}}, post: {operationId: b, responses: {"200": {description: x}}}}
  /a/{x}: {get: {operationId: c, parameters: [{name: x, in: path, required: true, schema: {type: string}}], responses: {"200": {description: x}}}, post: {operationId: e, parameters: [{name: x, in: path, required: true, schema: {type: string}}], responses: {"200": {description: x}}}}
  /a/b: {get: {operationId: d, responses: {"200": {description: x}}}}
`
	doc, err := dingmock.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, path := range []string{"/a", "/a/", "/a/b", "/a/c", "/a/b/c", "/a//", "//a", "/", "", "*", "/A", "/a/{x}"} {
		for _, method := range []string{"GET", "POST", "HEAD", "PUT", "get"} {
			if op := doc.Match(method, path); op != nil {
				got[path] += op.ID
			}
		}
	}
	// PUT and get are calls of neither, of which the first is meant; /a/b has but one.
	want := map[string]string{"/a": "abaaa", "/a/b": "ddddd", "/a/c": "ceccc", "/a/{x}": "ceccc"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations by path, for GET, POST, HEAD, PUT and get (-want +got)\n%s", diff)
	}
	for _, op := range doc.Operations() {
		if found := doc.Operation(op.ID); found != op {
			t.Errorf("operation %s is found as %v", op.ID, found)
		}
	}
	if op := doc.Operation("none"); op != nil {
		t.Errorf("operation none is found as %v", op)
	}
	if doc.Family("/a") != nil {
		t.Error("a document without families has one")
	}
	q := doc.CheckRequest(nil, httptest.NewRequest("GET", "/b", nil), nil)
	if len(q.Violations) != 1 || q.Violations[0].Answer != "" || len(q.CheckResponse(404, nil, nil)) != 1 {
		t.Errorf("an unknown path of a document without families: %v", q.Violations)
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	doc := load(t)
	got := map[string]string{}
	for _, path := range []string{"/gettoken", "/", "", "*", "/topapi", "/topapi/", "/topapi/v2/x", "//topapi/x", "/Topapi/x", "/v1.0", "/v1.0/", "/v1.0/oauth2/accessToken", "/v2.0/x", "/v10.25/x", "/v.0/x", "/v1.0x/", "/v1/x"} {
		f := doc.Family(path)
		got[path] = f.Name + " " + f.API(path)
	}
	want := map[string]string{
		"/gettoken": "oapi /gettoken", "/": "oapi /", "": "oapi ", "*": "oapi *",
		"/topapi": "oapi /topapi", "/topapi/": "topapi dingtalk.oapi.", "/topapi/v2/x": "topapi dingtalk.oapi.v2.x",
		"//topapi/x": "oapi //topapi/x", "/Topapi/x": "oapi /Topapi/x",
		"/v1.0": "oapi /v1.0", "/v1.0/": "v1.0 /v1.0/", "/v1.0/oauth2/accessToken": "v1.0 /v1.0/oauth2/accessToken", "/v2.0/x": "v1.0 /v2.0/x",
		"/v10.25/x": "v1.0 /v10.25/x", "/v.0/x": "oapi /v.0/x", "/v1.0x/": "oapi /v1.0x/", "/v1/x": "oapi /v1/x",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("families by path (-want +got)\n%s", diff)
	}
}

func TestSourceIsACopy(t *testing.T) {
	t.Parallel()
	a := dingmock.Source()
	if len(a) == 0 {
		t.Fatal("the document is empty")
	}
	a[0]++
	if b := dingmock.Source(); a[0] == b[0] {
		t.Error("whoever changes Source's bytes changes the document")
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	source := string(dingmock.Source())
	for _, test := range []struct{ name, old, new, want string }{
		{"not YAML", "openapi: 3.0.3", "\t", "document: "},
		{"no operationId", "operationId: gettoken", "deprecated: false", "document: GET /gettoken: has no operationId"},
		{"two operations of one id", "operationId: gettoken", "operationId: getsession", "getsession"},
		{"an unknown error in a reply", "x-errors: [appkey-or-appsecret-wrong,", "x-errors: [appkey-wrong,", `document: GET /gettoken: reply 200: there is no error "appkey-wrong" in x-errors`},
		{"an unknown error in a family", "method: need-get", "method: need-none", `document: x-families: oapi: method: there is no error "need-none"`},
		{"an unknown error for a fault", "system-busy: serviceBusy", "system-busy: busy", `document: x-families: v1.0: system-busy: there is no error "busy"`},
		{"an unknown reply of a family", "unknown_path_reply: OapiError", "unknown_path_reply: Nothing", `document: x-families: oapi: there is no response "Nothing"`},
		{"an unknown token of a family", "token: acs_token", "token: nothing", `document: x-families: v1.0: there is no apiKey scheme "nothing" in components/securitySchemes`},
		{"a misspelt field of a family", "api_name: dingtalk", "api_nam: dingtalk", `document: x-families: json: unknown field "api_nam"`},
		{"a misspelt field of an error", "en: There is no such URI.", "english: There is no such URI.", `document: x-errors: json: unknown field "english"`},
		{"an error without a code", "    errcode: 404\n", "", "document: x-errors: uri-not-found: has to have either errcode or code"},
		{"an error with both codes", "    errcode: 404\n", "    errcode: 404\n    code: x\n", "document: x-errors: uri-not-found: has to have either errcode or code"},
		{"an error without a text", "    zh: 请求的URI地址不存在\n", "", "document: x-errors: uri-not-found: has to have zh, en and when"},
		{"an example that is not valid", "appkey-or-appsecret-wrong: {value: {errcode: 40096", "appkey-or-appsecret-wrong: {value: {errcode: zero", "document: "},
		{"a reply of many statuses", `"200":
          description: The token, or why there is none.`, `"2XX":
          description: The token, or why there is none.`, `document: GET /gettoken: reply 2XX: a reply has to have one HTTP status`},
		{"two schemas of one body", "application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/GetsessionParams'}}", "application/x-www-form-urlencoded: {schema: {type: object}}", "document: POST /topapi/v2/user/getsession: its request body: has to have one schema for all media types"},
		{"a reference to nothing", "#/components/schemas/GetsessionParams'}}\n          application/x", "#/components/schemas/None'}}\n          application/x", "document: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(source, test.old) == 0 {
				t.Fatalf("the document has no %q", test.old)
			}
			doc, err := dingmock.Parse([]byte(strings.Replace(source, test.old, test.new, 1)))
			if err == nil || doc != nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "document: ") {
				t.Errorf("Parse\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestLimits compares the limits of the session calls' parameters, and of those of accessToken, with those of the design.
func TestLimits(t *testing.T) {
	t.Parallel()
	got := map[string][]int{}
	for _, op := range load(t).Operations() {
		for _, p := range op.Parameters {
			least, most := p.Limits()
			required := 0
			if p.Required {
				required = 1
			}
			if op.Provenance == "article" || op.ID == "accessToken" {
				got[op.ID+" "+p.In+" "+p.Name] = []int{required, least, most}
			}
			if p.Nullable() != (p.Name == "chatid") {
				t.Errorf("%s %s: nullable %t", op.ID, p.Name, p.Nullable())
			}
		}
	}
	want := map[string][]int{
		"getsession body userid": {1, 1, 128}, "accessToken body appKey": {1, 1, -1}, "accessToken body appSecret": {1, 1, -1},
	}
	for _, id := range []string{"create_session", "close_session"} {
		maps.Copy(want, map[string][]int{
			id + " body session_id": {1, 1, 128}, id + " body app_key": {1, 1, 128}, id + " body user_id": {1, 1, 128}, id + " body chatid": {0, 0, 128},
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("required, least and most characters (-want +got)\n%s", diff)
	}
}
