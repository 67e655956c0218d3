package mockserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/nearest"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
)

// RuleMatch says which calls a rule is about. The zero value is all.
type RuleMatch struct {
	Operation  string               `json:"operation,omitempty"`
	Method     string               `json:"method,omitempty"`
	Path       string               `json:"path,omitempty"`       // decoded: a path, or the beginning of one followed by *
	Host       string               `json:"host,omitempty"`       // a name in any case, without a port; *.example.com is any name that ends so
	Headers    map[string]Condition `json:"headers,omitempty"`    // by name, in any case; of a repeated one any value may do
	Parameters map[string]Condition `json:"parameters,omitempty"` // by name or JSON pointer, of query, form and JSON body
}

// Match says which calls of a journal are meant. The zero value matches all.
type Match struct {
	Operation  string               `json:"operation,omitempty"`
	Method     string               `json:"method,omitempty"`
	Path       string               `json:"path,omitempty"`       // as RuleMatch has it
	Host       string               `json:"host,omitempty"`       // as RuleMatch has it
	Headers    map[string]Condition `json:"headers,omitempty"`    // as RuleMatch has it
	Parameters map[string]Condition `json:"parameters,omitempty"` // as RuleMatch has it
	Errcode    string               `json:"errcode,omitempty"`    // errcode, sub_code, errcode/sub_code or code; 0 is success
	Rule       string               `json:"rule,omitempty"`
	Violations *bool                `json:"violations,omitempty"`
}

// call is what a Match says of the call, the answer aside.
func (m *Match) call() *RuleMatch {
	return &RuleMatch{Operation: m.Operation, Method: m.Method, Path: m.Path, Host: m.Host, Headers: m.Headers, Parameters: m.Parameters}
}

// Condition is what one parameter or header has to be. In JSON it is the value that it equals, or an object with one of
// equals, contains, absent and pattern. Values are compared by their text: a string as it is, a number as it was sent,
// an object or an array as JSON without spaces. The zero value equals the empty string.
type Condition struct {
	kind    string // "" is equals
	text    string
	given   string // the JSON that it was read from; "": none
	pattern *regexp.Regexp
	wrong   string // why it is none, in the words of whoever refuses it
}

const maxPattern = 1000 // the length of a pattern, in bytes

// Equals is met by the value whose text that is: Equals("12") by 12 and by "12".
func Equals(text string) Condition { return Condition{text: text} }

// Contains is met by a value whose text has that in it; Contains("") by any value.
func Contains(text string) Condition { return Condition{kind: "contains", text: text} }

// Absent is met where there is no such parameter or header.
func Absent() Condition { return Condition{kind: "absent"} }

// Pattern is met by a value whose text has a match of a Go regular expression of at most 1000 bytes. One that is broken is
// refused by the server.
func Pattern(expression string) Condition {
	c := Condition{kind: "pattern", text: expression}
	if len(expression) > maxPattern {
		c.wrong = fmt.Sprintf("has a pattern of %d bytes: at most %d are allowed", len(expression), maxPattern)
		return c
	}
	var err error
	if c.pattern, err = regexp.Compile(expression); err != nil {
		c.wrong = "has a pattern that is no Go regular expression (RE2): " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return c
}

// MarshalJSON writes the condition as UnmarshalJSON reads it.
func (c Condition) MarshalJSON() ([]byte, error) {
	switch {
	case c.given != "":
		return []byte(c.given), nil
	case c.kind == "":
		return json.Marshal(c.text)
	case c.kind == "absent":
		return []byte(`{"absent":true}`), nil
	}
	return json.Marshal(map[string]string{c.kind: c.text})
}

const (
	acceptedCondition = `a string, a number, true, false or null, or an object with exactly one of "equals", "contains", "absent": true and "pattern"`
	conditionShape    = "has to be " + acceptedCondition
)

// UnmarshalJSON reads a condition. It takes any JSON: what is no condition is refused, with its place, where it is used.
func (c *Condition) UnmarshalJSON(data []byte) error {
	*c = readCondition(data)
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return err
	}
	c.given = compact.String()
	return nil
}

func readCondition(data []byte) Condition {
	if text, ok := jsonvalue.Scalar(data); ok {
		return Equals(text)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || len(fields) != 1 {
		return Condition{wrong: conditionShape}
	}
	for name, value := range fields {
		text, plain := jsonvalue.Scalar(value)
		isText := plain && value[0] == '"'
		switch {
		case name == "equals" && plain:
			return Equals(text)
		case name == "contains" && isText:
			return Contains(text)
		case name == "pattern" && isText:
			return Pattern(text)
		case name == "absent" && string(value) == "true":
			return Absent()
		}
	}
	return Condition{wrong: conditionShape}
}

// Equal reports whether both conditions say the same.
func (c Condition) Equal(d Condition) bool { return c.kind == d.kind && c.text == d.text }

// met reports whether a value meets the condition; there is none where ok is false.
func (c *Condition) met(text string, ok bool) bool {
	switch c.kind {
	case "absent":
		return !ok
	case "contains":
		return ok && strings.Contains(text, c.text)
	case "pattern":
		return ok && c.pattern.MatchString(text)
	}
	return ok && c.text == text
}

// implies reports whether whatever meets c meets d as well. Where it cannot tell, it says no.
func (c *Condition) implies(d *Condition) bool {
	switch {
	case c.Equal(*d):
		return true
	case c.kind == "":
		return d.met(c.text, true)
	}
	return c.kind == "contains" && d.kind == "contains" && strings.Contains(c.text, d.text)
}

// String says what the condition expects.
func (c Condition) String() string {
	switch c.kind {
	case "absent":
		return "nothing"
	case "contains":
		return fmt.Sprintf("a text with %q in it", c.text)
	case "pattern":
		return fmt.Sprintf("a text like %q", c.text)
	}
	return strconv.Quote(c.text)
}

// subject is a call as it is matched: on its way through the server, or in a journal, where its answer is known too.
type subject struct {
	operation, method, path, host string
	header                        http.Header
	values, others                map[string]any // parameters by name: of the document, and beside it
	kept                          bool           // whether the values are as the journal keeps them
	code, rule                    string
	broken                        bool

	query string // of a call on its way alone, for templates
	body  []byte
	token func() string
	sent  *sent // nil until asked for
	room  room  // for what fills holes

	known map[string]*parameter // those that have been asked for
}

// parameter is one parameter as the journal keeps it, and its text, taken apart.
type parameter struct {
	value any
	node  *jsonvalue.Node // nil until something in it is asked for
}

// subject is made once, where a rule asks for it.
func (c *call) subject() *subject {
	if c.about == nil {
		c.about = &subject{
			operation: c.operationID(), method: c.Method, path: c.Path, host: hosts.Name(c.http.Host), header: c.http.Header,
			values: c.Values, others: c.Others, query: c.http.URL.RawQuery, body: c.body,
		}
	}
	return c.about
}

// operationID is the id of the call, also of one that DingTalk has and that is not modelled; "" where there is none.
func (c *call) operationID() string {
	switch {
	case c.Operation != nil:
		return c.Operation.ID
	case c.Listed != nil:
		return c.Listed.ID
	}
	return ""
}

func (e *Entry) subject() *subject {
	return &subject{
		operation: e.Operation, method: e.Request.Method, path: e.path, host: e.host, header: e.Request.Header,
		values: e.whole, kept: true, code: e.Code, rule: e.Rule, broken: len(e.Violations) > 0,
	}
}

// parameter returns the text of a parameter, as the journal keeps it: what may be secret in it is masked. The path leads
// to it, by name, by the keys of objects, the places in arrays, and through strings that hold JSON.
func (s *subject) parameter(path []string) (string, bool) {
	p := s.known[path[0]]
	if p == nil {
		value, ok := s.values[path[0]]
		if !ok {
			value, ok = s.others[path[0]]
		}
		if !ok {
			return "", false
		}
		if !s.kept {
			value = keptValue(value)
		}
		p = &parameter{value: value}
		if s.known == nil {
			s.known = map[string]*parameter{}
		}
		s.known[path[0]] = p
	}
	text, isText := p.value.(string)
	switch {
	case len(path) == 1 && isText:
		return text, true
	case len(path) == 1 && p.value == nil:
		return "null", true
	case len(path) == 1:
		return fmt.Sprint(p.value), true
	case p.node == nil:
		p.node = jsonvalue.New([]byte(text))
	}
	data, ok := p.node.Descend(path[1:])
	if !ok {
		return "", false
	}
	return jsonvalue.Text(data), true
}

// parameterPath splits the name or the JSON pointer of a parameter.
func parameterPath(key string) []string {
	pointer, ok := strings.CutPrefix(key, "/")
	if !ok {
		return []string{key}
	}
	path := strings.Split(pointer, "/")
	for i, part := range path {
		path[i] = jsonpointer.Unescape(part)
	}
	return path
}

// clause is one thing that a match asks of a call.
type clause struct {
	what  string
	want  string
	holds func(*subject) bool
	found func(*subject) string
}

// matcher is a match, made ready: the one way in which rules, waits and expectations look at calls. All of its clauses
// have to hold.
type matcher []clause

// ready makes the matcher of a match that is valid.
func (m *RuleMatch) ready() matcher {
	var list matcher
	equal := func(what, want string, of func(*subject) string) {
		if want != "" {
			list = append(list, clause{what, strconv.Quote(want), func(s *subject) bool { return of(s) == want }, quoted(of)})
		}
	}
	equal("operation", m.Operation, func(s *subject) string { return s.operation })
	equal("method", m.Method, func(s *subject) string { return s.method })
	if m.Path != "" {
		list = append(list, clause{"path", strconv.Quote(m.Path), func(s *subject) bool { return matchPath(m.Path, s.path) }, quoted(func(s *subject) string { return s.path })})
	}
	if m.Host != "" {
		want := hosts.Name(m.Host)
		list = append(list, clause{"host", strconv.Quote(want), func(s *subject) bool { return matchHost(want, s.host) }, quoted(func(s *subject) string { return s.host })})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		want, canonical := m.Headers[name], http.CanonicalHeaderKey(name)
		list = append(list, clause{"headers/" + name, want.String(), func(s *subject) bool { return headerMet(&want, s.header[canonical]) }, func(s *subject) string {
			if values := s.header[canonical]; len(values) > 0 {
				return brief(strings.Join(values, ", "))
			}
			return "nothing"
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		want, path := m.Parameters[name], parameterPath(name)
		list = append(list, clause{"parameters/" + strings.TrimPrefix(name, "/"), want.String(), func(s *subject) bool { return want.met(s.parameter(path)) }, func(s *subject) string {
			if text, ok := s.parameter(path); ok {
				return brief(text)
			}
			return "nothing"
		}})
	}
	return list
}

// ready makes the matcher of a match that is valid.
func (m *Match) ready() matcher {
	list := m.call().ready()
	if m.Errcode != "" {
		list = append(list, clause{"errcode", strconv.Quote(m.Errcode), func(s *subject) bool { return matchCode(m.Errcode, s.code) }, quoted(func(s *subject) string { return s.code })})
	}
	if m.Rule != "" {
		list = append(list, clause{"rule", strconv.Quote(m.Rule), func(s *subject) bool { return s.rule == m.Rule }, quoted(func(s *subject) string { return s.rule })})
	}
	if m.Violations != nil {
		want := *m.Violations
		list = append(list, clause{"violations", strconv.FormatBool(want), func(s *subject) bool { return s.broken == want }, func(s *subject) string { return strconv.FormatBool(s.broken) }})
	}
	return list
}

func quoted(of func(*subject) string) func(*subject) string {
	return func(s *subject) string { return brief(of(s)) }
}

// brief quotes what was found, and no more of it than a line takes.
func brief(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return strconv.Quote(string(runes[:200])) + "…"
	}
	return strconv.Quote(text)
}

func (m matcher) matches(s *subject) bool {
	return !slices.ContainsFunc(m, func(c clause) bool { return !c.holds(s) })
}

// differs returns what does not match, in words.
func (m matcher) differs(s *subject) []string {
	var list []string
	for _, c := range m {
		if !c.holds(s) {
			list = append(list, c.what+": expected "+c.want+", found "+c.found(s))
		}
	}
	return list
}

func matchPath(pattern, path string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return pattern == path
}

func matchHost(pattern, host string) bool {
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return len(host) > len(suffix) && strings.HasSuffix(host, suffix)
	}
	return pattern == host
}

func matchCode(want, code string) bool {
	errcode, sub, _ := strings.Cut(code, "/")
	return want == code || want == errcode || sub != "" && want == sub
}

func headerMet(c *Condition, values []string) bool {
	if len(values) == 0 {
		return c.met("", false)
	}
	return slices.ContainsFunc(values, func(v string) bool { return c.met(v, true) })
}

var (
	methodShape = regexp.MustCompile(`^[A-Z]+$`)
	hostShape   = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9._:\[\]-]{1,253}$`)
	headerShape = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")
)

// What the fields of a match take.
const (
	acceptedPath      = "a path that begins with /, decoded and without a query, or its beginning followed by *"
	acceptedParameter = "a name of at most 64 letters, digits and _-.$@[], or a JSON pointer that begins with / and such a name"
)

const notKept = "may be a secret or a token: those are not kept, so that no call can be matched by them; match by another parameter or header"

// hasOperation reports whether that is an operation of the document, or the id of a call of DingTalk's that is not modelled.
func hasOperation(doc *dingmock.Document, id string) bool {
	return slices.ContainsFunc(doc.Operations(), func(o *dingmock.Operation) bool { return o.ID == id }) ||
		slices.ContainsFunc(paths.All(), func(c paths.Call) bool { return c.ID == id })
}

// validate checks a match, also one of a journal.
func (m *RuleMatch) validate(doc *dingmock.Document) *fieldError {
	if op := m.Operation; op != "" && !hasOperation(doc, op) {
		var ids []string
		for _, o := range doc.Operations() {
			ids = append(ids, o.ID)
		}
		return &fieldError{"/operation", fmt.Sprintf("%.40q is no operation: it is one of %s, or the id of another call of DingTalk's; for other paths use method and path%s",
			op, strings.Join(ids, ", "), nearest.DidYouMean(op, ids)), "one of " + strings.Join(ids, ", ") + ", or the id of another call of DingTalk's"}
	}
	switch {
	case m.Method != "" && !methodShape.MatchString(m.Method):
		return &fieldError{"/method", "", "a method in capitals, such as POST"}
	case strings.Contains(m.Path, "?"):
		return &fieldError{"/path", "a path has no query: match its values by parameters", acceptedPath}
	case m.Path != "" && m.Path[0] != '/':
		return &fieldError{"/path", "has to begin with /", acceptedPath}
	case strings.Contains(strings.TrimSuffix(m.Path, "*"), "*"):
		return &fieldError{"/path", "has a * before its end: a * stands for the rest of a path, at its end alone", acceptedPath}
	case m.Host != "" && !hostShape.MatchString(m.Host):
		return &fieldError{"/host", "", "a name such as oapi.dingtalk.com, or *. and the end of one"}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		at, c := pointerTo("/headers", name), m.Headers[name]
		switch {
		case !headerShape.MatchString(name):
			return &fieldError{at, "is no name of a header", "the name of a header, with a condition"}
		case strings.EqualFold(name, "Host"):
			return &fieldError{at, "is matched by host", "the name of another header"}
		case redact.SecretHeader(name):
			return &fieldError{at, notKept, "another parameter or header"}
		case c.wrong != "":
			return &fieldError{at, c.wrong, acceptedCondition}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		at, c, path := pointerTo("/parameters", name), m.Parameters[name], parameterPath(name)
		switch {
		case slices.ContainsFunc(path, redact.SecretName):
			return &fieldError{at, notKept, "another parameter or header"}
		case !dingmock.ParameterName(path[0]):
			return &fieldError{at, fmt.Sprintf("%.40q is no name of a parameter: at most 64 letters, digits and _-.$@[], or a JSON pointer that begins with / and such a name", path[0]), acceptedParameter}
		case c.wrong != "":
			return &fieldError{at, c.wrong, acceptedCondition}
		}
	}
	return nil
}

func pointerTo(place, name string) string {
	return place + "/" + jsonpointer.Escape(name)
}

// implies reports whether n takes every call that m takes. Where it cannot tell, it says no.
func (m *RuleMatch) implies(n *RuleMatch) bool {
	return (n.Operation == "" || n.Operation == m.Operation) && (n.Method == "" || n.Method == m.Method) &&
		(n.Path == "" || m.Path != "" && (n.Path == m.Path || strings.HasSuffix(n.Path, "*") && matchPath(n.Path, strings.TrimSuffix(m.Path, "*")))) &&
		(n.Host == "" || m.Host != "" && hostsImply(hosts.Name(m.Host), hosts.Name(n.Host))) &&
		conditionsImply(m.Headers, n.Headers, http.CanonicalHeaderKey) &&
		conditionsImply(m.Parameters, n.Parameters, func(name string) string { return "/" + strings.Join(parameterPath(name), "\x00") })
}

func hostsImply(m, n string) bool {
	return m == n || strings.HasPrefix(n, "*") && matchHost(n, strings.TrimPrefix(m, "*"))
}

// conditionsImply reports whether each condition of n follows from one of m on the same thing.
func conditionsImply(m, n map[string]Condition, same func(string) string) bool {
	for name, want := range n {
		follows := false
		for other, c := range m {
			follows = follows || same(other) == same(name) && c.implies(&want)
		}
		if !follows {
			return false
		}
	}
	return true
}
