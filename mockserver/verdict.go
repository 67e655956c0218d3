package mockserver

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// Verdict says whether calls kept to the document.
type Verdict struct {
	OK         bool     `json:"ok"`
	Calls      int      `json:"calls"`             // how many there were of the apps in question
	Reasons    []string `json:"reasons,omitempty"` // what makes it red beside violations, such as that no call came
	Violations []Tally  `json:"violations"`        // red ones, and notes; pardoned ones count for nothing

	// Unfired are rules of the apps in question, and of every app, that had their effect on no call so far: the first 100
	// of them. They count for nothing.
	Unfired []UnfiredRule `json:"unfired,omitempty"`
}

// UnfiredRule is a rule that had its effect on no call.
type UnfiredRule struct {
	App  string `json:"app"` // "" for a rule of every app
	Rule Rule   `json:"rule"`
}

// mostUnfired is how many rules a verdict names.
const mostUnfired = 100

// String says it for a person, such as: rule r1 of app default (app-throttled, for gettoken) never fired.
func (u *UnfiredRule) String() string {
	var b strings.Builder
	b.WriteString("rule " + u.Rule.ID + " of ")
	if u.App == "" {
		b.WriteString("every app")
	} else {
		b.WriteString("app " + u.App)
	}
	b.WriteString(" (" + u.Rule.Effect.name())
	for _, what := range []string{u.Rule.Match.Operation, u.Rule.Match.Path, u.Rule.Match.Host} {
		if what != "" {
			b.WriteString(", for " + what)
			break
		}
	}
	b.WriteString(") ")
	if u.Rule.Matched > 0 {
		fmt.Fprintf(&b, "matched %d calls and ", u.Rule.Matched)
	}
	b.WriteString("never fired")
	return b.String()
}

// unfired returns the rules of these apps, of all where there are none, that had no effect so far.
func (s *Server) unfired(all bool, asked map[string]bool) []UnfiredRule {
	var list []UnfiredRule
	add := func(app string, rules []Rule) {
		for _, r := range rules {
			if r.Fired == 0 && len(list) < mostUnfired {
				list = append(list, UnfiredRule{app, r})
			}
		}
	}
	for _, a := range s.store.all() {
		if all || asked[a.name] {
			add(a.name, a.rules.known(a.now()))
		}
	}
	add("", s.rules.known(s.options.Now()))
	return list
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
			v.Reasons = append(v.Reasons, "no call came from "+pattern+noCallHint(more)+s.refused())
		}
	}
	if len(o.Apps) == 0 {
		if v.Calls += more; v.Calls == 0 {
			v.Reasons = append(v.Reasons, "no call came"+s.refused())
		}
	}
	if o.AllowNoCalls {
		v.Reasons = nil
	}
	v.OK = v.OK && len(v.Reasons) == 0
	v.Unfired = s.unfired(len(o.Apps) == 0, asked)
	return v, nil
}

// refused is what else is known where no call came.
func (s *Server) refused() string {
	if s.options.Refusals == nil || s.options.Refusals() == 0 {
		return ""
	}
	return fmt.Sprintf("; connections that ended since the client did not trust the certificate: %d", s.options.Refusals())
}

// Text says it for a person, a line for each row and its first call, what is red first. The last line sums up.
func (v Verdict) Text() string {
	var b strings.Builder
	red, notes, pardoned := 0, 0, 0
	rows := slices.Clone(v.Violations)
	slices.SortStableFunc(rows, func(x, y Tally) int { return x.weight() - y.weight() })
	for _, row := range rows {
		label := "off-spec"
		switch {
		case row.Pardoned:
			label = "not counted"
			pardoned++
		case row.Level == dingmock.Note:
			label = "note"
			notes++
		default:
			red++
		}
		fmt.Fprintf(&b, "%s: %s: %d × %s\n", label, row.App, row.Count, row.Violation)
		if row.First != nil {
			fmt.Fprintf(&b, "  first: %s\n", row.First.Curl)
		}
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(&b, "%s: does the program call the fake? (allow_no_calls=true lets it pass)\n", reason)
	}
	wrong := slices.Clone(v.Reasons)
	switch red {
	case 0:
	case 1:
		wrong = slices.Insert(wrong, 0, "off-spec in 1 way")
	default:
		wrong = slices.Insert(wrong, 0, fmt.Sprintf("off-spec in %d ways", red))
	}
	if len(wrong) == 0 {
		wrong = []string{"none off-spec"}
	}
	fmt.Fprintf(&b, "calls: %d, %s", v.Calls, strings.Join(wrong, "; "))
	if notes > 0 {
		fmt.Fprintf(&b, "; note: %d", notes)
	}
	if pardoned > 0 {
		fmt.Fprintf(&b, "; not counted: %d", pardoned)
	}
	b.WriteByte('\n')
	for i, u := range v.Unfired {
		if i == 10 {
			fmt.Fprintf(&b, "… and more such rules: %d\n", len(v.Unfired)-i)
			break
		}
		fmt.Fprintf(&b, "%s\n", &u)
	}
	return b.String()
}

// weight is where a row stands among others.
func (t *Tally) weight() int {
	switch {
	case t.Red():
		return 0
	case t.Pardoned:
		return 2
	}
	return 1
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
