package main

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// TestVerifyServe holds this command's own server to the document, as a user would.
func TestVerifyServe(t *testing.T) {
	t.Parallel()
	server := startServe(t, nil, "--quiet", "--max-sessions", "40")
	dir := os.Getenv("DINGMOCK_REPORTS")
	if dir == "" {
		dir = t.TempDir()
	}
	junit, report := filepath.Join(dir, "verify.junit.xml"), filepath.Join(dir, "verify.json")
	code, stdout, stderr := tryRun(t, nil, "verify", "--url", server.url, "--target-max-sessions", "40", "--budget", "50", "--timeout", "1m",
		"--junit", junit, "--json", report, "--min-coverage", "97", "--seed", "7")
	if code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"seed 7", "pass", "document coverage"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not say %q:\n%s", want, stdout)
		}
	}
	t.Log(stdout)
	var suites struct {
		Suites []struct {
			Tests int `xml:"tests,attr"`
		} `xml:"testsuite"`
	}
	data, err := os.ReadFile(junit)
	if err == nil {
		err = xml.Unmarshal(data, &suites)
	}
	if err != nil || len(suites.Suites) == 0 {
		t.Errorf("the JUnit file: %v, %d suites", err, len(suites.Suites))
	}
	var fields struct {
		Version int
		OK      bool
		Cases   []struct{ ID, Outcome string }
	}
	data, err = os.ReadFile(report)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil || fields.Version != contract.JSONVersion || !fields.OK || len(fields.Cases) < 200 {
		t.Errorf("the JSON file: %v, version %d, ok %t, %d cases", err, fields.Version, fields.OK, len(fields.Cases))
	}
}

// TestVerifyWithoutPowers is a server whose control API does not answer: an auto-app is enough for much.
func TestVerifyWithoutPowers(t *testing.T) {
	t.Parallel()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_mock/") {
			http.NotFound(w, r)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	closes(t, srv)
	code, stdout, stderr := tryRun(t, nil, "verify", "--url", srv.URL, "--budget", "0", "--timeout", "1m")
	if code != exitOK || !strings.Contains(stdout, "unsupported") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// TestVerifyBroken is a server that breaks rules.
func TestVerifyBroken(t *testing.T) {
	t.Parallel()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Type", "text/html")
		}
		if r.Method == http.MethodHead || strings.HasSuffix(r.URL.Path, "notexist") {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		fake.ServeHTTP(w, r)
	}))
	closes(t, srv)
	args := []string{"verify", "--url", srv.URL, "--timeout", "1m", "--run", "^(gettoken/(head|post)|paths/.*-unknown)$"}
	code, stdout, stderr := tryRun(t, nil, append(args, "--github")...)
	if code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	for _, want := range []string{"mend these first:\n   1. gettoken: reply-status at /status: found 418, expected 200 (breaks gettoken/head)\n", "breaks gettoken/head\n  SHOULD: A HEAD is answered", "curl -i -I '" + srv.URL, "HTTP 418, text/html", "::error title=gettoken reply-status::"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout does not say %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "4 of 5 cases do not pass (fail: 3, blocked by what is to be mended: 1, error: 0); first to be mended: gettoken: reply-status") {
		t.Errorf("stderr: %s", stderr)
	}

	known := filepath.Join(t.TempDir(), "known")
	list := "gettoken/head\npaths/oapi-unknown # all of them\npaths/topapi-unknown\npaths/v1.0-unknown\n"
	if err := os.WriteFile(known, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr = tryRun(t, nil, append(args, "--known-failures", known)...); code != exitOK {
		t.Errorf("with all failures known: exit code %d\n%s%s", code, stdout, stderr)
	}
	if err := os.WriteFile(known, []byte(list+"gettoken/post\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ = tryRun(t, nil, append(args, "--known-failures", known, "--exact")...); code != exitFailed || !strings.Contains(stdout, "gettoken/post") {
		t.Errorf("with a known failure that passes, and --exact: exit code %d\n%s", code, stdout)
	}
	if code, _, stderr = tryRun(t, nil, append(args, "--known-failures", known, "--min-coverage", "99")...); code != exitFailed || !strings.Contains(stderr, "--min-coverage") {
		t.Errorf("with --min-coverage: exit code %d\n%s", code, stderr)
	}
}

// A run of which nothing can be checked leaves no report of an earlier one.
func TestVerifyReportsOfNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x, j := filepath.Join(dir, "report.xml"), filepath.Join(dir, "report.json")
	for _, name := range []string{x, j} {
		if err := os.WriteFile(name, []byte("yesterday's, all green"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, stderr := tryRun(t, nil, "verify", "--url", nobody, "--junit", x, "--json", j)
	if code != exitUnchecked {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	const why = "nothing listens there (connection refused)"
	data, err := os.ReadFile(j)
	var report contract.JSONReport
	if err == nil {
		err = json.Unmarshal(data, &report)
	}
	if err != nil || report.OK || report.Target != nobody || !strings.Contains(report.Error, why) {
		t.Errorf("%+v, error %v", report, err)
	}
	if data, err := os.ReadFile(x); err != nil || !strings.Contains(string(data), `errors="1"`) || !strings.Contains(string(data), why) {
		t.Errorf("%s, error %v", data, err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 2 {
		t.Errorf("there are the files %v", files)
	}
}

// TestVerifyUnreachable pins what is said of what is no platform, and how the command ends.
func TestVerifyUnreachable(t *testing.T) {
	t.Parallel()
	listener := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
		return "http://" + l.Addr().String()
	}
	html := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>hello</title>")
	}))
	closes(t, html)
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	secure := httptest.NewUnstartedServer(fake)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	secure.StartTLS()
	closes(t, secure)
	strict, err := mockserver.New(&mockserver.Options{NoAutoApps: true})
	if err != nil {
		t.Fatal(err)
	}
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_mock/") {
			http.NotFound(w, r)
			return
		}
		strict.ServeHTTP(w, r)
	}))
	closes(t, stranger)

	for _, tt := range []struct {
		name, url string
		args      []string
		code      int
		says      string
	}{
		{"down", nobody, nil, exitUnchecked, "nothing listens there (connection refused)"},
		{"HTML", html.URL, nil, exitUnchecked, `is not the platform: gettoken is answered with HTTP 200 and "text/html; charset=utf-8" that begins "<!DOCTYPE html>`},
		{"hangs", listener(func(c net.Conn) { <-t.Context().Done(); _ = c.Close() }), []string{"--timeout", "200ms"}, exitUnchecked, "no answer within 200ms"},
		{"closes", listener(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _ = c.Close() }), nil, exitUnchecked, "the connection was"},
		{"resets", listener(func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() }), nil, exitUnchecked, "the connection was"},
		{"a CA that is not known", secure.URL, nil, exitUnchecked, "signed by a CA that is not known here"},
		{"plain HTTP", strings.Replace(html.URL, "http", "https", 1), nil, exitUnchecked, "it speaks plain HTTP, not TLS"},
		{"no such app", stranger.URL, nil, exitUnchecked, "the credentials are refused"},
		{"no URL", "", nil, exitUsage, "--url: is empty"},
		{"a bad URL", "localhost:80", nil, exitUsage, "is no base URL"},
		{"a bad pattern", html.URL, []string{"--run", "("}, exitUsage, "--run"},
		{"no case", html.URL, []string{"--run", "^none$"}, exitUsage, "no case is selected"},
		{"a bad CA", html.URL, []string{"--ca", os.DevNull}, exitUsage, "--ca"},
		{"an unknown known failure", html.URL, []string{"--known-failures", "verify_test.go"}, exitUsage, "line 1: there is no case"},
		{"live without credentials", "", []string{"--live"}, exitUsage, "needs the credentials of an app"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := tt.args
			if tt.url != "" {
				args = append(args, "--url", tt.url)
			}
			code, _, stderr := tryRun(t, nil, append([]string{"verify"}, args...)...)
			if code != tt.code || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, want %d; stderr:\n%s\nwant %q", code, tt.code, stderr, tt.says)
			}
		})
	}
}

func TestVerifyList(t *testing.T) {
	t.Parallel()
	code, stdout, _ := tryRun(t, nil, "verify", "--list", "--run", "^gettoken/(renewal|post)$")
	want := []string{"gettoken/renewal ", "MUST", "renews it to 7200 s from that call. [needs: writes, session calls, raw requests, own app, clock]", "gettoken/post ", "SHOULD"}
	for _, text := range want {
		if !strings.Contains(stdout, text) {
			t.Errorf("there is no %q in:\n%s", text, stdout)
		}
	}
	if code != exitOK || strings.Count(stdout, "\n") != 2 {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}
