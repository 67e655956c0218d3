package contract

import (
	"fmt"
	"strings"
	"testing"
)

// Run makes a parallel sub-test of each case and returns the report when all have ended. A broken rule fails its
// sub-test; a case that the target does not support skips, with the reason, and so does one that something else keeps from
// being checked, which the test itself then fails for; one that the options or the kind of target leave out has no sub-test.
// Seed and coverage are logged. A run that checked no rule at all fails.
func Run(t *testing.T, target Target, options *Options) *Report {
	t.Helper()
	r, err := newRunner(target, options)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := r.cases()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.preflight(t.Context()); err != nil {
		t.Fatal(err)
	}
	results := begun(cases)
	t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			if outcome, why := r.unfit(c); outcome == Skipped {
				results[i] = Result{Case: c, Outcome: outcome, Reason: why}
				continue
			}
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				results[i] = r.run(t.Context(), c)
				r.tell(results[i])
				results[i].judge(t, r.options.Exact)
			})
		}
	})
	r.excuse(t.Context(), results)
	report := r.report(results)
	for _, c := range report.Causes { // a sub-test was told before it was known what its failure comes of
		t.Log("\n" + c.text())
	}
	t.Logf("seed %d, document coverage %.1f %%, %s:%s", report.Seed, report.Coverage.Percent(), plural(len(report.Results), "case"), report.counts())
	if nothing := report.Nothing(); nothing != "" {
		t.Error(nothing)
	}
	if first := report.first(); first != "" { // the last, where it is seen
		t.Error("\n" + first)
	}
	return report
}

// judge fails or skips a sub-test.
func (r Result) judge(t *testing.T, exact bool) {
	t.Helper()
	switch {
	case r.Outcome == Errored:
		t.Errorf("%s could not be checked: %s", r.ID, strings.TrimSpace(r.Reason+"\n"+r.Stack))
	case r.Outcome == Blocked:
		t.Skip("blocked: " + r.Reason)
	case r.Outcome == Unsupported, r.Outcome == Skipped:
		t.Skip(r.Reason)
	case r.Bad(exact) && r.Failure == nil:
		t.Errorf("%s is in the list of known failures, but passes: take it out", r.ID)
	case r.Bad(exact):
		t.Error("\n" + r.Failure.text(r.ID))
	case r.Known && r.Failure != nil:
		t.Logf("known failure:\n%s", r.Failure.text(r.ID))
	}
}

// text returns the failure as a person reads it.
func (f *Failure) text(id string) string {
	return fmt.Sprintf("%s breaks its rule\n  %s: %s\n%s", id, f.Level, f.Rule, f.parts())
}

// parts are what shows it: request, reply and difference.
func (f *Failure) parts() string {
	var b strings.Builder
	for _, part := range []struct{ name, text string }{{"before", f.Before}, {"with", f.Way}, {"request", f.Request}, {"reply", f.Reply}, {"diff", f.Diff}, {"case", f.At}} {
		if part.text != "" {
			fmt.Fprintf(&b, "%s:\n  %s\n", part.name, strings.ReplaceAll(strings.TrimSpace(part.text), "\n", "\n  "))
		}
	}
	return b.String()
}
