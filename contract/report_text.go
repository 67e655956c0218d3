package contract

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock/internal/github"
	"github.com/dingmock/dingmock/internal/printable"
)

// Line returns the result as one line, for progress.
func (r Result) Line() string {
	line := fmt.Sprintf("%-11s %-6s %s", r.Outcome, r.Level, r.ID)
	switch {
	case r.Known && r.Outcome == Fail:
		line += " (a known failure)"
	case r.Known && r.Outcome == Pass:
		line += " (in the list of known failures, but it passes)"
	case r.Reason != "":
		line += ": " + r.Reason
	}
	return printable.Line(line)
}

// mostFirst is how many causes the report begins with.
const mostFirst = 8

// first is what is to be mended first: ten lines at most, "" if there is nothing to be mended. What several operations do
// alike is one line.
func (r *Report) first() string {
	if len(r.Causes) == 0 && !r.Ended() {
		return ""
	}
	var b strings.Builder
	b.WriteString("mend these first:\n")
	most := mostFirst
	if r.Ended() {
		most--
		fmt.Fprintf(&b, "   !. your server ended during the run: %s could not be checked. Its own log says why; --parallel 1 shows the request, unless only calls at once end it\n", plural(r.Count(Errored), "case"))
	}
	groups := r.groups()
	for i, g := range groups {
		if i == most && len(groups) > most+1 {
			fmt.Fprintf(&b, "     … and %d more\n", len(groups)-i)
			break
		}
		fmt.Fprintf(&b, "%4d. %s\n", i+1, g.line())
	}
	return b.String()
}

// Ended reports whether the target, which answered at first, stopped answering.
func (r *Report) Ended() bool { return ended(r.Results) }

func ended(results []Result) bool {
	return slices.ContainsFunc(results, func(x Result) bool { return x.Outcome == Errored && strings.Contains(x.Reason, notListening) })
}

// group are causes that are alike but for the operation.
type group []*Cause

// groups are the causes, by the place of the first of each group.
func (r *Report) groups() []group {
	at := map[string]int{}
	var groups []group
	for _, c := range r.Causes {
		f := c.Finding
		f.Operation = ""
		i, known := at[f.line()]
		switch {
		case c.Operation == "":
			groups = append(groups, group{c})
		case !known:
			at[f.line()] = len(groups)
			groups = append(groups, group{c})
		default:
			groups[i] = append(groups[i], c)
		}
	}
	return groups
}

// line is the group in a line.
func (g group) line() string {
	var operations []string
	breaks, blocks := 0, 0
	for _, c := range g {
		operations, breaks, blocks = append(operations, c.Operation), breaks+len(c.Breaks), blocks+len(c.Blocks)
	}
	all := Cause{Finding: g[0].Finding}
	all.Operation = strings.Join(operations, ", ")
	return fmt.Sprintf("%s (%s)", &all, g[0].weighing(breaks, blocks))
}

// number is that of a cause of the group, which is the i-th.
func (g group) number(i, of int) string {
	if len(g) == 1 {
		return fmt.Sprintf("%d.", i+1)
	}
	return fmt.Sprintf("%d.%d.", i+1, of+1)
}

// String returns the cause in a line of at most 200 characters.
func (c *Cause) String() string { return excerpt([]byte(printable.Line(c.line())), 200) }

func (c *Cause) weight() string { return c.weighing(len(c.Breaks), len(c.Blocks)) }

// weighing says what depends on causes of which c is the first: the rule that it breaks, and how many they break and cases they keep
// from being checked in all.
func (c *Cause) weighing(breaks, blocks int) string {
	var list []string
	if len(c.Breaks) > 0 {
		first := "breaks " + c.Breaks[0]
		if c.Failure != nil && c.Failure.Way != "" {
			first += ", with " + excerpt([]byte(printable.Line(c.Failure.Way)), 60)
		}
		list = append(list, first)
	}
	if breaks > 1 {
		list = append(list, plural(breaks-1, "more rule")+" broken at the same place")
	}
	if blocks > 0 {
		list = append(list, "keeps "+plural(blocks, "case")+" from being checked")
	}
	return strings.Join(list, "; ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// WriteText writes the report for a person: what is to be mended first, in ten lines at most; each cause with the first
// exchange that shows it; and the counts.
func (r *Report) WriteText(w io.Writer) error { return r.writeText(w, len(r.Causes)) }

// WriteFirst writes the report with but the first cause in full.
func (r *Report) WriteFirst(w io.Writer) error { return r.writeText(w, min(1, len(r.Causes))) }

func (r *Report) writeText(w io.Writer, full int) error {
	var b strings.Builder
	if r.Interrupted {
		fmt.Fprintf(&b, "%s: of %s only %d had ended\n\n", interrupted, plural(len(r.Results), "case"), len(r.Results)-r.Count(Errored))
	}
	if nothing := r.Nothing(); nothing != "" {
		b.WriteString(nothing + "\n\n")
	}
	if first := r.first(); first != "" {
		b.WriteString(first + "\n")
	}
	for i, g := range r.groups() {
		for n, c := range g {
			if full--; full >= 0 {
				b.WriteString(g.number(i, n) + " " + c.text())
			}
		}
	}
	if strings.Contains(b.String(), `"$`) {
		b.WriteString("in the lines of curl, words such as $APPSECRET are shell variables: set them before, ACCESS_TOKEN to the token that gettoken answers\n")
	}
	reasons, stacks := map[string][]string{}, map[string]string{}
	for _, x := range r.Results {
		if x.Outcome == Errored {
			reasons[x.Reason], stacks[x.Reason] = append(reasons[x.Reason], x.ID), x.Stack
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		ids := reasons[reason]
		fmt.Fprintf(&b, "could not be checked: %s: %s\n%s", some(ids), reason, stacks[reason])
	}
	for _, x := range r.Results {
		if x.Known && x.Outcome == Pass && !r.Exact {
			fmt.Fprintf(&b, "%s is in the list of known failures, but passes\n", x.ID)
		}
	}
	fmt.Fprintf(&b, "document coverage %.1f %%", r.Coverage.Percent())
	switch missing := r.Coverage.Missing(); {
	case len(missing) == 0:
		b.WriteByte('\n')
	case len(r.Causes) > 0 || len(missing) > 20: // such as of a selection of cases
		fmt.Fprintf(&b, ", items not exercised: %d\n", len(missing))
	default:
		b.WriteString(", not exercised:\n")
		for _, item := range missing {
			fmt.Fprintf(&b, "  %s%s\n", item, r.why(item))
		}
	}
	if list := r.Coverage.Unlisted(); len(list) > 0 && len(r.Causes) == 0 {
		fmt.Fprintf(&b, "not counted, since no operation of the document answers them: %s\n", strings.Join(list, ", "))
	}
	fmt.Fprintf(&b, "%s: %s in %s, seed %d:", r.Target, plural(len(r.Results), "case"), r.Duration.Round(time.Millisecond), r.Seed)
	b.WriteString(r.counts())
	b.WriteByte('\n')
	_, err := io.WriteString(w, printable.Text(b.String()))
	return err
}

// counts says how many cases ended in which way.
func (r *Report) counts() string {
	var b strings.Builder
	for _, o := range []Outcome{Pass, Fail, Blocked, Errored, Unsupported, Skipped} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, " %d %s", n, o)
			if o == Unsupported && len(r.Causes) > 0 {
				b.WriteString(" (they need a clock, faults or more apps of the target)")
			}
			if o == Skipped && len(r.Causes) > 0 {
				b.WriteString(" (by the options, or nothing for such a target; the JSON report says which)")
			}
		}
	}
	return b.String()
}

// some are the first of a list.
func some(ids []string) string {
	text := strings.Join(ids[:min(5, len(ids))], ", ")
	if n := len(ids) - 5; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// text returns the cause in full: the exchange that shows it, the rules that it breaks and what it blocks.
func (c *Cause) text() string {
	var b strings.Builder
	b.WriteString(c.String() + "\n")
	for i, id := range c.Breaks {
		b.WriteString("breaks " + id + "\n  " + c.rules[i] + "\n")
		if f := c.members[i]; f.Found != c.Found || f.Expected != c.Expected {
			b.WriteString("  found " + f.Found + ", expected " + f.Expected + "\n")
		}
	}
	if n := len(c.Blocks); n > 0 {
		fmt.Fprintf(&b, "keeps %s from being checked: %s\n", plural(n, "case"), some(c.Blocks))
	}
	if c.Failure != nil {
		b.WriteString(c.Failure.parts())
	}
	return b.String()
}

// why says why an item was not exercised: what its case says.
func (r *Report) why(item Item) string {
	for _, x := range r.Results {
		if item.Kind == "error" && x.ID == item.Operation+"/"+item.Name && x.Reason != "" {
			return ": " + x.Reason
		}
	}
	return ""
}

// WriteGitHub writes an annotation for each cause and each case that could not be checked, as GitHub's workflow
// commands.
func (r *Report) WriteGitHub(w io.Writer) error {
	var b strings.Builder
	for _, c := range r.Causes {
		b.WriteString(github.Error(strings.TrimSpace(c.Operation+" "+c.Kind), c.text()))
	}
	for _, x := range r.Results {
		if x.Outcome == Errored {
			b.WriteString(github.Error(x.ID, "could not be checked: "+x.Reason))
		}
	}
	if nothing := r.Nothing(); nothing != "" {
		b.WriteString(github.Error("nothing was checked", nothing))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
