package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// ran is how a run ended.
type ran struct {
	code           int
	stdout, stderr string
}

// startRun starts run in a separate process, whose files are under dir.
func startRun(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, stdout, stderr *output) {
	t.Helper()
	cmd = itself(t, append([]string{"run"}, args...)...)
	cmd.Env = append(cmd.Env, "TMPDIR="+dir, "NO_PROXY=inherited.example", "no_proxy=inherited.example",
		"NODE_OPTIONS=--no-warnings", "JAVA_TOOL_OPTIONS=-Dinherited=true")
	stdout, stderr = newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, stdout, stderr
}

func ends(cmd *exec.Cmd, stdout, stderr *output) ran {
	_ = cmd.Wait()
	stdout.end()
	stderr.end()
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// runs runs a program to its end and checks that no file is left.
func runs(t *testing.T, args ...string) ran {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "with a space") // every variable must work with it
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := ends(startRun(t, dir, args...))
	if left, _ := filepath.Glob(filepath.Join(dir, "dingmock-run-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return r
}

// A program that sets a rule by DINGMOCK_URL sees a bad certificate as it would see a real one, once.
func TestRunTLSFault(t *testing.T) {
	t.Parallel()
	const (
		rule   = `curl -sSf -o /dev/null -d '{"match":{"host":"oapi.dingtalk.com"},"when":{"times":1},"effect":{"fault":"tls-expired"}}' "$DINGMOCK_URL/_mock/rules" || exit; `
		python = "import urllib.request, urllib.error\ntry: print(urllib.request.urlopen('https://oapi.dingtalk.com/').status)\nexcept urllib.error.URLError as e: print(e.reason.verify_message)"
		fetch  = "fetch('https://oapi.dingtalk.com/').then(r => console.log(r.status), e => console.log(e.cause.code))"
		https  = "require('https').get('https://oapi.dingtalk.com/', r => r.resume() && console.log(r.statusCode)).on('error', e => console.log(e.code))"
	)
	for _, x := range []struct {
		name    string
		program []string
		want    string // of the first connection; the second is answered
	}{
		{"curl", []string{"curl", "-s", "-o", "/dev/null", "-w", "%{exitcode} %{http_code}\n", "https://oapi.dingtalk.com/"}, "60 000\n0 200\n"},
		{"python", []string{"python3", "-c", python}, "certificate has expired\n200\n"},
		{"node's fetch", []string{"node", "-e", fetch}, "CERT_HAS_EXPIRED\n200\n"},
		{"node's https", []string{"node", "-e", https}, "CERT_HAS_EXPIRED\n200\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			needs(t, "curl", x.program[0])
			r := runs(t, append([]string{"--allow-no-calls", "--allow-unknown", "/", "--", "sh", "-c", rule + `"$@"; "$@"; true`, "sh"}, x.program...)...)
			if r.code != 0 || r.stdout != x.want || strings.Contains(r.stderr, "level=WARN") {
				t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
			}
		})
	}
}

// If a program does not trust the fake's certificate, run says so and what to do.
func TestRunRefused(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	r := runs(t, "--", "sh", "-c", `env -u CURL_CA_BUNDLE -u SSL_CERT_FILE curl -s https://oapi.dingtalk.com/; curl -s -o /dev/null https://oapi.dingtalk.com/`)
	if want := `dingmock=warn msg="a client refused the certificate: it does not trust dingmock's authority; have it trust /_mock/ca.pem (dingmock ca)" name=oapi.dingtalk.com`; !strings.Contains(r.stderr, want) {
		t.Errorf("stderr, want %s:\n%s", want, r.stderr)
	}
}

// needsModule skips the test if a program is missing, or fails when asked for a module.
func needsModule(t *testing.T, program string, args ...string) {
	t.Helper()
	needs(t, program)
	if out, err := bounded(t, program, args...).CombinedOutput(); err != nil {
		t.Skipf("%s %v: %v: %s", program, args, err, out)
	}
}

func TestRunExitCode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	lost := filepath.Join(dir, "lost")
	if err := os.WriteFile(lost, []byte("#!/no/such/shell\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"success", []string{"--", "true"}, 0, "no call came"},
		{"without dashes", []string{"sh", "-c", "exit 0"}, 0, ""},
		{"the program's flags", []string{"--", "sh", "-c", `test "$*" = "--strict -- -x"`, "sh", "--strict", "--", "-x"}, 0, ""},
		{"the program's own", []string{"--", "sh", "-c", "exit 42"}, 42, ""},
		{"a signal", []string{"--", "sh", "-c", "kill -TERM $$"}, 143, ""},
		{"no program", []string{"--"}, 125, "no program is given"},
		{"bad flag", []string{"--no-such-flag", "--", "true"}, 125, "--no-such-flag"},
		{"bad state", []string{"--state", file, "--", "true"}, 125, "--state: " + file},
		{"bad log", []string{"--keep-logs", dir, "--", "true"}, 125, "--keep-logs: "},
		{"not executable", []string{"--", file}, 126, "permission denied"},
		{"a folder", []string{"--", dir}, 126, dir},
		{"not found", []string{"--", "no-such-program"}, 127, "no-such-program: there is no such program"},
		{"no such file", []string{"--", "./no-such-program"}, 127, "./no-such-program: there is no such file"},
		{"no interpreter", []string{"--", lost}, 127, lost},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := runs(t, x.args...)
			if r.code != x.code || r.stdout != "" || !strings.Contains(r.stderr, x.want) || x.code > 124 && x.code < 128 && strings.Count(r.stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %d and %q", r.code, r.stdout, r.stderr, x.code, x.want)
			}
		})
	}
}

// A temporary folder that cannot be written is dingmock's failure.
func TestRunNoTemp(t *testing.T) {
	t.Parallel()
	r := ends(startRun(t, filepath.Join(t.TempDir(), "none"), "--", "true"))
	if r.code != exitItself || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("exit code %d, stderr %q", r.code, r.stderr)
	}
}

func TestRunEnvironment(t *testing.T) {
	t.Parallel()
	r := runs(t, "--", "sh", "-c", `env; for f in "$SSL_CERT_FILE" "$NODE_EXTRA_CA_CERTS" "$REQUESTS_CA_BUNDLE" "$CURL_CA_BUNDLE"; do grep -c BEGIN "$f" >&2; done`)
	env := map[string]string{}
	for line := range strings.Lines(r.stdout) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if env[name] != "" {
			t.Errorf("%s is there twice", name)
		}
		env[name] = value
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DINGMOCK_URL"} {
		if !strings.HasPrefix(env[name], "http://127.0.0.1:") {
			t.Errorf("%s=%s", name, env[name])
		}
	}
	if env["DINGMOCK_URL"] == env["HTTP_PROXY"] {
		t.Error("the fake's address is the proxy's")
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if env[name] != "localhost,127.0.0.1,::1,inherited.example" {
			t.Errorf("%s=%s", name, env[name])
		}
	}
	if env["NODE_USE_ENV_PROXY"] != "1" || !strings.HasPrefix(env["JAVA_TOOL_OPTIONS"], "-Dinherited=true ") ||
		!strings.Contains(env["JAVA_TOOL_OPTIONS"], "trustStore=") || !strings.HasPrefix(env["NODE_OPTIONS"], "--no-warnings --require=") {
		t.Errorf("env: %v", env)
	}
	if !strings.HasPrefix(r.stderr, "1\n1\n1\n1\n") {
		t.Errorf("the bundles do not hold one certificate each: %s", r.stderr)
	}
}

// What goes past the proxy still does, but for what would take the platform's names along.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	const own = "localhost,127.0.0.1,::1"
	for inherited, want := range map[string]string{
		"":                             own,
		"db, .corp.example,10.0.0.0/8": own + ",db,.corp.example,10.0.0.0/8",
		"*":                            own,
		"*.dingtalk.com,es:9200":       own + ",es:9200",
		".com com,DingTalk.com":        own,
		"oapi.dingtalk.com:443,::1":    own,
		"api.dingtalk.co,other.com":    own + ",api.dingtalk.co,other.com",
		"[fd00::1]:80,::/0,fd00::/8":   own + ",[fd00::1]:80,::/0,fd00::/8",
		"dingtalk.com.,*talk.com\tdb":  own + ",db",
		"https://oapi.dingtalk.com,es": own + ",es",
	} {
		if got := noProxy(inherited, []string{"oapi.dingtalk.com", "api.dingtalk.com"}); got != want {
			t.Errorf("%q: %q, want %q", inherited, got, want)
		}
	}
}

// signalled is a program that says which signals it gets, and ends at the second.
func signalled() int {
	got := make(chan os.Signal, 16)
	signal.Notify(got, passedOn...)
	fmt.Println("ready")
	for n := range 2 {
		fmt.Printf("got %d: %s\n", n+1, <-got)
	}
	return 7
}

// Signals reach the program, each time, and it decides how to end.
func TestRunSignals(t *testing.T) {
	t.Parallel()
	for _, s := range passedOn {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			cmd, stdout, stderr := startRun(t, t.TempDir(), "--", "env", asCommand+"=signalled", os.Args[0])
			ended := make(chan ran, 1)
			go func() { ended <- ends(cmd, stdout, stderr) }()
			for _, line := range []string{"ready\n", "got 1: " + s.String() + "\n"} {
				if !stdout.waitFor(line) {
					t.Fatalf("no %q: %s%s", line, stdout, stderr)
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			r := soon(t, ended, "the end of run")
			if r.code != 7 || !strings.HasSuffix(r.stdout, "got 2: "+s.String()+"\n") {
				t.Errorf("exit code %d, want 7; stdout %s, stderr %s", r.code, r.stdout, r.stderr)
			}
		})
	}
}

// direct is a program in Go that takes no proxy.
func direct() int {
	client := &http.Client{Transport: &http.Transport{}}
	reply, err := client.Get("https://oapi.invalid/gettoken?appkey=mock-direct&appsecret=any")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = reply.Body.Close() }()
	_, _ = io.Copy(os.Stdout, reply.Body)
	return 0
}

// stormed is a program that ends once it has had a hundred signals.
func stormed() int {
	got := make(chan os.Signal, 1)
	signal.Notify(got, passedOn...)
	fmt.Println("ready")
	for range 100 {
		<-got
	}
	return 7
}

// A storm of signals, which goes on when the program has ended, kills neither the command nor its last words.
func TestRunSignalStorm(t *testing.T) {
	t.Parallel()
	for range 10 {
		cmd, stdout, stderr := startRun(t, t.TempDir(), "--", "env", asCommand+"=stormed", os.Args[0])
		if !stdout.waitFor("ready\n") {
			t.Fatalf("did not begin: %s", stderr)
		}
		over := make(chan struct{})
		var storm sync.WaitGroup
		for range 2 {
			storm.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-over:
						return
					default:
						_ = cmd.Process.Signal(passedOn[n%len(passedOn)])
					}
				}
			})
		}
		r := ends(cmd, stdout, stderr)
		close(over)
		storm.Wait()
		if r.code != 7 || !strings.Contains(r.stderr, "calls: 0") {
			t.Fatalf("%s, stderr %q", cmd.ProcessState, r.stderr)
		}
	}
}

func TestRunVerdict(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	const base = "https://oapi.dingtalk.com"
	for _, x := range []struct {
		name   string
		url    string
		plain  int
		strict int
		want   []string
	}{
		{"on-spec", base + "/gettoken?appkey=mock-x&appsecret=y", 0, 0, []string{"dingmock: calls: 1, none off-spec\n"}},
		{"off-spec", base + "/gettoken?appkey=mock-x&appsecret=y&extra=1", 0, 1, []string{"dingmock: off-spec: mock-x: 1 × gettoken: undeclared-parameter", "dingmock: calls: 1, off-spec in 1 way\n"}},
		{"unknown path", base + "/no/such/path", 0, 1, []string{"dingmock: off-spec: _: 1 × unknown-path"}},
		{"a path that is not modelled", base + "/user/get?access_token=x", 0, 0, []string{"dingmock: note: _: 1 × user.get: not-modelled", "calls: 1, none off-spec; note: 1\n"}},
		{"refused host", "http://other.example/", 0, 1, []string{"dingmock=warn", "host=other.example", "no call came"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{{"--"}, {"--strict", "--"}} {
				r := runs(t, append(args, "curl", "-sS", x.url)...)
				want := x.plain
				if args[0] == "--strict" {
					want = x.strict
				}
				if r.code != want {
					t.Errorf("%v: exit code %d, want %d", args, r.code, want)
				}
				for _, text := range x.want {
					if !strings.Contains(r.stderr, text) {
						t.Errorf("%v: stderr %q, want %q in it", args, r.stderr, text)
					}
				}
			}
		})
	}
	for _, x := range []struct {
		args []string
		code int
	}{
		{[]string{"--strict", "--", "true"}, 1},
		{[]string{"--strict", "--allow-no-calls", "--", "true"}, 0},
		{[]string{"--strict", "--allow-unknown", "/no/*", "--", "curl", "-sS", base + "/no/such/path"}, 1}, // it is no call of DingTalk
		{[]string{"--strict", "--allow-unknown", "/no/*", "--", "curl", "-sS", base + "/no/such/path", base + "/gettoken?appkey=mock-x&appsecret=y"}, 0},
	} {
		if r := runs(t, x.args...); r.code != x.code {
			t.Errorf("%v: exit code %d, want %d\n%s", x.args, r.code, x.code, r.stderr)
		}
	}
	// The program's own failure is not covered up by --strict.
	if r := runs(t, "--strict", "--", "sh", "-c", "curl -sS '"+base+"/gettoken?appkey=a&x=1'; exit 9"); r.code != 9 {
		t.Errorf("exit code %d, want 9", r.code)
	}
}

// The report is what is printed at the end, without what is for GitHub.
func TestReport(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	report := filepath.Join(t.TempDir(), "report.txt")
	r := runs(t, "--report", report, "--github", "--", "curl", "-sS", "https://oapi.dingtalk.com/gettoken?appkey=mock-x&x=1")
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"off-spec: mock-x: 1 × gettoken: undeclared-parameter", "\ncalls: 1, off-spec in 2 ways\n", "\n40035 × 1: "} {
		if !strings.Contains("\n"+string(text), want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	printed := regexp.MustCompile(`(?m)^::.*\n`).ReplaceAllString(r.stderr, "")
	if printed == r.stderr {
		t.Errorf("nothing is printed for GitHub: %s", r.stderr)
	}
	if diff := cmp.Diff(strings.ReplaceAll(printed, "dingmock: ", ""), string(text)); diff != "" {
		t.Errorf("printed and reported differ (-printed +reported):\n%s", diff)
	}

	url := startServe(t, nil).url
	get(t, url+"/gettoken?appkey=mock-x&appsecret=y")
	if code, stdout, stderr := tryRun(t, nil, "verdict", "--url", url, "--report", report); code != 0 {
		t.Errorf("exit code %d, %s", code, stderr)
	} else if text, err := os.ReadFile(report); err != nil || string(text) != stdout {
		t.Errorf("printed %q, reported %q, error %v", stdout, text, err)
	}
	if r := runs(t, "--report", t.TempDir(), "--", "sh", "-c", "echo ran"); r.code != exitItself || r.stdout != "" || !strings.Contains(r.stderr, "--report: open ") {
		t.Errorf("run begins with a report that cannot be written: %+v", r)
	}
	if code, _, stderr := tryRun(t, nil, "verdict", "--url", url, "--report", t.TempDir()); code != 2 || !strings.Contains(stderr, "--report: open ") {
		t.Errorf("a report that cannot be written: exit code %d, %s", code, stderr)
	}
}

// A rule that was never needed is said, so that a test of a failure does not pass without one; more than ten kinds of
// error replies are counted; and what counts may be written as the baseline to come.
func TestRunTells(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	baseline := filepath.Join(t.TempDir(), "baseline")
	r := runs(t, "--strict", "--write-baseline", baseline, "--", "sh", "-c", `
		for app in default mock-a; do
			curl -sSf -o /dev/null -d '{"match":{"operation":"gettoken"},"when":{"times":1},"effect":{"fault":"app-throttled"}}' "$DINGMOCK_URL/_mock/apps/$app/rules" || exit
		done
		curl -sS "https://oapi.dingtalk.com/gettoken?appkey=mock-a&appsecret=x"
		for n in a b c d e f g h i j k; do curl -sS "https://oapi.dingtalk.com/topapi/none/$n"; done`)
	for _, want := range []string{"dingmock: rule r1 of app default (app-throttled, for gettoken) never fired\n", "dingmock: … and 2 more kinds of error replies\n"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("stderr has no %q:\n%s", want, r.stderr)
		}
	}
	if strings.Contains(r.stderr, "of app mock-a") {
		t.Errorf("a rule that fired is said not to:\n%s", r.stderr)
	}
	if text, err := os.ReadFile(baseline); r.code != 0 || err != nil || strings.Count(string(text), "- unknown-path /topapi/none/") != 11 {
		t.Errorf("exit code %d, baseline %q, error %v", r.code, text, err)
	}
	if r := runs(t, "--", "true"); !strings.Contains(r.stderr, "(--strict would fail; --allow-no-calls lets it pass)") {
		t.Errorf("stderr %q", r.stderr)
	}
}

func TestRunStateAndLogs(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	log := filepath.Join(t.TempDir(), "log")
	r := runs(t, "--state", "../../examples/article.json", "--keep-logs", log, "--tls-host", "x.example", "--", "sh", "-c",
		`curl -fsS "https://x.example/gettoken?corpid=your_corpid&corpsecret=your_corpsecret"; curl -fsS "$DINGMOCK_URL/gettoken?appkey=a&appsecret=b"; curl -sS https://other.example/`)
	if !strings.HasPrefix(r.stdout, `{"errcode":0,`) || !strings.Contains(r.stderr, "calls: 2, none off-spec") {
		t.Errorf("stdout %s, stderr %s", r.stdout, r.stderr)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"GET gettoken article 0\n", "GET gettoken _ 40096\n", "level=WARN", "host=other.example:443"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}

// A log that could not be written is said at the end, and the program's exit code stays its own.
func TestRunLogLost(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	r := runs(t, "--keep-logs", "/dev/full", "--", "sh", "-c", `curl -sS "$DINGMOCK_URL/gettoken"; exit 3`)
	if r.code != 3 || strings.Count(r.stderr, "dingmock: --keep-logs: write /dev/full: no space left on device\n") != 1 {
		t.Errorf("%+v", r)
	}
}

// Without a way out other hosts are refused; with one they are reached as they are, and what the system trusts is
// trusted.
func TestRunEgress(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("other\n"))
	}))
	closes(t, other)
	try := []string{"--", "curl", "-sS", "--noproxy", "", other.URL, "-p", "--next", "-sS", "--noproxy", "", other.URL}
	if r := runs(t, try...); strings.Contains(r.stdout, "other\n") || !strings.Contains(r.stdout+r.stderr, "403") {
		t.Errorf("without: %+v", r)
	}
	if r := runs(t, append([]string{"--allow-egress"}, try...)...); r.stdout != "other\nother\n" {
		t.Errorf("with: %+v", r)
	}

	authority, err := impersonate.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"SSL_CERT_FILE": filepath.Join(t.TempDir(), "roots.pem"), "NODE_EXTRA_CA_CERTS": filepath.Join(t.TempDir(), "more.pem")}
	bundle := authority.PEM()
	for _, file := range files {
		more, err := impersonate.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, more.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bundle = append(bundle, systemRoots(func(name string) string { return files[name] })...)
	if n := bytes.Count(bundle, []byte("BEGIN CERTIFICATE")); n != 3 {
		t.Errorf("the bundle holds %d certificates, want 3", n)
	}
	if system, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt"); err == nil {
		if got := systemRoots(func(string) string { return "" }); !bytes.Contains(got, system) {
			t.Error("the system's certificates are left out where no variable names others")
		}
	}
	store, err := trustStore(bundle)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkcs12.DecodeTrustStore(store, storePassword)
	if err != nil || len(certs) != 3 || !bytes.Equal(pemOf(certs[0].Raw), authority.PEM()) {
		t.Errorf("the trust store holds %d certificates, %v", len(certs), err)
	}
	if _, err := exec.LookPath("keytool"); err == nil {
		file := filepath.Join(t.TempDir(), "store.p12")
		if err := os.WriteFile(file, store, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := bounded(t, "keytool", "-list", "-keystore", file, "-storepass", storePassword).CombinedOutput()
		if n := len(regexp.MustCompile("trustedCertEntry").FindAll(out, -1)); err != nil || n != 3 {
			t.Errorf("keytool: %v\n%s", err, out)
		}
	}
}
