package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/github"
	"github.com/dingmock/dingmock/internal/junit"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/verdict"
	"github.com/dingmock/dingmock/mockserver"
)

// judgeFlags say what counts against a program, and where to write that. verdict, run and proxy share them.
type judgeFlags struct {
	AllowUnknown  []string `placeholder:"PATTERN" help:"Let calls of this path pass, which DingTalk does not have: a path, or the beginning of one followed by *; repeatable."`
	AllowNoCalls  bool     `help:"Let pass that no call came."`
	Baseline      string   `env:"-" placeholder:"FILE" help:"A list of known violations, which do not count: OPERATION RULE POINTER a line."`
	WriteBaseline string   `env:"-" placeholder:"FILE" help:"Write the violations that are found as such a list, and do not fail for them."`
	Exact         bool     `env:"-" help:"With --baseline: a known violation that no longer occurs fails."`
	JUnit         string   `name:"junit" env:"-" placeholder:"FILE" help:"Write the verdict as JUnit XML."`
	Report        string   `env:"-" placeholder:"FILE" help:"Write the verdict, as it is printed, to this file too."`
	GitHub        bool     `name:"github" env:"-" help:"Print annotations for GitHub's workflows."`
}

// finding is one way in which calls, or replies, were off-spec.
type finding struct {
	app string // "" if apps are not told apart
	dingmock.Violation
	count   int
	ignored bool   // whether its app is not judged
	curl    string // the first such call
}

// ruling is what was found, judged by the flags.
type ruling struct {
	flags     *judgeFlags
	hint      string // how to let pass that no call came
	calls     int
	reasons   []string // what else is wrong
	refused   int
	rows      []finding
	known     map[string]bool          // the lines of the baseline; true if a line occurred
	explained []mockserver.Explanation // what error replies said
	unfired   []mockserver.UnfiredRule
	told      bool // whether the files have it
	more      int  // the number of rules beyond unfired
}

// begin checks the flags, reads the baseline, and writes to the requested files that there is no verdict yet.
func (f *judgeFlags) begin() (*ruling, error) {
	r, err := f.ruling()
	if err == nil {
		return r, f.writable()
	}
	return nil, errors.Join(err, f.unjudged(err))
}

func (f *judgeFlags) ruling() (*ruling, error) {
	if f.Exact && f.Baseline == "" {
		return nil, errors.New("--exact: goes with --baseline")
	}
	for _, pattern := range f.AllowUnknown {
		if !strings.HasPrefix(pattern, "/") {
			return nil, fmt.Errorf("--allow-unknown: %q has to be a path, or the beginning of one followed by *, such as /ours/*", pattern)
		}
	}
	r := &ruling{flags: f, hint: "--allow-no-calls lets it pass", known: map[string]bool{}}
	if f.Baseline != "" {
		var err error
		if r.known, err = readBaseline(f.Baseline); err != nil {
			return nil, fmt.Errorf("--baseline: %w", err)
		}
	}
	return r, nil
}

// writable fails if a requested file cannot be written, so that a job knows before it has run.
func (f *judgeFlags) writable() error {
	if err := f.unjudged(errNotEnded); err != nil || f.WriteBaseline == "" {
		return err
	}
	file, err := os.OpenFile(f.WriteBaseline, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return fmt.Errorf("--write-baseline: %w", err)
	}
	return file.Close()
}

// unjudged replaces an earlier verdict in the files with the reason why there is none.
func (f *judgeFlags) unjudged(why error) error {
	text := "no verdict: " + oneLine(why)
	var x junit.Report
	x.Suite("dingmock", "verdict", time.Now()).Add(junit.Case{
		Name: "verdict", ClassName: "dingmock.verdict", Error: &junit.Reason{Message: text, Type: "error", Text: text},
	}, 0)
	var failed error
	for _, file := range []struct {
		flag, name string
		write      func(io.Writer) error
	}{{"--junit", f.JUnit, x.Write}, {"--report", f.Report, func(w io.Writer) error { _, err := io.WriteString(w, text+"\n"); return err }}} {
		if file.name == "" {
			continue
		}
		if err := writeWhy(file.name, why, file.write); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", file.flag, err))
		}
	}
	return failed
}

// options returns the flags in the form that a fake takes.
func (f *judgeFlags) options(apps ...string) *mockserver.VerdictOptions {
	return &mockserver.VerdictOptions{Apps: apps, AllowUnknown: f.AllowUnknown, AllowNoCalls: f.AllowNoCalls}
}

// take adopts what a fake has found.
func (r *ruling) take(v mockserver.Verdict) {
	r.calls, r.reasons, r.refused, r.unfired, r.more = v.Calls, v.Reasons, v.Refused, v.Unfired, v.UnfiredMore
	for _, row := range v.Violations {
		x := finding{app: row.App, Violation: row.Violation, count: row.Count, ignored: row.Ignored}
		if row.First != nil {
			x.curl = row.First.Curl
		}
		r.add(x)
	}
}

func (r *ruling) add(x finding) {
	r.rows = append(r.rows, x)
	if _, ok := r.known[x.key()]; ok {
		r.known[x.key()] = true
	}
}

// key returns the line of the violation in a baseline: the operation, or - for none; the rule; and the pointer, or for an unknown
// path the path itself.
func (x *finding) key() string {
	operation, place := x.Operation, x.Pointer
	if operation == "" {
		operation = "-"
	}
	if x.Kind == dingmock.KindUnknownPath {
		place = x.Found
	}
	if place == "" { // there were too many to tell apart
		place = "-"
	}
	return printable.Line(operation + " " + x.Kind + " " + place)
}

// label returns how a finding is judged; only an off-spec one counts. While a baseline is being written none is off-spec.
func (r *ruling) label(x finding) string {
	_, known := r.known[x.key()]
	switch {
	case x.ignored:
		return verdict.Ignored
	case x.Level == dingmock.Note:
		return verdict.Noted
	case known || r.flags.WriteBaseline != "":
		return verdict.Known
	}
	return verdict.Red
}

func (x *finding) String() string {
	text := fmt.Sprintf("%d × %s", x.count, x.Violation)
	if x.app != "" {
		text = x.app + ": " + text
	}
	return text
}

// stale returns the lines of the baseline that did not occur.
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

// said returns the ruling in the form in which it is printed.
func (r *ruling) said() *verdict.Verdict {
	v := &verdict.Verdict{
		Calls: r.calls, Reasons: r.reasons, Refused: r.refused, Hint: r.hint, Stale: r.stale(), Exact: r.flags.Exact && r.flags.WriteBaseline == "", More: r.more,
	}
	for _, x := range r.rows {
		v.Findings = append(v.Findings, verdict.Finding{Label: r.label(x), Text: x.String(), Curl: x.curl})
	}
	for _, x := range r.explained {
		v.Explained = append(v.Explained, fmt.Sprintf("%s × %d: %s", x.Code, x.Count, x.Text))
	}
	for _, x := range r.unfired {
		v.Unfired = append(v.Unfired, x.String())
	}
	return v
}

// close writes to the files why there is no verdict if err kept it from being told. It returns err.
func (r *ruling) close(err error) error {
	if err == nil || r.told {
		return err
	}
	return errors.Join(err, r.flags.unjudged(err))
}

// wrong returns what makes the ruling red, or nil if it is green.
func (r *ruling) wrong() error {
	if list := r.said().Wrong(); list != nil {
		return errors.New(strings.Join(list, "; "))
	}
	return nil
}

// tell prints the ruling for people, off-spec findings first, and writes the requested files. It returns an error only if writing
// fails.
func (r *ruling) tell(w io.Writer) error {
	r.told = true
	text := r.said().String()
	if r.flags.GitHub {
		text = r.annotations() + text
	}
	_, err := io.WriteString(w, text)
	for _, x := range []struct {
		flag, name string
		write      func(io.Writer) error
	}{
		{"--junit", r.flags.JUnit, r.writeJUnit},
		{"--write-baseline", r.flags.WriteBaseline, r.writeBaseline},
		{"--report", r.flags.Report, func(w io.Writer) error { _, err := io.WriteString(w, r.said().String()); return err }},
	} {
		if x.name == "" {
			continue
		}
		if failed := writeFile(x.name, x.write); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", x.flag, failed))
		}
	}
	return err
}

// annotations returns what is wrong as annotations for GitHub.
func (r *ruling) annotations() string {
	var b strings.Builder
	for _, x := range r.rows {
		if r.label(x) == verdict.Red {
			b.WriteString(github.Error("off-spec call", x.String()))
		}
	}
	said := r.said()
	for _, key := range said.Stale {
		if said.Exact {
			b.WriteString(github.Error("baseline", "no longer occurs, take it out: "+key))
		}
	}
	for _, reason := range r.reasons {
		b.WriteString(github.Error("no call", reason))
	}
	return b.String()
}

// writeJUnit writes one case for each row. A note is not a failure.
func (r *ruling) writeJUnit(w io.Writer) error {
	var report junit.Report
	s := report.Suite("dingmock", "verdict", time.Now())
	for _, x := range r.rows {
		c := junit.Case{Name: strings.TrimSpace(x.app + " " + x.key()), ClassName: "dingmock.verdict"}
		if label := r.label(x); label == verdict.Red {
			c.Failure = &junit.Reason{Message: x.Violation.String(), Type: x.Kind, Text: strings.TrimSpace(x.String() + "\n" + x.curl)}
		} else {
			c.Skipped = &junit.Skipped{Text: label + ": " + x.String()}
		}
		s.Add(c, 0)
	}
	for _, reason := range r.reasons {
		s.Add(junit.Case{Name: "calls", ClassName: "dingmock.verdict", Failure: &junit.Reason{Message: reason, Type: "no-call", Text: reason}}, 0)
	}
	for _, key := range r.stale() {
		c := junit.Case{Name: "baseline " + key, ClassName: "dingmock.verdict"}
		if r.said().Exact {
			c.Failure = &junit.Reason{Message: "no longer occurs", Type: "baseline", Text: "Take it out of the baseline."}
		} else {
			c.Skipped = &junit.Skipped{Text: "no longer occurs"}
		}
		s.Add(c, 0)
	}
	if s.Tests == 0 {
		s.Add(junit.Case{Name: "no call was off-spec", ClassName: "dingmock.verdict"}, 0)
	}
	return report.Write(w)
}

// writeBaseline writes each violation that counts once, whether or not an earlier baseline has it.
func (r *ruling) writeBaseline(w io.Writer) error {
	var lines []string
	for _, x := range r.rows {
		if !x.ignored && x.Level == dingmock.Red {
			lines = append(lines, x.key())
		}
	}
	slices.SortFunc(lines, cmp.Compare)
	_, err := io.WriteString(w, "# known violations: operation, rule, pointer\n"+strings.Join(append(slices.Compact(lines), ""), "\n"))
	return err
}

// readBaseline reads a list of known violations. It skips empty lines and lines that begin with #.
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
