package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/contract/junit"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// verdictCommand says whether the calls that a fake has had kept to the document.
type verdictCommand struct {
	where
	App           string `placeholder:"NAME" help:"Judge the calls of this app, by name or appkey; _ is the calls that reached none. Default: all calls."`
	FailUnknown   bool   `help:"Hold calls of unknown paths against the program as well; they are listed in any case."`
	Baseline      string `env:"-" placeholder:"FILE" help:"A list of known violations, which do not count: OPERATION RULE POINTER a line."`
	Exact         bool   `help:"With --baseline: a known violation that no longer occurs fails."`
	WriteBaseline string `env:"-" placeholder:"FILE" help:"Write what counts now as such a list, and end with 0."`
	JUnit         string `name:"junit" env:"-" placeholder:"FILE" help:"Write the verdict as JUnit XML."`
	GitHub        bool   `name:"github" env:"-" help:"Print annotations for GitHub's workflows."`
	ControlToken  string `placeholder:"TOKEN" help:"What the control API asks for."`
}

// ruling is a verdict in the light of a baseline.
type ruling struct {
	rows  []mockserver.Tally
	known map[string]bool // the baseline; true: it occurred
}

// Run prints the verdict. It fails where calls were off-spec.
func (c *verdictCommand) Run(ctx context.Context, out streams) error {
	base, err := c.base()
	if err != nil {
		return usageError{err}
	}
	if c.Exact && c.Baseline == "" {
		return usageError{errors.New("--exact: goes with --baseline")}
	}
	r := ruling{known: map[string]bool{}}
	if c.Baseline != "" {
		if r.known, err = readBaseline(c.Baseline); err != nil {
			return usageError{fmt.Errorf("--baseline: %w", err)}
		}
	}
	verdict, err := c.ask(ctx, base)
	if err != nil {
		return err
	}
	r.rows = verdict.Violations
	for _, row := range r.rows {
		if _, ok := r.known[violationKey(row.Violation)]; ok {
			r.known[violationKey(row.Violation)] = true
		}
	}
	if c.WriteBaseline != "" {
		if err := writeFile(c.WriteBaseline, r.writeBaseline); err != nil {
			return usageError{fmt.Errorf("--write-baseline: %w", err)}
		}
		return nil
	}
	if c.JUnit != "" {
		if err := writeFile(c.JUnit, func(w io.Writer) error { return r.writeJUnit(w, c.Exact) }); err != nil {
			return usageError{fmt.Errorf("--junit: %w", err)}
		}
	}
	return r.tell(out.stdout, c.Exact, c.GitHub)
}

func (c *verdictCommand) ask(ctx context.Context, base string) (mockserver.Verdict, error) {
	client, err := control.New(base, &control.Options{Token: c.ControlToken})
	if err != nil {
		return mockserver.Verdict{}, usageError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := client.Version(ctx); err != nil {
		return mockserver.Verdict{}, usageError{fmt.Errorf("%s: no dingmock answers: %w", base, plainError(err))}
	}
	if c.App == "" {
		return client.Verdict(ctx, c.FailUnknown)
	}
	return client.App(c.App).Verdict(ctx, c.FailUnknown)
}

// violationKey is a violation as a baseline has it: the operation, - for none; the rule; and the pointer, for an unknown
// path that path.
func violationKey(v dingmock.Violation) string {
	operation, place := v.Operation, v.Pointer
	if operation == "" {
		operation = "-"
	}
	if v.Rule == dingmock.RuleUnknownPath {
		place = v.Found
	}
	return operation + " " + v.Rule + " " + place
}

// counts reports whether a row makes the verdict red.
func (r *ruling) counts(row mockserver.Tally) bool {
	return !row.Pardoned && !r.known[violationKey(row.Violation)]
}

// stale returns what stands in the baseline and did not occur.
func (r *ruling) stale() []string {
	var list []string
	for key, occurred := range r.known {
		if !occurred {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return list
}

// tell prints the verdict for people. It fails where it is red.
func (r *ruling) tell(w io.Writer, exact, github bool) error {
	var b strings.Builder
	red := 0
	for _, row := range r.rows {
		label := "off-spec"
		switch {
		case r.counts(row):
			red++
			if github {
				b.WriteString(contract.GitHubError("off-spec call", rowText(row)))
			}
		case row.Pardoned:
			label = "not counted"
		default:
			label = "known"
		}
		fmt.Fprintf(&b, "%s: %s\n", label, rowText(row))
		if row.First != nil {
			fmt.Fprintf(&b, "  first: %s\n", row.First.Curl)
		}
	}
	stale := r.stale()
	for _, key := range stale {
		fmt.Fprintf(&b, "no longer occurs: %s\n", key)
		if exact && github {
			b.WriteString(contract.GitHubError("baseline", "no longer occurs, take it out: "+key))
		}
	}
	if red == 0 {
		b.WriteString("no call was off-spec that counts\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	switch {
	case red > 0:
		return fmt.Errorf("%d kinds of off-spec calls", red)
	case exact && len(stale) > 0:
		return fmt.Errorf("%d lines of the baseline no longer occur: take them out", len(stale))
	}
	return nil
}

func rowText(row mockserver.Tally) string {
	return fmt.Sprintf("%s: %d × %s", row.App, row.Count, row.Violation)
}

// writeJUnit writes a case for each row.
func (r *ruling) writeJUnit(w io.Writer, exact bool) error {
	var report junit.Report
	s := report.Suite("dingmock", "verdict", time.Now())
	for _, row := range r.rows {
		x := junit.Case{Name: row.App + " " + violationKey(row.Violation), ClassName: "dingmock.verdict"}
		switch {
		case r.counts(row):
			x.Failure = &junit.Reason{Message: row.Violation.String(), Type: row.Rule, Text: rowText(row)}
			if row.First != nil {
				x.Failure.Text += "\n" + row.First.Curl
			}
		case row.Pardoned:
			x.Skipped = &junit.Skipped{Text: "not counted: " + rowText(row)}
		default:
			x.Skipped = &junit.Skipped{Text: "known: " + rowText(row)}
		}
		s.Add(x, 0)
	}
	for _, key := range r.stale() {
		x := junit.Case{Name: "baseline " + key, ClassName: "dingmock.verdict"}
		if exact {
			x.Failure = &junit.Reason{Message: "no longer occurs", Type: "baseline", Text: "Take it out of the baseline."}
		} else {
			x.Skipped = &junit.Skipped{Text: "no longer occurs"}
		}
		s.Add(x, 0)
	}
	if s.Tests == 0 {
		s.Add(junit.Case{Name: "no call was off-spec", ClassName: "dingmock.verdict"}, 0)
	}
	return report.Write(w)
}

// writeBaseline writes what counts, each once.
func (r *ruling) writeBaseline(w io.Writer) error {
	var lines []string
	for _, row := range r.rows {
		if !row.Pardoned {
			lines = append(lines, violationKey(row.Violation))
		}
	}
	slices.Sort(lines)
	_, err := io.WriteString(w, "# known violations: operation, rule, pointer\n"+strings.Join(append(slices.Compact(lines), ""), "\n"))
	return err
}

// readBaseline reads a list of known violations. Empty lines and those that begin with # are passed over.
func readBaseline(name string) (map[string]bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	known := map[string]bool{}
	scanner := bufio.NewScanner(f)
	for line := 1; scanner.Scan(); line++ {
		text := strings.TrimSpace(scanner.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		if len(strings.Fields(text)) < 3 {
			return nil, fmt.Errorf("%s:%d: %q has to be OPERATION RULE POINTER, such as: getsession invalid-parameter /body/userid", name, line, text)
		}
		known[text] = false
	}
	return known, scanner.Err()
}
