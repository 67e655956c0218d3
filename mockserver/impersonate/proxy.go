package impersonate

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/serverlog"
)

const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
)

// ProxyOptions configures a Proxy. Nil and the zero value are ready for use.
type ProxyOptions struct {
	// Egress makes the connections to hosts that the proxy does not answer for, through the proxy of its Proxy
	// field, if any. Default: requests to such hosts are refused with 403.
	Egress *http.Transport

	// ConnContext is the ConnContext field of the http.Servers that serve the proxy's clients. Default: none.
	ConnContext func(context.Context, net.Conn) context.Context

	// Log gets a line for each host that is refused, and for each error. Default: nothing is logged.
	Log *slog.Logger
}

// Proxy is an HTTP proxy that lets a handler answer for an authority's names, by CONNECT and for plain requests.
// The handler also answers requests that are not meant for a proxy.
type Proxy struct {
	authority *Authority
	fake      http.Handler
	egress    *http.Transport
	log       *slog.Logger
	outer     *http.Server // serves the clients of the proxy
	inner     *http.Server // serves the connections through the proxy
	tunnels   *tunnels
}

// NewProxy makes a proxy whose names are answered by fake.
func (a *Authority) NewProxy(fake http.Handler, options *ProxyOptions) *Proxy {
	p := &Proxy{authority: a, fake: fake, tunnels: newTunnels()}
	var connContext func(context.Context, net.Conn) context.Context
	if options != nil {
		p.egress, p.log, connContext = options.Egress, options.Log, options.ConnContext
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	server := func(h http.Handler) *http.Server {
		return &http.Server{
			Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ConnContext: connContext, ErrorLog: serverlog.New(p.log),
		}
	}
	p.outer, p.inner = server(http.HandlerFunc(p.serve)), server(fake)
	return p
}

// Serve serves a listener until Shutdown or Close, and then returns http.ErrServerClosed. It may be called for
// several listeners.
func (p *Proxy) Serve(l net.Listener) error {
	p.tunnels.once.Do(func() { go func() { _ = p.inner.Serve(p.tunnels) }() })
	return p.outer.Serve(l)
}

// Shutdown accepts no new requests, lets those that the fake answers finish until ctx ends, and closes connections
// to other hosts.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.tunnels.closeOthers()
	inner := make(chan error, 1) // at the same time: each may wait for a client that has connected and says nothing
	go func() { inner <- p.inner.Shutdown(ctx) }()
	return errors.Join(p.outer.Shutdown(ctx), <-inner)
}

// Close closes all connections at once.
func (p *Proxy) Close() error {
	p.tunnels.closeOthers()
	return errors.Join(p.outer.Close(), p.inner.Close())
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect && p.authority.answers(r.Host):
		p.connect(w, r)
	case r.Method == http.MethodConnect && p.egress != nil:
		p.tunnel(w, r)
	case r.Method == http.MethodConnect:
		p.refuse(w, r.Host)
	case r.URL.Host == "": // not for a proxy
		p.fake.ServeHTTP(w, r)
	case p.authority.answers(r.URL.Host):
		p.fake.ServeHTTP(w, direct(r))
	case p.egress != nil && r.URL.Scheme == "http":
		p.pass(w, r)
	default:
		p.refuse(w, r.URL.Host)
	}
}

// direct returns a proxy request in the form in which it would be sent to the server itself.
func direct(r *http.Request) *http.Request {
	u := *r.URL
	u.Scheme, u.Host, u.User = "", "", nil
	out := r.WithContext(r.Context())
	out.URL, out.RequestURI = &u, u.RequestURI()
	out.Header = r.Header.Clone()
	out.Header.Del("Proxy-Connection")
	out.Header.Del("Proxy-Authorization")
	return out
}

// refuse rejects a request for a host, and says what to do about it.
func (p *Proxy) refuse(w http.ResponseWriter, host string) {
	p.log.Warn("the proxy refused a host that it does not answer for (option tls-host adds one, and allow-egress of run lets all others through)", "host", host)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusForbidden)
	_, _ = fmt.Fprintf(w, "dingmock: this proxy does not answer for %s and has no way out to it: it answers for %s. "+
		"With the option tls-host it answers for more, and with allow-egress of run all others are let through.\n", host, strings.Join(p.authority.names, ", "))
}

// connect answers a CONNECT for a host: with plain HTTP on port 80, otherwise with TLS.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	conn, ok := p.accept(w)
	if !ok {
		return
	}
	if _, port, _ := net.SplitHostPort(r.Host); port != "80" {
		shaken, ok := p.authority.shake(p.tunnels.open, conn, p.authority.tlsConfig(hosts.Name(r.Host)))
		if !ok {
			return
		}
		conn = shaken
	}
	p.tunnels.add(conn)
}

// accept confirms a CONNECT and takes over the connection.
func (p *Proxy) accept(w http.ResponseWriter) (net.Conn, bool) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2, which no proxy listener speaks
		http.Error(w, "dingmock: CONNECT needs HTTP/1.1", http.StatusNotImplemented)
		return nil, false
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return nil, false
	}
	if n := buffer.Reader.Buffered(); n > 0 { // the client did not wait for the answer
		early, _ := buffer.Reader.Peek(n)
		conn = &begun{conn, io.MultiReader(strings.NewReader(string(early)), conn)}
	}
	return conn, true
}

// begun is a connection of which some bytes have already been read.
type begun struct {
	net.Conn
	all io.Reader
}

func (c *begun) Read(p []byte) (int, error) { return c.all.Read(p) }

// NetConn returns the connection itself.
func (c *begun) NetConn() net.Conn { return c.Conn }

// CloseWrite closes the sending side.
func (c *begun) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(conn net.Conn) error {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return conn.Close()
}

// pass forwards a plain request to another host.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request) {
	(&httputil.ReverseProxy{
		Transport:     p.egress,
		FlushInterval: -1,
		Rewrite: func(x *httputil.ProxyRequest) {
			x.Out.Host = x.In.Host
			x.Out.URL.RawQuery = x.In.URL.RawQuery
		},
		ErrorLog:     serverlog.New(p.log),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { p.unreachable(w, r.URL.Host, err) },
	}).ServeHTTP(w, r)
}

func (p *Proxy) unreachable(w http.ResponseWriter, host string, err error) {
	p.log.Warn("the proxy did not reach a host", "host", host, "error", err)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusBadGateway)
	_, _ = fmt.Fprintf(w, "dingmock: %s was not reached: %v\n", host, err)
}

// tunnel connects the client to another host.
func (p *Proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := p.dial(r.Context(), r.Host)
	if err != nil {
		p.unreachable(w, r.Host, err)
		return
	}
	here, ok := p.accept(w)
	if !ok {
		_ = there.Close()
		return
	}
	if !p.tunnels.addOther(here, there) {
		return
	}
	defer p.tunnels.removeOther(here, there)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{here, there}, {there, here}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = closeWrite(way[0])
		})
	}
	both.Wait()
}

// dial connects to another host, through the next proxy if there is one.
func (p *Proxy) dial(ctx context.Context, addr string) (net.Conn, error) {
	dial := p.egress.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var next *url.URL
	if p.egress.Proxy != nil {
		var err error
		if next, err = p.egress.Proxy((&http.Request{URL: &url.URL{Scheme: "https", Host: addr}}).WithContext(ctx)); err != nil {
			return nil, err
		}
	}
	if next == nil {
		return dial(ctx, "tcp", addr)
	}
	port := next.Port()
	switch {
	case next.Scheme == "http" && port == "":
		port = "80"
	case next.Scheme == "https" && port == "":
		port = "443"
	case next.Scheme != "http" && next.Scheme != "https":
		return nil, fmt.Errorf("the next proxy, %s, is neither of http nor of https", next.Redacted())
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(next.Hostname(), port))
	if err != nil {
		return nil, err
	}
	if next.Scheme == "https" {
		conn = tls.Client(conn, &tls.Config{ServerName: next.Hostname(), MinVersion: tls.VersionTLS12})
	}
	through, err := ask(ctx, conn, addr, next)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the next proxy, %s: %w", next.Redacted(), err)
	}
	return through, nil
}

// ask sends a CONNECT to the next proxy.
func ask(ctx context.Context, conn net.Conn, addr string, next *url.URL) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: http.Header{}}
	if next.User != nil {
		password, _ := next.User.Password()
		asUser := http.Request{Header: http.Header{}}
		asUser.SetBasicAuth(next.User.Username(), password)
		req.Header.Set("Proxy-Authorization", asUser.Header.Get("Authorization"))
	}
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	buffer := bufio.NewReader(conn)
	resp, err := http.ReadResponse(buffer, req)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close() // the answer to CONNECT has no body
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", resp.Status)
	}
	return &begun{conn, buffer}, nil
}

// tunnels holds the connections that clients have made through the proxy. It is a listener of those that the fake
// answers, and tracks the others.
type tunnels struct {
	once  sync.Once // the inner server's start
	conns chan net.Conn
	open  context.Context
	end   context.CancelFunc

	mu     sync.Mutex
	others map[net.Conn]bool // nil once closed
}

func newTunnels() *tunnels {
	t := &tunnels{conns: make(chan net.Conn), others: map[net.Conn]bool{}}
	t.open, t.end = context.WithCancel(context.Background())
	return t
}

func (t *tunnels) add(conn net.Conn) {
	select {
	case t.conns <- conn:
	case <-t.open.Done():
		_ = conn.Close()
	}
}

// Accept returns the next connection that the fake is to answer.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.open.Done():
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (t *tunnels) Close() error {
	t.end()
	return nil
}

// Addr returns an address that means nothing.
func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{} }

func (t *tunnels) addOther(conns ...net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range conns {
		if t.others == nil {
			_ = c.Close()
			continue
		}
		t.others[c] = true
	}
	return t.others != nil
}

func (t *tunnels) removeOther(conns ...net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(t.others, c)
	}
}

func (t *tunnels) closeOthers() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.others {
		_ = c.Close()
	}
	t.others = nil
}
