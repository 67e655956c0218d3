// Package match matches calls for rules, waits and expectations alike: it says whether a match takes a call and,
// if not, how they differ.
package match

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/api"
)

// clause is one condition of a match.
type clause struct {
	what  string
	want  string
	holds func(*Subject) bool
	found func(*Subject) string
}

// Matcher is a match prepared for use. A call matches if all clauses hold.
type Matcher []clause

// Calls returns the matcher of a valid match.
func Calls(m *api.RuleMatch) Matcher {
	var list Matcher
	equal := func(what, want string, of func(*Subject) string) {
		if want != "" {
			list = append(list, clause{what, strconv.Quote(want), func(s *Subject) bool { return of(s) == want }, quoted(of)})
		}
	}
	equal("operation", m.Operation, func(s *Subject) string { return s.Operation })
	equal("method", m.Method, func(s *Subject) string { return s.Method })
	if m.Path != "" {
		list = append(list, clause{"path", strconv.Quote(m.Path), func(s *Subject) bool { return matchPath(m.Path, s.Path) }, quoted(func(s *Subject) string { return s.Path })})
	}
	if m.Host != "" {
		want := hosts.Name(m.Host)
		list = append(list, clause{"host", strconv.Quote(want), func(s *Subject) bool { return matchHost(want, s.Host) }, quoted(func(s *Subject) string { return s.Host })})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		want, canonical := m.Headers[name], http.CanonicalHeaderKey(name)
		list = append(list, clause{"headers/" + name, want.String(), func(s *Subject) bool { return headerMet(want, s.Header[canonical]) }, func(s *Subject) string {
			if values := s.Header[canonical]; len(values) > 0 {
				return brief(strings.Join(values, ", "))
			}
			return "nothing"
		}})
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		want, path := m.Parameters[name], parameterPath(name)
		list = append(list, clause{"parameters/" + strings.TrimPrefix(name, "/"), want.String(), func(s *Subject) bool { return want.Met(s.parameter(path)) }, func(s *Subject) string {
			if text, ok := s.parameter(path); ok {
				return brief(text)
			}
			return "nothing"
		}})
	}
	return list
}

// callsOf returns what a Match says about the call, without the answer.
func callsOf(m *api.Match) *api.RuleMatch {
	return &api.RuleMatch{Operation: m.Operation, Method: m.Method, Path: m.Path, Host: m.Host, Headers: m.Headers, Parameters: m.Parameters}
}

// Entries returns the matcher of a valid match of a journal.
func Entries(m *api.Match) Matcher {
	list := Calls(callsOf(m))
	if m.Errcode != "" {
		list = append(list, clause{"errcode", strconv.Quote(m.Errcode), func(s *Subject) bool { return matchCode(m.Errcode, s.Code) }, quoted(func(s *Subject) string { return s.Code })})
	}
	if m.Rule != "" {
		list = append(list, clause{"rule", strconv.Quote(m.Rule), func(s *Subject) bool { return s.Rule == m.Rule }, quoted(func(s *Subject) string { return s.Rule })})
	}
	if m.Violations != nil {
		want := *m.Violations
		list = append(list, clause{"violations", strconv.FormatBool(want), func(s *Subject) bool { return s.Broken == want }, func(s *Subject) string { return strconv.FormatBool(s.Broken) }})
	}
	return list
}

func quoted(of func(*Subject) string) func(*Subject) string {
	return func(s *Subject) string { return brief(of(s)) }
}

// brief quotes at most 200 characters of what was found.
func brief(text string) string {
	if runes := []rune(text); len(runes) > 200 {
		return strconv.Quote(string(runes[:200])) + "…"
	}
	return strconv.Quote(text)
}

// Matches reports whether the call matches.
func (m Matcher) Matches(s *Subject) bool {
	return !slices.ContainsFunc(m, func(c clause) bool { return !c.holds(s) })
}

// Differs returns what does not match, in words.
func (m Matcher) Differs(s *Subject) []string {
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

func headerMet(c api.Condition, values []string) bool {
	if len(values) == 0 {
		return c.Met("", false)
	}
	return slices.ContainsFunc(values, func(v string) bool { return c.Met(v, true) })
}

// Implies reports whether n takes every call that m takes. It returns false if it cannot tell.
func Implies(m, n *api.RuleMatch) bool {
	return (n.Operation == "" || n.Operation == m.Operation) && (n.Method == "" || n.Method == m.Method) &&
		(n.Path == "" || m.Path != "" && (n.Path == m.Path || strings.HasSuffix(n.Path, "*") && matchPath(n.Path, strings.TrimSuffix(m.Path, "*")))) &&
		(n.Host == "" || m.Host != "" && hostsImply(hosts.Name(m.Host), hosts.Name(n.Host))) &&
		conditionsImply(m.Headers, n.Headers, http.CanonicalHeaderKey) &&
		conditionsImply(m.Parameters, n.Parameters, func(name string) string { return "/" + strings.Join(parameterPath(name), "\x00") })
}

func hostsImply(m, n string) bool {
	return m == n || strings.HasPrefix(n, "*") && matchHost(n, strings.TrimPrefix(m, "*"))
}

// conditionsImply reports whether each condition of n follows from a condition of m on the same parameter or
// header.
func conditionsImply(m, n map[string]api.Condition, same func(string) string) bool {
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
