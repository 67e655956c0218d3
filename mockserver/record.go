package mockserver

import (
	"net/http"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/internal/journal"
)

// record writes a call to the journal and the verdict before its answer is sent, so that whoever has the answer
// finds it there.
func (s *Server) record(c *call, name string, r *http.Request, body []byte, reply reply) {
	journal := s.nobody
	if c.owner != nil {
		journal = c.owner.journal
	}
	judged := !probe(r)
	if judged && c.Calls() {
		s.tally.CountCall(name)
	}
	if judged && (journal.On() || len(c.Violations) > 0) {
		e := c.entry(name, r, body, reply)
		journal.Add(e)
		if len(c.Violations) > 0 {
			s.tally.Add(name, c.owner != nil && c.owner.ignores(), c.Violations, e)
		}
	}
	if s.options.Calls != nil {
		s.options.Calls(CallLine{Method: r.Method, Host: printableHost(r.Host), Operation: c.operationID(), Path: r.URL.Path, App: name, Code: reply.code, Probe: !judged})
	}
}

// entry returns the journal's record of an answered call. It takes over the parsed request.
func (c *call) entry(name string, r *http.Request, body []byte, reply reply) *journal.Call {
	x := journal.Exchange{
		App: name, By: c.by, Host: printableHost(r.Host), Operation: c.operationID(), Checked: c.Request, Request: r, Body: body, Received: c.received, AppTime: c.received,
		Reply: journal.Reply{Status: reply.status, ContentType: reply.contentType, Body: reply.body, Code: reply.code, Explain: reply.explain},
	}
	if reply.shown != nil {
		x.Reply.Body = reply.shown
	}
	if c.owner != nil {
		x.AppTime = c.owner.now()
	}
	if c.rule != nil {
		x.Rule, x.Effect = c.rule.ID, c.rule.Effect.Name()
	}
	return journal.NewCall(&x)
}

// printableHost returns a Host header in a form that is safe in a line.
func printableHost(host string) string {
	const longest = 255 // bytes
	return printable.ASCII(redact.ValidUTF8(host[:min(len(host), longest)]))
}
