package verdict_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/verdict"
)

func lines(n int, what string) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint(what, i+1))
	}
	return list
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name  string
		v     verdict.Verdict
		wrong []string
		want  string
	}{
		{"green", verdict.Verdict{Calls: 4}, nil, "calls: 4, none off-spec\n"},
		{"what counts first", verdict.Verdict{Calls: 9, Findings: []verdict.Finding{
			{verdict.Noted, "a note", "curl 1"}, {verdict.Ignored, "a pardon", ""}, {verdict.Red, "one", "curl 2"}, {verdict.Known, "an old one", ""},
		}}, []string{"off-spec in 1 way"}, "off-spec: one\n  first: curl 2\nknown: an old one\nnote: a note\n  first: curl 1\nignored: a pardon\n" +
			"calls: 9, off-spec in 1 way; known: 1; note: 1; ignored: 1\n"},
		{"all that is wrong", verdict.Verdict{
			Findings: []verdict.Finding{{verdict.Red, "one", ""}, {verdict.Red, "two", ""}}, Reasons: []string{"no call came"}, Hint: "so it passes", Stale: []string{"a b c"}, Exact: true,
		}, []string{"off-spec in 2 ways", "no call came", "lines of the baseline that no longer occur: 1"},
			"off-spec: one\noff-spec: two\nno longer occurs: a b c\nno call came: does the program call the fake? (so it passes)\n" +
				"calls: 0, off-spec in 2 ways; no call came; lines of the baseline that no longer occur: 1\n"},
		{"stale lines of a baseline that is not exact", verdict.Verdict{Calls: 1, Stale: []string{"a b c"}}, nil, "no longer occurs: a b c\ncalls: 1, none off-spec\n"},
		{"certificates", verdict.Verdict{Reasons: []string{"no call came"}, Hint: "so", Refused: 3}, []string{"no call came"},
			"no call came: does the program call the fake? (so)\nconnections that ended at the certificate, as of a client that does not trust it: 3\ncalls: 0, no call came\n"},
		{"ten of each", verdict.Verdict{Calls: 1, Explained: lines(10, "e"), Unfired: lines(10, "r")}, nil,
			"calls: 1, none off-spec\n" + strings.Join(lines(10, "e"), "\n") + "\n" + strings.Join(lines(10, "r"), "\n") + "\n"},
		{"more than ten", verdict.Verdict{Calls: 1, Explained: lines(11, "e"), Unfired: lines(12, "r"), More: 50}, nil,
			"calls: 1, none off-spec\n" + strings.Join(lines(10, "e"), "\n") + "\n… and 1 more kinds of error replies\n" + strings.Join(lines(10, "r"), "\n") + "\n… and 52 more rules that never fired\n"},
	} {
		if diff := cmp.Diff(x.want, x.v.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
		if diff := cmp.Diff(x.wrong, x.v.Wrong()); diff != "" {
			t.Errorf("%s: wrong (-want +got):\n%s", x.name, diff)
		}
	}
}
