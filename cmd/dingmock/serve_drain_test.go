package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// load is what clients have got of a server, until it takes no more.
type load struct {
	whole  atomic.Int64 // replies
	enough chan bool    // closed once there are many
	goal   int64

	mu   sync.Mutex
	half []string // what was wrong with the others
}

// count notes a reply, whole or not.
func (l *load) count(kind string, body []byte, err error) {
	switch {
	case err == nil && strings.HasPrefix(string(body), `{"errcode":`) && strings.HasSuffix(string(body), "}"):
		if l.whole.Add(1) == l.goal {
			close(l.enough)
		}
	default:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.half = append(l.half, fmt.Sprintf("%s: %v after %q", kind, err, body))
	}
}

// raw makes calls on connections of its own, one after the other, until there is none or no reply: over connections that
// it keeps, or a new one for each.
func (l *load) raw(kind string, keep bool, dial func() (net.Conn, error)) {
	for {
		conn, err := dial()
		if err != nil {
			return
		}
		replies := bufio.NewReader(conn)
		for again := true; again; again = keep {
			if _, err := io.WriteString(conn, "GET "+tokenPath+" HTTP/1.1\r\nHost: oapi.dingtalk.com\r\n\r\n"); err != nil {
				_ = conn.Close()
				return
			}
			if _, err := replies.Peek(1); err != nil { // refused, or closed before a reply
				_ = conn.Close()
				return
			}
			resp, err := http.ReadResponse(replies, nil)
			if err != nil {
				l.count(kind, nil, err)
				_ = conn.Close()
				return
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			l.count(kind, body, err)
			if err != nil || resp.Close {
				break
			}
		}
		_ = conn.Close()
	}
}

// http makes calls by a transport until one has no reply.
func (l *load) http(ctx context.Context, kind string, client *http.Client) {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://oapi.dingtalk.com"+tokenPath, nil)
		if err != nil {
			l.count(kind, nil, err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		l.count(kind, body, err)
	}
}

// slow begins a call by a transport whose body comes with finish, once the server waits for that.
func (l *load) slow(t *testing.T, kind string, client *http.Client) (finish func()) {
	t.Helper()
	body, later := io.Pipe()
	waits := make(chan bool, 1)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { waits <- true }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://oapi.dingtalk.com/topapi/v2/user/getsession", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue")
	done := make(chan bool, 1)
	go func() {
		defer func() { done <- true }()
		resp, err := client.Do(req)
		if err != nil {
			l.count(kind, nil, err)
			return
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		l.count(kind, text, err)
	}()
	soon(t, waits, "a wait for the body")
	return func() {
		_, _ = io.WriteString(later, "{}")
		_ = later.Close()
		soon(t, done, "the end of a slow call")
	}
}

// Under load, SIGTERM leaves no call that has been taken without its whole reply: there are as many replies as the
// server says that it made. All others find a connection refused or closed.
func TestServeDrainsUnderLoad(t *testing.T) {
	t.Parallel()
	for round := range 3 {
		dir := t.TempDir()
		p := startProcess(t, "--tls-addr", "127.0.0.1:0", "--proxy-addr", "127.0.0.1:0", "--tls-dir", dir, "--shutdown-grace", "30s", "--log-format", "text")
		tlsAddr, proxyAddr := listeners(t, p.stdout)
		pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)

		plain := func() (net.Conn, error) { return net.DialTimeout("tcp", p.host, limit) }
		secure := func() (net.Conn, error) {
			return (&tls.Dialer{Config: &tls.Config{ServerName: "oapi.dingtalk.com", RootCAs: pool, NextProtos: []string{"http/1.1"}}}).DialContext(t.Context(), "tcp", tlsAddr)
		}
		h2 := func() *http.Client {
			tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, ExpectContinueTimeout: limit, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, tlsAddr)
			}}
			t.Cleanup(tr.CloseIdleConnections)
			return &http.Client{Transport: tr, Timeout: limit}
		}
		proxied := func(h2 bool) *http.Client {
			tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2, ExpectContinueTimeout: limit, Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxyAddr})}
			t.Cleanup(tr.CloseIdleConnections)
			return &http.Client{Transport: tr, Timeout: limit}
		}
		l := &load{enough: make(chan bool), goal: 1000}
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() { l.raw("plain, kept", true, plain) })
			clients.Go(func() { l.raw("plain, fresh", false, plain) })
		}
		for range 3 {
			clients.Go(func() { l.raw("TLS, kept", true, secure) })
			clients.Go(func() { l.raw("TLS, fresh", false, secure) })
			clients.Go(func() { l.http(t.Context(), "HTTP/2", h2()) })
			clients.Go(func() { l.http(t.Context(), "HTTP/2 by proxy", proxied(true)) })
			clients.Go(func() { l.http(t.Context(), "HTTP/1.1 by proxy", proxied(false)) })
		}
		shared := h2()
		for range 4 {
			clients.Go(func() { l.http(t.Context(), "HTTP/2, shared", shared) })
		}
		var slow []net.Conn // their bodies come when the server ends
		for range 8 {
			slow = append(slow, p.callUnderWay(t))
		}
		finish := []func(){
			l.slow(t, "slow body, HTTP/2", h2()),
			l.slow(t, "slow body, HTTP/2 shared", shared),
			l.slow(t, "slow body, HTTP/2 by proxy", proxied(true)),
			l.slow(t, "slow body, HTTP/1.1 by proxy", proxied(false)),
		}
		soon(t, l.enough, "many replies")
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if !p.stderr.waitFor("draining") {
			t.Fatalf("did not drain: %s", p.stderr)
		}
		for _, conn := range slow {
			for _, half := range []string{"{", "}"} {
				if _, err := io.WriteString(conn, half); err != nil {
					t.Errorf("a slow body: %v", err)
				}
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("a slow body had no reply: %v", err)
				continue
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			l.count("slow body", body, err)
		}
		for _, end := range finish {
			end()
		}
		clients.Wait()
		p.ends(t)
		if len(l.half) > 0 {
			t.Errorf("round %d: %d replies are not whole, such as %s", round, len(l.half), l.half[0])
		}
		made := len(regexp.MustCompile(`(?m)^(GET gettoken|POST getsession) `).FindAllString(p.stderr.String(), -1))
		if whole := l.whole.Load(); int64(made) != whole {
			t.Errorf("round %d: the server made %d replies, and its clients got %d", round, made, whole)
		}
		if strings.Contains(p.stderr.String(), "cut off") {
			t.Errorf("round %d: calls were cut off", round)
		}
	}
}

// A second signal does not wait for anything.
func TestServeSecondSignal(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--shutdown-grace", "1h")
	p.callUnderWay(t)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if !p.stderr.waitFor("draining") {
		t.Fatalf("did not drain: %s", p.stderr)
	}
	again := time.NewTicker(200 * time.Millisecond) // one that comes before the first has been taken in is none
	defer again.Stop()
	for {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case <-p.exit: //nolint:errcheck // how it ended is looked at below
			if code := p.cmd.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
				t.Errorf("ended by %s", p.cmd.ProcessState)
			}
			return
		case <-again.C:
		}
	}
}
