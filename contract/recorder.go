package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/dingmock/dingmock"
)

// Exchange is one request and its reply.
type Exchange struct {
	Request  *http.Request // its body has been read
	Sent     []byte        // the request's body
	Response *http.Response
	Body     []byte // the reply's body
	Err      error  // why there is no reply, or no whole one
	Unjudged string // why the reply's body was not judged, such as br; "" if it was

	Parsed     *dingmock.Request    // what the document makes of the request
	Violations []dingmock.Violation // of the reply; those of the request are Parsed.Violations
	Error      *dingmock.ErrorReply // the error that the reply is; nil for a success, or for a reply that is none of the document's
}

// reply returns the document's reply with the exchange's status, or nil.
func (x *Exchange) reply() *dingmock.Reply {
	if x.Response == nil {
		return nil
	}
	return x.Parsed.Reply(x.Response.StatusCode)
}

// maxReply is how much of a reply is read, in bytes.
const maxReply = 8 << 20

// recorder is a RoundTripper that keeps each exchange and compares it with the document.
type recorder struct {
	base     http.RoundTripper
	doc      *dingmock.Document
	prefixes []string // the paths of the base URLs
	coverage *Coverage
	redact   *redactor
	bytes    bool                // the level BYTES is checked
	mark     func(*http.Request) // marks each request; nil: nothing does

	mu   sync.Mutex
	list []*Exchange
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	base := r.base
	if r.mark != nil {
		base = marking{base, r.mark}
	}
	x, err := exchange(base, r.doc, r.prefixes, req)
	x.strict(r.bytes)
	if x.Response != nil {
		r.redact.learn(x.Body)
		r.coverage.add(x)
	}
	if keep, ok := req.Context().Value(keepKey{}).(*Exchange); ok {
		*keep = *x
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, x)
	return x.Response, err
}

func (r *recorder) exchanges() []*Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*Exchange(nil), r.list...)
}

// exchange makes a request and compares it and its reply with the document. Bodies are passed on as they are.
func exchange(base http.RoundTripper, doc *dingmock.Document, prefixes []string, req *http.Request) (*Exchange, error) {
	x := &Exchange{Request: req}
	if req.Body != nil {
		var err error
		x.Sent, err = io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			x.Err = err
			return x, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(x.Sent))
	}
	x.Parsed = parse(doc, prefixes, req, x.Sent)
	resp, err := base.RoundTrip(req)
	if err != nil {
		x.Err = err
		return x, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	_ = resp.Body.Close()
	if err != nil {
		x.Err = fmt.Errorf("the reply's body breaks off: %w", err)
		return x, x.Err
	}
	x.Response, x.Body = resp, body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	x.judge()
	return x, nil
}

// parse reads a request to a server whose base URL may have one of these paths.
func parse(doc *dingmock.Document, prefixes []string, req *http.Request, body []byte) *dingmock.Request {
	inner := req.Clone(context.WithoutCancel(req.Context()))
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(req.URL.Path, prefix); ok && strings.HasPrefix(rest, "/") {
			inner.URL.Path = rest
			break
		}
	}
	return doc.CheckRequest(doc.Match(inner.Method, inner.URL.Path), inner, body)
}

// judge compares the reply with the document.
func (x *Exchange) judge() {
	if x.Response.Header.Get("Dingmock-Known") == string(dingmock.KnownRule) {
		x.Parsed.AnsweredByRule(false)
	}
	x.Violations = x.Parsed.CheckResponse(x.Response.StatusCode, x.Response.Header, x.Body)
	if x.Unjudged != "" || x.Err != nil {
		x.Violations = slices.DeleteFunc(x.Violations, func(v dingmock.Violation) bool {
			return v.Kind == dingmock.KindReplyBody || v.Kind == dingmock.KindReplyError
		})
		if x.Err != nil && x.Parsed.Known == dingmock.KnownModelled {
			x.Violations = append(x.Violations, dingmock.Violation{
				Operation: x.operation(), Kind: dingmock.KindReplyBody, Level: dingmock.Red, Pointer: "/body", Found: x.Err.Error(), Expected: "a whole body",
			})
		}
		return
	}
	if reply := x.reply(); reply != nil {
		x.Error = reply.Identify(x.Body)
	}
}

// strict finds what the document says of a reply beyond its meaning: its bytes. Where they are not asked for, it takes from
// what was found that a Content-Type is but spelt otherwise.
func (x *Exchange) strict(exact bool) {
	reply := x.reply()
	if reply == nil {
		return
	}
	var list []dingmock.Violation
	for _, v := range x.Violations {
		if v.Kind == dingmock.KindReplyContentType && len(x.Response.Header.Values("Content-Type")) == 1 && sameType(x.Response.Header.Get("Content-Type"), reply.ContentType) {
			if !exact {
				continue
			}
			v.Kind = RuleReplyBytes
		}
		list = append(list, v)
	}
	x.Violations = list
	if !exact || len(list) > 0 || x.Parsed.Method == http.MethodHead || reply.ContentType == "" {
		return
	}
	if !json.Valid(x.Body) {
		return
	}
	if want := reply.Encode(json.RawMessage(x.Body)); !bytes.Equal(want, x.Body) {
		x.Violations = []dingmock.Violation{{
			Operation: x.operation(), Kind: RuleReplyBytes, Level: dingmock.Red, Pointer: "/body",
			Found: "other bytes", Expected: "just these: keys in the document's order, no space, no needless escapes, no newline",
		}}
	}
}

// sameType reports whether two Content-Types mean the same: JSON is UTF-8 whether it is said or not.
func sameType(a, b string) bool {
	plain := func(t string) string {
		media, params, err := mime.ParseMediaType(t)
		if charset := strings.ToLower(params["charset"]); err != nil || charset != "" && charset != "utf-8" && charset != "utf8" {
			return t
		}
		return media
	}
	return plain(a) == plain(b)
}

// RuleReplyBytes is the rule of a reply that this package adds to those of dingmock.Request.CheckResponse: the bytes are those that
// the document says.
const RuleReplyBytes = "reply-bytes"
