// Package paths lists the server calls that DingTalk has, with the method, path and kind of token of each, and nothing else.
//
// It is made from the official documentation and the official SDKs of August 2026, and imports nothing of this module.
package paths

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
)

// Call is one server call of DingTalk.
type Call struct {
	ID         string // for oapi.dingtalk.com the dotted name of the call; for api.dingtalk.com the method of the SDK
	Method     string
	Path       string // may hold {parameters}
	Token      Token
	Documented bool // whether the documentation has it; if not, only an SDK does
	Guessed    bool // whether the path was derived from the name of the call in an SDK, and was seen nowhere
}

// Token says what carries the credential of a call.
type Token struct {
	In   string // header or query; "" if no parameter carries it
	Name string // of the header or parameter
	Of   string // whose it is: app, robot, webhook, suite, sns or sso; signature if the call is signed; "" for none
}

// tokens maps the letters used in the list to kinds of token.
var tokens = map[string]Token{
	"a": {"header", "x-acs-dingtalk-access-token", "app"},
	"q": {"query", "access_token", "app"},
	"-": {},
	"r": {"query", "access_token", "robot"},
	"w": {"query", "session", "webhook"},
	"s": {"query", "suite_access_token", "suite"},
	"n": {"query", "access_token", "sns"},
	"u": {"query", "sns_token", "sns"},
	"o": {"query", "access_token", "sso"},
	"g": {Of: "signature"},
}

// packed has one line for each call, sorted: path, method, the letters for token and source, and the id unless it is the dotted
// path.
//
//go:embed paths.txt.gz
var packed []byte

type list struct {
	calls []Call
	root  node
}

// node is a common beginning of paths, up to a segment.
type node struct {
	literal   map[string]*node
	parameter []*node // the segments with a {parameter}; nearly always one
	before    string  // in such a segment, the text before the parameter
	after     string  // and the text after it
	calls     []Call
}

var load = sync.OnceValue(func() *list {
	l := &list{}
	for line := range strings.Lines(unpack()) {
		l.calls = append(l.calls, parse(strings.TrimSuffix(line, "\n")))
	}
	for _, c := range l.calls {
		l.root.add(c)
	}
	return l
})

func unpack() string {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("paths: the embedded list is broken: " + err.Error())
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("paths: the embedded list is broken: " + err.Error())
	}
	return string(text)
}

func parse(line string) Call {
	part := strings.Split(line, "\t")
	c := Call{Path: part[0], Method: part[1], Token: tokens[part[2][:1]], Documented: part[2][1:] == "d", Guessed: part[2][1:] == "g", ID: Dotted(part[0])}
	if len(part) > 3 {
		c.ID = part[3]
	}
	return c
}

// Dotted returns the name of the call with a path of oapi.dingtalk.com: the path without /topapi/, with dots for slashes.
func Dotted(path string) string {
	return strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(path, "/"), "topapi/"), "/", ".")
}

func (n *node) add(c Call) {
	for segment := range strings.SplitSeq(c.Path, "/") {
		n = n.child(segment)
	}
	n.calls = append(n.calls, c)
}

func (n *node) child(segment string) *node {
	before, rest, ok := strings.Cut(segment, "{")
	if !ok {
		if n.literal == nil {
			n.literal = map[string]*node{}
		}
		if n.literal[segment] == nil {
			n.literal[segment] = &node{}
		}
		return n.literal[segment]
	}
	_, after, _ := strings.Cut(rest, "}")
	for _, p := range n.parameter {
		if p.before == before && p.after == after {
			return p
		}
	}
	p := &node{before: before, after: after}
	n.parameter = append(n.parameter, p)
	return p
}

// Find returns the calls with a path, which differ in method, or none if DingTalk has no such path. A literal segment goes before
// a {parameter}. The time that it takes depends on the length of the path, not of the list.
func Find(path string) []Call {
	const longest = 512 // bytes; no path in the list is nearly as long
	if len(path) > longest {
		return nil
	}
	return slices.Clone(load().root.find(path))
}

func (n *node) find(path string) []Call {
	segment, rest, more := strings.Cut(path, "/")
	next := func(n *node) []Call {
		if more {
			return n.find(rest)
		}
		return n.calls
	}
	if n.literal[segment] != nil {
		if calls := next(n.literal[segment]); calls != nil {
			return calls
		}
	}
	for _, p := range n.parameter {
		if value, ok := strings.CutPrefix(segment, p.before); ok && strings.HasSuffix(value, p.after) && len(value) > len(p.after) {
			if calls := next(p); calls != nil {
				return calls
			}
		}
	}
	return nil
}

// All returns all calls, sorted by path and method. The slice is shared: do not change it.
func All() []Call { return load().calls }
