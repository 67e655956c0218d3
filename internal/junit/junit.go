// Package junit writes reports as JUnit XML, by the published schema of Jenkins, an extension of that of Apache Ant's
// reports, which GitLab and GitHub's viewers read as well. It knows no test runner: who has results makes a [Suite] of them.
package junit

import (
	"bytes"
	"encoding/xml"
	"io"
	"strconv"
	"time"

	"github.com/dingmock/dingmock/internal/printable"
)

// Report is a file of suites.
type Report struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []*Suite `xml:"testsuite"`
}

// Suite is a number of cases. Its counts are those of the cases that Add took.
type Suite struct {
	Name       string      `xml:"name,attr"`
	Package    string      `xml:"package,attr"`
	ID         int         `xml:"id,attr"`
	Timestamp  string      `xml:"timestamp,attr"` // without a zone: UTC
	Hostname   string      `xml:"hostname,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Time       string      `xml:"time,attr"`  // seconds
	Properties *Properties `xml:"properties"` // nil: none
	Cases      []Case      `xml:"testcase"`
	Out        string      `xml:"system-out"`
	Err        string      `xml:"system-err"`

	took time.Duration
}

// Properties are what is said of a whole suite, one at least.
type Properties struct {
	List []Property `xml:"property"`
}

// Property is a name with a value.
type Property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// Case is one result: passed, where it has none of Skipped, Error and Failure.
type Case struct {
	Name      string   `xml:"name,attr"`
	ClassName string   `xml:"classname,attr"`
	Time      string   `xml:"time,attr"` // set by Suite.Add
	Skipped   *Skipped `xml:"skipped"`
	Error     *Reason  `xml:"error"`
	Failure   *Reason  `xml:"failure"`
}

// Skipped says why a case did not count.
type Skipped struct {
	Text string `xml:",chardata"`
}

// Reason is why a case failed.
type Reason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// Suite adds a suite without cases, which began at that time.
func (r *Report) Suite(pkg, name string, began time.Time) *Suite {
	s := &Suite{Name: name, Package: pkg, ID: len(r.Suites), Hostname: "localhost", Timestamp: began.UTC().Format("2006-01-02T15:04:05"), Time: seconds(0)}
	r.Suites = append(r.Suites, s)
	return s
}

// Add adds a case that took so long. What is not printable in its texts is written as Go escapes it.
func (s *Suite) Add(c Case, took time.Duration) {
	c.Name, c.ClassName, c.Time = printable.Line(c.Name), printable.Line(c.ClassName), seconds(took)
	c.Failure, c.Error = c.Failure.printable(), c.Error.printable()
	if c.Skipped != nil {
		c.Skipped = &Skipped{Text: printable.Text(c.Skipped.Text)}
	}
	s.took += took
	s.Time = seconds(s.took)
	s.Tests++
	for n, is := range map[*int]bool{&s.Failures: c.Failure != nil, &s.Errors: c.Error != nil, &s.Skipped: c.Skipped != nil} {
		if is {
			*n++
		}
	}
	s.Cases = append(s.Cases, c)
}

func (r *Reason) printable() *Reason {
	if r == nil {
		return nil
	}
	return &Reason{Message: printable.Text(r.Message), Type: printable.Line(r.Type), Text: printable.Text(r.Text)}
}

// Write writes the report. What XML has no character for is written as U+FFFD.
func (r *Report) Write(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, printable.Text(b.String()))
	return err
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
