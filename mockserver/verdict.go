package mockserver

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/verdict"
)

// Verdict says whether calls kept to the document.
type Verdict struct {
	OK         bool     `json:"ok"`
	Calls      int      `json:"calls"`             // how many there were of the apps in question
	Reasons    []string `json:"reasons,omitempty"` // what makes it red beside violations, such as that no call came
	Violations []Tally  `json:"violations"`        // red ones, and notes; pardoned ones count for nothing

	// Unfired are rules of the apps in question, and of every app, that had their effect on no call so far: the first 100
	// of them. They count for nothing.
	Unfired     []UnfiredRule `json:"unfired,omitempty"`
	UnfiredMore int           `json:"unfired_more,omitempty"` // how many there are beyond these

	// Refused is, where no call came, how many connections ended at the certificate, as of a client that does not trust it.
	Refused int `json:"refused,omitempty"`
}

// UnfiredRule is a rule that had its effect on no call.
type UnfiredRule struct {
	App     string `json:"app"` // "" for a rule of every app
	ID      string `json:"id"`
	Effect  string `json:"effect"`            // such as app-throttled, errcode 34001 or reply
	For     string `json:"for,omitempty"`     // the operation, path or host that it matches by, "" where it is by none of them
	Matched int64  `json:"matched,omitempty"` // how many calls it matched
}

// mostUnfired is how many rules a verdict names.
const mostUnfired = 100

// String says it for a person, such as: rule r1 of app default (app-throttled, for gettoken) never fired.
func (u UnfiredRule) String() string {
	of, what := "app "+u.App, u.Effect
	if u.App == "" {
		of = "every app"
	}
	if u.For != "" {
		what += ", for " + u.For
	}
	text := fmt.Sprintf("rule %s of %s (%s) never fired", u.ID, of, what)
	if u.Matched > 0 {
		text += fmt.Sprintf(", of calls that it matched: %d", u.Matched)
	}
	return text
}

// unfired returns the first rules of these apps, of all where all is set, that had no effect so far, and how many more there are.
func (s *Server) unfired(all bool, asked map[string]bool) (list []UnfiredRule, more int) {
	add := func(app string, rules *rules, now time.Time) {
		for x := range rules.unfired(now) {
			if len(list) == mostUnfired {
				more++
				continue
			}
			list = append(list, UnfiredRule{App: app, ID: x.id, Effect: x.effect.name(), For: cmp.Or(x.match.Operation, x.match.Path, x.match.Host), Matched: x.matched})
		}
	}
	for _, a := range s.store.all() {
		if all || asked[a.name] {
			add(a.name, &a.rules, a.now())
		}
	}
	add("", &s.rules, s.options.Now())
	return list, more
}

// VerdictOptions says what is judged, and how strictly. Nil and the zero value judge all calls, and want at least one.
type VerdictOptions struct {
	// Apps are the apps whose calls are judged: names, appkeys, or patterns in which * stands for any text; each has to have
	// called. NoApp is the calls that reached none, which need not be. Default: all calls.
	Apps []string

	// AllowUnknown are the paths that DingTalk does not have and that may be called all the same: a path, or the beginning
	// of one followed by *. Default: none.
	AllowUnknown []string

	// AllowNoCalls lets pass that no call came. Default: that is red.
	AllowNoCalls bool
}

// Verdict judges the calls so far. It fails where an app is asked for that there never was; one whose name begins as those of
// apps that are made on first use may just not have called.
func (s *Server) Verdict(options *VerdictOptions) (Verdict, error) {
	var o VerdictOptions
	if options != nil {
		o = *options
	}
	v := Verdict{OK: true, Violations: []Tally{}}
	calls, more := s.tally.called()
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
	for _, row := range s.tally.list(func(app string) bool { return len(o.Apps) == 0 || asked[app] }) {
		if row.Level == dingmock.Red {
			row.Level = dingmock.AllowUnknown(o.AllowUnknown, []dingmock.Violation{row.Violation})[0].Level
			if row.Level == dingmock.Note {
				calls[row.App] -= row.Count // what is let pass is no call of DingTalk
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
		if came == 0 && pattern != NoApp { // stray calls are judged, and nobody wants them
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

// Text says it for a person, a line for each row and its first call, what is red first. The last line sums up, before the rules
// that never fired.
func (v Verdict) Text() string {
	said := verdict.Verdict{Calls: v.Calls, Reasons: v.Reasons, Refused: v.Refused, Hint: "allow_no_calls=true lets it pass", More: v.UnfiredMore}
	for _, row := range v.Violations {
		f := verdict.Finding{Label: verdict.Red, Text: fmt.Sprintf("%s: %d × %s", row.App, row.Count, row.Violation)}
		switch {
		case row.Pardoned:
			f.Label = verdict.Pardoned
		case row.Level == dingmock.Note:
			f.Label = verdict.Noted
		}
		if row.First != nil {
			f.Curl = row.First.Curl
		}
		said.Findings = append(said.Findings, f)
	}
	for _, u := range v.Unfired {
		said.Unfired = append(said.Unfired, u.String())
	}
	return said.String()
}

func noCallHint(more int) string {
	if more > 0 {
		return fmt.Sprintf(", as far as is known: there were calls of more than %d apps", appsCounted)
	}
	return ""
}

// Red reports whether the row makes a verdict red.
func (t *Tally) Red() bool { return t.Level == dingmock.Red && !t.Pardoned }

// UnknownAppError says that there never was such an app.
type UnknownAppError struct {
	Name string // or the pattern
}

func (e *UnknownAppError) Error() string {
	return fmt.Sprintf("there is no app %q, and none of that name ever called", e.Name)
}

// matching returns the names of the apps that a name, an appkey or a pattern is about.
func (s *Server) matching(pattern string, calls map[string]int) ([]string, error) {
	if pattern == NoApp {
		return []string{NoApp}, nil
	}
	if !strings.Contains(pattern, "*") {
		if a := s.store.app(pattern); a != nil {
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
	for _, a := range s.store.all() {
		add(a.name)
	}
	if names == nil && (s.options.NoAutoApps || !strings.HasPrefix(pattern, autoPrefix)) {
		return nil, &UnknownAppError{pattern}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// matchGlob reports whether a text is what a pattern says, in which * stands for any text.
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
