// Package verdict writes the verdict on calls for people, in the same form for every command.
package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/printable"
)

// The labels of findings, in the order in which they are printed. Only Red findings fail the verdict.
const (
	Red     = "off-spec"
	Known   = "known"
	Noted   = "note"
	Ignored = "ignored"
)

var labels = []string{Red, Known, Noted, Ignored}

// most is the number of lines printed of each kind that only explains.
const most = 10

// Finding is one way in which calls were off-spec, or nearly so.
type Finding struct {
	Label string
	Text  string
	Curl  string // the first such call; "" if unknown
}

// Verdict is the verdict on a number of calls.
type Verdict struct {
	Calls     int
	Findings  []Finding
	Reasons   []string // what else is wrong, such as that no call came
	Refused   int      // connections that ended at the certificate, as if the client did not trust it
	Hint      string   // how to let the reasons pass
	Stale     []string // lines of a baseline that no longer occur
	Exact     bool     // whether Stale makes the verdict red
	Explained []string // what error replies said
	Unfired   []string // rules that never fired
	More      int      // the number of such rules beyond Unfired
}

// Wrong returns what makes the verdict red, or nil if it is green.
func (v *Verdict) Wrong() []string {
	var list []string
	switch off := v.count(Red); off {
	case 0:
	case 1:
		list = append(list, "off-spec in 1 way")
	default:
		list = append(list, fmt.Sprintf("off-spec in %d ways", off))
	}
	list = append(list, v.Reasons...)
	if v.Exact && len(v.Stale) > 0 {
		list = append(list, fmt.Sprintf("lines of the baseline that no longer occur: %d", len(v.Stale)))
	}
	return list
}

func (v *Verdict) count(label string) int {
	n := 0
	for _, f := range v.Findings {
		if f.Label == label {
			n++
		}
	}
	return n
}

// String returns the verdict as printable text: lines for each finding and its first call, off-spec ones first; then what else is
// wrong, a summary line, and what only explains.
func (v *Verdict) String() string {
	var b strings.Builder
	findings := slices.Clone(v.Findings)
	slices.SortStableFunc(findings, func(x, y Finding) int { return slices.Index(labels, x.Label) - slices.Index(labels, y.Label) })
	for _, f := range findings {
		fmt.Fprintf(&b, "%s: %s\n", f.Label, printable.Line(f.Text))
		if f.Curl != "" {
			fmt.Fprintf(&b, "  first: %s\n", printable.Line(f.Curl))
		}
	}
	for _, line := range v.Stale {
		fmt.Fprintf(&b, "no longer occurs: %s\n", printable.Line(line))
	}
	for _, reason := range v.Reasons {
		reason = printable.Line(reason)
		fmt.Fprintf(&b, "%s: does the program call the fake? (%s)\n", reason, v.Hint)
	}
	if v.Refused > 0 {
		fmt.Fprintf(&b, "connections that ended at the certificate, as of a client that does not trust it: %d\n", v.Refused)
	}
	what := "none off-spec"
	if wrong := v.Wrong(); len(wrong) > 0 {
		what = strings.Join(wrong, "; ")
	}
	fmt.Fprintf(&b, "calls: %d, %s", v.Calls, printable.Line(what))
	for _, label := range labels[1:] {
		if n := v.count(label); n > 0 {
			fmt.Fprintf(&b, "; %s: %d", label, n)
		}
	}
	b.WriteByte('\n')
	some(&b, v.Explained, 0, "kinds of error replies")
	some(&b, v.Unfired, v.More, "rules that never fired")
	return b.String()
}

// some writes the first lines of a list, and how many more there are. what names them in the plural.
func some(b *strings.Builder, list []string, more int, what string) {
	for i, line := range list {
		if i == most {
			break
		}
		b.WriteString(printable.Line(line) + "\n")
	}
	if more += len(list) - min(most, len(list)); more > 0 {
		fmt.Fprintf(b, "… and %d more %s\n", more, what)
	}
}
