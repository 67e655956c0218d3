// Package mutant holds servers with a fault planted in them, to prove that package contract can fail: each names the
// rule that it breaks, and a case of that rule has to notice.
//
// A mutant stands in front of an honest server and spoils what goes through: a request on its way in, a reply on its way
// out, the clock. Most are made from the document, six of each error row; behaviour has hand-written ones. None is of
// use for testing a client: for that the fake has rules.
package mutant

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// World is a server and what can be done to it beside its calls.
type World struct {
	Handler http.Handler
	Powers  contract.Powers
}

// Mutant is a world with one fault.
type Mutant struct {
	Name  string
	Rule  string   // the id of the case whose rule it breaks
	In    []string // the operations that do not do as they have to, "" for paths that are no operation's; nil: the rule's
	At    string   // where in their replies, as a contract.Finding says it; "" where it is no one place
	Plant func(World) World
}

// Operations are those that do not do as they have to.
func (m Mutant) Operations() []string {
	if m.In != nil {
		return m.In
	}
	operation, _, _ := strings.Cut(m.Rule, "/")
	if operation == "paths" {
		operation = ""
	}
	return []string{operation}
}

// in says which operations do not do as they have to.
func (m Mutant) in(operations ...string) Mutant {
	m.In = operations
	return m
}

// at says where in the replies the fault shows.
func (m Mutant) at(pointer string) Mutant {
	m.At = pointer
	return m
}

// All returns the mutants of the document: those of its rows first. Rules are the ids of the cases there are.
func All() ([]Mutant, error) {
	doc, err := dingmock.Load()
	if err != nil {
		return nil, err
	}
	k := &kit{doc: doc}
	return slices.Concat(k.rows(), k.paths(), k.tokens(), k.sessions(), k.requests(), k.order(), k.attack(), k.sloppy(), k.protocols(), k.generated()), nil
}

// kit makes mutants from a document.
type kit struct{ doc *dingmock.Document }

// request is a request on its way in. What the document calls it is op; nil for other paths.
type request struct {
	*http.Request
	op   *dingmock.Operation
	sent []byte
	next http.Handler
	kit  *kit
}

// reply is a reply on its way out.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// handler makes a handler that spoils what goes through it.
func (k *kit) handler(next http.Handler, spoil func(r *request) *reply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		if strings.HasPrefix(in.URL.Path, "/_mock/") {
			next.ServeHTTP(w, in)
			return
		}
		sent, _ := io.ReadAll(in.Body)
		r := &request{Request: in, op: k.doc.Match(in.Method, in.URL.Path), sent: sent, next: next, kit: k}
		out := spoil(r)
		maps.Copy(w.Header(), out.header)
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body)
	})
}

// wrap makes a mutant of a handler.
func (k *kit) wrap(rule, name string, spoil func(r *request) *reply) Mutant {
	return k.stateful(rule, name, func(World) func(*request) *reply { return spoil })
}

// stateful makes a mutant of a handler that keeps something.
func (k *kit) stateful(rule, name string, start func(World) func(*request) *reply) Mutant {
	return Mutant{Name: rule + ": " + name, Rule: rule, Plant: func(w World) World {
		w.Handler = k.handler(w.Handler, start(w))
		return w
	}}
}

func (k *kit) op(id string) *dingmock.Operation {
	if op := k.doc.Operation(id); op != nil {
		return op
	}
	panic("mutant: the document has no operation " + id)
}

// is reports whether the request is a call of one of these operations.
func (r *request) is(ids ...string) bool { return r.op != nil && slices.Contains(ids, r.op.ID) }

// pass sends the request on as it is.
func (r *request) pass() *reply { return r.with(r.Method, r.URL, r.Header, r.sent) }

func (r *request) with(method string, u *url.URL, header http.Header, body []byte) *reply {
	in := r.Clone(r.Context())
	in.Method, in.URL, in.Header = method, u, header
	in.Body = io.NopCloser(bytes.NewReader(body))
	if r.ContentLength >= 0 || !bytes.Equal(body, r.sent) {
		in.ContentLength, in.TransferEncoding = int64(len(body)), nil
	}
	w := httptest.NewRecorder()
	r.next.ServeHTTP(w, in)
	return &reply{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
}

func (r *request) method(m string) *reply { return r.with(m, r.URL, r.Header, r.sent) }

func (r *request) path(p string) *reply {
	u := *r.URL
	u.Path, u.RawPath = p, ""
	return r.with(r.Method, &u, r.Header, r.sent)
}

func (r *request) body(b []byte) *reply { return r.with(r.Method, r.URL, r.Header, b) }

func (r *request) contentType(t string) *reply {
	h := r.Header.Clone()
	h.Set("Content-Type", t)
	return r.with(r.Method, r.URL, h, r.sent)
}

func (r *request) query(q url.Values) *reply {
	u := *r.URL
	u.RawQuery = q.Encode()
	return r.with(r.Method, &u, r.Header, r.sent)
}

// token is the access token in the query.
func (r *request) token() string { return r.URL.Query().Get("access_token") }

// empty reports whether a parameter of the query is there and empty.
func (r *request) empty(name string) bool {
	q := r.URL.Query()
	return q.Has(name) && q.Get(name) == ""
}

// withToken sends the request on with another token.
func (r *request) withToken(token string) *reply {
	q := r.URL.Query()
	q.Set("access_token", token)
	return r.query(q)
}

// call makes another call of the same server: values go to the JSON body, of a GET to the query.
func (r *request) call(id, token string, values map[string]any) *reply {
	op, q := r.kit.op(id), url.Values{}
	if token != "" {
		q.Set("access_token", token)
	}
	var body []byte
	if op.Method == http.MethodGet {
		for name, v := range values {
			q.Set(name, v.(string))
		}
	} else {
		body, _ = json.Marshal(values)
	}
	return r.with(op.Method, &url.URL{Path: op.Path, RawQuery: q.Encode()}, http.Header{"Content-Type": {"application/json"}}, body)
}

// values are the fields of a JSON body, or of a form.
func (r *request) values() map[string]any {
	m := map[string]any{}
	if json.Unmarshal(r.sent, &m) != nil {
		form, _ := url.ParseQuery(string(r.sent))
		m = map[string]any{}
		for name := range form {
			m[name] = form.Get(name)
		}
	}
	return m
}

func (r *request) value(name string) string {
	s, _ := r.values()[name].(string)
	return s
}

// error is the error of the reply, or "".
func (r *request) error(out *reply) string {
	if r.op == nil {
		return ""
	}
	for _, listed := range r.op.Replies {
		if listed.Status != out.status {
			continue
		}
		if e := listed.Identify(out.body); e != nil {
			return e.Name
		}
	}
	return ""
}

func (r *request) succeeded(out *reply) bool {
	fields := out.fields()
	code, _ := fields["errcode"].(float64)
	return out.status == http.StatusOK && r.op != nil && fields != nil && code == 0
}

// refuse answers with an error of the document. Holes are name, value, ….
func (r *request) refuse(name string, holes ...string) *reply {
	e := r.kit.doc.ErrorReply(name)
	m := e.Body(holes...)
	switch {
	case r.op.Family.RequestID == "":
	case e.Code != "":
		m["requestid"] = "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"
	default:
		m["request_id"] = "16l4ew3d47pdp"
	}
	out := &reply{status: e.Status, header: http.Header{}}
	for _, listed := range r.op.Replies {
		if listed.Status == e.Status {
			out.body = listed.Encode(m)
		}
	}
	out.header.Set("Server", "DingTalk/1.0.0")
	out.header.Set("Content-Type", r.op.Family.ContentType)
	out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
	return out
}

func (out *reply) fields() map[string]any {
	var m map[string]any
	_ = json.Unmarshal(out.body, &m)
	return m
}

// replace changes the text of the body.
func (out *reply) replace(old, text string) *reply {
	out.body = bytes.ReplaceAll(out.body, []byte(old), []byte(text))
	return out.sized()
}

func (out *reply) sized() *reply {
	out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
	return out
}

// answered is the token of a reply of either token call.
func (out *reply) answered() string {
	m := out.fields()
	for _, name := range []string{"access_token", "accessToken"} {
		if s, ok := m[name].(string); ok {
			return s
		}
	}
	return ""
}

// Honest is the world behind the same wrapper as that of the mutants, with no fault in it: it passes every case.
func Honest() Mutant {
	k := &kit{doc: &dingmock.Document{}}
	return k.wrap("", "honest", func(r *request) *reply { return r.pass() })
}
