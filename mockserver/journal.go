package mockserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/shell"
)

const (
	bodyKept     = 16 << 10  // of each body, in bytes
	journalBytes = 4 << 20   // of one app
	wholeTimes   = 10        // as many as of one app, exchanges of all apps are kept in their order
	wholeBytes   = 16 << 20  // of these
	journalsSize = 256 << 20 // of all apps together
	entryBytes   = 1 << 10   // what an entry weighs beside its texts
)

// Entry is one exchange as the journal keeps it, secrets and tokens masked.
type Entry struct {
	N          int64                `json:"n"`             // counted from 1 for each app
	All        int64                `json:"all,omitempty"` // counted from 1 for all apps; only in the journal of all
	App        string               `json:"app"`
	By         string               `json:"attributed_by,omitempty"` // what told the app of a call without a credential: the parameter that names it, connection or rule
	Host       string               `json:"host,omitempty"`          // that the call was made to
	Known      dingmock.Known       `json:"known"`                   // where the call is known from
	Operation  string               `json:"operation,omitempty"`     // the operationId, or the id of a call of DingTalk's that is not modelled
	Provenance string               `json:"provenance,omitempty"`
	Code       string               `json:"code"`     // 0, an errcode, errcode/sub_code, a code, an HTTP status, or the effect that broke the answer
	Time       time.Time            `json:"time"`     // real
	AppTime    time.Time            `json:"app_time"` // by the app's clock
	Rule       string               `json:"rule,omitempty"`
	Effect     string               `json:"effect,omitempty"`
	Explain    string               `json:"explain,omitempty"`
	Parameters map[string]any       `json:"parameters,omitempty"`
	Violations []dingmock.Violation `json:"violations,omitempty"`
	Request    EntryRequest         `json:"request"`
	Reply      EntryReply           `json:"reply"`
	Curl       string               `json:"curl"` // the request as a curl line, against $DINGMOCK_URL

	weight     int
	path, host string         // decoded, and without a port, as a match takes them
	whole      map[string]any // Parameters, those that are long not cut off
}

// EntryRequest is the request of an Entry.
type EntryRequest struct {
	Method string      `json:"method"`
	URL    string      `json:"url"` // path and query
	Header http.Header `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"` // its first 16 KiB
	Size   int         `json:"size,omitempty"` // of the whole body, in bytes
}

// EntryReply is the reply of an Entry, as it was decided.
type EntryReply struct {
	Status      int    `json:"status"` // 0: there was none
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"` // its first 16 KiB
}

// journal is a ring of the latest exchanges of one app, or of all apps in the order of their calls.
type journal struct {
	life  string        // what its numbers count in
	limit int           // in entries; 0: off
	size  int           // in bytes
	total *atomic.Int64 // bytes of all journals together
	whole *journal      // that of all apps, which takes the entries too; nil: this is it

	mu      sync.Mutex
	entries []*Entry // oldest first
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
func (j *journal) add(e *Entry) {
	j.keep(e)
	if j.whole != nil {
		j.whole.keep(e)
	}
}

func (j *journal) keep(e *Entry) {
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
var forgotten = &Entry{}

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
func (j *journal) get(n int64) (*Entry, int64) {
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
func (j *journal) since(n int64) (entries []*Entry, dropped, last int64, more <-chan struct{}) {
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

// Counted is the answer to a question for the number of calls.
type Counted struct {
	OK       bool     `json:"ok"`
	Expected string   `json:"expected,omitempty"`
	Found    int      `json:"found"`
	Dropped  int64    `json:"dropped,omitempty"` // calls of the time in question that the journal has lost
	Last     int64    `json:"last"`              // the number of the latest call
	Entries  []*Entry `json:"entries"`           // those that match, at most the last 10
	Nearest  []Miss   `json:"nearest,omitempty"` // the calls that match but for least, at most 3
}

// Miss is a call that nearly matches.
type Miss struct {
	Entry   *Entry   `json:"entry"`
	Differs []string `json:"differs"`
}

// Expect says how many calls are expected.
type Expect struct {
	Match   Match `json:"match,omitzero"`
	AtLeast *int  `json:"at_least,omitempty"` // default 1, or 0 where AtMost is given
	AtMost  *int  `json:"at_most,omitempty"`
	Since   int64 `json:"since,omitempty"` // count the calls after this number
}

// Wait says what is waited for.
type Wait struct {
	Match   Match    `json:"match,omitzero"`
	AtLeast int      `json:"at_least,omitempty"` // default 1
	Since   int64    `json:"since,omitempty"`
	Timeout Duration `json:"timeout,omitzero"` // default 5s, at most 10m; in real time
}

// expect counts the calls so far.
func (j *journal) expect(x Expect) Counted {
	entries, dropped, last, _ := j.since(x.Since)
	least := 1
	if x.AtMost != nil {
		least = 0
	}
	if x.AtLeast != nil {
		least = *x.AtLeast
	}
	c := Counted{Dropped: dropped, Last: last, Expected: fmt.Sprintf("at least %d", least)}
	m := x.Match.ready()
	c.count(m, entries)
	c.OK = c.Found >= least
	if x.AtMost != nil {
		c.Expected += fmt.Sprintf(" and at most %d", *x.AtMost)
		c.OK = c.OK && c.Found <= *x.AtMost && dropped == 0
	}
	if !c.OK {
		c.nearest(m, entries)
	}
	return c
}

// wait returns as soon as enough calls match, or when the time is over or ctx is done.
func (j *journal) wait(ctx context.Context, w Wait) Counted {
	timeout := time.NewTimer(time.Duration(w.Timeout))
	defer timeout.Stop()
	c := Counted{Expected: fmt.Sprintf("at least %d within %s", w.AtLeast, time.Duration(w.Timeout))}
	m, at := w.Match.ready(), w.Since
	for {
		entries, dropped, last, more := j.since(at)
		c.Dropped += dropped
		c.Last, at = last, last
		c.count(m, entries)
		if c.Found >= w.AtLeast {
			c.OK = true
			return c
		}
		select {
		case <-more:
			continue
		case <-timeout.C:
		case <-ctx.Done():
		}
		all, _, _, _ := j.since(w.Since)
		c.nearest(m, all)
		return c
	}
}

// count adds the entries that match.
func (c *Counted) count(m matcher, entries []*Entry) {
	for _, e := range entries {
		if m.matches(e.subject()) {
			c.Found++
			c.Entries = append(c.Entries, e)
		}
	}
	c.Entries = c.Entries[max(0, len(c.Entries)-10):]
	if c.Entries == nil {
		c.Entries = []*Entry{}
	}
}

// nearest notes the entries that match but for least; of those that are alike, the latest.
func (c *Counted) nearest(m matcher, entries []*Entry) {
	for _, e := range slices.Backward(entries) {
		if d := m.differs(e.subject()); len(d) > 0 {
			c.Nearest = append(c.Nearest, Miss{e, d})
		}
	}
	slices.SortStableFunc(c.Nearest, func(a, b Miss) int { return len(a.Differs) - len(b.Differs) })
	c.Nearest = c.Nearest[:min(3, len(c.Nearest))]
}

const masked = "***"

// A letter or digit that JSON text writes as an escape, so that a name could hide in it.
var escapedASCII = regexp.MustCompile(`\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])`)

// opaque is what looks like a token or a secret more than like a name.
var opaque = regexp.MustCompile(`^[0-9A-Za-z_-]{16,}$`)

// maskQuery masks the values of a query or a form that may be secret, however their names are escaped.
func maskQuery(raw string) string {
	var out strings.Builder
	done := 0 // what of raw is in out
	for at := 0; at < len(raw); {
		end := len(raw)
		if n := strings.IndexByte(raw[at:], '&'); n >= 0 {
			end = at + n
		}
		if part := maskPart(raw[at:end]); part != raw[at:end] {
			out.Grow(len(raw) + len(masked))
			out.WriteString(raw[done:at])
			out.WriteString(part)
			done = end
		}
		at = end + 1
	}
	if done == 0 {
		return raw
	}
	return out.String() + raw[done:]
}

func maskPart(part string) string {
	name, value, ok := strings.Cut(part, "=")
	plain := name
	if strings.ContainsAny(name, "%+") {
		if text, err := url.QueryUnescape(name); err == nil {
			plain = text
		}
	}
	switch {
	case ok && (secretName(plain) || strings.Contains(plain, "%")):
		return name + "=" + masked
	case len(plain) >= 16 && opaque.MatchString(plain) && strings.ContainsAny(plain, "0123456789"): // a token without its name
		return masked
	case strings.ContainsAny(value, "%="):
		return name + "=" + maskEscaped(value)
	}
	return part
}

// maskEscaped masks what may be secret in an escaped value that may be JSON, a URL or a form, or the beginning of one.
func maskEscaped(value string) string {
	whole := value
	if at := strings.LastIndexByte(value, '%'); at >= 0 && at+3 > len(value) {
		whole = value[:at] // an escape that was cut off
	}
	text, err := url.QueryUnescape(whole)
	if err != nil {
		if text = maskText(value); text == value && !strings.Contains(value, "%22") {
			return value
		}
		return masked
	}
	if shown := maskText(text); shown != text {
		return url.QueryEscape(shown)
	}
	return value
}

// maskBody masks what may be secret in a body of whatever type, and cuts it off where it is long.
func maskBody(body []byte, form bool) string {
	long := len(body) > bodyKept
	if long {
		body = body[:bodyKept]
	}
	text := validUTF8(string(body))
	if form {
		text = maskQuery(text)
	}
	text = maskJSON(text)
	if strings.HasPrefix(text, "--") { // as a multipart body begins
		text = secretPart.ReplaceAllString(text, "${1}"+masked+"${2}")
	}
	if long {
		text += "…"
	}
	return text
}

// secretPart is a part of a multipart body whose name may be that of a secret.
var secretPart = regexp.MustCompile(`(?is)(form-data;[^\r\n]*name="?(?:[^"\r\n;]*(?:secret|token|password|ticket)[^"\r\n;]*|sign)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n).*?(\r?\n--|\z)`)

// maskText masks what may be secret in a text, which may be JSON, a URL or a form.
func maskText(text string) string {
	if text = validUTF8(text); strings.IndexByte(text, '"') < 0 {
		return maskPairs(text)
	}
	return maskJSON(text)
}

// secretPair is name=value where the name may be that of a secret, the sign perhaps escaped, and the value up to what ends it in
// a URL or a form, escaped or not, or in a text.
var secretPair = regexp.MustCompile(`(?i)((?:[a-z0-9_.-]*(?:secret|token|password|ticket)[a-z0-9_.-]*|\bsign)(?:=|%(?:25)*3d|\\u003d))(?:[^&#\s"'<>\\%]|\\/|%[^2]|%2[^6])+`)

// maskPairs masks the value of each name=value in a text whose name may be that of a secret.
func maskPairs(text string) string {
	if !strings.ContainsAny(text, `=%\`) || !mentionsSecret(text) && !strings.Contains(strings.ToLower(text), "sign") {
		return text
	}
	return secretPair.ReplaceAllString(text, "${1}"+masked)
}

func maskJSON(text string) string {
	if strings.Contains(text, `\u00`) {
		text = escapedASCII.ReplaceAllStringFunc(text, func(escape string) string {
			n, _ := strconv.ParseUint(escape[4:], 16, 8)
			return string(rune(n))
		})
	}
	return maskPairs(maskFields(text))
}

// maskFields masks the value of each field of a JSON text whose name may be that of a secret, be the text whole or not.
func maskFields(text string) string {
	if !mentionsSecret(text) {
		return text
	}
	const space = " \t\r\n\f"
	var out strings.Builder
	rest := text // what is not in out
	at := 0      // in rest
	for {
		quote := strings.IndexByte(rest[at:], '"')
		if quote < 0 {
			break
		}
		name, after, ok := strings.Cut(rest[at+quote+1:], `"`)
		if !ok {
			break
		}
		at += quote + 1 + len(name) // the end of this name may be the beginning of the next
		value, ok := strings.CutPrefix(strings.TrimLeft(after, space), ":")
		if !ok || !mentionsSecret(name) {
			continue
		}
		value = strings.TrimLeft(value, space)
		if n := valueLen(value); n > 0 {
			out.Grow(len(rest) + len(masked))
			out.WriteString(rest[:len(rest)-len(value)])
			out.WriteString(`"` + masked + `"`)
			rest, at = value[n:], 0
		}
	}
	return out.String() + rest
}

// valueLen is how long the JSON value at the beginning of a text is, at least: a string, an object or an array up to its
// end, another up to what ends it.
func valueLen(text string) int {
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		depth := 0
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '"':
				i += valueLen(text[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(text)
	}
	if !strings.HasPrefix(text, `"`) {
		if n := strings.IndexAny(text, " \t\r\n\f,}]"); n >= 0 {
			return n
		}
		return len(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// secretHeader reports whether the header of that name, in any case, may hold a secret.
func secretHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Proxy-Authorization":
		return true
	}
	return secretName(name)
}

func secretName(name string) bool { return strings.EqualFold(name, "sign") || mentionsSecret(name) }

// mentionsSecret reports whether a text may hold the name of a secret: each text of each call is asked, so it looks at
// letters before it compares words.
func mentionsSecret(text string) bool {
	for i := 0; i+1 < len(text); i++ {
		var word string
		switch text[i] | 0x20 {
		case 's':
			word = "secret"
		case 'p':
			word = "password"
		case 't':
			word = "token"
			if text[i+1]|0x20 == 'i' {
				word = "ticket"
			}
		default:
			continue
		}
		if text[i+1]|0x20 == word[1] && len(text)-i >= len(word) && strings.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// maskHeader returns the header without what may be secret, and 16 KiB of it at most: itself where there is no need.
func maskHeader(h http.Header) http.Header {
	if size := headerBytes(h); size > bodyKept {
		h = maps.Clone(h)
		maps.DeleteFunc(h, func(name string, values []string) bool {
			drop := size > bodyKept
			if drop {
				size -= headerBytes(http.Header{name: values})
			}
			return drop
		})
		h["Dingmock-Left-Out"] = []string{"some of the headers: they were over 16 KiB"}
	}
	var out http.Header
	for name := range h {
		if secretHeader(name) {
			if out == nil {
				out = maps.Clone(h)
			}
			out[name] = []string{masked}
		}
	}
	if out == nil {
		return h
	}
	return out
}

func headerBytes(h http.Header) int {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// validUTF8 replaces what is not UTF-8. Most texts are: these it does not walk through by the character.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// entry makes the journal's entry of a call, which is answered: it takes over what the call was read into.
func (c *call) entry(name string, r *http.Request, body []byte, reply reply) *Entry {
	e := &Entry{
		App: name, By: c.by, Host: printableHost(r.Host), Known: c.Known, Code: reply.code, Time: c.received.UTC(), AppTime: c.received.UTC(), Explain: reply.explain, Violations: c.Violations,
		Request: EntryRequest{Method: shorten(r.Method), URL: r.URL.EscapedPath(), Header: maskHeader(r.Header), Size: len(body)},
		Reply:   EntryReply{Status: reply.status, ContentType: reply.contentType, Body: maskBody(reply.body, false)},
	}
	if reply.shown != nil {
		e.Reply.Body = maskBody(reply.shown, false)
	}
	if r.URL.RawQuery != "" {
		e.Request.URL += "?" + maskQuery(r.URL.RawQuery)
	}
	e.Request.URL = shorten(validUTF8(e.Request.URL))
	if len(body) > 0 {
		media := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type")))
		parts := strings.HasPrefix(media, "multipart/") && bytes.HasPrefix(body, []byte("--"))
		e.Request.Body = maskBody(body, !parts && (strings.Contains(media, "form") || body[0] != '{'))
	}
	e.Operation = c.operationID()
	if c.Operation != nil {
		e.Provenance = c.Operation.Provenance
	}
	e.path, e.host = c.Path, hostName(r.Host)
	e.keep(c.Values, c.Others, len(body)+len(r.URL.RawQuery) > bodyKept)
	if c.owner != nil {
		e.AppTime = c.owner.now().UTC()
	}
	if c.rule != nil {
		e.Rule, e.Effect = c.rule.id, c.rule.effect.name()
	}
	e.weigh()
	return e
}

// weigh notes about how many bytes an entry holds.
func (e *Entry) weigh() {
	e.weight = entryBytes + len(e.Request.Body) + len(e.Reply.Body) + len(e.Request.URL) + len(e.path) + len(e.Explain) + headerBytes(e.Request.Header)
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
func (e *Entry) keep(values, others map[string]any, part bool) {
	for name, value := range others {
		if _, there := values[name]; !there {
			values[name] = value
		}
	}
	maps.DeleteFunc(values, func(name string, _ any) bool { return secretName(name) })
	if len(values) == 0 {
		return
	}
	e.Parameters, e.whole = values, values
	var shown map[string]any // those that are not shown as they are kept: long ones, and numbers that few readers of JSON take
	for name, value := range values {
		value = keptValue(value)
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

// keptValue is how a parameter is kept, and matched: what may be secret in it is masked, and an object or an array is its
// JSON text, without spaces and with its keys sorted.
func keptValue(value any) any {
	switch v := value.(type) {
	case nil, bool, json.Number:
		return v
	case string:
		if text := maskText(v); text != v {
			return text
		}
		return value // as it is, not boxed again
	}
	return string(encodeJSON(maskValue(value)))
}

func maskValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = masked
			if !secretName(name) {
				out[name] = maskValue(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = maskValue(inner)
		}
		return out
	case string:
		return maskText(v)
	}
	return value
}

// encodeJSON writes decoded JSON without escapes that JSON does not ask for.
func encodeJSON(value any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // decoded JSON: cannot fail
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// printableHost is a Host header as it may stand in a line.
func printableHost(host string) string {
	const longest = 255 // bytes of a name
	return headerText(validUTF8(host[:min(len(host), longest)]))
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

// shown returns the entry with its curl line.
func (e *Entry) shown() *Entry {
	shown := *e
	var b strings.Builder
	b.WriteString("curl -X " + quote(e.Request.Method))
	for _, name := range []string{"Content-Type", "Content-Encoding", "X-Acs-Dingtalk-Access-Token"} {
		for _, v := range e.Request.Header[name] {
			b.WriteString(" -H " + quote(name+": "+v))
		}
	}
	if e.Request.Body != "" {
		b.WriteString(" --data-binary " + quote(e.Request.Body))
	}
	b.WriteString(` "$DINGMOCK_URL"` + quote(e.Request.URL) + ` -w '\n'`) // the platform's replies end without a newline
	shown.Curl = b.String()
	return &shown
}

// shown returns an entry, which has that number here, with its curl line.
func (j *journal) shown(e *Entry, n int64) *Entry {
	shown := e.shown()
	if j.whole == nil {
		shown.All = n
	}
	return shown
}

// quote makes one word of a POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:,=@%+") == "" {
		return s
	}
	return shell.Quote(s)
}

func shownAll(list []*Entry) []*Entry {
	out := make([]*Entry, len(list))
	for i, e := range list {
		out[i] = e.shown()
	}
	return out
}
