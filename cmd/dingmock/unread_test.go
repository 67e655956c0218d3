package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func devNull(t testing.TB) *os.File {
	t.Helper()
	f, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// pipe is one that ends with the test.
func pipe(t *testing.T) (reads, writes *os.File) {
	t.Helper()
	reads, writes, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = reads.Close(), writes.Close() })
	return reads, writes
}

// fill makes a pipe full.
func fill(t *testing.T, w *os.File) {
	t.Helper()
	if err := w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Skipf("needs pipes with deadlines: %v", err)
	}
	for _, size := range []int{1 << 10, 1} {
		for {
			if _, err := w.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
}

// numbered is the path of a call, long enough that not too many of them fill a log.
func numbered(i int) string { return fmt.Sprintf("/%01000d", i) }

// calls makes calls of the paths of 0, 1 and so on, and takes the answers.
func calls(t *testing.T, host string, n int) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(atMost(t, 3*limit))); err != nil {
		t.Fatal(err)
	}
	replies := bufio.NewReader(conn)
	for i := 0; i < n; {
		var batch bytes.Buffer
		began := i
		for ; i < min(began+100, n); i++ {
			fmt.Fprintf(&batch, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", numbered(i))
		}
		if _, err := conn.Write(batch.Bytes()); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
		for j := began; j < i; j++ {
			resp, err := http.ReadResponse(replies, nil)
			if err != nil {
				t.Fatalf("call %d: %v", j, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
}

func ready(t *testing.T, host string) {
	t.Helper()
	client := &http.Client{Timeout: limit}
	resp, err := client.Get("http://" + host + "/_mock/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("readyz answers %s", resp.Status)
	}
}

// A stderr that nobody reads, or nobody any more, holds up no call, no health check and no end.
func TestServeUnreadStderr(t *testing.T) {
	t.Parallel()
	const n = 5_000 // lines of a kilobyte: more than a pipe, the backlog and what is under way hold
	for _, format := range []string{"json", "text"} {
		for _, x := range []struct {
			name   string
			before func(stderr *os.File)               // the calls
			after  func(t *testing.T, stderr *os.File) // the end
		}{
			{"never read", nil, nil},
			{"closed", func(stderr *os.File) { _ = stderr.Close() }, nil},
			{"read late", nil, func(t *testing.T, stderr *os.File) { t.Helper(); told(t, stderr, format, n) }},
		} {
			t.Run(format+", "+x.name, func(t *testing.T) {
				t.Parallel()
				stderr, writes := pipe(t)
				if x.before != nil {
					x.before(stderr)
				}
				p := startProcessWith(t, writes, "--log-format", format)
				_ = writes.Close()
				calls(t, p.host, n)
				ready(t, p.host)
				if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				if x.after != nil {
					x.after(t, stderr)
				}
				p.ends(t)
			})
		}
	}
}

// told checks what was kept of the lines of n calls: in order, and all the others are counted.
func told(t *testing.T, stderr io.Reader, format string, n int) {
	t.Helper()
	lines := bufio.NewScanner(stderr)
	counted, dropped := 0, 0
	for lines.Scan() {
		var l struct {
			Time, Level, Msg, Method, Path, App, Code string
			Dropped                                   int
		}
		if format == "json" {
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v", lines.Bytes(), err)
			}
		} else if f := strings.Fields(lines.Text()); f[0] == "GET" {
			l.Msg, l.Path = "call", f[1]
		} else {
			_, _ = fmt.Sscanf(regexp.MustCompile(`dropped=\d+|$`).FindString(lines.Text()), "dropped=%d", &l.Dropped)
		}
		dropped += l.Dropped
		if l.Msg != "call" {
			continue
		}
		if want := numbered(counted + dropped); l.Path != want {
			t.Fatalf("line %s, want that of %s", lines.Text(), want)
		}
		counted++
	}
	// Of the last lines, those of the end, some may be among the dropped.
	if err := lines.Err(); err != nil || dropped == 0 || counted+dropped < n || counted+dropped > n+2 {
		t.Errorf("%v: %d lines, and %d are said to be dropped, want %d", err, counted, dropped, n)
	}
}

// A stdout that is full from the start keeps serve from nothing.
func TestServeUnreadStdout(t *testing.T) {
	t.Parallel()
	_, stdout := pipe(t)
	fill(t, stdout)
	cmd, stderr := itself(t, "serve", "--addr", "127.0.0.1:0"), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exit := make(chan error, 1)
	go func() { exit <- cmd.Wait() }()
	if !stderr.waitFor("the start text could not be written") {
		t.Errorf("stderr: %s", stderr)
	}
	at := regexp.MustCompile(`"url":"http://([^"]*)"`).FindStringSubmatch(stderr.String())
	if at == nil {
		t.Fatalf("does not listen: %s", stderr)
	}
	ready(t, at[1])
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, exit, "the end"); err != nil {
		t.Error(err)
	}
}

// Nor do run and its program wait for whoever reads its stderr, nor does any command to say why it did not start.
func TestRunUnreadStderr(t *testing.T) {
	t.Parallel()
	needs(t, "true")
	for name, x := range map[string]struct {
		args []string
		code int
	}{
		"a verdict":       {[]string{"run", "--", "true"}, exitOK},
		"a reason":        {[]string{"run", "--", "no-such-program"}, exitNotFound},
		"an unknown flag": {[]string{"serve", "--no-such-flag"}, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, stderr := pipe(t)
			fill(t, stderr)
			cmd := itself(t, x.args...)
			cmd.Stderr = stderr
			began := time.Now()
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != x.code || time.Since(began) > limit/2 {
				t.Errorf("exit code %d after %s, want %d", code, time.Since(began), x.code)
			}
		})
	}
}

// Nor does proxy.
func TestProxyUnread(t *testing.T) {
	t.Parallel()
	serve := startServe(t, nil, "--quiet")
	reads, writes := pipe(t)
	cmd := itself(t, "proxy", "--upstream", serve.url, "--addr", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = writes, writes // one for both, as under 2>&1
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writes.Close() // or else nobody sees that a proxy which does not start has ended
	exit := make(chan error, 1)
	go func() { exit <- cmd.Wait() }()
	text := bufio.NewScanner(reads)
	at := ""
	for at == "" && text.Scan() {
		at, _ = strings.CutPrefix(strings.TrimSpace(text.Text()), "http://")
		if strings.Contains(at, " ") {
			at = ""
		}
	}
	calls(t, at, 1000) // of which each has several lines of a kilobyte
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, exit, "the end"); err != nil {
		t.Error(err)
	}
}
