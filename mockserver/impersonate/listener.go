package impersonate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
)

// NewListener returns a listener for http.Server.Serve whose connections have completed a TLS handshake: TLS 1.2
// or 1.3, HTTP/2 or HTTP/1.1, with a certificate for each name, made when it is first needed. A client that asks
// for another name gets the alert unrecognized_name. A client that asks for none gets a certificate for localhost,
// this machine's name and the address that it dialled. A connection is cut off if its handshake is not complete
// within 10 s, or when the listener is closed.
func (a *Authority) NewListener(inner net.Listener) net.Listener {
	l := &listener{Listener: inner, authority: a, config: a.tlsConfig(""), accepted: make(chan accepted)}
	l.open, l.end = context.WithCancel(context.Background())
	return l
}

type listener struct {
	net.Listener
	authority *Authority
	config    *tls.Config
	begin     sync.Once
	accepted  chan accepted
	open      context.Context
	end       context.CancelFunc
}

// accepted is a result of Accept.
type accepted struct {
	conn net.Conn
	err  error
}

func (l *listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.run() })
	select {
	case x := <-l.accepted:
		return x.conn, x.err
	case <-l.open.Done():
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.end()
	return l.Listener.Close()
}

// run accepts clients until the listener is closed. It continues after an error: the caller of Accept decides what
// the error means.
func (l *listener) run() {
	for l.open.Err() == nil {
		conn, err := l.Listener.Accept()
		if err != nil {
			l.hand(accepted{err: err})
			continue
		}
		go func() {
			if shaken, ok := l.authority.shake(l.open, conn, l.config); ok {
				l.hand(accepted{conn: shaken})
			}
		}()
	}
}

func (l *listener) hand(x accepted) {
	select {
	case l.accepted <- x:
	case <-l.open.Done():
		if x.conn != nil {
			_ = x.conn.Close()
		}
	}
}

// shake performs the handshake with a client. If it fails, shake says why and closes the connection.
func (a *Authority) shake(ctx context.Context, conn net.Conn, c *tls.Config) (*tls.Conn, bool) {
	ctx, cancel := context.WithTimeout(ctx, headerTimeout)
	defer cancel()
	w := &watched{Conn: conn, authority: a}
	shaken := tls.Server(w, c)
	err := shaken.HandshakeContext(ctx)
	if err == nil {
		w.shaken(shaken.ConnectionState().Version)
		return shaken, true
	}
	if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok && plain.Conn != nil && likeHTTP(plain.RecordHeader) {
		_, _ = io.WriteString(plain.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		err = errors.New("it sent an HTTP request without TLS")
	}
	w.failed(err)
	_ = conn.Close()
	return nil, false
}

// likeHTTP reports whether a client's first bytes begin an HTTP request without TLS.
func likeHTTP(begin [5]byte) bool {
	switch string(begin[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "PATCH", "DELET":
		return true
	}
	return false
}
