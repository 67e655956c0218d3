package contract_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// spoilt is our fake with two faults: a wrong text of one error, and a connection that breaks.
func spoilt(t *testing.T) *contract.Report {
	t.Helper()
	target := fake(t, mockserver.Options{})
	honest := target.Handler
	target.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "getsession") && r.URL.Query().Get("access_token") == "" {
			w.Header().Set("Content-Type", "application/json;charset=UTF-8")
			_, _ = io.WriteString(w, `{"errcode":40035,"errmsg":"缺少参数 <access_token> & \"more\" ]]>","request_id":"16l4ew3d47pdp"}`)
			return
		}
		if r.Method == http.MethodHead {
			panic(http.ErrAbortHandler)
		}
		honest.ServeHTTP(w, r)
	})
	report, err := contract.Verify(t.Context(), target, &contract.Options{
		Operations: []string{"gettoken", "getsession"}, Seed: 42, Timeout: time.Minute, Known: []string{"gettoken/head", "gettoken/post"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// write writes a report to a file, under DINGMOCK_REPORTS where that is set so that CI keeps it, and returns the file's bytes.
func write(t *testing.T, name string, to func(io.Writer) error) []byte {
	t.Helper()
	dir := os.Getenv("DINGMOCK_REPORTS")
	if dir == "" {
		dir = t.TempDir()
	}
	var b bytes.Buffer
	if err := to(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// element is any XML element.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Children []element  `xml:",any"`
	Text     string     `xml:",chardata"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// The structure of the published JUnit schemas of Apache Ant and Jenkins: of each element the attributes that it has to have, with
// their form, those that it may have, and its children in their order, "*" for any number and "?" for at most one.
var junitSchema = map[string]struct {
	must, may map[string]string
	children  []string
	choice    bool // at most one of the children
}{
	"testsuites": {children: []string{"testsuite*"}},
	"testsuite": {
		must: map[string]string{
			"name": `.+`, "package": `.+`, "id": `\d+`, "hostname": `.+`, "tests": `\d+`, "failures": `\d+`, "errors": `\d+`,
			"time": `\d+(\.\d+)?`, "timestamp": `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`,
		},
		may:      map[string]string{"skipped": `\d+`},
		children: []string{"properties", "testcase*", "system-out", "system-err"},
	},
	"properties": {children: []string{"property*"}},
	"property":   {must: map[string]string{"name": `.+`, "value": `.*`}},
	"testcase": {
		must:     map[string]string{"name": `.+`, "classname": `.+`, "time": `\d+(\.\d+)?`},
		children: []string{"skipped?", "error?", "failure?"}, choice: true,
	},
	"skipped":    {},
	"error":      {must: map[string]string{"type": `.*`}, may: map[string]string{"message": `(?s).*`}},
	"failure":    {must: map[string]string{"type": `.*`}, may: map[string]string{"message": `(?s).*`}},
	"system-out": {},
	"system-err": {},
}

func (e element) validate() error {
	name := e.XMLName.Local
	schema, ok := junitSchema[name]
	if !ok {
		return errors.New("there is no element " + name)
	}
	for want, form := range schema.must {
		if !slices.ContainsFunc(e.Attrs, func(a xml.Attr) bool { return a.Name.Local == want }) {
			return errors.New(name + " lacks the attribute " + want)
		}
		if !regexp.MustCompile(`^(?:` + form + `)$`).MatchString(e.attr(want)) {
			return errors.New(name + ": " + want + " is " + e.attr(want))
		}
	}
	for _, a := range e.Attrs {
		if schema.must[a.Name.Local] == "" && schema.may[a.Name.Local] == "" {
			return errors.New(name + " has the attribute " + a.Name.Local)
		}
	}
	at := 0
	for _, want := range schema.children {
		plain := strings.TrimRight(want, "*?")
		n := 0
		for at < len(e.Children) && e.Children[at].XMLName.Local == plain {
			if err := e.Children[at].validate(); err != nil {
				return err
			}
			n++
			at++
		}
		if plain == want && n != 1 || strings.HasSuffix(want, "?") && n > 1 {
			return errors.New(name + " has " + strconv.Itoa(n) + " of " + plain)
		}
	}
	if at != len(e.Children) || schema.choice && len(e.Children) > 1 {
		return errors.New(name + " has a child too many or out of order")
	}
	return nil
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	report := spoilt(t)
	data := write(t, "contract-spoilt.junit.xml", report.WriteJUnit)
	var root element
	if err := xml.Unmarshal(data, &root); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	if err := root.validate(); err != nil {
		t.Errorf("%v in\n%s", err, data)
	}
	cases, failures := 0, 0
	for _, suite := range root.Children {
		sum := map[string]int{}
		for _, c := range suite.Children {
			if c.XMLName.Local == "testcase" {
				cases++
				sum["tests"]++
				for _, end := range c.Children {
					sum[map[string]string{"failure": "failures", "error": "errors", "skipped": "skipped"}[end.XMLName.Local]]++
					if end.XMLName.Local == "failure" && !strings.Contains(end.Text, "curl -i") {
						t.Errorf("the failure of %s has no curl line:\n%s", c.attr("name"), end.Text)
					}
				}
			}
		}
		failures += sum["failures"]
		for name, n := range sum {
			if suite.attr(name) != strconv.Itoa(n) {
				t.Errorf("%s: %s is %s, counted %d", suite.attr("name"), name, suite.attr(name), n)
			}
		}
	}
	wantCases, wantFailures := len(report.Results), len(report.Broken())
	if first := root.Children[0]; first.attr("name") != "mend first" || len(report.Causes) == 0 || slices.ContainsFunc(report.Causes, func(c *contract.Cause) bool {
		return !slices.ContainsFunc(first.Children, func(e element) bool { return e.XMLName.Local == "system-out" && strings.Contains(e.Text, c.String()) })
	}) {
		t.Errorf("it does not begin with what to mend first:\n%s", data)
	}
	if cases != wantCases || failures != wantFailures || failures == 0 {
		t.Errorf("%d cases and %d failures, want %d and %d", cases, failures, wantCases, wantFailures)
	}
}

// That the target ended during the run is in the files as it is on the screen.
func TestEndedInFiles(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		ends int64 // after so many calls; 0: never
	}{{"ends", 20}, {"stays", 0}} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			target := fake(t, mockserver.Options{})
			honest := target.Handler
			var calls atomic.Int64
			srv := httptest.NewUnstartedServer(nil)
			srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) > x.ends && x.ends != 0 {
					_ = srv.Listener.Close()
					panic(http.ErrAbortHandler)
				}
				honest.ServeHTTP(w, r)
			})
			srv.Start()
			t.Cleanup(srv.Close)
			target.Handler, target.URL = nil, srv.URL
			report, err := contract.Verify(t.Context(), target, &contract.Options{Operations: []string{"gettoken"}, Timeout: time.Minute, NoGenerated: true, Parallel: 1})
			if err != nil {
				t.Fatal(err)
			}
			var asJSON, asXML bytes.Buffer
			if err := errors.Join(report.WriteJSON(&asJSON), report.WriteJUnit(&asXML)); err != nil {
				t.Fatal(err)
			}
			var got contract.JSONReport
			if err := json.Unmarshal(asJSON.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Ended != (x.ends != 0) {
				t.Errorf("JSON: ended is %t", got.Ended)
			}
			if told := strings.Contains(asXML.String(), "<system-err>the server ended during the run</system-err>"); told != (x.ends != 0) {
				t.Errorf("JUnit: that it ended is told: %t\n%s", told, asXML.String())
			}
			if n, want := strings.Count(asXML.String(), "<error "), report.Count(contract.Errored); n != want {
				t.Errorf("JUnit: %d errors, want %d", n, want)
			}
		})
	}
}

func TestJSONReport(t *testing.T) {
	t.Parallel()
	report := spoilt(t)
	data := write(t, "contract-spoilt.json", report.WriteJSON)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var got contract.JSONReport
	if err := dec.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Version != contract.JSONVersion || got.Seed != 42 || got.OK || len(got.Cases) != len(report.Results) {
		t.Errorf("version %d, seed %d, ok %t, %d cases", got.Version, got.Seed, got.OK, len(got.Cases))
	}
	sum := 0
	for _, n := range got.Summary {
		sum += n
	}
	if sum != len(got.Cases) {
		t.Errorf("the summary is of %d cases, there are %d", sum, len(got.Cases))
	}
	i := slices.IndexFunc(got.Cases, func(c contract.JSONCase) bool { return c.ID == "getsession/auth-token-blank" })
	c := got.Cases[i]
	if c.Outcome != contract.Fail || c.Failure == nil || c.Failure.Request == "" || c.Failure.Reply == "" || c.Failure.Diff == "" || c.Rule == "" {
		t.Errorf("getsession/auth-token-blank is %+v", c)
	}
}

// TestKnownFailures shows that a known failure runs and does not count, and that one that passes is told.
func TestKnownFailures(t *testing.T) {
	t.Parallel()
	report := spoilt(t)
	var text bytes.Buffer
	for _, r := range report.Results {
		text.WriteString(r.Line() + "\n")
	}
	for _, want := range []string{
		"fail        SHOULD gettoken/head (a known failure)\n",
		"pass        SHOULD gettoken/post (in the list of known failures, but it passes)\n",
		"fail        MUST   getsession/auth-token-blank\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no line %q in\n%s", want, text.String())
		}
	}
	if slices.ContainsFunc(report.Broken(), func(r contract.Result) bool { return r.Known }) {
		t.Error("a known failure counts")
	}
	report.Exact = true
	if !slices.ContainsFunc(report.Broken(), func(r contract.Result) bool { return r.ID == "gettoken/post" }) {
		t.Error("with Exact, a known failure that passes does not count")
	}

	list, err := contract.ReadKnown(strings.NewReader("# a list\n\ngettoken/head # why\n  gettoken/post\n"))
	if err != nil || !slices.Equal(list, []string{"gettoken/head", "gettoken/post"}) {
		t.Errorf("ReadKnown: %v, %v", list, err)
	}
	if _, err = contract.ReadKnown(strings.NewReader("\ngettoken/none\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("ReadKnown of an unknown id: %v", err)
	}
}

// What is known to fail does not hide what fails as well.
func TestKnownFailureHidesNothing(t *testing.T) {
	t.Parallel()
	verify := func(known []string) *contract.Report {
		target := fake(t, mockserver.Options{})
		honest := target.Handler
		target.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "create_session") {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			honest.ServeHTTP(w, r)
		})
		report, err := contract.Verify(t.Context(), target, &contract.Options{Operations: []string{"create_session"}, Seed: 1, NoGenerated: true, Timeout: time.Minute, Known: known})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := verify(nil)
	if len(first.Causes) == 0 || len(first.Causes[0].Breaks) == 0 {
		t.Fatalf("causes %v", first.Causes)
	}
	if second := verify(first.Causes[0].Breaks); len(second.Causes) == 0 || len(second.Broken()) == 0 {
		t.Errorf("with %v known to fail, nothing is to be mended", first.Causes[0].Breaks)
	}
}

// TestNoSecretInReports looks for what must not be there, in every form of the report.
func TestNoSecretInReports(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var secrets []string
	target := fake(t, mockserver.Options{})
	target.Powers = contract.Powers{}
	target.App = contract.App{AppKey: "mock-secretive", AppSecret: "QzX81hushhush", CorpID: "mock-secretive", CorpSecret: "QzX81hushhush"}
	honest := target.Handler
	target.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if token := r.URL.Query().Get("access_token"); len(token) == 32 && !slices.Contains(secrets, token) {
			secrets = append(secrets, token)
		}
		mu.Unlock()
		w.Header().Set("X-Spoilt", "1")
		honest.ServeHTTP(&spoiler{w}, r)
	})
	report, err := contract.Verify(t.Context(), target, &contract.Options{Parallel: 1, Timeout: time.Minute, Run: func(id string) bool { return !strings.HasPrefix(id, "generated") }})
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, to := range []func(io.Writer) error{report.WriteText, report.WriteJSON, report.WriteJUnit, report.WriteGitHub} {
		if err := to(&all); err != nil {
			t.Fatal(err)
		}
	}
	if n := report.Count(contract.Fail) + report.Count(contract.Blocked); n < 20 || len(secrets) == 0 {
		t.Fatalf("only %d rules are broken or blocked, %d tokens seen: the test shows nothing", n, len(secrets))
	}
	for _, secret := range append(secrets, "QzX81hushhush") {
		if strings.Contains(all.String(), secret) && !strings.Contains("00000000000000000000000000000000", secret) {
			at := strings.Index(all.String(), secret)
			t.Errorf("the reports hold the secret %s: …%s…", secret, all.String()[max(0, at-200):min(all.Len(), at+60)])
		}
	}
}

// spoiler changes the type of each reply, so that every case fails and shows what it sent and got.
type spoiler struct{ http.ResponseWriter }

func (s *spoiler) WriteHeader(status int) {
	if s.Header().Get("Content-Type") != "application/json" {
		s.Header().Set("Content-Type", "text/json")
	}
	s.ResponseWriter.WriteHeader(status)
}
