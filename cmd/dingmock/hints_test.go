package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// onPath is a folder with dingmock, which is this program, and npm, which makes a call.
func onPath(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for name, script := range map[string]string{
		"dingmock": "#!/bin/sh\n" + asCommand + "=1 exec " + os.Args[0] + ` "$@"` + "\n",
		"npm":      "#!/bin/sh\nexec curl -sS \"$DINGMOCK_URL/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret\"\n",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	return bin
}

// The lines that serve prints to be pasted run in a shell, with whatever apps.
func TestBannerLines(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "sh", "bash")
	for name, x := range map[string]struct {
		args []string
		want int // replies that are a success
	}{
		"the default app":   {nil, 2},
		"an app of its own": {[]string{"--app", "mykey:myS3cret"}, 2},
		"no other":          {[]string{"--app", "mykey:myS3cret", "--no-auto-apps"}, 2},
		"without sessions":  {[]string{"--without-sessions"}, 0},
	} {
		c := startServe(t, nil, x.args...)
		_, lines, _ := strings.Cut(c.stdout.String(), "\nTry it")
		_, lines, ok := strings.Cut(lines, ":\n\n")
		if !ok {
			t.Fatalf("%s: no lines: %s", name, c.stdout)
		}
		for _, program := range []string{"sh", "bash"} {
			cmd := bounded(t, program, "-e")
			cmd.Stdin = strings.NewReader(lines)
			cmd.Env = append(os.Environ(), "APPSECRET=myS3cret")
			out, err := cmd.CombinedOutput()
			if err != nil || !regexp.MustCompile(`^[0-9a-f]{32}\n`).Match(out) || strings.Count(string(out), `{"errcode":0,`) != x.want {
				t.Errorf("%s: %s: %v\n%s%s", name, program, err, lines, out)
			}
		}
	}
}

// What errors and help say to run is run.
func TestHintsRun(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "sh", "bash")
	path := "PATH=" + onPath(t) + ":" + os.Getenv("PATH")
	fake := startServe(t, nil, "--tls-addr", "127.0.0.1:0")
	get(t, fake.url+"/gettoken?appkey=mock-h&appsecret=x")
	for _, x := range []struct {
		said []string // by which command
		hint string   // in what it says
		line string   // that is the hint with what is to be filled in
		want string   // in what that says
	}{
		{[]string{"serve", "--app", "mock-h"}, "dingmock verdict --app NAME", "dingmock verdict --app mock-h", "calls: 1, none off-spec\n"},
		{[]string{"run", "--"}, "dingmock run -- PROGRAM", "dingmock run --allow-no-calls -- true", "calls: 0, none off-spec\n"},
		{[]string{"help"}, "dingmock COMMAND --help", "dingmock verify --help", "Usage: dingmock verify"},
		{[]string{"help"}, "--help prints it", "dingmock --help", "Usage: dingmock"},
		{[]string{"version"}, "--version prints it", "dingmock --version", versionString()},
		{[]string{"serve", "--port", "1"}, "--addr HOST:PORT", "dingmock serve --addr 127.0.0.1:x", "--addr 127.0.0.1:x: "},
		{[]string{"run", "--help"}, "dingmock run --strict -- sh -ec", throttling, `"errcode":90018,`},
	} {
		_, stdout, stderr := tryRun(t, nil, x.said...)
		if said := strings.Join(strings.Fields(stdout+stderr), " "); !strings.Contains(said, x.hint) {
			t.Errorf("%v does not say %q: %s", x.said, x.hint, said)
		}
		for _, program := range []string{"sh", "bash"} {
			cmd := bounded(t, program, "-c", x.line)
			cmd.Env = append(os.Environ(), path, "DINGMOCK_URL="+fake.url)
			out, _ := cmd.CombinedOutput() // its exit code is told by what it says
			if !strings.Contains(string(out), x.want) {
				t.Errorf("%s: %s says %s, want %q", program, x.line, out, x.want)
			}
		}
	}
	banner := regexp.MustCompile(`(https?://\S+)/_mock/ca\.pem \((dingmock ca) prints it\)`).FindStringSubmatch(fake.stdout.String())
	if banner == nil {
		t.Fatalf("serve does not say where the certificate is: %s", fake.stdout)
	}
	for _, line := range []string{"curl -sSf " + banner[1] + "/_mock/ca.pem", banner[2]} {
		cmd := bounded(t, "sh", "-c", line)
		cmd.Env = append(os.Environ(), path, "DINGMOCK_URL="+fake.url)
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "-----BEGIN CERTIFICATE") {
			t.Errorf("%s: %v: %s", line, err, out)
		}
	}
}

// What a command prints ends with a newline, and so does what it writes into files, as TestForeignCalls looks at.
func TestLastNewline(t *testing.T) {
	t.Parallel()
	fake := startServe(t, nil, "--tls-addr", "127.0.0.1:0")
	for _, args := range [][]string{
		{}, {"--help"}, {"--version"}, {"spec"}, {"ca", "--url", fake.url}, {"ca", "--tls-dir", t.TempDir()}, {"verify", "--list"}, {"verdict", "--url", fake.url, "--allow-no-calls"},
		{"serve", "--help"}, {"verify", "--help"}, {"verdict", "--help"}, {"run", "--help"}, {"proxy", "--help"}, {"ready", "--help"}, {"ca", "--help"}, {"spec", "--help"},
		{"none"}, {"serve", "--none"}, {"verify", "--none"}, {"verdict", "--none"}, {"run", "--none"}, {"proxy", "--none"}, {"ready", "--none"}, {"ca", "--none"}, {"spec", "--none"},
		{"verdict", "--url", fake.url}, {"verify", "--url", "http://127.0.0.1:1"}, {"ready", "--url", "http://127.0.0.1:1"}, {"proxy", "--upstream", "x"}, {"run", "--", "/no/such"},
	} {
		_, stdout, stderr := tryRun(t, nil, args...)
		if stdout+stderr == "" {
			t.Errorf("%q prints nothing", args)
		}
		for name, text := range map[string]string{"stdout": stdout, "stderr": stderr} {
			if text != "" && !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n\n") {
				t.Errorf("%q: %s ends %q", args, name, fmt.Sprintf("%.40s", text[max(0, len(text)-40):]))
			}
		}
	}
}
