package mockserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

const (
	bodyKept   = redact.Kept // of each body, in bytes
	entryBytes = 1 << 10     // what an entry weighs beside its texts
)

// record notes a call before its answer is written, so that nobody who has the answer can look too early.
func (s *Server) record(c *call, name string, r *http.Request, body []byte, reply reply) {
	journal := s.nobody
	if c.owner != nil {
		journal = c.owner.journal
	}
	judged := !probe(r)
	if judged && c.Calls() {
		s.tally.count(name)
	}
	if judged && (journal.limit > 0 || len(c.Violations) > 0) {
		e := c.entry(name, r, body, reply)
		journal.add(e)
		if len(c.Violations) > 0 {
			s.tally.add(name, c.owner != nil && c.owner.ignores(), c.Violations, e)
		}
	}
	if s.options.Calls != nil {
		s.options.Calls(CallLine{Method: r.Method, Host: printableHost(r.Host), Operation: c.operationID(), Path: r.URL.Path, App: name, Code: reply.code, Probe: !judged})
	}
}

// entry is an Entry at work.
type entry struct {
	Entry
	weight     int
	sent       asSent         // how the request came, for the curl line
	path, host string         // decoded, and without a port, as a match takes them
	whole      map[string]any // Parameters, those that are long not cut off
}

// entry makes the journal's entry of a call, which is answered: it takes over what the call was read into.
func (c *call) entry(name string, r *http.Request, body []byte, reply reply) *entry {
	e := &entry{Entry: Entry{
		App: name, By: c.by, Host: printableHost(r.Host), Known: c.Known, Code: reply.code, Time: c.received.UTC(), AppTime: c.received.UTC(), Explain: reply.explain, Violations: c.Violations,
		Request: EntryRequest{Method: shorten(r.Method), URL: r.URL.EscapedPath(), Header: redact.Header(r.Header), Size: len(body)},
		Reply:   EntryReply{Status: reply.status, ContentType: reply.contentType, Body: redact.Body(reply.body, false)},
	}}
	if reply.shown != nil {
		e.Reply.Body = redact.Body(reply.shown, false)
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
	e.Operation = c.operationID()
	if c.Operation != nil {
		e.Provenance = c.Operation.Provenance
	}
	e.path, e.host = c.Path, hosts.Name(r.Host)
	e.keep(c.Values, c.Others, len(body)+len(r.URL.RawQuery) > bodyKept)
	if c.owner != nil {
		e.AppTime = c.owner.now().UTC()
	}
	if c.rule != nil {
		e.Rule, e.Effect = c.rule.ID, c.rule.Effect.Name()
	}
	e.weigh()
	return e
}

// subject is the call as the journal has it.
func (e *entry) subject() *match.Subject {
	return &match.Subject{
		Operation: e.Operation, Method: e.Request.Method, Path: e.path, Host: e.host, Header: e.Request.Header,
		Values: e.whole, Kept: true, Code: e.Code, Rule: e.Rule, Broken: len(e.Violations) > 0,
	}
}

// weigh notes about how many bytes an entry holds.
func (e *entry) weigh() {
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

// keep takes over the parameters of a call without those that may be secret. part says that a text of them may be a part
// of a longer one, which would be kept with it.
func (e *entry) keep(values, others map[string]any, part bool) {
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
	var shown map[string]any // those that are not shown as they are kept: long ones, and numbers that few readers of JSON take
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

// printableHost is a Host header as it may stand in a line.
func printableHost(host string) string {
	const longest = 255 // bytes of a name
	return headerText(redact.ValidUTF8(host[:min(len(host), longest)]))
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

// asSent is how a request came, as far as the entry does not show it.
type asSent struct {
	empty, chunked bool
	url, body      string // for a curl line, where what is shown would not do: it had asterisks or was not UTF-8; "" where it does
	lacks          string // what a curl line does not have of the request
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
	if text := string(body[:min(len(body), bodyKept)]); !asShown(text) || strings.Contains(text, `\u00`) { // which is shown without
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

// asShown reports whether a text is shown as it is, but for its secrets.
func asShown(text string) bool { return !strings.Contains(text, "*") && utf8.ValidString(text) }

// shown returns the entry with its curl line.
func (e *entry) shown() *Entry {
	shown := e.Entry
	line := shell.Curl{
		Base: `"$DINGMOCK_URL"`, URL: cmp.Or(e.sent.url, e.Request.URL), Method: e.Request.Method, Header: http.Header{}, Body: cmp.Or(e.sent.body, e.Request.Body),
		Empty: e.sent.empty, Chunked: e.sent.chunked, Lacks: e.sent.lacks,
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "X-Acs-Dingtalk-Access-Token"} {
		for _, value := range e.Request.Header[name] {
			if !redact.SecretHeader(name) { // of a token all is hidden, and of the others nothing is like one
				value = redact.Keep(value)
			}
			line.Header[name] = append(line.Header[name], value)
		}
	}
	shown.Curl = line.String()
	return &shown
}
