package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// goLog are the lines that net/http writes by itself.
var goLog = regexp.MustCompile(`(?m)^\d{4}/\d\d/\d\d |Unsolicited response|http2: |http: (superfluous|proxy error|TLS handshake|URL query)|protocol error`)

// early is a server that says more than it was asked, on connections that it keeps.
func early(t *testing.T) (base string, said *atomic.Int64) {
	t.Helper()
	said = new(atomic.Int64)
	return "http://" + listens(t, func(conn net.Conn) {
		for in := bufio.NewReader(conn); ; {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			const body = `{"errcode":0,"access_token":"0123456789abcdef0123456789abcdef","errmsg":"ok","expires_in":7200}`
			answer := strings.Replace(reply("200 OK", "Content-Type: application/json;charset=UTF-8\r\nDingmock-Version: 1\r\n", body), "Connection: close\r\n", "", 1)
			if r.Method == http.MethodHead {
				answer = strings.TrimSuffix(answer, body)
			}
			_, _ = io.WriteString(conn, answer)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 \x1b[31munasked\r\nContent-Length: 0\r\n\r\n")
			said.Add(1)
		}
	}), said
}

// asProcess runs a command in a separate process, since net/http's log belongs to the whole process.
func asProcess(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := itself(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run() // its exit code is no matter here
	return out.String()
}

// What net/http writes of odd servers is not shown by the commands that call one.
func TestQuietClients(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"verify", "--budget", "0", "--appkey", "k", "--appsecret", "s3cretive"}, {"ready"}, {"verdict"}, {"ca"},
	} {
		base, said := early(t)
		out := asProcess(t, append(args, "--url", base)...)
		if said.Load() == 0 || goLog.MatchString(out) {
			t.Errorf("%v, %d answers: %s", args, said.Load(), goLog.FindString(out))
		}
		fit(t, args[0], out)
	}
	frames := httptest.NewUnstartedServer(nil) // it speaks HTTP/2 with a frame that there is not
	frames.Config.ErrorLog = nil
	l := frames.Listener
	certificate := httptest.NewTLSServer(nil)
	closes(t, certificate)
	closes(t, frames)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				s := tls.Server(conn, &tls.Config{Certificates: certificate.TLS.Certificates, NextProtos: []string{"h2"}})
				_, _ = s.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x07\x1b[3"))
				_, _ = io.Copy(io.Discard, s)
				_ = conn.Close()
			}()
		}
	}()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(certificate.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	out := asProcess(t, "verify", "--url", "https://"+l.Addr().String(), "--ca", ca, "--timeout", "3s", "--appkey", "k", "--appsecret", "s3cretive")
	if !strings.HasPrefix(out, "dingmock: ") || strings.Count(out, "\n") != 1 { // a line of net/http's would be a second one
		t.Errorf("of HTTP/2: %s", out)
	}
	fit(t, "of HTTP/2", out)
}

// What net/http writes of odd clients, and of odd servers behind proxy, is not shown by those that serve.
func TestQuietServers(t *testing.T) {
	t.Parallel()
	base, _ := early(t)
	proxy, stop := beginProcess(t, "proxy", "--addr", "127.0.0.1:0", "--upstream", base)
	serve, stopServe := beginProcess(t, "serve", "--addr", "127.0.0.1:0", "--tls-addr", "127.0.0.1:0", "--log-format", "text")
	for _, at := range append(proxy, serve...) {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		for _, bytes := range []string{
			"GET /gettoken?a;b HTTP/1.1\r\nHost: x\r\n\r\n", "\x1b[31m\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n\x1b\r\n",
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x1b\x00\x00\x00\x00\x00", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: \x1b\r\n\r\n",
		} {
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				t.Fatal(err)
			}
			if u.Scheme == "https" {
				_ = conn.SetDeadline(time.Now().Add(limit))
				conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: "oapi.dingtalk.com", NextProtos: []string{"h2"}})
			}
			_, _ = io.WriteString(conn, bytes)
			if c, ok := conn.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}
	for name, end := range map[string]func() string{"proxy": stop, "serve": stopServe} {
		out := end()
		if found := goLog.FindString(out); found != "" {
			t.Errorf("%s shows %q:\n%s", name, found, out)
		}
		fit(t, name, out)
	}
}

// If a client does not trust the certificate, the server says so, once: the client may tell nobody.
func TestServeTellsOfDistrust(t *testing.T) {
	t.Parallel()
	serve, stop := beginProcess(t, "serve", "--addr", "127.0.0.1:0", "--tls-addr", "127.0.0.1:0", "--log-format", "text")
	for _, at := range serve {
		host, secure := strings.CutPrefix(at, "https://")
		for range 3 {
			if !secure {
				break
			}
			conn, err := tls.Dial("tcp", host, &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "oapi.dingtalk.com", MinVersion: tls.VersionTLS12})
			if err == nil {
				_ = conn.Close()
				t.Error("a certificate that nobody signed is trusted")
			}
		}
	}
	out := stop()
	if n := strings.Count(out, "a client refused the certificate: it does not trust dingmock's authority"); n != 1 {
		t.Errorf("%d lines tell of it:\n%s", n, out)
	}
	fit(t, "serve", out)
}

func pemOf(der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}) }

// beginProcess starts a command that serves. It returns the addresses that it tells, and a func that ends it and returns all that
// it wrote.
func beginProcess(t *testing.T, args ...string) (at []string, end func() string) {
	t.Helper()
	cmd := itself(t, args...)
	stdout, stderr := newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !stdout.waitFor("\n\n  http") || !stdout.waitFor("\n\n") {
		t.Fatalf("%v did not start: %s", args, stderr)
	}
	for _, m := range regexp.MustCompile(`(?m)^  (https?://[0-9.:]+)`).FindAllStringSubmatch(stdout.String(), -1) {
		at = append(at, m[1])
	}
	return at, func() string {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		return stdout.String() + stderr.String()
	}
}
