package mockserver

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

const (
	bodyKept     = redact.Kept // of each body, in bytes
	journalBytes = 4 << 20     // of one app
	wholeTimes   = 10          // as many as of one app, exchanges of all apps are kept in their order
	wholeBytes   = 16 << 20    // of these
	journalsSize = 256 << 20   // of all apps together
	entryBytes   = 1 << 10     // what an entry weighs beside its texts
)

// entry is an Entry at work.
type entry struct {
	Entry
	weight     int
	sent       asSent         // how the request came, for the curl line
	path, host string         // decoded, and without a port, as a match takes them
	whole      map[string]any // Parameters, those that are long not cut off
}

// journal is a ring of the latest exchanges of one app, or of all apps in the order of their calls.
type journal struct {
	life  string        // what its numbers count in
	limit int           // in entries; 0: off
	size  int           // in bytes
	total *atomic.Int64 // bytes of all journals together
	whole *journal      // that of all apps, which takes the entries too; nil: this is it

	mu      sync.Mutex
	entries []*entry // oldest first
	last    int64    // the number of the latest call, kept or not
	cleared int64    // the number of the latest call when all was forgotten: what came before is not lost, but over
	bytes   int
	ended   bool          // its app is no more: what still comes in is not kept
	changed chan struct{} // closed at the next entry; nil while nobody waits
}

func newJournal(limit int, whole *journal) *journal {
	return &journal{life: newLife(), limit: limit, size: journalBytes, total: whole.total, whole: whole}
}

// newWhole makes the journal of all apps, each of which keeps so many entries.
func newWhole(limit int) *journal {
	return &journal{life: newLife(), limit: limit * wholeTimes, size: wholeBytes, total: new(atomic.Int64)}
}

// add numbers the entry, keeps it and wakes whoever waits, and then does so with those who wait for calls of all apps.
func (j *journal) add(e *entry) {
	j.keep(e)
	if j.whole != nil {
		j.whole.keep(e)
	}
}

func (j *journal) keep(e *entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	if j.whole != nil {
		e.N = j.last
	}
	if j.limit == 0 || j.ended {
		return
	}
	for len(j.entries) > 0 && (len(j.entries) >= j.limit || j.bytes+e.weight > j.size || j.total.Load() > journalsSize) {
		j.shift()
	}
	j.entries = append(j.entries, e)
	j.bytes += e.weight
	j.total.Add(int64(e.weight))
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// shift drops the oldest entry. Its place is reused when append has to grow: the array stays within twice the limit.
func (j *journal) shift() {
	j.bytes -= j.entries[0].weight
	j.total.Add(-int64(j.entries[0].weight))
	j.entries[0] = nil
	j.entries = j.entries[1:]
}

// clear forgets all entries; the count goes on. end is for a journal whose app is no more: what still comes in is not kept.
func (j *journal) clear(end bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total.Add(-int64(j.bytes))
	j.entries, j.bytes, j.cleared, j.ended = nil, 0, j.last, end
}

// forgotten is in the place of an entry of the whole whose app was reset, so that the numbers of the others stay.
var forgotten = &entry{}

// forget forgets the entries of an app in the journal of all.
func (j *journal) forget(app string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, e := range j.entries {
		if e.App == app {
			j.bytes -= e.weight
			j.total.Add(-int64(e.weight))
			j.entries[i] = forgotten
		}
	}
}

// get returns the entry of that number, if it is still there.
func (j *journal) get(n int64) (*entry, int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.N == n {
			return e, j.last
		}
	}
	return nil, j.last
}

// since returns the entries after that number, the last of which has the number of the latest call, how many have been lost, the number of the latest call,
// and a channel that is closed when there is another one.
func (j *journal) since(n int64) (entries []*entry, dropped, last int64, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = min(n, j.last)
	first := j.last - int64(len(j.entries)) + 1
	if len(j.entries) > 0 {
		entries = slices.Clone(j.entries[max(0, min(n+1-first, int64(len(j.entries)))):])
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return entries, max(0, first-1-max(n, j.cleared)), j.last, j.changed
}

// eventID names an entry in a stream.
func (j *journal) eventID(n int64) string { return j.life + "-" + strconv.FormatInt(n, 10) }

// afterEvent returns the number after which a stream goes on whose last event had that id. It is 0, so that no call is lost,
// where that is none of this life.
func (j *journal) afterEvent(id string) int64 {
	life, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil || life != j.life || n < 0 || n > j.last {
		return 0
	}
	return n
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

// shown returns an entry, which has that number here, with its curl line.
func (j *journal) shown(e *entry, n int64) *Entry {
	shown := e.shown()
	if j.whole == nil {
		shown.All = n
	}
	return shown
}
