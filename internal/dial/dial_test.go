package dial_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/dial"
)

// early is a connection to a server that answers after the first bytes, and takes no more: what it has said is there to be read.
type early struct {
	net.Conn
	reply  io.Reader
	err    error // of the write
	once   sync.Once
	failed chan bool
}

func (c *early) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("POST ")) {
		return len(p), nil
	}
	c.once.Do(func() { close(c.failed) })
	return 0, &net.OpError{Op: "write", Err: c.err}
}

func (c *early) Read(p []byte) (int, error) {
	<-c.failed
	return c.reply.Read(p)
}

func (c *early) Close() error {
	c.once.Do(func() { close(c.failed) })
	return nil
}

func TestOwnReadsOn(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, reply, want, fails string }{
		{"an early reply", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nsaid", "said", ""},
		{"none", "", "", "EOF"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			client := http.Client{Transport: dial.Own(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				return &early{reply: strings.NewReader(x.reply), err: reset, failed: make(chan bool)}, nil
			}})}
			resp, err := client.Post("http://server.invalid/", "text/plain", bytes.NewReader(make([]byte, 1<<20)))
			if x.fails != "" {
				if err == nil || !strings.HasSuffix(err.Error(), x.fails) {
					t.Errorf("error %v, want one that ends in %s", err, x.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil || string(body) != x.want {
				t.Errorf("%q, error %v, want %q", body, err, x.want)
			}
		})
	}
}

// stuck is a connection on which a write fails and nothing ever comes.
type stuck struct{ early }

func (c *stuck) Read([]byte) (int, error) {
	<-c.failed // by Close alone
	return 0, net.ErrClosed
}

func (c *stuck) Write([]byte) (int, error) { return 0, &net.OpError{Op: "write", Err: c.err} }

// A write that fails while the connection still stands is reported: there is no reply to wait for.
func TestOwnTellsOfOtherErrors(t *testing.T) {
	t.Parallel()
	odd := errors.New("no buffer space")
	transport := dial.Own(&http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return &stuck{early{err: odd, failed: make(chan bool)}}, nil
	}})
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	resp, err := client.Get("http://server.invalid/")
	if err == nil {
		_ = resp.Body.Close()
	}
	if !errors.Is(err, odd) {
		t.Errorf("error %v, want %v", err, odd)
	}
}

// Own speaks the protocols that the transport speaks, and dials as it does.
func TestOwnKeepsProtocols(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	trust := func() *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	}
	one := new(http.Protocols)
	one.SetHTTP1(true)
	refused := errors.New("not dialled")
	got := map[string]string{}
	for name, change := range map[string]func(*http.Transport){
		"TLSClientConfig alone": func(*http.Transport) {},
		"ForceAttemptHTTP2":     func(t *http.Transport) { t.ForceAttemptHTTP2 = true },
		"Protocols":             func(t *http.Transport) { t.ForceAttemptHTTP2, t.Protocols = true, one },
		"Dial": func(t *http.Transport) {
			t.Dial = func(string, string) (net.Conn, error) { return nil, refused } //nolint:staticcheck // it has to be minded
		},
	} {
		from := trust()
		change(from)
		said := func(transport *http.Transport) string {
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get(srv.URL)
			if err != nil {
				return errors.Unwrap(err).Error()
			}
			defer func() { _ = resp.Body.Close() }()
			body, _ := io.ReadAll(resp.Body)
			return string(body)
		}
		got[name] = said(dial.Own(from))
		if want := said(from); got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	want := map[string]string{"TLSClientConfig alone": "HTTP/1.1", "ForceAttemptHTTP2": "HTTP/2.0", "Protocols": "HTTP/1.1", "Dial": "not dialled"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain := &http.Transport{}
	if own := dial.Own(plain); !own.Protocols.HTTP2() { // of which Clone makes one that has HTTP/2 negotiated and cannot speak it
		t.Error("the zero transport speaks HTTP/2, and its own one does not")
	}
}
