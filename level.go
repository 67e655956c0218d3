package dingmock

import (
	"net/http"
	"strings"
)

// Level says whether a violation is held against the program that sent the request, or the server that sent the reply.
type Level string

// The levels.
const (
	Red  Level = "red"  // it is: a verdict fails
	Note Level = "note" // it is listed and counted alone
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

// notes are the rules whose breaks are notes, by where the call is known from. All other breaks are red.
var notes = map[string]map[Known]bool{
	KindNotModelled:         {KnownDocumented: true},
	KindWrongHost:           {KnownModelled: true, KnownRule: true, KnownDocumented: true, KnownNowhere: true},
	KindUndeclaredParameter: {KnownRule: true, KnownDocumented: true}, // of a modelled call the document says: x-undeclared
	KindRepeatedParameter:   {KnownRule: true, KnownDocumented: true},
}

// level is how much a break of the rule counts.
func (q *Request) level(rule string) Level {
	switch {
	case notes[rule][q.Known],
		rule == KindUndeclaredParameter && q.Operation != nil && q.Operation.Undeclared == Note,
		rule == KindMethod && q.Method == http.MethodOptions, // a browser asks so, not the program
		rule == KindUnknownPath && (q.visit() || q.Method == http.MethodOptions):
		return Note
	}
	return Red
}

// visit reports whether a person's browser, a health check or a command of dingmock's with a wrong base URL asks so, and no
// program that calls the platform.
func (q *Request) visit() bool {
	get := q.Method == http.MethodGet || q.Method == http.MethodHead || q.Method == http.MethodOptions
	return get && (q.Path == "/" || q.Path == "/favicon.ico" || q.Path == "/robots.txt" || q.Path == "*" || strings.Contains(q.Path+"/", "/_mock/"))
}

// Calls reports whether the request is a call of the platform: a browser's preflight, its visit of / and a health check
// there are none.
func (q *Request) Calls() bool { return q.Method != http.MethodOptions && !q.visit() }

// Preflight reports whether a browser asks, before a call of a dialect that answers such questions, whether a page may make it.
func (q *Request) Preflight() bool {
	return q.Method == http.MethodOptions && q.Family != nil && q.Family.Headers["Access-Control-Allow-Methods"] != ""
}

// AllowUnknown makes notes of the violations of unknown paths that one of the patterns is about: a path, or the
// beginning of one followed by *; /* is all of them.
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
