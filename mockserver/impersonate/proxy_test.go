package impersonate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// through returns a client that uses the proxy for everything.
func (w *world) through() (*http.Client, *http.Transport) {
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: w.proxy}),
		TLSClientConfig:   &tls.Config{RootCAs: w.pool()},
		ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: tr}, tr
}

func TestProxy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{Hosts: []string{"x.example", "192.0.2.7"}}, nil)
	c, tr := w.through()
	defer tr.CloseIdleConnections()
	for _, x := range []struct{ name, url, want string }{
		{"https", "https://oapi.dingtalk.com/gettoken?a=b", "200 HTTP/2.0 GET /gettoken host=oapi.dingtalk.com url= tls=true"},
		{"another port", "https://api.dingtalk.com:8443/x", "200 HTTP/2.0 GET /x host=api.dingtalk.com:8443"},
		{"http", "http://oapi.dingtalk.io/x", "200 HTTP/1.1 GET /x host=oapi.dingtalk.io url= tls=false"},
		{"host of the options", "https://x.example/", "200 HTTP/2.0"},
		{"address of the options", "https://192.0.2.7/", "200 HTTP/2.0"},
		{"https elsewhere", "https://example.com/", "Forbidden"},
		{"http elsewhere", "http://example.com/", "403 dingmock: this proxy does not answer for example.com and has no way out to it"},
		{"this machine", "http://localhost/", "403"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			got, err := get(t.Context(), c, x.url)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, x.want) {
				t.Errorf("%s, want %q", got, x.want)
			}
		})
	}
	t.Run("not a proxy's request", func(t *testing.T) {
		t.Parallel()
		if got, err := get(t.Context(), http.DefaultClient, "http://"+w.proxy+"/x"); !strings.HasPrefix(got, "200 HTTP/1.1 GET /x") {
			t.Error(got, err)
		}
	})
}

// raw sends bytes to the proxy and returns a reader of the answer.
func (w *world) raw(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", w.proxy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	text, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// Some clients send a proxy a request for https as if it were for http, and some do not wait for the answer to
// their CONNECT.
func TestProxyOddClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{}, nil)
	for _, x := range []struct{ name, text, first, body string }{
		{"https without CONNECT", "GET https://oapi.dingtalk.com/x HTTP/1.1\r\nHost: wrong\r\nProxy-Connection: keep-alive\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK", `HTTP/1.1 GET /x host=oapi.dingtalk.com url= tls=false proxy=""`},
		{"with a password", "GET http://u:p@oapi.dingtalk.com/x HTTP/1.1\r\nHost: oapi.dingtalk.com\r\nProxy-Authorization: Basic eDp5\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 OK", `url= tls=false proxy=""`},
		{"in haste", "CONNECT oapi.dingtalk.com:80 HTTP/1.1\r\nHost: oapi.dingtalk.com:80\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
			"HTTP/1.1 200 Connection established", "HTTP/1.1 GET /y host=h url= tls=false"},
		{"without a port", "CONNECT oapi.dingtalk.com HTTP/1.1\r\nHost: oapi.dingtalk.com\r\n\r\n", "HTTP/1.1 200 Connection established", ""},
		{"elsewhere by CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 Forbidden",
			"dingmock: this proxy does not answer for example.com:443 and has no way out to it: it answers for oapi.dingtalk.com, "},
		{"elsewhere in https", "GET https://example.com/ HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 Forbidden", "example.com"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			_, r := w.raw(t, x.text)
			if got := line(t, r); got != x.first {
				t.Errorf("%q, want %q", got, x.first)
			}
			if x.body == "" {
				return
			}
			if all, err := io.ReadAll(r); err != nil || !strings.Contains(string(all), x.body) {
				t.Errorf("%v, %s\nwant %q", err, all, x.body)
			}
		})
	}
	// If a client names no host in its handshake, it means the host of its CONNECT.
	conn, r := w.raw(t, "CONNECT oapi.dingtalk.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
	if got := line(t, r) + line(t, r); got != "HTTP/1.1 200 Connection established" {
		t.Error(got)
	}
	nameless := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // so that it sends no name
	if err := nameless.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := nameless.ConnectionState().PeerCertificates[0].VerifyHostname("oapi.dingtalk.com"); err != nil {
		t.Error(err)
	}
}

// If egress is allowed, other hosts are reached directly, or through the next proxy if there is one.
func TestProxyEgress(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(echo)
	defer plain.Close()
	secure := httptest.NewTLSServer(echo)
	defer secure.Close()
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	direct := newWorld(t, impersonate.Options{}, &http.Transport{})
	chained := newWorld(t, impersonate.Options{}, &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: direct.proxy, User: url.UserPassword("u", "p")})})
	broken := newWorld(t, impersonate.Options{}, &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: refusing.Listener.Addr().String()})})
	for _, x := range []struct {
		name string
		w    *world
		url  string
		want string
	}{
		{"http", direct, plain.URL + "/x?a;b", "200 HTTP/1.1 GET /x host=" + plain.Listener.Addr().String()},
		{"https", direct, secure.URL + "/x", "200 HTTP/1.1 GET /x"},
		{"still answers", direct, "https://oapi.dingtalk.com/x", "200 HTTP/2.0 GET /x host=oapi.dingtalk.com"},
		{"http, next proxy", chained, plain.URL + "/x", "200 HTTP/1.1 GET /x host=" + plain.Listener.Addr().String()},
		{"https, next proxy", chained, secure.URL + "/x", "200 HTTP/1.1 GET /x"},
		{"next proxy is none", broken, secure.URL + "/x", "Bad Gateway"},
		{"nobody there", direct, "http://127.0.0.1:1/", "502 dingmock: 127.0.0.1:1 was not reached"},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, tr := x.w.through()
			defer tr.CloseIdleConnections()
			tr.TLSClientConfig.RootCAs.AddCert(secure.Certificate())
			got, err := get(t.Context(), c, x.url)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, x.want) {
				t.Errorf("%s, want %q", got, x.want)
			}
			if strings.Contains(x.w.log.String(), "u:p") {
				t.Error("the password of the next proxy is in the log")
			}
		})
	}
	// The end of the proxy ends the tunnels.
	c, tr := direct.through()
	defer tr.CloseIdleConnections()
	tr.TLSClientConfig.RootCAs.AddCert(secure.Certificate())
	if _, err := get(t.Context(), c, secure.URL); err != nil {
		t.Fatal(err)
	}
	if err := direct.prox.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if got, err := get(t.Context(), c, secure.URL); err == nil {
		t.Errorf("after the end: %s", got)
	}
}

// Shutdown lets a running call in a tunnel finish.
func TestProxyDrains(t *testing.T) {
	t.Parallel()
	a, err := impersonate.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	began, finish := make(chan bool), make(chan bool)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit)
	defer cancel()
	p := a.NewProxy(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		select {
		case <-finish:
		case <-ctx.Done():
		}
		echo(w, r)
	}), nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.Serve(l) }()
	w := &world{Authority: a, proxy: l.Addr().String()}
	c, tr := w.through()
	defer tr.CloseIdleConnections()
	var all sync.WaitGroup
	all.Go(func() {
		if got, err := get(ctx, c, "https://oapi.dingtalk.com/x"); !strings.HasPrefix(got, "200 ") {
			t.Error(got, err)
		}
	})
	select {
	case <-began:
	case <-ctx.Done():
		t.Fatal("no call began")
	}
	all.Go(func() {
		if err := p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	for { // until the proxy accepts no more, or time is up
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.proxy)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(finish)
	all.Wait()
}
