package contract

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/internal/junit"
)

// WriteJUnit writes the report as JUnit XML: a suite for each operation and a case for each rule, so that failures and errors are
// as many as the rules that are broken or could not be checked. What is to be mended first is before them the output of a suite
// without cases, if there is something; that the target ended during the run is its error output.
func (r *Report) WriteJUnit(w io.Writer) error {
	var out junit.Report
	suites := map[string]*junit.Suite{}
	suite := func(name string) *junit.Suite {
		s := suites[name]
		if s == nil {
			s = out.Suite("contract", name, r.Started)
			s.Properties = &junit.Properties{List: []junit.Property{
				{Name: "target", Value: r.Target}, {Name: "seed", Value: strconv.FormatUint(r.Seed, 10)},
				{Name: "coverage", Value: fmt.Sprintf("%.1f", r.Coverage.Percent())},
			}}
			suites[name] = s
		}
		return s
	}
	if len(r.Causes) > 0 || r.Ended() {
		first := suite("mend first")
		for i, c := range r.Causes {
			first.Out += fmt.Sprintf("%d. (%s) %s\n", i+1, c.weight(), c.text())
		}
		if r.Ended() {
			first.Err = "the server ended during the run"
		}
	}
	if nothing := r.Nothing(); nothing != "" {
		suite("target").Add(junit.Case{Name: "target", ClassName: "contract", Error: &junit.Reason{Message: nothing, Type: "error", Text: nothing}}, 0)
	}
	for _, x := range r.Results {
		name := x.Operation
		if name == "" {
			name = "paths"
		}
		s := suite(name)
		c := junit.Case{Name: x.ID, ClassName: "contract." + name}
		switch {
		case x.Bad(r.Exact) && x.Failure == nil:
			c.Failure = &junit.Reason{Message: "a known failure that passes", Type: "known", Text: "Take it out of the list of known failures."}
		case x.Bad(r.Exact):
			c.Failure = &junit.Reason{Message: x.Rule, Type: string(x.Level), Text: x.Failure.text(x.ID)}
		case x.Outcome == Errored:
			c.Error = &junit.Reason{Message: x.Reason, Type: "error", Text: strings.TrimSpace(x.Reason + "\n" + x.Stack)}
		case x.Outcome == Fail:
			c.Skipped = &junit.Skipped{Text: "a known failure"}
		case x.Outcome != Pass:
			c.Skipped = &junit.Skipped{Text: string(x.Outcome) + ": " + x.Reason}
		}
		s.Add(c, x.Duration)
	}
	return out.Write(w)
}
