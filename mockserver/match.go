package mockserver

import (
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
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
)

// callsOf is what a Match says of the call, the answer aside.
func callsOf(m *Match) *RuleMatch {
	return &RuleMatch{Operation: m.Operation, Method: m.Method, Path: m.Path, Host: m.Host, Headers: m.Headers, Parameters: m.Parameters}
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

func (e *entry) subject() *subject {
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

// readyMatch makes the matcher of a match that is valid.
func readyMatch(m *RuleMatch) matcher {
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
		list = append(list, clause{"headers/" + name, want.String(), func(s *subject) bool { return headerMet(want, s.header[canonical]) }, func(s *subject) string {
			if values := s.header[canonical]; len(values) > 0 {
				return brief(strings.Join(values, ", "))
			}
			return "nothing"
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		want, path := m.Parameters[name], parameterPath(name)
		list = append(list, clause{"parameters/" + strings.TrimPrefix(name, "/"), want.String(), func(s *subject) bool { return want.Met(s.parameter(path)) }, func(s *subject) string {
			if text, ok := s.parameter(path); ok {
				return brief(text)
			}
			return "nothing"
		}})
	}
	return list
}

// readyEntries makes the matcher of a match of a journal that is valid.
func readyEntries(m *Match) matcher {
	list := readyMatch(callsOf(m))
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

func headerMet(c Condition, values []string) bool {
	if len(values) == 0 {
		return c.Met("", false)
	}
	return slices.ContainsFunc(values, func(v string) bool { return c.Met(v, true) })
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

// validateMatch checks a match, also one of a journal.
func validateMatch(m *RuleMatch, doc *dingmock.Document) *api.FieldError {
	if op := m.Operation; op != "" && !hasOperation(doc, op) {
		var ids []string
		for _, o := range doc.Operations() {
			ids = append(ids, o.ID)
		}
		return wrong("/operation", fmt.Sprintf("%.40q is no operation: it is one of %s, or the id of another call of DingTalk's; for other paths use method and path%s",
			op, strings.Join(ids, ", "), nearest.DidYouMean(op, ids)), "one of "+strings.Join(ids, ", ")+", or the id of another call of DingTalk's")
	}
	switch {
	case m.Method != "" && !methodShape.MatchString(m.Method):
		return wrong("/method", "", "a method in capitals, such as POST")
	case strings.Contains(m.Path, "?"):
		return wrong("/path", "a path has no query: match its values by parameters", acceptedPath)
	case m.Path != "" && m.Path[0] != '/':
		return wrong("/path", "has to begin with /", acceptedPath)
	case strings.Contains(strings.TrimSuffix(m.Path, "*"), "*"):
		return wrong("/path", "has a * before its end: a * stands for the rest of a path, at its end alone", acceptedPath)
	case m.Host != "" && !hostShape.MatchString(m.Host):
		return wrong("/host", "", "a name such as oapi.dingtalk.com, or *. and the end of one")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		at, c := pointerTo("/headers", name), m.Headers[name]
		switch {
		case !headerShape.MatchString(name):
			return wrong(at, "is no name of a header", "the name of a header, with a condition")
		case strings.EqualFold(name, "Host"):
			return wrong(at, "is matched by host", "the name of another header")
		case redact.SecretHeader(name):
			return wrong(at, notKept, "another parameter or header")
		}
		if err := c.Check(); err != nil {
			err.Pointer = at
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		at, c, path := pointerTo("/parameters", name), m.Parameters[name], parameterPath(name)
		switch {
		case slices.ContainsFunc(path, redact.SecretName):
			return wrong(at, notKept, "another parameter or header")
		case !dingmock.ParameterName(path[0]):
			return wrong(at, fmt.Sprintf("%.40q is no name of a parameter: at most 64 letters, digits and _-.$@[], or a JSON pointer that begins with / and such a name", path[0]), acceptedParameter)
		}
		if err := c.Check(); err != nil {
			err.Pointer = at
			return err
		}
	}
	return nil
}

func pointerTo(place, name string) string {
	return place + "/" + jsonpointer.Escape(name)
}

// implies reports whether n takes every call that m takes. Where it cannot tell, it says no.
func implies(m, n *RuleMatch) bool {
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
			follows = follows || same(other) == same(name) && c.Implies(want)
		}
		if !follows {
			return false
		}
	}
	return true
}
