package dingmock_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

// TestLenient has numbers and booleans that are given as strings.
func TestLenient(t *testing.T) {
	t.Parallel()
	const wrong = "a: invalid-parameter at "
	for _, test := range []struct {
		name, family, n, media, body string
		values                       map[string]any
		want                         []string
	}{
		{"a number and a boolean", "true", "", jsonType, `{"n":"176220178909140512","b":"true","s":"1"}`, map[string]any{"n": json.Number("176220178909140512"), "b": true, "s": "1"}, nil},
		{"as they are", "true", "", jsonType, `{"n":-1,"b":false,"s":"true"}`, map[string]any{"n": json.Number("-1"), "b": false, "s": "true"}, nil},
		{"in a form", "true", "", formType, `n=5&b=false`, map[string]any{"n": json.Number("5"), "b": false}, nil},
		{"within", "true", "", jsonType, `{"n":1,"list":[{"id":"1"},{"id":2}]}`, map[string]any{"n": json.Number("1"), "list": []any{map[string]any{"id": json.Number("1")}, map[string]any{"id": json.Number("2")}}}, nil},
		{"no number", "true", "", jsonType, `{"n":"0x5","b":"yes"}`, map[string]any{"n": "0x5", "b": "yes"}, []string{wrong + "/body/n: found a string of 3 characters, expected an integer", wrong + "/body/b: found a string of 3 characters, expected a boolean"}},
		{"a number that is no integer", "true", "", jsonType, `{"n":"1.5"}`, map[string]any{"n": json.Number("1.5")}, []string{wrong + "/body/n: found the number 1.5, expected an integer"}},
		{"an empty one is missing", "true", "", jsonType, `{"n":""}`, map[string]any{}, []string{"a: missing-parameter at /body/n: found an empty string, expected an integer"}},
		{"a number for a string", "true", "", jsonType, `{"n":1,"s":1}`, map[string]any{"n": json.Number("1"), "s": json.Number("1")}, []string{wrong + "/body/s: found the number 1, expected a string"}},
		{"a strict family", "false", "", jsonType, `{"n":"1","b":true}`, map[string]any{"n": "1", "b": true}, []string{wrong + "/body/n: found a string of 1 characters, expected an integer"}},
		{"a lenient parameter of a strict family", "false", ", x-lenient: true", jsonType, `{"n":"1","b":"true"}`, map[string]any{"n": json.Number("1"), "b": "true"}, []string{wrong + "/body/b: found a string of 4 characters, expected a boolean"}},
		{"a strict parameter of a lenient family", "true", ", x-lenient: false", jsonType, `{"n":"1","b":"true"}`, map[string]any{"n": "1", "b": true}, []string{wrong + "/body/n: found a string of 1 characters, expected an integer"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			schema := "{type: object, required: [n], properties: {n: {type: integer" + test.n + "}, b: {type: boolean}, s: {allOf: [{type: string}]}, list: {type: array, items: {type: object, properties: {id: {allOf: [{type: integer}]}}}}}}"
			text := small("requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/B'}}, application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/B'}}}}",
				"x-families: {f: {prefix: /, token: k, unknown_path_reply: R, x-lenient: "+test.family+"}}\n"+
					"components: {securitySchemes: {k: {type: apiKey, in: query, name: k}}, responses: {R: {description: d, x-http-status: 200}}, schemas: {B: "+schema+"}}")
			doc, err := dingmock.Parse([]byte(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			q := check(t, doc, "POST /a", test.media, test.body)
			var got []string
			for _, v := range q.Violations {
				got = append(got, v.String())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.values, q.Values); diff != "" {
				t.Errorf("values (-want +got)\n%s", diff)
			}
		})
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{"x-scope: qyapi_get_member": "qyapi_get_member", "": ""} {
		doc, err := dingmock.Parse([]byte(small(fields, "")))
		if err != nil {
			t.Fatal(err)
		}
		if got := doc.Operation("a").Scope; got != want {
			t.Errorf("%q: scope %q, want %q", fields, got, want)
		}
	}
}

// TestErrorOrderAndExtra checks errors of /v1.0/: those of its gateway, one with details, and those of the calls themselves.
func TestErrorOrderAndExtra(t *testing.T) {
	t.Parallel()
	const errors = "e1: {code: Busy, status: 400, zh: busy, en: t, when: t}, " +
		"e2: {code: 'no.{name}', status: 400, zh: '{name} fehlt', en: t, when: t, order: [requestid, code, message]}, " +
		"e3: {code: denied, status: 400, zh: denied, en: t, when: t, extra: {accessdenieddetail: {requiredScopes: ['{scope}']}, n: 1}}"
	reply := ordered(t, "x-key-order: java-hash", "{type: object, required: [code]}", errors)
	for name, test := range map[string]struct {
		holes []string
		want  string
	}{
		"e1": {nil, `{"code":"Busy","requestid":"R","message":"busy"}`},
		"e2": {[]string{"name", "x"}, `{"requestid":"R","code":"no.x","message":"x fehlt"}`},
		"e3": {[]string{"scope", `a"b`}, `{"code":"denied","requestid":"R","message":"denied","accessdenieddetail":{"requiredScopes":["a\"b"]},"n":1}`},
	} {
		doc, err := dingmock.Parse([]byte(small("", "x-errors: {"+errors+"}")))
		if err != nil {
			t.Fatal(err)
		}
		body := doc.ErrorReply(name).Body(test.holes...)
		body["requestid"] = "R"
		if got := string(reply.Encode(body)); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, test.want)
		}
		if _, ok := doc.ErrorReply(name).Match(http.StatusBadRequest, []byte(test.want)); !ok {
			t.Errorf("%s is not matched by %s", name, test.want)
		}
	}
}

// TestErrorMatchAllocates nothing but the map of its holes: its templates are cut when the document is read.
func TestErrorMatchAllocates(t *testing.T) {
	doc, err := dingmock.Parse([]byte(small("", "x-errors: {e: {errcode: 7, zh: '{a} b {c} d {e}', en: t, when: t}, f: {errcode: 7, zh: '{a} b {c} d {e} f {g} h {i}', en: t, when: t}}")))
	if err != nil {
		t.Fatal(err)
	}
	other := []byte(`{"errcode":7,"errmsg":"1 b 2 d"}`)
	allocs := func(name string) float64 {
		return testing.AllocsPerRun(100, func() { doc.ErrorReply(name).Match(http.StatusOK, other) })
	}
	if few, many := allocs("e"), allocs("f"); few != many {
		t.Errorf("%v allocations for three holes, %v for five", few, many)
	}
}
