package contract

import (
	"fmt"
	"io"
	"strings"
	"time"
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
	return line
}

// mostFirst is how many causes the report begins with.
const mostFirst = 8

// first is what is to be mended first: ten lines at most, "" where there is nothing to be mended.
func (r *Report) first() string {
	if len(r.Causes) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("mend these first:\n")
	for i, c := range r.Causes {
		if i == mostFirst && len(r.Causes) > mostFirst+1 {
			fmt.Fprintf(&b, "     … and %d more\n", len(r.Causes)-i)
			break
		}
		fmt.Fprintf(&b, "%4d. %s (%s)\n", i+1, c, c.weight())
	}
	return b.String()
}

// String returns the cause in a line of at most 200 characters.
func (c *Cause) String() string { return excerpt([]byte(printable(c.line())), 200) }

// weight says what depends on the cause.
func (c *Cause) weight() string {
	var list []string
	switch n := len(c.Breaks); n {
	case 0:
	case 1:
		list = append(list, "breaks "+c.Breaks[0])
	default:
		list = append(list, fmt.Sprintf("breaks %s and %s", c.Breaks[0], plural(n-1, "more rule")))
	}
	if n := len(c.Blocks); n > 0 {
		list = append(list, "blocks "+plural(n, "case"))
	}
	return strings.Join(list, ", ")
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
	if first := r.first(); first != "" {
		b.WriteString(first + "\n")
	}
	for i, c := range r.Causes[:full] {
		fmt.Fprintf(&b, "%d. %s", i+1, c.text())
	}
	for _, x := range r.Results {
		if x.Outcome == Errored {
			fmt.Fprintf(&b, "%s could not be checked: %s\n", x.ID, x.Reason)
		}
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
	case len(r.Causes) > 0:
		fmt.Fprintf(&b, ", items not exercised: %d\n", len(missing))
	default:
		b.WriteString(", not exercised:\n")
		for _, item := range missing {
			fmt.Fprintf(&b, "  %s%s\n", item, r.why(item))
		}
	}
	if list := r.Coverage.Unlisted(); len(list) > 0 {
		fmt.Fprintf(&b, "not counted, since no operation of the document answers them: %s\n", strings.Join(list, ", "))
	}
	fmt.Fprintf(&b, "%s: %d cases in %s, seed %d:", r.Target, len(r.Results), r.Duration.Round(time.Millisecond), r.Seed)
	for _, o := range []Outcome{Pass, Fail, Blocked, Errored, Unsupported, Skipped} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, " %d %s", n, o)
		}
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// text returns the cause in full: the exchange that shows it, the rules that it breaks and what it blocks.
func (c *Cause) text() string {
	var b strings.Builder
	b.WriteString(c.String() + "\n")
	for i, id := range c.Breaks {
		b.WriteString("breaks " + id + "\n  " + c.rules[i] + "\n")
	}
	if n := len(c.Blocks); n > 0 {
		fmt.Fprintf(&b, "blocks %s: %s", plural(n, "case"), strings.Join(c.Blocks[:min(5, n)], ", "))
		if n > 5 {
			b.WriteString(", …")
		}
		b.WriteByte('\n')
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
		b.WriteString(GitHubError(strings.TrimSpace(c.Operation+" "+c.Kind), c.text()))
	}
	for _, x := range r.Results {
		if x.Outcome == Errored {
			b.WriteString(GitHubError(x.ID, "could not be checked: "+x.Reason))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// GitHubError returns the line by which a GitHub workflow is given an error as an annotation.
func GitHubError(title, text string) string {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::error title=%s::%s\n", property.Replace(title), escape.Replace(text))
}
