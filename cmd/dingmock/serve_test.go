package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// get is a GET of a server; the reply is JSON.
func get(t *testing.T, target string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, req)
}

// post is a POST of a JSON body.
func post(t *testing.T, target, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return answer(t, req)
}

func answer(t *testing.T, req *http.Request) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(req.Context(), limit)
	defer cancel()
	resp, err := http.DefaultClient.Do(req.WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		t.Fatal(err)
	}
	return reply
}

// errcode is what gettoken answers a pair of an id and its secret.
func errcode(t *testing.T, base, id, value, secret, secretValue string) float64 {
	t.Helper()
	code, _ := get(t, base+"/gettoken?"+url.Values{id: {value}, secret: {secretValue}}.Encode())["errcode"].(float64)
	return code
}

// What net/http would answer by itself is the fake's to answer.
func TestServeOptionsStar(t *testing.T) {
	t.Parallel()
	c := startServe(t, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(got), `{"errcode":404,"errmsg":"请求的URI地址不存在"}`) {
		t.Errorf("answered %s", got)
	}
}

func TestServeDefaults(t *testing.T) {
	t.Parallel()
	c := startServe(t, nil)
	for _, want := range []string{"dingmockapp", "dingmockappsecret", "dingmockcorp", "dingmockcorpsecret"} {
		if !strings.Contains(c.stdout.String(), want) {
			t.Errorf("the start text does not show %s:\n%s", want, c.stdout)
		}
	}
	if got := errcode(t, c.url, "appkey", "dingmockapp", "appsecret", "dingmockappsecret"); got != 0 {
		t.Errorf("the default app gets errcode %v", got)
	}
	if got := errcode(t, c.url, "corpid", "mock-x", "corpsecret", "any"); got != 0 {
		t.Errorf("a key of the form mock-… gets errcode %v", got)
	}
	if !c.stderr.waitFor(`"level":"INFO","msg":"call","method":"GET","host":"` + strings.TrimPrefix(c.url, "http://") + `","operation":"gettoken","app":"mock-x","code":"0"}` + "\n") {
		t.Errorf("there is no line for the call: %s", c.stderr)
	}
	var line struct{ Level, Msg, URL string }
	first, _, _ := strings.Cut(c.stderr.String(), "\n")
	if err := json.Unmarshal([]byte(first), &line); err != nil || line.URL != c.url {
		t.Errorf("the first line of the log is %q, want JSON with the url %s", first, c.url)
	}
}

// Flags and variables do the same, and a flag wins.
func TestServeFlags(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte(`{"apps": [{"name": "s", "corpid": "scorp", "corpsecret": "ssecret"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name  string
		env   map[string]string
		args  []string
		check func(t *testing.T, c *command)
	}{
		{"app", nil, []string{"--app", "a:b", "--app", "c:d:e:f"}, func(t *testing.T, c *command) {
			t.Helper()
			got := []float64{
				errcode(t, c.url, "appkey", "a", "appsecret", "b"),
				errcode(t, c.url, "appkey", "c", "appsecret", "d"),
				errcode(t, c.url, "corpid", "e", "corpsecret", "f"),
				errcode(t, c.url, "appkey", "dingmockapp", "appsecret", "dingmockappsecret"),
			}
			if diff := cmp.Diff([]float64{0, 0, 0, 40096}, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
		}},
		{"app by variable", map[string]string{"DINGMOCK_APP": "a:topsecret,c:d:e:f"}, nil, func(t *testing.T, c *command) {
			t.Helper()
			got := []float64{
				errcode(t, c.url, "appkey", "a", "appsecret", "topsecret"),
				errcode(t, c.url, "corpid", "e", "corpsecret", "f"),
			}
			if diff := cmp.Diff([]float64{0, 0}, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
			if strings.Contains(c.stdout.String()+c.stderr.String(), "topsecret") {
				t.Errorf("the secret of an app is shown:\n%s%s", c.stdout, c.stderr)
			}
		}},
		{"flag before variable", map[string]string{"DINGMOCK_APP": "a:b", "DINGMOCK_QUIET": ""}, []string{"--app", "c:d"}, func(t *testing.T, c *command) {
			t.Helper()
			got := []float64{errcode(t, c.url, "appkey", "a", "appsecret", "b"), errcode(t, c.url, "appkey", "c", "appsecret", "d")}
			if diff := cmp.Diff([]float64{40096, 0}, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
		}},
		{"state beside app", map[string]string{"DINGMOCK_STATE": state}, []string{"--app", "a:b"}, func(t *testing.T, c *command) {
			t.Helper()
			got := []float64{errcode(t, c.url, "corpid", "scorp", "corpsecret", "ssecret"), errcode(t, c.url, "appkey", "a", "appsecret", "b")}
			if diff := cmp.Diff([]float64{0, 0}, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
		}},
		{"two addresses", map[string]string{"DINGMOCK_ADDR": "127.0.0.1:0,localhost:0"}, nil, func(t *testing.T, c *command) {
			t.Helper()
			if !c.stderr.waitFor("listening") || strings.Count(c.stderr.String(), `"msg":"listening"`) != 2 {
				t.Errorf("does not listen on both:\n%s", c.stderr)
			}
		}},
		{"all interfaces", nil, []string{"--addr", ":0"}, func(t *testing.T, c *command) {
			t.Helper()
			if !strings.HasPrefix(c.url, "http://127.0.0.1:") || strings.HasSuffix(c.url, ":0") {
				t.Errorf("says %s", c.url)
			}
			if got := errcode(t, c.url, "appkey", "dingmockapp", "appsecret", "dingmockappsecret"); got != 0 {
				t.Errorf("errcode %v", got)
			}
		}},
		{"no auto apps", map[string]string{"DINGMOCK_NO_AUTO_APPS": "true"}, nil, func(t *testing.T, c *command) {
			t.Helper()
			if got := errcode(t, c.url, "appkey", "mock-x", "appsecret", "any"); got != 40096 {
				t.Errorf("errcode %v, want 40096", got)
			}
		}},
		{"max apps", nil, []string{"--max-apps", "1"}, func(t *testing.T, c *command) {
			t.Helper()
			if got := errcode(t, c.url, "appkey", "mock-x", "appsecret", "any"); got != 40096 {
				t.Errorf("errcode %v, want 40096", got)
			}
		}},
		{"max sessions", nil, []string{"--max-sessions", "1"}, func(t *testing.T, c *command) {
			t.Helper()
			token := get(t, c.url+"/gettoken?appkey=mock-x&appsecret=y")["access_token"]
			var got []any
			for i := range 2 {
				body := fmt.Sprintf(`{"session_id":"s-%d","app_key":"mock-x","user_id":"u"}`, i)
				got = append(got, post(t, fmt.Sprintf("%s/topapi/v2/im/create_session?access_token=%s", c.url, token), body)["errcode"])
			}
			if diff := cmp.Diff([]any{0.0, 1002.0}, got); diff != "" {
				t.Errorf("errcodes (-want +got):\n%s", diff)
			}
		}},
		{"without sessions", nil, []string{"--without-sessions"}, func(t *testing.T, c *command) {
			t.Helper()
			if got := post(t, c.url+"/topapi/v2/user/getsession", `{}`)["errcode"]; got != 22.0 {
				t.Errorf("errcode %v, want 22", got)
			}
		}},
		{"refuse undeclared", nil, []string{"--refuse-undeclared"}, func(t *testing.T, c *command) {
			t.Helper()
			if got := get(t, c.url+"/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret&extra=1")["errcode"]; got != 40035.0 {
				t.Errorf("errcode %v, want 40035", got)
			}
		}},
		{"text", nil, []string{"--log-format", "text"}, func(t *testing.T, c *command) {
			t.Helper()
			_ = errcode(t, c.url, "appkey", "dingmockapp", "appsecret", "dingmockappsecret")
			if !c.stderr.waitFor("\nGET gettoken default 0\n") {
				t.Errorf("stderr:\n%s", c.stderr)
			}
		}},
		{"control host", map[string]string{"DINGMOCK_CONTROL_HOST": "a.example,b.example"}, []string{"--tls-host", "c.example"}, func(t *testing.T, c *command) {
			t.Helper()
			own, err := os.Hostname()
			if err != nil {
				t.Fatal(err)
			}
			for host, want := range map[string]int{"a.example": 200, "b.example:8080": 200, "c.example": 200, own: 200, "d.example": 403} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/_mock/state", nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Host = host
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.StatusCode != want {
					t.Errorf("%s: HTTP %d, want %d", host, resp.StatusCode, want)
				}
			}
		}},
		{"quiet, in text", nil, []string{"--quiet", "--log-format", "text"}, func(t *testing.T, c *command) {
			t.Helper()
			_ = errcode(t, c.url, "appkey", "dingmockapp", "appsecret", "dingmockappsecret")
			c.end(t)
			if s := c.stderr.String(); strings.Contains(s, "GET gettoken") || !strings.Contains(s, "level=INFO msg=listening") {
				t.Errorf("stderr:\n%s", s)
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.check(t, startServe(t, x.env, x.args...))
		})
	}
}

// The lines that the start text offers work when they are pasted.
func TestStartTextLinesRun(t *testing.T) {
	t.Parallel()
	needs(t, "bash", "curl", "grep")
	for _, x := range []struct {
		name, key string
		args      []string
		lines     int
	}{
		{"default app", "dingmockapp", nil, 3},
		{"other app", "mock-demo", []string{"--app", "mine:topsecret"}, 3},
		{"other app and no auto apps", "mine", []string{"--app", "mine:topsecret", "--no-auto-apps"}, 3},
		{"article's app", "mock-demo", []string{"--state", "../../examples/article.json"}, 3},
		{"without sessions", "dingmockapp", []string{"--without-sessions"}, 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := startServe(t, nil, x.args...)
			script := ""
			for line := range strings.Lines(c.stdout.String()) {
				if strings.HasPrefix(line, "TOKEN=") || strings.HasPrefix(line, "curl ") {
					script += line
				}
			}
			for range 2 { // pasted again, they do the same
				bash := bounded(t, "bash", "-eu")
				bash.Env = append(os.Environ(), "APPSECRET=topsecret")
				bash.Stdin = strings.NewReader(script)
				out, err := bash.CombinedOutput()
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				if err != nil || len(lines) != x.lines || len(lines[0]) != 32 {
					t.Fatalf("%v, output:\n%s\nscript:\n%s", err, out, script)
				}
				for _, line := range lines[1:] {
					if !strings.HasPrefix(line, `{"errcode":0,`) || !strings.Contains(line, `"session_id":"s-1"`) {
						t.Errorf("answer %s", line)
					}
				}
				if last := lines[len(lines)-1]; x.lines == 3 && !strings.Contains(last, `"app_key":"`+x.key+`"`) {
					t.Errorf("the session is not of %s: %s", x.key, last)
				}
			}
		})
	}
}

// Without any app there is nothing to try, and no secret is shown for those that were given.
func TestStartTextWithoutApps(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(state, []byte(`{"apps": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startServe(t, nil, "--state", state, "--no-auto-apps")
	if s := c.stdout.String(); strings.Contains(s, "curl") || strings.Contains(s, "dingmockapp") {
		t.Errorf("start text:\n%s", s)
	}
	var args []string
	for i := range listed + 3 {
		args = append(args, "--app", fmt.Sprintf("app-%d:topsecret", i))
	}
	c = startServe(t, nil, args...)
	if s := c.stdout.String(); strings.Contains(s, "topsecret") || !strings.Contains(s, "and 3 apps more") {
		t.Errorf("start text:\n%s", s)
	}
}

// A process that gets SIGTERM answers the call that is under way, takes no new one, and ends with 0.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			p := startProcess(t)
			conn := p.callUnderWay(t)
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if !p.stderr.waitFor("draining") {
				t.Fatalf("did not drain: %s", p.stderr)
			}
			for { // the listener closes right after that line
				c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.host)
				if err != nil {
					break
				}
				_ = c.Close()
			}
			if _, err := io.WriteString(conn, `{}`); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("the call under way was not answered: %v", err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.HasPrefix(string(body), `{"errcode":88,`) {
				t.Errorf("the answer is %q, %v", body, err)
			}
			p.ends(t)
		})
	}
}

// A call that does not end in the grace time is cut off; the exit code stays 0.
func TestServeGraceEnds(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--shutdown-grace", "10ms")
	conn := p.callUnderWay(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t)
	if !strings.Contains(p.stderr.String(), "cut off") {
		t.Errorf("stderr:\n%s", p.stderr)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes, %v, want a closed connection", n, err)
	}
}

// process is a server in a separate process.
type process struct {
	cmd            *exec.Cmd
	host           string
	stdout, stderr *output
	exit           chan error
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	return startProcessWith(t, nil, args...)
}

// startProcessWith starts one whose stderr is a file; nil is the output that the process has.
func startProcessWith(t *testing.T, stderr *os.File, args ...string) *process {
	t.Helper()
	p := &process{stdout: newOutput(), stderr: newOutput(), exit: make(chan error, 1)}
	p.cmd = itself(t, append([]string{"serve", "--addr", "127.0.0.1:0"}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if stderr != nil {
		p.cmd.Stderr = stderr
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := p.cmd.Wait()
		p.stdout.end()
		p.stderr.end()
		p.exit <- err
	}()
	if !p.stdout.waitFor("Try it") {
		t.Fatalf("serve ended at once: %s", p.stderr)
	}
	p.host = host(p.stdout)
	return p
}

// host returns the address on which a server listens, taken from its start text.
func host(stdout *output) string {
	_, rest, _ := strings.Cut(stdout.String(), "  http://")
	at, _, _ := strings.Cut(rest, "\n")
	return at
}

// callUnderWay begins a call whose body is still to come, once the server waits for that.
func (p *process) callUnderWay(t *testing.T) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, "POST /topapi/v2/user/getsession HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
	return conn
}

func (p *process) ends(t *testing.T) {
	t.Helper()
	if err := soon(t, p.exit, "the end of serve"); err != nil {
		t.Errorf("%v; stderr:\n%s", err, p.stderr)
	}
}
