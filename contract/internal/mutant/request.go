package mutant

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// request is a call on its way in, with its reply once it has one. A fault edits both.
type request struct {
	*http.Request
	op   *dingmock.Operation // that the client calls; nil for other paths
	sent []byte              // the body
	out  *reply

	came   []byte // the body as the client sent it
	next   http.Handler
	ledger *ledger
}

// reply is a reply on its way out.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// is reports whether the request is a call of that operation.
func (r *request) is(op string) bool { return r.op != nil && r.op.ID == op }

// send makes the call, and keeps account of it.
func (r *request) send() {
	in := r.Clone(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(r.sent))
	if r.ContentLength >= 0 || !bytes.Equal(r.sent, r.came) {
		in.ContentLength, in.TransferEncoding = int64(len(r.sent)), nil
	}
	w := httptest.NewRecorder()
	r.next.ServeHTTP(w, in)
	r.out = &reply{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
	r.ledger.note(r)
}

// but makes the call with something else beside it, and returns it.
func (r *request) but(edit func(*request)) *request {
	c := *r
	c.Request = r.Clone(r.Context())
	edit(&c)
	c.send()
	return &c
}

// call makes another call of the same server, whose token goes first: a POST, which the honest one answers for gettoken too.
func (r *request) call(id, token string, values map[string]any) *reply {
	return r.but(func(r *request) {
		r.op = r.ledger.doc.Operation(id)
		r.Method, r.URL, r.Header = http.MethodPost, &url.URL{Path: r.op.Path}, http.Header{"Content-Type": {"application/json"}}
		r.came, r.sent = nil, jsontext.MustMarshal(values)
		r.setToken(token)
	}).out
}

// path sends the request to another path.
func (r *request) path(p string) { r.URL.Path, r.URL.RawPath = p, "" }

// query changes what stands in the query.
func (r *request) query(edit func(q url.Values)) {
	q := r.URL.Query()
	edit(q)
	r.URL.RawQuery = q.Encode()
}

// media is the media type of the body, without its parameters.
func (r *request) media() string {
	t, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

func isForm(r *request) bool { return r.media() == "application/x-www-form-urlencoded" }

// isObject is the condition that the body is a JSON object.
func isObject(r *request) bool {
	return json.Valid(r.sent) && bytes.HasPrefix(bytes.TrimSpace(r.sent), []byte("{"))
}

// values are the fields of a JSON body, or of a form.
func (r *request) values() map[string]any {
	m := map[string]any{}
	if json.Unmarshal(r.sent, &m) == nil && m != nil {
		return m
	}
	m = map[string]any{}
	form, _ := url.ParseQuery(string(r.sent))
	for name := range form {
		m[name] = form.Get(name)
	}
	return m
}

// given is the text that a parameter has in the body, or else in the query, and whether it has one.
func (r *request) given(name string) (text string, ok bool) {
	if text, ok = r.values()[name].(string); ok {
		return text, true
	}
	return r.URL.Query().Get(name), r.URL.Query().Has(name)
}

// value is what the honest server takes for a parameter.
func (r *request) value(name string) string { return r.read().Value(name) }

// token is what it takes for the access token.
func (r *request) token() string { return r.read().Token }

func (r *request) read() *dingmock.Request {
	return r.ledger.doc.CheckRequest(r.op, r.Request, r.sent)
}

// set gives a parameter another value, where it stands or belongs; nil takes it out of a JSON body.
func (r *request) set(name string, value any) {
	text, _ := value.(string)
	m := r.values()
	switch {
	case r.URL.Query().Has(name), len(r.op.BodyTypes) == 0 && !isObject(r):
		r.query(func(q url.Values) { q.Set(name, text) })
	case isObject(r) || len(r.sent) == 0:
		if m[name] = value; value == nil {
			delete(m, name)
		}
		r.sent = jsontext.MustMarshal(m)
	default:
		form, _ := url.ParseQuery(string(r.sent))
		form.Set(name, text)
		r.sent = []byte(form.Encode())
	}
}

// tokenAt is what stands where a dialect has the token, forms aside.
func (r *request) tokenAt(f *dingmock.Family) string {
	return cmp.Or(r.Header.Get(f.Token.Name), r.URL.Query().Get(f.Token.Name))
}

// setToken gives the call another token, if it is one. That of the query goes before that of a form.
func (r *request) setToken(token string) {
	if t := r.read().Family.Token; token != "" && t.In == "header" {
		r.Header.Set(t.Name, token)
	} else if token != "" {
		r.query(func(q url.Values) { q.Set(t.Name, token) })
	}
}

// asker is the id of the app that a token call is by: of the first complete pair.
func (r *request) asker() string {
	q := r.read()
	if q.Value("appsecret")+q.Value("appSecret") != "" && q.Value("appkey")+q.Value("appKey") != "" {
		return q.Value("appkey") + q.Value("appKey")
	}
	return q.Value("corpid")
}

// error is the name of the error that the reply is, or "".
func (r *request) error() string {
	if r.op == nil {
		return ""
	}
	for _, listed := range r.op.Replies {
		if e := listed.Identify(r.out.body); listed.Status == r.out.status && e != nil {
			return e.Name
		}
	}
	return ""
}

// succeeded is the condition that the reply is none.
func succeeded(r *request) bool {
	fields := r.out.fields()
	code, _ := fields["errcode"].(float64)
	return r.out.status == http.StatusOK && r.op != nil && fields != nil && code == 0
}

// requestID is one of many.
const requestID = "16l4ew3d47pdp"

// refuse answers with an error of the document. Holes are name, value, ….
func (r *request) refuse(name string, holes ...string) {
	e := r.ledger.doc.ErrorReply(named(r.op, name))
	m := e.Body(holes...)
	if e.Code != "" {
		m["requestid"] = "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"
	} else if r.op.Family.RequestID != "" {
		m["request_id"] = requestID
	}
	r.answer(e.Status, m)
}

// answer answers with a reply of the operation.
func (r *request) answer(status int, body map[string]any) {
	r.out = &reply{status: status, header: http.Header{"Server": {"DingTalk/1.0.0"}, "Content-Type": {r.op.Family.ContentType}, "Content-Length": {""}}}
	for _, listed := range r.op.Replies {
		if listed.Status == status {
			r.out.body = listed.Encode(body)
		}
	}
}

func (out *reply) fields() (m map[string]any) {
	_ = json.Unmarshal(out.body, &m)
	return m
}

// replace changes the text of the body.
func (out *reply) replace(old, text string) {
	out.body = bytes.ReplaceAll(out.body, []byte(old), []byte(text))
}

// token is that which a token call answers, or "".
func (out *reply) token() string {
	m := out.fields()
	token, ok := m["access_token"].(string)
	if !ok {
		token, _ = m["accessToken"].(string)
	}
	return token
}
