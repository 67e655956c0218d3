package mockserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// drained is how much of a body over the limit is read and dropped, so that its sender gets the answer.
const drained = 64 << 20

// record notes a call before its answer is written, so that nobody who has the answer can look too early.
func (s *Server) record(c *call, name string, r *http.Request, body []byte, reply reply) {
	journal := s.nobody
	if c.owner != nil {
		journal = c.owner.journal
	}
	judged := !probe(r)
	if judged && c.Calls() {
		s.tally.count(name)
	}
	if judged && (journal.limit > 0 || len(c.Violations) > 0) {
		e := c.entry(name, r, body, reply)
		journal.add(e)
		if len(c.Violations) > 0 {
			s.tally.add(name, c.owner != nil && c.owner.ignores(), c.Violations, e)
		}
	}
	if s.options.Calls != nil {
		s.options.Calls(CallLine{Method: r.Method, Host: printableHost(r.Host), Operation: c.operationID(), Path: r.URL.Path, App: name, Code: reply.code, Probe: !judged})
	}
}

// readBody reads as much of the body as the checks need, and drops what is beyond so that the sender gets an answer.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var body bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= limit {
		body.Grow(int(r.ContentLength) + bytes.MinRead) // so that the end is found without another buffer
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(body.Len()) > limit {
		if _, err := io.CopyN(io.Discard, r.Body, drained); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return body.Bytes(), nil
}
