package dingmock

import (
	"net/http"
	"strings"
)

// Level says whether a violation counts against the program that sent the request, or the server that sent the reply.
type Level string

// The levels.
const (
	Red  Level = "red"  // it counts: a verdict fails
	Note Level = "note" // it is listed and counted, but fails no verdict
)

// Known says where a call is known from.
type Known string

// Where a call is known from.
const (
	KnownModelled   Known = "modelled"   // the document has it
	KnownRule       Known = "rule"       // a rule or a document of the user's answers it
	KnownDocumented Known = "documented" // DingTalk's documentation or SDKs have it, see package paths
	KnownNowhere    Known = "unknown"    // DingTalk has no such path
)

// notes lists the rules whose violations are notes, by where the call is known from. All other violations are red.
var notes = map[string]map[Known]bool{
	KindNotModelled:         {KnownDocumented: true},
	KindWrongHost:           {KnownModelled: true, KnownRule: true, KnownDocumented: true, KnownNowhere: true},
	KindUndeclaredParameter: {KnownRule: true, KnownDocumented: true}, // for a modelled call x-undeclared in the document decides
	KindRepeatedParameter:   {KnownRule: true, KnownDocumented: true},
}

// level returns the level of a violation of the rule.
func (q *Request) level(rule string) Level {
	switch {
	case notes[rule][q.Known],
		rule == KindUndeclaredParameter && q.Operation != nil && q.Operation.Undeclared == Note,
		rule == KindMethod && q.Method == http.MethodOptions, // sent by a browser, not by the program
		rule == KindUnknownPath && (q.visit() || q.Method == http.MethodOptions):
		return Note
	}
	return Red
}

// visit reports whether the request looks like one from a person's browser, a health check or a dingmock command with a wrong
// base URL, and not like one from a program that calls the platform.
func (q *Request) visit() bool {
	get := q.Method == http.MethodGet || q.Method == http.MethodHead || q.Method == http.MethodOptions
	return get && (q.Path == "/" || q.Path == "/favicon.ico" || q.Path == "/robots.txt" || q.Path == "*" || strings.Contains(q.Path+"/", "/_mock/"))
}

// Calls reports whether the request is a call of the platform. A browser's preflight, its visit of / and a health check of / are
// not.
func (q *Request) Calls() bool { return q.Method != http.MethodOptions && !q.visit() }

// Preflight reports whether the request is a CORS preflight, by which a browser asks whether a page may make a call, and its
// dialect answers preflights.
func (q *Request) Preflight() bool {
	return q.Method == http.MethodOptions && q.Family != nil && q.Family.Headers["Access-Control-Allow-Methods"] != ""
}

// AllowUnknown returns a copy of list in which unknown-path violations are notes if their path matches one of the patterns.
// A pattern is a path, or the beginning of one followed by *; /* matches every path.
func AllowUnknown(patterns []string, list []Violation) []Violation {
	out := make([]Violation, len(list))
	for i, v := range list {
		if v.Kind == KindUnknownPath && allowed(patterns, v.Found) {
			v.Level = Note
		}
		out[i] = v
	}
	return out
}

func allowed(patterns []string, path string) bool {
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); p == "/*" || ok && strings.HasPrefix(path, prefix) || p == path {
			return true
		}
	}
	return false
}
