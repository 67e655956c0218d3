package dingmock_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock"
)

// small returns a document with one operation, POST /a, that has these fields in addition to its operationId. The document has
// beside in addition to its paths. An operation without responses gets one.
func small(fields, beside string) string {
	if !strings.Contains(fields, "responses:") {
		fields += "\n" + `responses: {"200": {description: d}}`
	}
	return "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n" + beside + "\npaths:\n  /a:\n    post:\n      operationId: a\n      " +
		strings.ReplaceAll(strings.TrimSpace(fields), "\n", "\n      ") + "\n"
}

// TestParseRefuses has documents that are valid OpenAPI, and of which something cannot be checked.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		token      = "\ncomponents: {securitySchemes: {k: {type: apiKey, in: query, name: k}}, responses: {R: {description: d, x-http-status: 200}}}"
		families   = token + "\nx-families: {f: {prefix: /, token: k, unknown_path_reply: R"
		errorOf    = "x-errors: {e: {zh: t, en: t, when: t, "
		jsonReply  = `responses: {"200": {description: d, content: {application/json: `
		jsonBody   = "requestBody: {content: {application/json: "
		ownSchemas = "components: {schemas: {"
	)
	for _, test := range []struct{ name, fields, beside, want string }{
		{"a body without content", "requestBody: {content: {}}", "", "POST /a: its request body: has no content"},
		{"a body of a media type without schema", jsonBody + "{}}}", "", "POST /a: its request body: application/json: has no schema"},
		{"a reply of a media type without schema", jsonReply + "{}}}}", "", "POST /a: reply 200: application/json: has no schema"},
		{"a body that requires what it has not", jsonBody + "{schema: {type: object, required: [b]}}}}", "", `POST /a: its request body: required names "b", which is none of its properties`},
		{"a parameter with content", "parameters: [{name: b, in: query, content: {application/json: {schema: {type: string}}}}]", "", "POST /a: parameter b: has no schema"},

		{"a cookie", "parameters: [{name: b, in: cookie, schema: {type: string}}]", "", `POST /a: parameter b: in: is "cookie", has to be one of path, query, header`},
		{"a body made of others", jsonBody + "{schema: {allOf: [{type: object}]}}}}", "", "POST /a: its request body: has to be an object whose properties stand in its schema"},
		{"a body that is an array", jsonBody + "{schema: {type: array, items: {}}}}}", "", "POST /a: its request body: has to be an object whose"},
		{"a body's media type with a charset", "requestBody: {content: {application/json;charset=utf-8: {schema: {}}}}", "", `POST /a: its request body: "application/json;charset=utf-8": a media type of a body stands in lower case and without parameters`},
		{"a body's media type in capitals", "requestBody: {content: {application/JSON: {schema: {}}}}", "", `POST /a: its request body: "application/JSON": a media type`},
		{"a reply that requires what it must not have", jsonReply + "{schema: {type: object, properties: {b: {type: object, additionalProperties: false, required: [c]}}}}}}}", "", `POST /a: reply 200: application/json/b: required names "c", which is none of its properties`},
		{"a reply without value in an example", jsonReply + "{schema: {nullable: true}, examples: {x: {externalValue: s}}}}}}", "", "POST /a: reply 200: example x: has no value"},
		{"a schema made of itself", jsonReply + "{schema: {$ref: '#/components/schemas/A'}}}}}", ownSchemas + "A: {oneOf: [{$ref: '#/components/schemas/B'}]}, B: {allOf: [{$ref: '#/components/schemas/A'}]}}}", "POST /a: reply 200: application/json: is made of itself"},
		{"a schema made of itself by another that has it within", jsonReply + "{schema: {$ref: '#/components/schemas/A'}}}}}", ownSchemas + "A: {allOf: [{$ref: '#/components/schemas/B'}, {$ref: '#/components/schemas/C'}]}, B: {properties: {c: {$ref: '#/components/schemas/C'}}}, C: {allOf: [{$ref: '#/components/schemas/A'}]}}}", "is made of itself"},
		{"what is expected is no text", "parameters: [{name: b, in: query, schema: {type: string, x-expected: 1}}]", "", "POST /a: parameter b: x-expected: json: "},
		{"a status that no answer has", `responses: {"1": {description: d}}`, "", "document: "},

		{"a security scheme where there are none", "security: [{k: []}]", "", "document: "},
		{"a cookie as credential", "security: [{k: []}]", "components: {securitySchemes: {k: {type: apiKey, in: cookie, name: k}}}", `POST /a: security: security scheme k: in: is "cookie", has to be one of query, header`},
		{"basic authentication", "security: [{k: []}]", "components: {securitySchemes: {k: {type: http, scheme: basic}}}", `POST /a: security: k: scheme: is "basic", has to be one of bearer`},
		{"credentials or none", "security: [{k: []}, {}]", token, "POST /a: security: {} beside others"},
		{"a credential of an unknown kind", "security: [{k: []}]", "components: {securitySchemes: {k: {type: apiKey, in: query, name: k, x-credential: token}}}", `POST /a: security: security scheme k: x-credential: is "token", has to be one of app-token, user-token`},
		{"a form field that is neither true nor false", "security: [{k: []}]", "components: {securitySchemes: {k: {type: apiKey, in: query, name: k, x-form-field: 'yes'}}}", "POST /a: security: x-form-field: json: "},

		{"a level that there is not", "x-undeclared: green", "", `POST /a: x-undeclared: is "green", has to be one of red, note`},
		{"a source that is no text", "x-source: 1", "", "POST /a: x-source: json: "},
		{"a provenance that there is not", "x-provenance: guessed", "", `POST /a: x-provenance: is "guessed", has to be one of documented, observed, article, decided`},
		{"a body of less than nothing", "x-max-body: -1", "", "POST /a: x-max-body: is -1, has to be 1 byte or more"},
		{"another method in small letters", "x-also-answers: [get]", "", `POST /a: x-also-answers: "get" is no method in capitals`},

		{"an order of keys of a family that there is not", "", families + ", x-key-order: alphabet}}", "x-families: f: x-key-order: has to be declared, ascii, java-hash, java-hash-N with a power of two, or a list of keys"},
		{"a hash of three buckets", "", families + ", x-key-order: java-hash-3}}", "x-families: f: x-key-order: has to be declared, ascii"},
		{"no key in an order", "", families + ", x-key-order: []}}", "x-families: f: x-key-order: has to be declared, ascii"},
		{"an order of keys of a schema that there is not", jsonReply + "{schema: {type: object, properties: {b: {x-key-order: 1}}}}}}}", "", "POST /a: reply 200: application/json/b: x-key-order: has to be declared, ascii"},
		{"a key twice in an order", jsonReply + "{schema: {x-key-order: [a, b, a]}}}}}", "", `POST /a: reply 200: application/json: x-key-order: lists "a" twice`},
		{"slashes that are escaped by word", "", families + ", x-escape-slash: 'yes'}}", "x-families: json: "},

		{"an empty error", "", "x-errors: {e: }", "x-errors: e: is empty"},
		{"errors that are a list", "", "x-errors: [e]", "x-errors: json: "},
		{"an error of a status that there is not", "", errorOf + "code: c, status: 20}}", "x-errors: e: status 20: has to be an HTTP status, 200 to 599"},
		{"an error with a code and a sub_code", "", errorOf + "code: c, sub_code: '1'}}", "x-errors: e: has a code, and so no sub_code and no errmsg"},
		{"an error whose sub_code nothing wraps", "", errorOf + "errcode: 88, sub_code: '1'}}", "x-errors: e: has a sub_code, and so has to have the errmsg that wraps it"},
		{"an error of a provenance that there is not", "", errorOf + "errcode: 1, x-provenance: seen}}", `x-errors: e: x-provenance: is "seen", has to be one of documented`},
		{"an error of another status than its reply", `responses: {"200": {description: d, x-errors: [e]}}`, errorOf + "code: c, status: 400}}", "POST /a: reply 200: the error e has the status 400"},
		{"an error whose order leaves out a key", "", errorOf + "code: c, order: [code]}}", `x-errors: e: order: leaves out "message"`},
		{"an error whose order has another key", "", errorOf + "errcode: 1, order: [code, errcode, errmsg]}}", `x-errors: e: order: lists "code", which the error does not have`},
		{"an error whose order has a key twice", "", errorOf + "errcode: 1, order: [errmsg, errcode, errmsg]}}", `x-errors: e: order: lists "errmsg" twice`},
		{"an error whose order leaves out a further key", "", errorOf + "errcode: 1, order: [errmsg, errcode], extra: {a: 1}}}", `x-errors: e: order: leaves out "a"`},
		{"an error with a further key that it has anyway", "", errorOf + "errcode: 1, extra: {request_id: 1}}}", `x-errors: e: extra: "request_id" is a key that errors have anyway`},
		{"a scope that is no text", "x-scope: [a]", "", "POST /a: x-scope: json: "},
		{"a lenience that is no boolean", "parameters: [{name: b, in: query, x-lenient: 1, schema: {type: integer}}]", "", "POST /a: parameter b: x-lenient: json: "},

		{"an empty family", "", "x-families: {f: }", "x-families: f: is empty"},
		{"a family in a document without components", "", "x-families: {f: {prefix: /, token: k}}", `x-families: f: there is no apiKey scheme "k" in components/securitySchemes`},
		{"a family without prefix", "", families + ", prefix: ''}}", "document: "},
		{"a family of no path", "", strings.Replace(families, "prefix: /", "prefix: a", 1) + "}}", `x-families: f: prefix: is "a", has to begin with /`},
		{"two families of one prefix", "", families + "}, g: {prefix: /, token: k, unknown_path_reply: R}}", `x-families: g: has the prefix "/" of f`},
		{"a family whose unknown paths have no status", "", strings.Replace(families, ", x-http-status: 200", "", 1) + "}}", "x-families: f: response R: x-http-status: is 0, has to be an HTTP status, 200 to 599"},
		{"a family whose unknown paths have a status in quotes", "", strings.Replace(families, "status: 200", "status: '200'", 1) + "}}", "x-families: f: response R: x-http-status: json: "},
		{"a family of a request id that there is not", "", families + ", request_id: long}}", `x-families: f: request_id: is "long", has to be one of short, uuid`},
		{"a family that answers what there is not", "", "x-errors: {e: {zh: t, en: t, when: t, errcode: 1}}" + families + ", answers: {token-blnak: e}}}", `x-families: f: answers: is "token-blnak", has to be one of unknown-path, `},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			doc, err := dingmock.Parse([]byte(small(test.fields, test.beside)))
			if err == nil || doc != nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "document: ") {
				t.Errorf("Parse\n got %v\nwant %s\n%s", err, test.want, small(test.fields, test.beside))
			}
		})
	}
}

// TestParsePaths has paths whose parameters do not stand between slashes alone.
func TestParsePaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a/{b}":     "",
		"/a/{b}/c":   "",
		"/a/{b}c":    `"/a/{b}c": has "{b}c" between slashes: a {parameter} has to stand there alone`,
		"/a/c{b}":    `has "c{b}" between slashes`,
		"/a/{b}.{b}": `has "{b}.{b}" between slashes`,
	} {
		text := strings.Replace(small("parameters: [{name: b, in: path, required: true, schema: {type: string}}]", ""), "/a:", "'"+path+"':", 1)
		if _, err := dingmock.Parse([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("Parse of the path %s\n got %v\nwant %s", path, err, want)
		}
	}
}

// TestParseOwnParameterFirst has an operation that declares a parameter of its path anew.
func TestParseOwnParameterFirst(t *testing.T) {
	t.Parallel()
	text := small("parameters: [{name: b, in: query, schema: {type: string, maxLength: 1}}]", "")
	text = strings.Replace(text, "    post:", "    parameters: [{name: b, in: query, schema: {type: string, maxLength: 2}}, {name: c, in: query, schema: {type: string}}]\n    post:", 1)
	doc, err := dingmock.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	list := doc.Operations()[0].Parameters
	if len(list) != 2 || list[0].Name != "c" || list[1].Name != "b" {
		t.Fatalf("parameters %v, want c and b once", list)
	}
	if _, most := list[1].Limits(); most != 1 {
		t.Errorf("b has at most %d characters, want 1, as the operation says", most)
	}
}

func TestZeroParameter(t *testing.T) {
	t.Parallel()
	var p dingmock.Parameter
	if least, most := p.Limits(); least != 0 || most != -1 || p.Nullable() {
		t.Errorf("a parameter without schema: %d to %d characters, nullable %t, want 0 to -1, false", least, most, p.Nullable())
	}
}

// TestRuleWithoutFamilies has a rule that asks for a token, of a document that knows of none.
func TestRuleWithoutFamilies(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Parse([]byte(small("", "")))
	if err != nil {
		t.Fatal(err)
	}
	q := doc.CheckRequest(nil, httptest.NewRequest(http.MethodGet, "/b", nil), nil)
	q.AnsweredByRule(true)
	if q.Known != dingmock.KnownRule || len(q.Violations) != 0 {
		t.Errorf("known %q, %v", q.Known, q.Violations)
	}
}

// FuzzDocument reads documents, and has those that are not refused check a request and each of their own examples.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		small("", ""),
		small("requestBody: {content: {}}", ""),
		small("parameters: [{name: b, in: query, content: {application/json: {schema: {type: string}}}}]", ""),
		small("parameters: [{name: b, in: query, schema: {type: array, items: {type: integer}}}]\nrequestBody: {required: true, content: {application/json: {schema: {type: object, required: [c], properties: {c: {nullable: true, enum: [x]}}}}}}", ""),
		small(`responses: {"200": {description: d, x-errors: [e], content: {application/json: {schema: {oneOf: [{type: object, required: [errcode]}]}, examples: {e: {value: {errcode: 1, errmsg: t}}}}}}}`, "x-errors: {e: {errcode: 1, zh: 't{n}', en: t, when: t}}"),
		small("security: [{k: []}]", "components: {securitySchemes: {k: {type: apiKey, in: query, name: k}}, responses: {R: {description: d, x-http-status: 200}}}\nx-families: {f: {prefix: /vN/, token: k, unknown_path_reply: R}}"),
		small(`responses: {"200": {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}}`, "components: {schemas: {A: {allOf: [{$ref: '#/components/schemas/A'}]}}}"),
	} {
		f.Add([]byte(seed), "/a?k=1&b=x", `{"c":"y","d":{"e":1e400}}`)
	}
	f.Fuzz(func(t *testing.T, text []byte, target, body string) {
		doc, err := dingmock.Parse(text)
		if err != nil {
			if doc != nil || !strings.HasPrefix(err.Error(), "document: ") {
				t.Errorf("a document beside the error %v", err)
			}
			return
		}
		for _, op := range doc.Operations() {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			path, query, _ := strings.Cut(target, "?")
			r.Method, r.URL.Path, r.URL.RawQuery = op.Method, path, query
			q := doc.CheckRequest(op, r, []byte(body))
			for _, v := range q.Violations {
				_ = v.String()
				op.Candidates(v.Pointer)
			}
			for _, p := range op.Parameters {
				p.Limits()
				p.Nullable()
			}
			for _, reply := range op.Replies {
				q.CheckResponse(reply.Status, nil, []byte(body))
				for _, example := range reply.Examples {
					q.CheckResponse(reply.Status, nil, example)
				}
			}
		}
	})
}
