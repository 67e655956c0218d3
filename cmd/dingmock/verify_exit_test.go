package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/junit"
	"github.com/dingmock/dingmock/mockserver"
)

const yesterday = "yesterday's, all green"

// yesterdays makes files of an earlier run.
func yesterdays(t *testing.T, names ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(yesterday), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// stranger is a server that is no dingmock, answers the calls as do says, and others as the platform does.
func stranger(t *testing.T, do func(w http.ResponseWriter, r *http.Request) bool) *httptest.Server {
	t.Helper()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_mock/"):
			http.NotFound(w, r)
		case r.Header.Get(mockserver.ProbeHeader) != "":
			t.Errorf("a server that is no dingmock gets the mark, in %s %s", r.Method, r.URL)
		case do == nil || !do(w, r):
			fake.ServeHTTP(&unnamed{w}, r)
		}
	}))
	closes(t, srv)
	return srv
}

// unnamed takes from replies what says that a dingmock sent them.
type unnamed struct{ http.ResponseWriter }

func (f *unnamed) WriteHeader(status int) {
	f.Header().Del("Dingmock-Version")
	f.ResponseWriter.WriteHeader(status)
}

// wrongHead answers HEAD as no platform does.
func wrongHead(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusTeapot)
	}
	return r.Method == http.MethodHead
}

// Each exit of verify has its code, and writes its own reports: no earlier one is left.
func TestVerifyExits(t *testing.T) {
	t.Parallel()
	honest, broken := stranger(t, nil).URL, stranger(t, wrongHead).URL
	ends := func(at int64, first func(http.ResponseWriter, *http.Request) bool) string { // a server that ends at that call
		var srv *httptest.Server
		var calls atomic.Int64
		srv = stranger(t, func(w http.ResponseWriter, r *http.Request) bool {
			if calls.Add(1) < at {
				return first != nil && first(w, r)
			}
			_ = srv.Listener.Close()
			panic(http.ErrAbortHandler)
		})
		return srv.URL
	}
	for _, x := range []struct {
		name   string
		env    map[string]string
		args   []string // FILES stands for the flags that name the reports
		code   int
		says   string // on stderr
		report string // in JUnit and JSON; "": says
		cases  bool   // there are results of cases
		red    bool   // so are the reports: they know no other fault than those of cases, and that none was checked
	}{
		{"kept", nil, []string{"--url", honest, "--run", "^gettoken/", "FILES"}, exitOK, "", "gettoken/", true, false},
		{"broken", nil, []string{"--url", broken, "--run", "^gettoken/head$", "FILES"}, exitFailed, "1 of 1 cases do not pass", "gettoken/head", true, true},
		{"broken, and it ends", nil, []string{"--url", ends(50, wrongHead), "--run", "^gettoken/", "--parallel", "1", "FILES"}, exitFailed, "cases do not pass", "nothing listens there", true, true},
		{"it ends", nil, []string{"--url", ends(20, nil), "--run", "^gettoken/", "FILES"}, exitUnchecked, "rules could not be checked", "nothing listens there", true, true},
		{"it ends, and little is covered", nil, []string{"--url", ends(20, nil), "--run", "^gettoken/", "--min-coverage", "99", "FILES"}, exitUnchecked, "rules could not be checked", "nothing listens there", true, true},
		{"little is covered", nil, []string{"--url", honest, "--run", "^gettoken/head$", "--min-coverage", "99", "FILES"}, exitFailed, "less than --min-coverage", "gettoken/head", true, false},
		{"all unsupported", nil, []string{"--url", honest, "--run", "^gettoken/expires$", "FILES"}, exitUnchecked, "no rule was checked: of 1 case 1 are unsupported", "", true, true},
		{"all skipped", nil, []string{"--url", honest, "--target-without-sessions", "--run", "^getsession/none$", "FILES"}, exitUnchecked, "no rule was checked: of 1 case 0 are unsupported and 1 skipped", "", true, true},
		{"down", nil, []string{"--url", nobody, "FILES"}, exitUnchecked, "nothing listens there", "", false, true},
		{"no case", nil, []string{"--url", honest, "--run", "^none$", "FILES"}, exitUsage, "no case is selected", "", false, true},
		{"an unknown operation", nil, []string{"--url", honest, "--operation", "gettokn", "FILES"}, exitUsage, `there is no operation "gettokn"`, "", false, true},
		{"an unknown operation beside a known one", nil, []string{"--url", honest, "--operation", "gettoken", "--operation", "gettokn", "FILES"}, exitUsage, `there is no operation "gettokn"`, "", false, true},
		{"no URL", nil, []string{"FILES"}, exitUsage, "--url: is empty", "", false, true},
		{"no time", nil, []string{"--url", honest, "--timeout", "0s", "FILES"}, exitUsage, "--timeout: 0s", "", false, true},
		{"no duration", nil, []string{"--url", honest, "--timeout", "soon", "FILES"}, exitUsage, "--timeout", "", false, true},
		{"no duration, after the files", nil, []string{"FILES", "--url", honest, "--timeout", "soon"}, exitUsage, "--timeout", "", false, true},
		{"no such flag", nil, []string{"--colour", "red", "FILES"}, exitUsage, "--colour", "", false, true},
		{"no such flag, files by variables", map[string]string{"DINGMOCK_JUNIT": "JUNIT", "DINGMOCK_JSON": "JSON"}, []string{"--colour", "red"}, exitUsage, "--colour", "", false, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			files := yesterdays(t, "report.xml", "report.json")
			env := map[string]string{}
			for name, value := range x.env {
				env[name] = strings.NewReplacer("JUNIT", files[0], "JSON", files[1]).Replace(value)
			}
			args := []string{"verify", "--budget", "0", "--timeout", "1m"}
			for _, a := range x.args {
				if a == "FILES" {
					args = append(args, "--junit", files[0], "--json="+files[1])
				} else {
					args = append(args, a)
				}
			}
			code, _, stderr := tryRun(t, env, args...)
			if code != x.code || !strings.Contains(stderr, x.says) || strings.Count(stderr, "\n") > 1 {
				t.Errorf("exit code %d, want %d; stderr %q, want %q", code, x.code, stderr, x.says)
			}
			if x.report == "" {
				x.report = x.says
			}
			var suites junit.Report
			data := readReport(t, files[0], x.report)
			if err := xml.Unmarshal(data, &suites); err != nil || len(suites.Suites) == 0 {
				t.Fatalf("%v: %s", err, data)
			}
			wrong := 0
			for _, s := range suites.Suites {
				wrong += s.Failures + s.Errors
			}
			var report contract.JSONReport
			data = readReport(t, files[1], x.report)
			if err := json.Unmarshal(data, &report); err != nil {
				t.Fatalf("%v: %s", err, data)
			}
			if got, want := fmt.Sprint(wrong > 0, !report.OK, len(report.Cases) > 0), fmt.Sprint(x.red, x.red, x.cases); got != want {
				t.Errorf("JUnit is red, JSON is not ok, there are cases: %s, want %s\n%s", got, want, data)
			}
			if list, _ := filepath.Glob(filepath.Join(filepath.Dir(files[0]), "*")); len(list) != 2 {
				t.Errorf("there are the files %v", list)
			}
		})
	}
}

// readReport reads a report, which must contain says, and must not be that of an earlier run.
func readReport(t *testing.T, name, says string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("&#34;", `"`, `\"`, `"`, "&#39;", "'").Replace(string(data))
	if !strings.Contains(plain, says) || strings.Contains(plain, yesterday) {
		t.Errorf("%s does not say %q:\n%.2000s", filepath.Base(name), says, data)
	}
	return data
}

// A signal ends a run with a report of what was checked; whoever kills it finds one that says so.
func TestVerifySignalled(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		signals []syscall.Signal
		code    int
		says    string
	}{
		{"SIGINT", []syscall.Signal{syscall.SIGINT}, exitUnchecked, `"interrupted": true`},
		{"SIGTERM", []syscall.Signal{syscall.SIGTERM}, exitUnchecked, `"interrupted": true`},
		{"SIGKILL", []syscall.Signal{syscall.SIGKILL}, -1, "the run has not ended"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			under := make(chan bool, 1000)
			var calls atomic.Int64
			srv := stranger(t, func(_ http.ResponseWriter, r *http.Request) bool {
				if r.ContentLength == 0 && calls.Add(1) < 20 {
					return false
				}
				_, _ = io.Copy(io.Discard, r.Body) // or else the server does not see that the client has gone
				under <- true
				<-r.Context().Done()
				return true
			})
			files := yesterdays(t, "report.json", "report.xml")
			cmd := itself(t, "verify", "--url", srv.URL, "--budget", "0", "--timeout", "1m", "--json", files[0], "--junit", files[1])
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			soon(t, under, "a call that hangs")
			readReport(t, files[0], "the run has not ended")
			for _, s := range x.signals {
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != x.code {
				t.Errorf("exit code %d, want %d", code, x.code)
			}
			readReport(t, files[0], x.says)
			data := readReport(t, files[1], "the run ")
			var report junit.Report
			if err := xml.Unmarshal(data, &report); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each exit of the commands that judge writes its own reports, too.
func TestVerdictExits(t *testing.T) {
	t.Parallel()
	fake := startServe(t, nil, "--quiet").url
	for _, x := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no call", []string{"verdict", "--url", fake}, exitFailed, "no call came"},
		{"green", []string{"verdict", "--url", fake, "--allow-no-calls"}, exitOK, "none off-spec|no call was off-spec"},
		{"no such flag", []string{"verdict", "--url", fake, "--colour"}, exitUsage, "no verdict: unknown flag --colour"},
		{"no pattern", []string{"verdict", "--url", fake, "--allow-unknown", "x"}, exitUsage, "no verdict: --allow-unknown"},
		{"no baseline", []string{"verdict", "--url", fake, "--baseline", "none"}, exitUsage, "no verdict: --baseline"},
		{"no URL", []string{"verdict", "--url", "x"}, exitUsage, "no verdict: "},
		{"no such app", []string{"verdict", "--url", fake, "--app", "nobody"}, exitUsage, "no verdict: --app"},
		{"down", []string{"verdict", "--url", nobody}, exitUsage, "no verdict: " + nobody + ": no dingmock answers"},
		{"no upstream", []string{"proxy", "--upstream", "x"}, exitUsage, "no verdict: --upstream"},
		{"no address", []string{"proxy", "--upstream", nobody, "--addr", "x"}, exitUsage, "no verdict: "},
		{"no program", []string{"run", "/none/such"}, exitNotFound, "no verdict: run: /none/such"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			files := yesterdays(t, "report.xml", "report.txt")
			args := append([]string{x.args[0], "--junit", files[0], "--report", files[1]}, x.args[1:]...)
			code, _, stderr := tryRun(t, nil, args...)
			if code != x.code {
				t.Errorf("exit code %d, want %d; stderr %q", code, x.code, stderr)
			}
			text, says, either := strings.Cut(x.says, "|")
			if !either {
				says = text
			}
			readReport(t, files[1], text)
			data := readReport(t, files[0], says)
			var report junit.Report
			if err := xml.Unmarshal(data, &report); err != nil {
				t.Fatal(err)
			}
			wrong := report.Suites[0].Failures + report.Suites[0].Errors
			if diff := cmp.Diff(x.code != exitOK, wrong > 0); diff != "" {
				t.Errorf("JUnit is red (-want +got):\n%s\n%s", diff, data)
			}
		})
	}
}
