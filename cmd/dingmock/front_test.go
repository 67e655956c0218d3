package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// listeners returns where a server listens for TLS and as a proxy, by its start text.
func listeners(t *testing.T, stdout *output) (tlsAddr, proxyAddr string) {
	t.Helper()
	if !stdout.waitFor("Clients have to trust") {
		t.Fatalf("stdout:\n%s", stdout)
	}
	for pattern, to := range map[string]*string{`  https://(\S+), also`: &tlsAddr, `as the proxy http://(\S+) for`: &proxyAddr} {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(stdout.String()); m != nil {
			*to = m[1]
		}
	}
	return tlsAddr, proxyAddr
}

// text is the body of a GET.
func text(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const tokenPath = "/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret"

// All routes are on every listener, under each name.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tls")
	c := startServe(t, map[string]string{"DINGMOCK_TLS_ADDR": "127.0.0.1:0", "DINGMOCK_TLS_HOST": "a.example,b.example"},
		"--proxy-addr", "127.0.0.1:0", "--tls-dir", dir)
	tlsAddr, proxyAddr := listeners(t, c.stdout)
	pem := text(t, http.DefaultClient, c.url+"/_mock/ca.pem")
	if kept, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || string(kept) != pem {
		t.Errorf("the folder has another certificate than /_mock/ca.pem: %v", err)
	}
	for name, args := range map[string][]string{"of the folder": {"--tls-dir", dir}, "of the server": {"--url", c.url}} {
		if code, stdout, stderr := tryRun(t, nil, append([]string{"ca"}, args...)...); code != exitOK || stdout != pem {
			t.Errorf("dingmock ca %s: %d, %s", name, code, stderr)
		}
	}

	direct, err := impersonate.NewTransport(&impersonate.TransportOptions{Addr: strings.TrimPrefix(c.url, "http://"), TLSAddr: tlsAddr, CA: []byte(pem), Hosts: []string{"a.example", "b.example"}})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	proxied := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxyAddr}), TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	for kind, tr := range map[string]*http.Transport{"TLS": direct, "proxy": proxied} {
		t.Cleanup(tr.CloseIdleConnections)
		for _, base := range []string{"https://oapi.dingtalk.com", "https://api.dingtalk.io", "http://api.dingtalk.com", "https://a.example", "https://b.example"} {
			if got := text(t, &http.Client{Transport: tr}, base+tokenPath); !strings.HasPrefix(got, `{"errcode":0,`) {
				t.Errorf("%s by %s: %s", base, kind, got)
			}
			if got := text(t, &http.Client{Transport: tr}, base+"/_mock/readyz"); got != "ok\n" {
				t.Errorf("%s by %s: %s", base, kind, got)
			}
		}
	}
}

// A rule has the next handshake show a bad certificate, by TLS and through the proxy; the log says what the client did.
func TestServeTLSFault(t *testing.T) {
	t.Parallel()
	c := startServe(t, nil, "--tls-addr", "127.0.0.1:0", "--proxy-addr", "127.0.0.1:0")
	tlsAddr, proxyAddr := listeners(t, c.stdout)
	pem := text(t, http.DefaultClient, c.url+"/_mock/ca.pem")
	direct, err := impersonate.NewTransport(&impersonate.TransportOptions{TLSAddr: tlsAddr, CA: []byte(pem)})
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(pem))
	proxied := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: proxyAddr}), TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	for host, tr := range map[string]*http.Transport{"oapi.dingtalk.com": direct, "api.dingtalk.com": proxied} {
		t.Cleanup(tr.CloseIdleConnections)
		resp, err := http.Post(c.url+"/_mock/rules", "", strings.NewReader(`{"match":{"host":"`+host+`"},"when":{"times":1},"effect":{"fault":"tls-expired"}}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		bad, err := (&http.Client{Transport: tr, Timeout: limit}).Get("https://" + host + tokenPath)
		if err == nil {
			_ = bad.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "certificate has expired") {
			t.Errorf("%s: error %v", host, err)
		}
		if got := text(t, &http.Client{Transport: tr}, "https://"+host+tokenPath); !strings.HasPrefix(got, `{"errcode":0,`) {
			t.Errorf("%s, the next connection: %s", host, got)
		}
		if !c.stderr.waitFor(`"level":"INFO","msg":"a client refused a certificate with a fault","name":"` + host + `","alert":"tls: bad certificate","fault":"tls-expired","remote":"`) {
			t.Errorf("log: %s", c.stderr)
		}
	}
}

// What cannot be used of the flags for TLS is one line that names the flag, and exit code 2.
func TestUnusableTLS(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	half := t.TempDir()
	if _, err := impersonate.New(&impersonate.Options{Dir: half}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(half, "ca-key.pem")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(half, "ca.pem")
	expired, loose := t.TempDir(), t.TempDir()
	for dir, years := range map[string]int{expired: -11, loose: 0} {
		if _, err := impersonate.New(&impersonate.Options{Dir: dir, Now: func() time.Time { return time.Now().AddDate(years, 0, 0) }}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(loose, "ca-key.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		env  map[string]string
		args []string
		want []string
	}{
		{"port taken", nil, []string{"serve", "--addr", "127.0.0.1:0", "--tls-addr", taken.Addr().String()}, []string{"--tls-addr " + taken.Addr().String(), "address already in use"}},
		{"proxy's port taken", nil, []string{"serve", "--addr", "127.0.0.1:0", "--proxy-addr", taken.Addr().String()}, []string{"--proxy-addr", "address already in use"}},
		{"half an authority", map[string]string{"DINGMOCK_TLS_DIR": half}, []string{"serve"}, []string{"--tls-dir", half, "holds ca.pem but no ca-key.pem"}},
		{"half an authority to print", nil, []string{"ca", "--tls-dir", half}, []string{"--tls-dir", half}},
		{"expired authority", nil, []string{"serve", "--tls-dir", expired}, []string{"--tls-dir", expired, "expired on"}},
		{"a key for everybody", nil, []string{"serve", "--tls-dir", loose}, []string{"--tls-dir", filepath.Join(loose, "ca-key.pem"), "chmod 600"}},
		{"no folder", nil, []string{"serve", "--tls-dir", file}, []string{"--tls-dir", file, "not a directory"}},
		{"no name", nil, []string{"serve", "--tls-host", "https://x.example"}, []string{"--tls-host", "is no host name"}},
		{"no name by variable", map[string]string{"DINGMOCK_TLS_HOST": "x.example:443"}, []string{"serve"}, []string{"--tls-host", "is no host name"}},
		{"no address to be ready", nil, []string{"ready", "--addr", "nowhere"}, []string{"--addr nowhere"}},
		{"no port to be ready", nil, []string{"ready", "--addr", "127.0.0.1:0"}, []string{"--addr 127.0.0.1:0", "--url"}},
		{"no URL to be ready", nil, []string{"ready", "--url", "nowhere"}, []string{"--url"}},
		{"negative wait", nil, []string{"ready", "--wait=-1s"}, []string{"--wait"}},
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
		})
	}
}

// A stream that nobody ends does not keep the server from ending in time.
func TestServeEndsStreams(t *testing.T) {
	t.Parallel()
	c := startServe(t, nil, "--shutdown-grace", "3s")
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, c.url+"/_mock/apps/default/journal/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	c.end(t)
	if s := c.stderr.String(); strings.Contains(s, "cut off") || !strings.Contains(s, "stopped") {
		t.Errorf("stderr:\n%s", s)
	}
}

// laterAddr returns an address where nothing listens yet. The system never assigns its port by itself.
func laterAddr(t *testing.T) string {
	t.Helper()
	for {
		addr := fmt.Sprint("127.0.0.1:", 20_000+rand.N(10_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	addr := laterAddr(t)
	if code, _, stderr := tryRun(t, map[string]string{"DINGMOCK_ADDR": addr}, "ready"); code != exitFailed || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "connection refused") {
		t.Errorf("nobody there: %d, %q", code, stderr)
	}

	waited := make(chan int, 1)
	go func() {
		waited <- run(t.Context(), []string{"ready", "--wait", "1m", "--addr", addr}, lookup(nil), io.Discard, io.Discard)
	}()
	c := startServe(t, nil, "--addr", addr)
	if code := soon(t, waited, "the end of ready"); code != exitOK {
		t.Errorf("waiting for the server: %d", code)
	}
	for _, args := range [][]string{{"--url", c.url}, {"--url", c.url + "/"}, {"--addr", addr}, {"--addr", strings.Replace(addr, "127.0.0.1", "", 1)}} {
		if code, stdout, stderr := tryRun(t, nil, append([]string{"ready"}, args...)...); code != exitOK || stdout+stderr != "" {
			t.Errorf("ready %v: %d, %s%s", args, code, stdout, stderr)
		}
	}

	if code, _, stderr := tryRun(t, nil, "ca", "--url", c.url); code != exitFailed || !strings.Contains(stderr, "--tls-addr") {
		t.Errorf("a certificate of a server without TLS: %d, %s", code, stderr)
	}
	other := http.Server{Handler: http.NotFoundHandler()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = other.Serve(l) }()
	t.Cleanup(func() { _ = other.Close() })
	if code, _, stderr := tryRun(t, nil, "ready", "--url", "http://"+l.Addr().String()); code != exitFailed || !strings.Contains(stderr, "404") {
		t.Errorf("another server: %d, %s", code, stderr)
	}
}
