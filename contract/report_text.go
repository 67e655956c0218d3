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

// WriteText writes the report for a person: what is broken in full, then the counts and what was not exercised.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(r.Failures())
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
	fmt.Fprintf(&b, "%s: %d cases in %s, seed %d:", r.Target, len(r.Results), r.Duration.Round(time.Millisecond), r.Seed)
	for _, o := range []Outcome{Pass, Fail, Errored, Unsupported, Skipped} {
		if n := r.Count(o); n > 0 {
			fmt.Fprintf(&b, " %d %s", n, o)
		}
	}
	fmt.Fprintf(&b, "\ndocument coverage %.1f %%", r.Coverage.Percent())
	if missing := r.Coverage.Missing(); len(missing) > 0 {
		b.WriteString(", not exercised:\n")
		for _, item := range missing {
			fmt.Fprintf(&b, "  %s%s\n", item, r.why(item))
		}
	} else {
		b.WriteByte('\n')
	}
	if list := r.Coverage.Unlisted(); len(list) > 0 {
		fmt.Fprintf(&b, "not counted, since no operation of the document answers them: %s\n", strings.Join(list, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
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

// WriteGitHub writes an annotation for each broken rule and each case that could not be checked, as GitHub's workflow
// commands.
func (r *Report) WriteGitHub(w io.Writer) error {
	var b strings.Builder
	for _, x := range r.Broken() {
		text := "it is in the list of known failures, but passes: take it out"
		if x.Failure != nil {
			text = x.Failure.text(x.ID)
		}
		b.WriteString(GitHubError(x.ID, text))
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
