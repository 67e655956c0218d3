package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dingmock/dingmock"
)

// asCommand makes this test binary the command itself, or another program.
const asCommand = "DINGMOCK_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	switch name := os.Getenv(asCommand); name {
	case "":
		http.DefaultClient.Timeout = limit
		waitTogether()
		os.Exit(m.Run())
	case "1":
		main()
	default:
		os.Exit(programs[name]())
	}
}

// waitTogether has more tests run at once than there are processors, unless -parallel says how many: what they do is wait, for
// programs that start and for the network.
func waitTogether() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return
	}
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
}

// programs are what this test binary is under a name in asCommand. They return the exit code.
var programs = map[string]func() int{"signalled": signalled, "stormed": stormed, "direct": direct}

// limit is how long a test waits for what takes a moment. It keeps a test from hanging, and is no measure: a machine may have much
// else to do.
const limit = 2 * time.Minute

// ending is what a test that hangs has left to say so, before go test stops all of them.
const ending = 30 * time.Second

// nobody is an address where nothing listens: a port that was free a moment ago may belong to another test by now.
const nobody = "http://127.0.0.1:1"

// atMost is the given time, or less if go test would stop all tests before: when its ending begins, or at half of what is left.
func atMost(t testing.TB, wait time.Duration) time.Duration {
	t.Helper()
	if all, ok := t.(*testing.T); ok {
		if end, ok := all.Deadline(); ok {
			left := time.Until(end)
			return min(wait, max(left-ending, left/2))
		}
	}
	return wait
}

// soon takes what comes through a channel.
func soon[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	over := time.NewTimer(atMost(t, limit))
	defer over.Stop()
	select {
	case v := <-c:
		return v
	case <-over.C:
		t.Fatalf("%s did not come in time", what)
		panic("not reached")
	}
}

// closes ends a server with the test, which fails if a call hangs in it: Close alone would wait for that for ever.
func closes(t *testing.T, srv *httptest.Server) {
	t.Helper()
	t.Cleanup(func() {
		closed := make(chan bool, 1)
		go func() {
			srv.Close()
			closed <- true
		}()
		soon(t, closed, "the end of the calls of "+srv.URL)
	})
}

// untilLate ends with the test, or at four times the limit.
func untilLate(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost(t, 4*limit))
	t.Cleanup(cancel)
	return ctx
}

// bounded returns a program that is killed if it hangs.
func bounded(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(untilLate(t), program, args...)
	cmd.WaitDelay = ending / 2 // for what the program leaves behind with its stdout
	return cmd
}

// itself returns a process that runs this binary as the command. It gets a signal to end if it hangs.
func itself(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := bounded(t, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // so that run ends its program as well
	return cmd
}

// output is what a command writes while others wait for it.
type output struct {
	mu   sync.Mutex
	more *sync.Cond
	text bytes.Buffer
	done bool
}

func newOutput() *output {
	o := &output{}
	o.more = sync.NewCond(&o.mu)
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.more.Broadcast()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// end says that nothing more will come.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
	o.more.Broadcast()
}

// waitFor waits for text, or for the end, or for the limit, and reports whether the text came.
func (o *output) waitFor(text string) bool {
	return o.wait(func(all []byte) bool { return bytes.Contains(all, []byte(text)) })
}

// waitForLines waits for the given number of lines.
func (o *output) waitForLines(n int) bool {
	return o.wait(func(all []byte) bool { return bytes.Count(all, newline) >= n })
}

func (o *output) wait(came func(all []byte) bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	over := false
	timer := time.AfterFunc(limit, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		over = true
		o.more.Broadcast()
	})
	defer timer.Stop()
	for !came(o.text.Bytes()) {
		if o.done || over {
			return false
		}
		o.more.Wait()
	}
	return true
}

// command is one that runs in this process.
type command struct {
	url            string // of a server: its first address
	stdout, stderr *output
	stop           context.CancelFunc
	exit           chan int
}

// startServe runs serve on a free port until the test is over.
func startServe(t *testing.T, env map[string]string, args ...string) *command {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "--addr") && env["DINGMOCK_ADDR"] == "" {
		args = append(args, "--addr", "127.0.0.1:0")
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &command{stdout: newOutput(), stderr: newOutput(), stop: stop, exit: make(chan int, 1)}
	go func() {
		code := run(ctx, append([]string{"serve"}, args...), lookup(env), c.stdout, c.stderr)
		c.stdout.end()
		c.stderr.end()
		c.exit <- code
	}()
	t.Cleanup(func() { c.end(t) })
	if !c.stdout.waitFor("  http://") {
		t.Fatalf("serve ended at once: %s", c.stderr)
	}
	for line := range strings.Lines(c.stdout.String()) {
		if url, ok := strings.CutPrefix(line, "  http://"); ok && c.url == "" {
			c.url = "http://" + strings.TrimSpace(url)
		}
	}
	return c
}

// end tells the command to end and checks that it does so in order.
func (c *command) end(t *testing.T) {
	t.Helper()
	c.stop()
	if code := soon(t, c.exit, "the end of serve"); code != exitOK {
		t.Errorf("exit code %d, want %d; stderr:\n%s", code, exitOK, c.stderr)
	}
	c.exit <- exitOK
}

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

// tryRun runs a command that ends by itself.
func tryRun(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(untilLate(t), args, lookup(env), &out, &err)
	return code, out.String(), err.String()
}

// needs skips the test if a program is missing, and with -short.
func needs(t testing.TB, programs ...string) {
	t.Helper()
	if testing.Short() {
		t.Skipf("-short starts no other programs: %v", programs)
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
}

func TestWhatItPrints(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing to do", nil, "Usage: dingmock <command>"},
		{"help", []string{"--help"}, "Usage: dingmock <command>"},
		{"help of run", []string{"run", "--help"}, "On macOS and Windows Go\nasks the system and reads no SSL_CERT_FILE"},
		{"help of a command", []string{"serve", "--help"}, "Default 10s. ($DINGMOCK_SHUTDOWN_GRACE)"},
		{"version", []string{"--version"}, versionString() + "\n"},
		{"spec", []string{"spec"}, string(dingmock.Source())},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := tryRun(t, nil, x.args...)
			if code != exitOK || stderr != "" || !strings.Contains(strings.Join(strings.Fields(stdout), " "), strings.Join(strings.Fields(x.want), " ")) {
				t.Errorf("exit code %d, stderr %q, stdout:\n%s\nwant in it:\n%s", code, stderr, stdout, x.want)
			}
		})
	}
}

// Whatever keeps a command from starting is one line that names the flag, and exit code 2.
func TestWhatIsNotUsable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	half := write("half.json", "{\"apps\": [\n  {\"appkey\": \"a\"}\n]}\n")
	unknown := write("unknown.json", "{\"apps\": [\n  {\"appkey\": \"a\",\n   \"appsecret\": \"b\",\n   \"colour\": \"red\"}\n]}\n")
	slip := write("slip.json", "{\"apps\": [\n  {\"appkye\": \"a\"}\n]}\n")
	broken := write("broken.json", "{\"apps\": [\n")
	good := write("good.json", `{"apps": [{"appkey": "a", "appsecret": "b"}]}`)
	taken := startServe(t, nil)
	host := strings.TrimPrefix(taken.url, "http://")

	for _, x := range []struct {
		name string
		env  map[string]string
		args []string
		want []string
		not  string // what the line must not contain
	}{
		{"no such command", nil, []string{"srve"}, []string{"srve"}, ""},
		{"no such flag", nil, []string{"serve", "--adr", ":0"}, []string{"--adr", "--addr"}, ""},
		{"an argument too many", nil, []string{"serve", "now"}, []string{"now"}, ""},
		{"port taken", nil, []string{"serve", "--addr", host}, []string{"--addr " + host, "address already in use"}, ""},
		{"second port taken", nil, []string{"serve", "--addr", "127.0.0.1:0", "--addr", host}, []string{"--addr " + host, "address already in use"}, ""},
		{"port taken by variable", map[string]string{"DINGMOCK_ADDR": host}, []string{"serve"}, []string{"--addr " + host}, ""},
		{"no port", nil, []string{"serve", "--addr", "8080"}, []string{"--addr 8080", "missing port", "such as 127.0.0.1:8080"}, ""},
		{"a host alone", nil, []string{"serve", "--addr", "localhost"}, []string{"--addr localhost", "missing port", "such as localhost:8080"}, ""},
		{"no port to ask", nil, []string{"ready", "--addr", "9000"}, []string{"--addr 9000", "such as 127.0.0.1:9000"}, ""},
		{"a port", nil, []string{"serve", "--port", "8080"}, []string{"--port", "--addr HOST:PORT"}, ""},
		{"a port where none is listened on", nil, []string{"verify", "--port", "8080"}, []string{"--port"}, "--addr"},
		{"no port at all", nil, []string{"serve", "--addr", "70000"}, []string{"--addr 70000", "such as 127.0.0.1:8080"}, ""},
		{"version as a command", nil, []string{"version"}, []string{"version", "--version"}, ""},
		{"help as a command", nil, []string{"help"}, []string{"help", "--help"}, ""},
		{"a duration without a unit", nil, []string{"serve", "--token-life", "7200"}, []string{"--token-life", "such as 7200s"}, ""},
		{"an app to judge where one is made", nil, []string{"serve", "--app", "shop"}, []string{"--app", "verdict --app NAME"}, ""},
		{"an empty app", nil, []string{"verdict", "--app", ""}, []string{"--app", "has an empty name"}, ""},
		{"no address", nil, []string{"serve", "--addr="}, []string{"--addr", "HOST:PORT"}, ""},
		{"app without a secret", nil, []string{"serve", "--app", "topsecret"}, []string{"--app", "appkey:appsecret"}, "topsecret"},
		{"app of three parts", nil, []string{"serve", "--app", "a:topsecret:c"}, []string{"--app", "3 parts"}, "topsecret"},
		{"app with an empty secret", nil, []string{"serve", "--app", "a:"}, []string{"--app", "appsecret"}, ""},
		{"app that is not URL-safe", nil, []string{"serve", "--app", "a:top/secret"}, []string{"--app", "appsecret", "A-Z"}, "top"},
		{"app with a corpid that is not URL-safe", nil, []string{"serve", "--app", "a:b:ä:topsecret"}, []string{"--app", "corpid"}, "topsecret"},
		{"app by variable", map[string]string{"DINGMOCK_APP": "a:b,c:top secret"}, []string{"serve"}, []string{"--app", "DINGMOCK_APP", "appsecret"}, "top"},
		{"app twice", nil, []string{"serve", "--app", "a:topsecret", "--app", "a:c"}, []string{"--app", `"a"`}, "topsecret"},
		{"app of the state again", nil, []string{"serve", "--state", good, "--app", "a:topsecret"}, []string{"--app", `"a"`}, "topsecret"},
		{"no such state", nil, []string{"serve", "--state", filepath.Join(dir, "none.json")}, []string{"--state", "none.json", "no such file"}, ""},
		{"state is a folder", map[string]string{"DINGMOCK_STATE": dir}, []string{"serve"}, []string{"--state", dir, "is a directory"}, ""},
		{"state of half an app", nil, []string{"serve", "--state", half}, []string{"--state", half + ":2:", "apps/0/appkey"}, ""},
		{"state with an unknown field", nil, []string{"serve", "--state", unknown}, []string{"--state", unknown + ":4:", "colour"}, ""},
		{"state that ends early", nil, []string{"serve", "--state", broken}, []string{"--state", broken + ":", "JSON"}, ""},
		{"not a number", nil, []string{"serve", "--max-apps", "many"}, []string{"--max-apps", "many"}, ""},
		{"none at most", nil, []string{"serve", "--max-sessions", "0"}, []string{"--max-sessions", "1 or more"}, ""},
		{"fewer than there are", nil, []string{"serve", "--app", "a:b", "--app", "c:d", "--max-apps", "1"}, []string{"--max-apps"}, ""},
		{"number by variable", map[string]string{"DINGMOCK_MAX_APPS": "x"}, []string{"serve"}, []string{"--max-apps", "DINGMOCK_MAX_APPS", "x"}, ""},
		{"not a duration", nil, []string{"serve", "--session-ttl", "soon"}, []string{"--session-ttl", "soon"}, ""},
		{"negative duration", nil, []string{"serve", "--session-ttl=-1s"}, []string{"--session-ttl", "negative"}, ""},
		{"negative grace", map[string]string{"DINGMOCK_SHUTDOWN_GRACE": "-1s"}, []string{"serve"}, []string{"--shutdown-grace", "negative"}, ""},
		{"switch by variable", map[string]string{"DINGMOCK_QUIET": "perhaps"}, []string{"serve"}, []string{"--quiet", "DINGMOCK_QUIET", "perhaps"}, ""},
		{"no such format", nil, []string{"serve", "--log-format", "xml"}, []string{"--log-format", "xml"}, ""},
		{"an empty control token", nil, []string{"serve", "--control-token", ""}, []string{"--control-token", "empty", "leave the flag out"}, ""},
		{"an empty control token after =", nil, []string{"serve", "--control-token="}, []string{"--control-token", "empty"}, ""},
		{"an empty control token beside a variable", map[string]string{"DINGMOCK_CONTROL_TOKEN": "x"}, []string{"serve", "--control-token", ""}, []string{"--control-token", "empty"}, ""},
		{"a blank control token", nil, []string{"serve", "--control-token", " \n"}, []string{"--control-token", "blank"}, ""},
		{"a blank control token by variable", map[string]string{"DINGMOCK_CONTROL_TOKEN": "\n"}, []string{"serve"}, []string{"DINGMOCK_CONTROL_TOKEN", "blank"}, ""},
		{"a control token of two lines", nil, []string{"serve", "--control-token", "topsecret\nx"}, []string{"--control-token", "header"}, "topsecret"},
		{"a control token that cannot be sent", nil, []string{"verdict", "--url", "http://127.0.0.1:1", "--control-token", "topsecret\x00"}, []string{"--control-token", "header"}, "topsecret"},
		{"a control host with a port", nil, []string{"serve", "--control-host", "a.example:80"}, []string{"--control-host", "a.example:80", "without a port"}, ""},
		{"a state with a slip", nil, []string{"serve", "--state", slip}, []string{"--state", slip + ":2:", "apps/0/appkye", "did you mean appkey?"}, ""},
		{"a line break", nil, []string{"serve", "--addr", "a\nb"}, []string{"--addr"}, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := tryRun(t, x.env, x.args...)
			if code != exitUsage || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasSuffix(stderr, "\n") {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %d, nothing, and one line", code, stdout, stderr, exitUsage)
			}
			for _, want := range x.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr %q, want %q in it", stderr, want)
				}
			}
			if x.not != "" && strings.Contains(stderr, x.not) {
				t.Errorf("stderr %q shows a secret", stderr)
			}
		})
	}
}

// The process itself, not run alone, ends with the exit code.
func TestProcessExitCode(t *testing.T) {
	t.Parallel()
	cmd := itself(t, "serve", "--no-such-flag")
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
}
