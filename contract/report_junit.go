package contract

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// The elements of JUnit XML, as the published schema of Apache Ant's reports has them, which GitLab, Jenkins and GitHub's
// viewers read. They are few and do not change, so they stand here rather than in a library.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Package    string          `xml:"package,attr"`
		ID         int             `xml:"id,attr"`
		Timestamp  string          `xml:"timestamp,attr"` // without a zone: UTC
		Hostname   string          `xml:"hostname,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"` // seconds
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		Out        string          `xml:"system-out"`
		Err        string          `xml:"system-err"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name      string       `xml:"name,attr"`
		ClassName string       `xml:"classname,attr"`
		Time      string       `xml:"time,attr"`
		Skipped   *junitText   `xml:"skipped"`
		Error     *junitReason `xml:"error"`
		Failure   *junitReason `xml:"failure"`
	}
	junitText struct {
		Message string `xml:"message,attr,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML: a suite for each operation, a case for each rule.
func (r *Report) WriteJUnit(w io.Writer) error {
	var out junitSuites
	at := func(name string) *junitSuite {
		if i := slices.IndexFunc(out.Suites, func(s junitSuite) bool { return s.Name == name }); i >= 0 {
			return &out.Suites[i]
		}
		out.Suites = append(out.Suites, junitSuite{
			Name: name, Package: "contract", ID: len(out.Suites), Hostname: "localhost",
			Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
			Properties: []junitProperty{
				{"target", r.Target}, {"seed", strconv.FormatUint(r.Seed, 10)},
				{"coverage", fmt.Sprintf("%.1f", r.Coverage.Percent())},
			},
		})
		return &out.Suites[len(out.Suites)-1]
	}
	var total = map[string]time.Duration{}
	for _, x := range r.Results {
		name := x.Operation
		if name == "" {
			name = "paths"
		}
		s := at(name)
		c := junitCase{Name: x.ID, ClassName: "contract." + name, Time: seconds(x.Duration)}
		switch {
		case x.Bad(r.Exact) && x.Failure == nil:
			c.Failure = &junitReason{Message: "a known failure that passes", Type: "known", Text: "Take it out of the list of known failures."}
		case x.Bad(r.Exact):
			c.Failure = &junitReason{Message: x.Rule, Type: string(x.Level), Text: x.Failure.text(x.ID)}
		case x.Outcome == Errored:
			c.Error = &junitReason{Message: x.Reason, Type: "error", Text: x.Reason}
		case x.Outcome == Fail:
			c.Skipped = &junitText{"a known failure"}
		case x.Outcome != Pass:
			c.Skipped = &junitText{string(x.Outcome) + ": " + x.Reason}
		}
		s.Tests++
		s.Failures += count(c.Failure != nil)
		s.Errors += count(c.Error != nil)
		s.Skipped += count(c.Skipped != nil)
		total[name] += x.Duration
		s.Time = seconds(total[name])
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
