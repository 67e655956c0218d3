package impersonate_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// limit is how long a test waits for something that takes a moment.
const limit = time.Minute

// echo answers with the request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s %s %s host=%s url=%s tls=%t proxy=%q", r.Proto, r.Method, r.URL.Path, r.Host, r.URL.Host, r.TLS != nil,
		r.Header.Get("Proxy-Connection")+r.Header.Get("Proxy-Authorization"))
})

// logged collects what is logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan bool // closed at the next line
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.text.Write(p)
}

// wait waits for a text: the server may learn what a client has done only after the client is done.
func (l *logged) wait(t *testing.T, text string) {
	t.Helper()
	over := time.After(limit)
	for {
		l.mu.Lock()
		if strings.Contains(l.text.String(), text) {
			l.mu.Unlock()
			return
		}
		if l.more == nil {
			l.more = make(chan bool)
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-over:
			t.Fatalf("%q is not logged, but\n%s", text, l)
		}
	}
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// world is an authority with a listener of each kind, until the end of the test.
type world struct {
	*impersonate.Authority
	plain, tls, proxy string
	prox              *impersonate.Proxy
	log               *logged
}

func newWorld(t *testing.T, o impersonate.Options, egress *http.Transport) *world {
	t.Helper()
	w := &world{log: &logged{}}
	log := slog.New(slog.NewTextHandler(w.log, nil))
	o.Log = log
	var err error
	if w.Authority, err = impersonate.New(&o); err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: echo, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	w.prox = w.NewProxy(echo, &impersonate.ProxyOptions{Egress: egress, Log: log})
	serve := func(f func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- f(l) }()
		t.Cleanup(func() {
			_ = server.Close()
			_ = w.prox.Close()
			if err := <-done; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("a listener ended by itself: %v", err)
			}
		})
		return l.Addr().String()
	}
	w.plain = serve(server.Serve)
	w.tls = serve(func(l net.Listener) error { return server.Serve(w.NewListener(l)) })
	w.proxy = serve(w.prox.Serve)
	return w
}

func (w *world) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.PEM())
	return pool
}

// shake makes a TLS connection.
func (w *world) shake(t *testing.T, c *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	conn, err := (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", w.tls)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// get returns the status and the body.
func get(ctx context.Context, c *http.Client, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, body), err
}

// needs skips the test if a program is missing, and with -short.
func needs(t *testing.T, programs ...string) {
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

// output returns all that a program writes. Its environment names no proxy.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s(%v)", out, err)
	}
	return string(out)
}
