package mutant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
)

// A misreading is a form of request that is read otherwise than it has to be.
type misreading struct {
	rule, name string
	fault      fault
}

// misreadings are of all operations that have a case of the rule, misreadBodies of those whose parameters are in a body.
var misreadings = []misreading{
	{"{method}", "any other method will do", before(always, func(r *request) {
		if r.Method != http.MethodHead && !slices.Contains(r.op.AlsoAnswers, r.Method) {
			r.Method = r.op.Method
		}
	})},
	{"{token-blank}", "the token is read from a JSON body", before(isObject, tokenFirst)},
	{"{token-blank}", "the token is read from where another dialect has it", before(always, func(r *request) {
		for _, f := range r.ledger.doc.Families() {
			if token := r.tokenAt(f); token != "" && r.token() == "" {
				r.setToken(token)
			}
		}
	})},
	{"{missing-parameter}", "an empty value is wrong, not missing", after(failed("{missing-parameter}"), func(r *request) {
		if bytes.Contains(r.sent, []byte(`""`)) || emptyQuery.MatchString(r.URL.RawQuery) {
			r.refuse("{invalid-parameter}", "name", "x")
		}
	})},
	{"undeclared", "an unknown query parameter is refused", refuse(func(r *request) bool {
		for name := range r.URL.Query() {
			if !slices.Contains(names(r.op), name) {
				return true
			}
		}
		return false
	}, "{invalid-parameter}", "name", "x")},
	{"repeated", "of repeated values the other one counts", before(always, func(r *request) {
		r.query(func(q url.Values) {
			for _, values := range q {
				slices.Reverse(values)
			}
		})
		r.sent = reversed(r.sent)
	})},
	{"names-in-case", "names are compared without case", before(always, func(r *request) {
		r.query(func(q url.Values) {
			for name, values := range q {
				delete(q, name)
				q[declared(r.op, name)] = values
			}
		})
		if names, values := members(r.sent); names != nil {
			for i := range names {
				names[i] = declared(r.op, names[i])
			}
			r.sent = object(names, values)
		}
	})},
	{"dingtalk", "it says another server", after(always, func(r *request) { r.out.header.Set("Server", "nginx") })},
	{"dingtalk", "it does not say how long it is", after(always, func(r *request) { r.out.header.Del("Content-Length") })},
	{"bare", "a User-Agent is demanded", refuse(func(r *request) bool { return r.UserAgent() == "" }, "{invalid-parameter}", "name", "x")},
	{"token-in-form", "the token is read from the query alone", before(isForm, func(r *request) { swap(r.op.Family.Token.Name+"=", "other=")(r) })},
	{"token-in-form", "the form's token goes first", before(isForm, tokenFirst)},
	{"ids-of-requests", "all replies have one request_id", after(always, func(r *request) {
		if id, ok := r.out.fields()["request_id"].(string); ok {
			r.out.replace(id, requestID)
		}
	})},
	{"http-1.1", "over this version a reply says no Content-Type", after(func(r *request) bool { return r.ProtoMajor == 1 }, untype)},
	{"http-2", "over this version a reply says no Content-Type", after(func(r *request) bool { return r.ProtoMajor == 2 }, untype)},
}

var misreadBodies = []misreading{
	{"{body}", "HTTP 500 for a bad body", after(failed("{body}"), func(r *request) {
		r.out.status, r.out.body = http.StatusInternalServerError, nil
	})},
	{"{body}", "the connection is dropped on a bad body", after(failed("{body}"), func(*request) { panic(http.ErrAbortHandler) })},
	{"{body}", "text after the object is passed over", before(always, func(r *request) {
		var first json.RawMessage
		if json.NewDecoder(bytes.NewReader(r.sent)).Decode(&first) == nil && bytes.HasPrefix(first, []byte("{")) {
			r.sent = first
		}
	})},
	{"{body}", "bytes that are not UTF-8 are mended", before(always, mend)},
	{"{content-type}", "an encoded body is read as it is", before(always, func(r *request) { r.Header.Del("Content-Encoding") })},
	{"undeclared", "an unknown field is refused", refuse(func(r *request) bool {
		fields, _ := members(r.sent)
		return slices.ContainsFunc(fields, func(name string) bool { return !slices.Contains(names(r.op), name) })
	}, "{invalid-parameter}", "name", "x")},
	{"undeclared", "the query goes before the body", before(isObject, func(r *request) {
		for _, p := range r.op.Parameters {
			if v := r.URL.Query().Get(p.Name); p.In == "body" && v != "" {
				r.query(func(q url.Values) { q.Del(p.Name) })
				r.set(p.Name, v)
			}
		}
	})},
	{"content-type-spelling", "content types are compared as they are", before(func(r *request) bool {
		return r.media() != "" && !slices.Contains(r.op.BodyTypes, r.Header.Get("Content-Type"))
	}, mistype)},
	{"no-content-type", "a content type is demanded", before(func(r *request) bool { return r.media() == "" && len(r.sent) > 0 }, mistype)},
	{"chunked", "a body without a length is none", before(func(r *request) bool { return r.ContentLength < 0 }, func(r *request) { r.sent = nil })},
	{"padded", "space in front of the JSON is refused", refuse(func(r *request) bool { return bytes.HasPrefix(r.sent, []byte(" ")) }, "{body}")},
	{"form", "forms are refused", before(isForm, mistype)},
	{"get", "a GET is refused", refuse(func(r *request) bool { return r.Method == http.MethodGet }, "{method}")},
	{"generated", "undeclared fields may be 40 levels deep", refuse(func(r *request) bool {
		return bytes.Count(r.sent, []byte("["))+bytes.Count(r.sent, []byte("{")) > 40 && bytes.Contains(r.sent, []byte("contract_unknown"))
	}, "{body}")},
	{"generated", "of a key that is there twice the first counts", refuse(func(r *request) bool {
		return twoKeys.Match(r.sent)
	}, "{invalid-parameter}", "name", "x")},
	{"generated", "a body that breaks off is completed", before(always, func(r *request) {
		if whole := append(bytes.Clone(r.sent), `"}`...); !json.Valid(r.sent) && json.Valid(whole) {
			r.sent = whole
		}
	})},
	{"generated", "only the first 20 bytes are checked to be UTF-8", before(func(r *request) bool {
		return bytes.IndexByte(r.sent, 0xff) > 20 && !utf8.Valid(r.sent)
	}, mend)},
}

// misreadTexts are of operations that take a text: no other value shows them.
var misreadTexts = []misreading{
	{"{invalid-parameter}", "numbers and booleans are taken for strings", before(isObject, func(r *request) {
		for name, v := range r.values() {
			switch v.(type) {
			case float64, bool:
				r.set(name, fmt.Sprint(v))
			}
		}
	})},
	{"form", "a plus in a form is a plus", before(isForm, swap("+", "%2B"))},
	{"form", "percents in a form are not decoded", before(isForm, swap("%", "%25"))},
}

var (
	emptyQuery = regexp.MustCompile(`=(&|$)`)
	twoKeys    = regexp.MustCompile(`^\{"(\w+)":"first"`)
)

func mend(r *request) { r.sent = bytes.ToValidUTF8(r.sent, []byte("?")) }

func mistype(r *request) { r.Header.Set("Content-Type", "text/plain") }

func untype(r *request) { r.out.header["Content-Type"] = nil }

func swap(old, text string) func(*request) {
	return func(r *request) { r.sent = bytes.ReplaceAll(r.sent, []byte(old), []byte(text)) }
}

// tokenFirst lets the token of the body go first.
func tokenFirst(r *request) {
	token, _ := r.values()[r.op.Family.Token.Name].(string)
	r.setToken(token)
}

// names are the parameters that an operation declares, credentials too.
func names(op *dingmock.Operation) (list []string) {
	for _, p := range op.Parameters {
		list = append(list, p.Name)
	}
	for _, c := range slices.Concat(op.Security...) {
		list = append(list, c.Name)
	}
	return list
}

// takesText reports whether a parameter or a credential of an operation is a text that a case gives what characters it likes.
func takesText(op *dingmock.Operation) bool {
	return len(op.BodyTypes) == 0 || slices.ContainsFunc(op.Parameters, func(p dingmock.Parameter) bool { return p.In == "body" && p.Type() == "string" })
}

// declared is the declared name that is the given one in another case, or the given one.
func declared(op *dingmock.Operation, name string) string {
	if i := slices.IndexFunc(names(op), func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return names(op)[i]
	}
	return name
}

// forms misread requests, paths and hosts.
func (k *kit) forms() {
	for _, op := range k.doc.Operations() {
		for _, m := range misreadings {
			k.of(op, m.rule, m.name, m.fault)
		}
		if takesText(op) {
			for _, m := range misreadTexts {
				k.of(op, m.rule, m.name, m.fault)
			}
		}
		if len(op.BodyTypes) == 0 {
			k.of(op, "generated", "a query of over 300 bytes is refused", refuse(func(r *request) bool {
				return len(r.URL.RawQuery) > 300
			}, "{invalid-parameter}", "name", "x"))
			continue
		}
		for _, m := range misreadBodies {
			k.of(op, m.rule, m.name, m.fault)
		}
	}
	elsewhere := func(name, host, root string, newer bool) {
		k.all("paths/host-ignored", name, before(func(r *request) bool {
			return r.Host == host && strings.HasPrefix(r.URL.Path, "/v1.0/") == newer
		}, func(r *request) { r.path(root + r.URL.Path) }))
	}
	elsewhere("the host says the dialect", "api.dingtalk.com", "/v1.0", false)
	elsewhere("a host has only its own paths", "oapi.dingtalk.com", "/topapi", true)
}
