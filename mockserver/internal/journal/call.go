package journal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

const (
	bodyKept   = redact.Kept // bytes of each body
	entryBytes = 1 << 10     // weight of an entry without its texts
)

// Call is the Record of an exchange: an Entry with what the journal needs besides.
type Call struct {
	api.Entry
	weight     int
	sent       asSent         // how the request was sent, for the curl line
	path, host string         // as a match takes them: decoded, and without a port
	whole      map[string]any // Parameters without cutting off long ones
}

// Exchange is a call and its answer, as the server knows them.
type Exchange struct {
	App, By   string            // as in an Entry
	Host      string            // the host that was called, safe to show
	Operation string            // the operationId, or the id of a DingTalk call that is not modelled
	Checked   *dingmock.Request // what the document found
	Request   *http.Request
	Body      []byte
	Received  time.Time // real time
	AppTime   time.Time // by the app's clock
	Rule      string    // the id of the rule that fired
	Effect    string
	Reply     Reply
}

// Reply is the answer of an Exchange, as the server decided it.
type Reply struct {
	Status      int
	ContentType string
	Body        []byte
	Code        string // for people
	Explain     string
}

// NewCall makes the record of an exchange. It takes over the parameters that the document found in the request.
func NewCall(x *Exchange) *Call {
	r, body := x.Request, x.Body
	e := &Call{Entry: api.Entry{
		App: x.App, By: x.By, Host: x.Host, Known: x.Checked.Known, Operation: x.Operation, Code: x.Reply.Code, Time: x.Received.UTC(), AppTime: x.AppTime.UTC(),
		Rule: x.Rule, Effect: x.Effect, Explain: x.Reply.Explain, Violations: x.Checked.Violations,
		Request: api.EntryRequest{Method: shorten(r.Method), URL: r.URL.EscapedPath(), Header: redact.Header(r.Header), Size: len(body)},
		Reply:   api.EntryReply{Status: x.Reply.Status, ContentType: x.Reply.ContentType, Body: redact.Body(x.Reply.Body, false)},
	}}
	if x.Checked.Operation != nil {
		e.Provenance = x.Checked.Operation.Provenance
	}
	if r.URL.RawQuery != "" {
		e.Request.URL += "?" + redact.Query(r.URL.RawQuery)
	}
	form := false
	if len(body) > 0 {
		media := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type")))
		parts := strings.HasPrefix(media, "multipart/") && bytes.HasPrefix(body, []byte("--"))
		form = !parts && (strings.Contains(media, "form") || body[0] != '{')
		e.Request.Body = redact.Body(body, form)
	}
	e.sent = sentAs(r, body, form, e.Request.URL)
	e.Request.URL = shorten(redact.ValidUTF8(e.Request.URL))
	e.path, e.host = x.Checked.Path, hosts.Name(r.Host)
	e.keep(x.Checked.Values, x.Checked.Others, len(body)+len(r.URL.RawQuery) > bodyKept)
	e.weigh()
	return e
}

// AppName returns the name of the app that the call was attributed to.
func (e *Call) AppName() string { return e.App }

// SetNumber sets the number of the call.
func (e *Call) SetNumber(n int64) { e.N = n }

// Weight returns about how many bytes the call holds.
func (e *Call) Weight() int { return e.weight }

// Subject returns the call as a match sees it, from what the journal keeps.
func (e *Call) Subject() *match.Subject {
	return &match.Subject{
		Operation: e.Operation, Method: e.Request.Method, Path: e.path, Host: e.host, Header: e.Request.Header,
		Values: e.whole, Kept: true, Code: e.Code, Rule: e.Rule, Broken: len(e.Violations) > 0,
	}
}

// weigh computes about how many bytes an entry holds.
func (e *Call) weigh() {
	e.weight = entryBytes + len(e.sent.url) + len(e.sent.body) + len(e.Request.Body) + len(e.Reply.Body) + len(e.Request.URL) + len(e.path) + len(e.Explain) + redact.HeaderBytes(e.Request.Header)
	for name, value := range e.whole {
		text, _ := value.(string)
		shown, _ := e.Parameters[name].(string)
		if e.weight += len(name) + len(text) + 16; len(shown) != len(text) {
			e.weight += len(shown)
		}
	}
	for _, v := range e.Violations {
		e.weight += len(v.Pointer) + len(v.Found) + len(v.Expected) + 64
	}
}

// keep takes over the parameters of a call, except those that may be secret. If part is true, a text among them
// may be part of a longer one, and is copied so that the longer one is not kept with it.
func (e *Call) keep(values, others map[string]any, part bool) {
	for name, value := range others {
		if _, there := values[name]; !there {
			values[name] = value
		}
	}
	maps.DeleteFunc(values, func(name string, _ any) bool { return redact.SecretName(name) })
	if len(values) == 0 {
		return
	}
	e.Parameters, e.whole = values, values
	var shown map[string]any // those that are shown otherwise than kept: long ones, and numbers too large for most JSON readers
	for name, value := range values {
		value = match.Kept(value)
		text, isText := value.(string)
		huge := false
		if number, ok := value.(json.Number); ok {
			_, err := number.Float64()
			text, huge = number.String(), err != nil
		}
		if isText && part {
			value = strings.Clone(text)
		}
		values[name] = value
		if huge || len(text) > bodyKept {
			if shown == nil {
				shown = map[string]any{}
			}
			shown[name] = shorten(text)
		}
	}
	if shown != nil {
		e.Parameters = maps.Clone(values)
		maps.Copy(e.Parameters, shown)
	}
}

func shorten(s string) string {
	if len(s) <= bodyKept {
		return s
	}
	s = s[:bodyKept]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// asSent is what the entry does not show of how a request was sent.
type asSent struct {
	empty, chunked bool
	url, body      string // for the curl line if the shown text has asterisks or was not UTF-8; else ""
	lacks          string // what the curl line lacks of the request
}

func sentAs(r *http.Request, body []byte, form bool, url string) asSent {
	s := asSent{empty: len(body) == 0 && r.Header.Get("Content-Length") == "0", chunked: r.ContentLength < 0}
	switch {
	case len(url) > bodyKept:
		s.lacks = fmt.Sprintf("the bytes of its path and query beyond %d", bodyKept)
	case len(body) > bodyKept:
		s.lacks = fmt.Sprintf("the body's bytes beyond %d of %d", bodyKept, len(body))
	}
	if !asShown(url) {
		s.url = redact.Keep(r.URL.EscapedPath())
		if r.URL.RawQuery != "" {
			s.url += "?" + redact.Query(redact.Keep(r.URL.RawQuery))
		}
	}
	if text := string(body[:min(len(body), bodyKept)]); !asShown(text) || strings.Contains(text, `\u00`) { // not shown as sent
		s.body = redact.Raw(redact.Keep(text), form)
		if !strings.Contains(s.body, redact.Masked) {
			s.body = redact.Keep(text)
		}
		if s.lacks == "" && !redact.Spelt(s.body, redact.Keep(text)) {
			s.lacks = redact.Misspelt
		}
	}
	return s
}

// asShown reports whether a text, except for its secrets, is shown as it is.
func asShown(text string) bool { return !strings.Contains(text, "*") && utf8.ValidString(text) }

// Shown returns the entry with its curl line.
func (e *Call) Shown() *api.Entry {
	shown := e.Entry
	line := shell.Curl{
		Base: `"$DINGMOCK_URL"`, URL: cmp.Or(e.sent.url, e.Request.URL), Method: e.Request.Method, Header: http.Header{}, Body: cmp.Or(e.sent.body, e.Request.Body),
		Empty: e.sent.empty, Chunked: e.sent.chunked, Lacks: e.sent.lacks,
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "X-Acs-Dingtalk-Access-Token"} {
		for _, value := range e.Request.Header[name] {
			if !redact.SecretHeader(name) { // all of a token is hidden, and the other headers hold no secret
				value = redact.Keep(value)
			}
			line.Header[name] = append(line.Header[name], value)
		}
	}
	shown.Curl = line.String()
	return &shown
}

// Entry returns an item of the journal as it is shown, with its curl line; nil if the item is no call.
func (j *Journal) Entry(x Item) *api.Entry {
	e, ok := x.Record.(*Call)
	if !ok {
		return nil
	}
	shown := e.Shown()
	if j.OfAll() {
		shown.All = x.N
	}
	return shown
}

// Entries returns the items that are calls, as they are shown.
func (j *Journal) Entries(items []Item) []*api.Entry {
	list := []*api.Entry{}
	for _, x := range items {
		if e := j.Entry(x); e != nil {
			list = append(list, e)
		}
	}
	return list
}

// MatchResult returns the result as the control API answers it, with those records that are calls.
func (r *Result) MatchResult() api.MatchResult {
	shown := api.MatchResult{OK: r.OK, Expected: r.Expected, Found: r.Found, Dropped: r.Dropped, Last: r.Last, Entries: []*api.Entry{}}
	for _, x := range r.Records {
		if e, ok := x.(*Call); ok {
			shown.Entries = append(shown.Entries, e.Shown())
		}
	}
	for _, x := range r.Nearest {
		if e, ok := x.Record.(*Call); ok {
			shown.Nearest = append(shown.Nearest, api.NearMiss{Entry: e.Shown(), Differs: x.Differs})
		}
	}
	return shown
}
