package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/dingmock/dingmock/internal/docs"
)

// What the README's table says to type from a checkout, by who has what.
func fromCheckout(t *testing.T) (list []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?m)^\\| (?:Go|Docker) \\| `([^`]+)`").FindAllStringSubmatch(readText(t, "README.md"), -1) {
		list = append(list, m[1])
	}
	return list
}

// shell is a line, or a script, as a person types it into sh, in a folder.
func shell(t *testing.T, dir, script string, env ...string) ran {
	t.Helper()
	cmd := bounded(t, "sh", "-c", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	stdout, stderr := newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return ends(cmd, stdout, stderr)
}

// succeeds runs a script, which must succeed, and returns its output.
func succeeds(t *testing.T, dir, script string, env ...string) string {
	t.Helper()
	r := shell(t, dir, script, env...)
	if r.code != 0 {
		t.Fatalf("%s\nexit code %d, stdout:\n%s\nstderr:\n%s", script, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// The first commands of the README do what they say in a checkout. The second of them is what runs this test.
func TestReadmeCheckout(t *testing.T) {
	t.Parallel()
	needs(t, "go")
	block := blocks(readText(t, "README.md"), "sh")[0]
	if diff := cmp.Diff("go run ./cmd/dingmock serve\ngo test ./...\n", block); diff != "" {
		t.Errorf("the first commands (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"go install ./cmd/dingmock", "docker build -t dingmock ."}, fromCheckout(t)); diff != "" {
		t.Errorf("the ways in (-want +got):\n%s", diff)
	}
	t.Run("go run ./cmd/dingmock serve", func(t *testing.T) {
		t.Parallel()
		succeeds(t, "../..", "go run ./cmd/dingmock --version") // compiles and links, which takes long the first time
		cmd := bounded(t, "go", "run", "./cmd/dingmock", "serve")
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "DINGMOCK_ADDR=127.0.0.1:0") // 8080 may be somebody's
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		end := func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) } // as the terminal's ^C
		cmd.Cancel = end
		stdout, stderr := newOutput(), newOutput()
		cmd.Stdout, cmd.Stderr = stdout, stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan ran, 1)
		go func() { ended <- ends(cmd, stdout, stderr) }()
		if !stdout.waitFor("Try it") {
			t.Fatalf("it does not start: %s", stderr)
		}
		at := host(stdout)
		if token := get(t, "http://"+at+"/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret"); token["errcode"] != 0.0 {
			t.Errorf("gettoken: %v, stderr %s", token, stderr)
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if r := soon(t, ended, "the end"); !strings.Contains(r.stderr, "stopped") {
			t.Errorf("after ^C: %+v", r)
		}
	})
	t.Run("go install ./cmd/dingmock", func(t *testing.T) {
		t.Parallel()
		bin := t.TempDir()
		succeeds(t, "../..", "go install ./cmd/dingmock", "GOBIN="+bin, "GOFLAGS=")
		if out := succeeds(t, bin, "dingmock spec", "PATH="+bin+":"+os.Getenv("PATH")); !strings.HasPrefix(out, "openapi: ") {
			t.Errorf("the program says %.100q", out)
		}
	})
}

// The Go programs of README and docs/go.md compile as they stand, and their tests pass, in the module that docs/go.md
// makes for them. Those with a container are run in mockserver/testcontainer.
func TestReadmeGo(t *testing.T) {
	t.Parallel()
	needs(t, "go")
	docs.RunGo(t, repository(t), 1, func(program string) (string, bool) { return program, !strings.Contains(program, "/testcontainer\"") })
}

// readmeRun is where the other commands of the README run: a separate network, with the ports that they name.
type readmeRun struct {
	env     []string // with the program dingmock, and sudo
	quick   string   // a variable: PATH with an npm that starts in no time, beside these
	project string   // somebody's, whose tests get a token
}

// readmeBlocks are the other blocks, by how they begin.
var readmeBlocks = []struct {
	begins string
	try    func(r *readmeRun, t *testing.T, block string)
}{
	{"dingmock run --strict", (*readmeRun).pipeline},
	{"api=", (*readmeRun).control},
	{"cat >test.sh", (*readmeRun).throttled},
	{"echo '127.0.0.1 oapi", (*readmeRun).laptop},

	{"dingmock run --strict -- npm test", (*readmeRun).run}, // docs/run.md
	{"dingmock run --write-baseline", (*readmeRun).baseline},
}

// The commands of the README run as they stand and do what they say.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "node", "npm", "php")
	if !apart(t, syscall.CLONE_NEWNET) {
		return
	}
	loopbackUp(t)
	bin := t.TempDir()
	for name, script := range map[string]string{
		"dingmock": asCommand + "=1 exec '" + os.Args[0] + `' "$@"`,
		"sudo":     `exec "$@"`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	quick := t.TempDir()
	if err := os.WriteFile(filepath.Join(quick, "npm"), []byte("#!/bin/sh\nexec node app.js\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	r := &readmeRun{quick: "PATH=" + quick + ":" + bin + ":" + os.Getenv("PATH"), env: []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, project: t.TempDir()}
	writeFiles(t, r.project, map[string]string{
		"package.json": `{"scripts":{"test":"node app.js"}}`,
		"app.js": `(async () => {
  for (let tries = 0; tries < 2; tries++) {
    const url = 'https://oapi.dingtalk.com/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret'
    const reply = await (await fetch(url + (process.env.EXTRA || ''))).json()
    console.log('errcode', reply.errcode, reply.sub_code || '')
    if (reply.errcode === 0) return
  }
  process.exit(1)
})()`,
	})
	list := append(blocks(readText(t, "README.md"), "sh")[1:], blocks(readText(t, "docs/run.md"), "sh")...)
	if len(list) != len(readmeBlocks) {
		t.Fatalf("README and docs/run.md have %d more blocks of commands, and this test knows %d", len(list), len(readmeBlocks))
	}
	for i, block := range list {
		x := readmeBlocks[i]
		if !strings.HasPrefix(block, x.begins) {
			t.Errorf("%q does not begin with %q", block, x.begins)
			continue
		}
		t.Run(x.begins, func(t *testing.T) { x.try(r, t, block) })
	}
}

// code runs a line in the project and returns its exit code, and what it printed.
func (r *readmeRun) code(t *testing.T, line string, env ...string) (int, string) {
	t.Helper()
	x := shell(t, r.project, line, append(slices.Clone(r.env), env...)...)
	return x.code, x.stdout + x.stderr
}

func (r *readmeRun) pipeline(t *testing.T, block string) {
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[1], "docker run ") { // which mockserver/testcontainer runs
		t.Fatalf("the block is not as it was: %q", lines)
	}
	const extra = "EXTRA=&x=1"
	if code, text := r.code(t, lines[0]); code != 0 || !strings.Contains(text, "errcode 0") {
		t.Errorf("%s: exit code %d\n%s", lines[0], code, text)
	}
	if code, text := r.code(t, lines[0], extra); code != 1 || !strings.Contains(text, "undeclared-parameter") {
		t.Errorf("%s, off-spec: exit code %d\n%s", lines[0], code, text)
	}
	c := startServe(t, map[string]string{"DINGMOCK_ADDR": "127.0.0.1:8080"})
	if code, text := r.code(t, lines[2]); code != 0 {
		t.Errorf("%s: exit code %d\n%s", lines[2], code, text)
	}
	const call = "curl -sS 'http://127.0.0.1:8080/gettoken?appkey=mock-a&appsecret=any'"
	for _, x := range []struct {
		after, says string
		codes       [2]int // of verdict and of curl
	}{
		{"true", "no call came", [2]int{1, 22}},
		{call, "", [2]int{0, 0}},
		{call + `"$EXTRA"`, "undeclared-parameter", [2]int{1, 22}},
	} {
		r.code(t, x.after, extra)
		for i, line := range lines[3:] {
			if code, text := r.code(t, line); code != x.codes[i] || !strings.Contains(text, x.says) {
				t.Errorf("%s, after %s: exit code %d, want %d\n%s", line, x.after, code, x.codes[i], text)
			}
		}
	}
	c.end(t)
}

func (r *readmeRun) run(t *testing.T, block string) {
	if code, text := r.code(t, block); code != 0 {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// The baseline of what is wrong lets just that pass.
func (r *readmeRun) baseline(t *testing.T, block string) {
	if code, text := r.code(t, "set -e\n"+block, "EXTRA=&x=1", r.quick); code != 0 || !strings.Contains(text, "known: ") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	_, judged, _ := strings.Cut(block, "\n")
	for extra, want := range map[string]string{"EXTRA=&x=1&y=2": "off-spec: ", "EXTRA=": "no longer occurs: gettoken undeclared-parameter /query/x"} {
		if code, text := r.code(t, judged, extra, r.quick); code != 1 || !strings.Contains(text, want) {
			t.Errorf("%s: exit code %d\n%s", extra, code, text)
		}
	}
}

func (r *readmeRun) control(t *testing.T, block string) {
	c := startServe(t, map[string]string{"DINGMOCK_ADDR": "127.0.0.1:8080"})
	// Calls of the app between the rules and the wait, which would otherwise wait in vain.
	lines := strings.Split(strings.TrimSpace(block), "\n")
	call := "curl 'http://127.0.0.1:8080/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret'"
	lines = slices.Insert(lines, len(lines)-1, call, call)
	out := succeeds(t, r.project, "set -e\n"+strings.Join(lines, "\n"), r.env...)
	for _, want := range []string{`"id":"r1"`, `"id":"r4"`, `"fault":"tls-expired"`, `"offset":"2h0m0s"`, `"errcode":90018`, `"expires_in":2}`, `"ok":true`} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %s:\n%s", want, out)
		}
	}
	c.end(t)
}

// The example of run's help says the same.
func (r *readmeRun) throttled(t *testing.T, block string) {
	_, help, _ := tryRun(t, nil, "run", "--help")
	example := regexp.MustCompile(`(?m)^    (dingmock run .*\n(?:    .*\n)+)`).FindString(help)
	for _, script := range []string{block, example} {
		if code, text := r.code(t, script, r.quick); code != 0 || !strings.Contains(text, "errcode 90018") || !strings.Contains(text, "errcode 0") {
			t.Errorf("%s\nexit code %d\n%s", script, code, text)
		}
	}
}

func (r *readmeRun) laptop(t *testing.T, block string) {
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/etc/hosts", unix.MNT_DETACH) })
	block = strings.ReplaceAll(block, "examples/", "'"+repository(t)+"/examples/'")
	server := strings.LastIndex(strings.TrimSuffix(block, "\n"), "\n") + 1 // the last line, which runs until ^C
	if !strings.HasPrefix(block[server:], "php ") {
		t.Fatalf("the block is not as it was:\n%s", block)
	}
	out := succeeds(t, r.project, "set -e\n"+block[:server]+"fake=$!\n"+strings.TrimSuffix(block[server:], "\n")+` &
web=$!
curl -sS --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/session.php
kill $web $fake; wait || true`, r.env...)
	if !strings.Contains(out, "closed s-php\n") {
		t.Errorf("the program says:\n%s", out)
	}
}

func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
