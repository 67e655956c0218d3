package mockserver

import (
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/printable"
)

// deliver sends the answer as the call's rule demands: late, broken, or not at all. By now the journal holds all
// of it.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request, c *call, reply reply) {
	if deliver := c.effect().deliver; deliver != nil {
		deliver(s, w, r, c, reply)
		return
	}
	s.write(w, reply)
}

// hang never answers.
func (s *Server) hang(w http.ResponseWriter, r *http.Request, c *call, _ reply) {
	c.pause(r, -1)
	closeConnection(w, false)
}

// late answers after the rule's latency.
func (s *Server) late(w http.ResponseWriter, r *http.Request, c *call, reply reply) {
	if !c.pause(r, c.rule.Effect.Delay()) {
		closeConnection(w, false)
		return
	}
	s.write(w, reply)
}

// truncate sends half of the body.
func (s *Server) truncate(w http.ResponseWriter, _ *http.Request, _ *call, reply reply) {
	s.head(w, reply)
	_, _ = w.Write(reply.body[:len(reply.body)/2])
	_ = http.NewResponseController(w).Flush()
	closeConnection(w, false)
}

// slowly waits before each byte of the body.
func (s *Server) slowly(w http.ResponseWriter, r *http.Request, c *call, reply reply) {
	s.head(w, reply)
	for i := range reply.body {
		_ = http.NewResponseController(w).Flush()
		if !c.pause(r, time.Duration(c.rule.Effect.Slow)) {
			closeConnection(w, false)
			return
		}
		_, _ = w.Write(reply.body[i : i+1])
	}
}

// pause waits for d in real time, or for ever if d is negative. It returns false early if the client, the app or
// the server is gone.
func (c *call) pause(r *http.Request, d time.Duration) bool {
	var over <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
		return true
	case <-c.done:
	case <-c.server.closed:
	case <-r.Context().Done():
	}
	return false
}

// closeConnection ends the connection without another byte: over HTTP/1.1 it closes the connection, with a reset
// if asked; over HTTP/2 it resets the stream.
func closeConnection(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if reset {
		linger(conn)
	}
	_ = conn.Close()
}

// linger makes the close of a connection a reset. It unwraps TLS first, which would otherwise send a goodbye.
func linger(conn net.Conn) {
	for {
		wrapped, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		conn = wrapped.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// head sends the status and the headers of an answer.
func (s *Server) head(w http.ResponseWriter, r reply) {
	h := w.Header()
	h.Set("Server", "DingTalk/1.0.0")
	maps.Copy(h, r.header) // spelt as the platform spells it
	if r.contentType != "" {
		h.Set("Content-Type", r.contentType)
	} else {
		h["Content-Type"] = nil
	}
	if r.status != http.StatusNoContent && r.status != http.StatusNotModified { // these have no body
		h.Set("Content-Length", strconv.Itoa(len(r.body)))
	}
	h.Set("Dingmock-Version", s.options.Version)
	if r.known == dingmock.KnownRule {
		h.Set("Dingmock-Known", string(r.known))
	}
	if r.explain != "" {
		h.Set("Dingmock-Explain", printable.ASCII(r.explain))
	}
	w.WriteHeader(r.status)
}

// write sends the answer.
func (s *Server) write(w http.ResponseWriter, r reply) {
	s.head(w, r)
	_, _ = w.Write(r.body) // a client that has gone away is no concern of the fake
}
