package mockserver

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/journal"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

// mostUnfired is the maximum number of rules that a verdict lists.
const mostUnfired = 100

// unfired returns the first rules that have taken no effect so far, of the asked apps or of all of them, and the
// number of further ones.
func (s *Server) unfired(all bool, asked map[string]bool) (list []UnfiredRule, more int) {
	add := func(app string, set *rules.Set, now time.Time) {
		for x := range set.Unfired(now) {
			if len(list) == mostUnfired {
				more++
				continue
			}
			x.App = app
			list = append(list, x)
		}
	}
	for _, a := range s.tenants.all() {
		if all || asked[a.name] {
			add(a.name, &a.rules, a.now())
		}
	}
	add("", &s.rules, s.options.Now())
	return list, more
}

// Verdict judges the calls so far. It returns ErrNoApp if the options name an app that never existed, unless the
// name begins like those of apps that are made on first use: such an app may simply not have called yet.
func (s *Server) Verdict(options *VerdictOptions) (Verdict, error) {
	var o VerdictOptions
	if options != nil {
		o = *options
	}
	v := Verdict{OK: true, Violations: []ViolationCount{}}
	calls, more := s.tally.Calls()
	named := map[string][]string{} // by pattern
	asked := map[string]bool{}
	for _, pattern := range o.Apps {
		names, err := s.matching(pattern, calls)
		if err != nil {
			return Verdict{}, err
		}
		named[pattern] = names
		for _, name := range names {
			asked[name] = true
		}
	}
	for _, row := range s.tally.List(func(app string) bool { return len(o.Apps) == 0 || asked[app] }) {
		if row.Level == dingmock.Red {
			row.Level = dingmock.AllowUnknown(o.AllowUnknown, []dingmock.Violation{row.Violation})[0].Level
			if row.Level == dingmock.Note {
				calls[row.App] -= row.Count // a path that is allowed although unknown is no call of DingTalk
			}
		}
		v.OK = v.OK && !row.Red()
		v.Violations = append(v.Violations, row)
	}
	for name, n := range calls {
		if len(o.Apps) == 0 || asked[name] {
			v.Calls += n
		}
	}
	for _, pattern := range o.Apps {
		came := 0
		for _, name := range named[pattern] {
			came += calls[name]
		}
		if came == 0 && pattern != NoApp { // calls of no app are judged, but not required
			v.Reasons = append(v.Reasons, "no call came from "+pattern+noCallHint(more))
		}
	}
	if len(o.Apps) == 0 {
		if v.Calls += more; v.Calls == 0 {
			v.Reasons = append(v.Reasons, "no call came")
		}
	}
	if o.AllowNoCalls {
		v.Reasons = nil
	}
	v.OK = v.OK && len(v.Reasons) == 0
	v.Unfired, v.UnfiredMore = s.unfired(len(o.Apps) == 0, asked)
	if len(v.Reasons) > 0 && s.options.Refusals != nil {
		v.Refused = s.options.Refusals()
	}
	return v, nil
}

func noCallHint(more int) string {
	if more > 0 {
		return fmt.Sprintf(", as far as is known: there were calls of more than %d apps", journal.AppsCounted)
	}
	return ""
}

// matching returns the names of the apps that a name, an appkey or a pattern stands for.
func (s *Server) matching(pattern string, calls map[string]int) ([]string, error) {
	if pattern == NoApp {
		return []string{NoApp}, nil
	}
	if !strings.Contains(pattern, "*") {
		if a := s.tenants.app(pattern); a != nil {
			return []string{a.name}, nil
		}
	}
	var names []string
	add := func(name string) {
		if name != NoApp && matchGlob(pattern, name) {
			names = append(names, name)
		}
	}
	for name := range calls {
		add(name)
	}
	for _, a := range s.tenants.all() {
		add(a.name)
	}
	if names == nil && (s.options.NoAutoApps || !strings.HasPrefix(pattern, autoPrefix)) {
		return nil, &codedError{api.ErrNoApp, fmt.Sprintf("there is no app %q, and none of that name ever called", pattern)}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// matchGlob reports whether a text matches a pattern in which * stands for any text.
func matchGlob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	last := parts[len(parts)-1]
	if !ok || len(text) < len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = strings.TrimSuffix(text, last)
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(text, part)
		if !ok {
			return false
		}
		text = rest
	}
	return true
}
