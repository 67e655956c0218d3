package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/capture"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
)

// Transport holds a Go client to the document: it is a RoundTripper that passes each exchange on to base unchanged, and
// calls report for each that is off-spec: before its caller gets the reply if its Content-Length is under 1 MiB, for which it
// waits for the body; else when the body ends or is closed. base nil is http.DefaultTransport; report may be called by several goroutines at once.
//
//	client := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) { t.Error(x) })}
//
// A base URL with a path, and paths that DingTalk does not have, are for [TransportWith].
func Transport(base http.RoundTripper, report func(*Exchange)) http.RoundTripper {
	return TransportWith(base, nil, report)
}

// JudgeOptions says how exchanges are judged. Nil and the zero value are the strictest.
type JudgeOptions struct {
	// Path is that of the platform's base URL, such as /fake. Default: none.
	Path string

	// AllowUnknown are the paths that DingTalk does not have and that may be called all the same: a path, or the beginning
	// of one followed by *. Default: none.
	AllowUnknown []string
}

// TransportWith is Transport with options.
func TransportWith(base http.RoundTripper, options *JudgeOptions, report func(*Exchange)) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &transport{base: base, doc: mustDocument(), options: options.or(), report: report}
}

func (o *JudgeOptions) or() JudgeOptions {
	if o == nil {
		return JudgeOptions{}
	}
	return *o
}

func (o *JudgeOptions) prefixes() []string { return []string{strings.TrimSuffix(o.Path, "/")} }

func mustDocument() *dingmock.Document {
	doc, err := document()
	if err != nil {
		panic("contract: the embedded document is broken: " + err.Error())
	}
	return doc
}

type transport struct {
	base    http.RoundTripper
	doc     *dingmock.Document
	options JudgeOptions
	report  func(*Exchange)
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req
	var sent atomic.Pointer[capture.Body]
	if req.Body != nil && req.Body != http.NoBody {
		out = req.Clone(req.Context())
		watch := func(body io.ReadCloser) io.ReadCloser {
			c := capture.New(body, max(req.ContentLength, -1), Judged, nil)
			if req.ContentLength == 0 { // it is not known
				c = capture.New(body, -1, Judged, nil)
			}
			sent.Store(c)
			return c
		}
		out.Body = watch(req.Body)
		if req.GetBody != nil { // it is sent again
			out.GetBody = func() (io.ReadCloser, error) {
				body, err := req.GetBody()
				if err != nil {
					return nil, err
				}
				return watch(body), nil
			}
		}
	}
	resp, err := t.base.RoundTrip(out)
	request := func() Observed {
		o := Observed{Request: req}
		if c := sent.Load(); c != nil {
			body := c.Copy()
			o.Sent, o.Partial = body.Bytes, !body.Whole && !body.Cut
		}
		return o
	}
	report := func(body capture.Copy) {
		o := request()
		o.Response, o.Body, o.Cut, o.Closed, o.Broken = resp, body.Bytes, body.Cut, body.Closed, body.Err
		if x := o.Judge(&t.options); x.OffSpec() {
			t.report(x)
		}
	}
	switch {
	case err != nil:
		x := request().Judge(&t.options)
		x.Err = err
		if x.OffSpec() {
			t.report(x)
		}
	case resp.StatusCode == http.StatusSwitchingProtocols:
		report(capture.Copy{})
	case resp.ContentLength >= 0 && resp.ContentLength < Judged: // it is all on its way, and judged before anybody has it
		body, failed := io.ReadAll(resp.Body)
		from := resp.Body
		resp.Body = rest{io.MultiReader(bytes.NewReader(body), failing{failed}), from}
		report(capture.Copy{Bytes: body, Err: failed})
	default:
		resp.Body = capture.New(resp.Body, resp.ContentLength, Judged, report)
	}
	return resp, err
}

// rest is a body that has been read, and ends as it did.
type rest struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// allow makes notes of calls of unknown paths that are let pass.
func (x *Exchange) allow(patterns []string) {
	if x.Parsed != nil && len(patterns) > 0 {
		x.Parsed.Violations = dingmock.AllowUnknown(patterns, x.Parsed.Violations)
	}
}

// OffSpec reports whether the request or the reply is off-spec: what is only noted does not count.
func (x *Exchange) OffSpec() bool {
	return red(x.Violations) || x.Parsed != nil && red(x.Parsed.Violations)
}

func red(list []dingmock.Violation) bool {
	return slices.ContainsFunc(list, func(v dingmock.Violation) bool { return v.Level == dingmock.Red })
}

// String returns the exchange for a person: what is off-spec in it, the request as a curl line and the reply, with
// secrets and tokens hidden.
func (x *Exchange) String() string {
	r := &redactor{}
	r.learn(x.Body)
	var b strings.Builder
	if x.Parsed != nil {
		write(&b, "request", x.Parsed.Violations)
	}
	write(&b, "reply", x.Violations)
	if x.Unjudged != "" {
		b.WriteString("the reply's body was not judged: " + x.Unjudged + "\n")
	}
	b.WriteString(r.curl(x.Request, *x.Request.URL, x.Sent, nil))
	if x.Response != nil {
		b.WriteString("\n" + x.Response.Status + ", " + x.Response.Header.Get("Content-Type") + "\n" + excerpt([]byte(r.text(string(x.Body))), 2000))
	}
	return printable.Text(b.String())
}

func write(b *strings.Builder, what string, list []dingmock.Violation) {
	for _, v := range list {
		if v.Level == dingmock.Note {
			b.WriteString("note, ")
		}
		b.WriteString(what + ": " + v.String() + "\n")
	}
}

// Record is an exchange at rest, secrets and tokens hidden: a line of what `dingmock proxy --record` writes.
type Record struct {
	Time       string               `json:"time"` // RFC 3339
	Operation  string               `json:"operation,omitempty"`
	Method     string               `json:"method"`
	URL        string               `json:"url"` // path and query
	Header     http.Header          `json:"header"`
	Body       string               `json:"body,omitempty"`
	Status     int                  `json:"status,omitempty"` // 0: there was no reply
	ReplyType  string               `json:"reply_type,omitempty"`
	ReplyBody  string               `json:"reply_body,omitempty"`
	Unjudged   string               `json:"unjudged,omitempty"`         // why the reply's body was not judged
	Error      string               `json:"error,omitempty"`            // the name of the document's error that the reply is
	Violations []dingmock.Violation `json:"violations,omitempty"`       // of the request
	Broken     []dingmock.Violation `json:"reply_violations,omitempty"` // of the reply
	Curl       string               `json:"curl"`
}

// Recorder hides what exchanges hold of secrets. It remembers the tokens that it has seen issued, and hides them
// wherever they stand. Its methods may be called by several goroutines.
type Recorder struct{ redact redactor }

// Judged is how many bytes of each body are kept to be judged: one more than a request may have.
const Judged = dingmock.MaxBody + 1

// Observed is an exchange that somebody else made.
type Observed struct {
	Request  *http.Request
	Sent     []byte         // the request's body, Judged bytes of it at most
	Partial  bool           // not all of the request's body is known: it is not judged
	Response *http.Response // nil: there was no reply
	Body     []byte         // the reply's body as it came, Judged bytes of it at most
	Cut      bool           // there was more of it
	Closed   bool           // nobody read it to its end
	Broken   error          // by which it broke off
}

// Judge compares the exchange with the document. Of a reply whose body is not known whole, or is encoded in a way that cannot be
// read here, the body is not judged, which Exchange.Unjudged says; one that broke off is off-spec.
func (o Observed) Judge(options *JudgeOptions) *Exchange {
	doc, opts := mustDocument(), options.or()
	x := &Exchange{Request: o.Request, Sent: o.Sent, Response: o.Response, Body: o.Body}
	x.Parsed = parse(doc, opts.prefixes(), o.Request, o.Sent)
	if o.Partial {
		x.Parsed.Violations = slices.DeleteFunc(x.Parsed.Violations, func(v dingmock.Violation) bool { return strings.HasPrefix(v.Pointer, "/body") })
	}
	if o.Response != nil {
		encoding := strings.Join(o.Response.Header.Values("Content-Encoding"), ", ")
		plain, ok := capture.Decode(encoding, o.Body)
		switch {
		case errors.Is(o.Broken, context.Canceled), errors.Is(o.Broken, context.DeadlineExceeded):
			x.Unjudged = "the client gave up"
		case o.Broken != nil:
			x.Err = fmt.Errorf("the reply's body breaks off: %w", o.Broken)
		case o.Cut:
			x.Unjudged = fmt.Sprintf("more than %d bytes", Judged)
		case o.Closed && !(ok && json.Valid(plain)): // a decoder does not read on to the end
			x.Unjudged = "closed before its end"
		case o.Request.Method == http.MethodHead, len(o.Body) == 0:
		case ok:
			x.Body = plain
		case strings.EqualFold(encoding, "gzip"), strings.EqualFold(encoding, "x-gzip"), strings.EqualFold(encoding, "deflate"):
			x.Err = fmt.Errorf("the reply's body is not encoded as %s, as its Content-Encoding says", encoding)
		default:
			x.Unjudged = encoding
		}
		x.judge()
		x.strict(false)
	}
	x.allow(opts.AllowUnknown)
	return x
}

// Record returns the exchange at rest. time is when it was made; most is how many bytes of each body are kept.
func (r *Recorder) Record(x *Exchange, time string, most int) Record {
	r.redact.learn(x.Body)
	record := Record{
		Time: time, Method: x.Request.Method, Header: http.Header{}, Violations: x.Parsed.Violations, Broken: x.Violations,
		Body: excerpt([]byte(r.redact.data(string(x.Sent))), most),
	}
	u := url.URL{Path: x.Request.URL.Path, RawQuery: redact.Query(x.Request.URL.RawQuery)}
	record.URL = r.redact.data(u.String())
	for name, values := range x.Request.Header {
		for _, v := range values {
			record.Header.Add(name, redact.Plain(r.redact.header(name, v)))
		}
	}
	record.Curl = r.redact.curl(x.Request, *x.Request.URL, x.Sent, nil)
	if x.Parsed.Operation != nil {
		record.Operation = x.Parsed.Operation.ID
	}
	if x.Response != nil {
		record.Status, record.ReplyType = x.Response.StatusCode, x.Response.Header.Get("Content-Type")
		record.ReplyBody = excerpt([]byte(r.redact.data(string(x.Body))), most)
	}
	record.Unjudged = x.Unjudged
	if x.Error != nil {
		record.Error = x.Error.Name
	}
	return record
}
