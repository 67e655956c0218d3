package contract

import (
	"crypto/tls"
	"fmt"
	"net/http/httptrace"
	"strings"
	"sync/atomic"

	"github.com/dingmock/dingmock"
)

// protocolCases call each operation over each version of HTTP. All other cases speak whichever the target prefers.
var protocolCases = []opCase{overHTTP(1, "HTTP/1.1", "http-1.1", "--http1.1"), overHTTP(2, "HTTP/2", "http-2", "--http2")}

func overHTTP(major int, name, id, curl string) opCase {
	return opCase{
		id: id, needs: needsStandIn,
		rule: "Over " + name + ", where the target offers it, a call is answered, or refused, as over any other version.",
		run: func(c *trial, op *dingmock.Operation) {
			c.during(fmt.Sprintf("%s alone (curl %s)", name, curl), func() { c.over(op, major, name) })
		},
	}
}

// over makes a call of the operation that succeeds and one that is refused, over that version of HTTP.
func (c *trial) over(op *dingmock.Operation, major int, name string) {
	switch base := c.rec.base.(type) {
	case handlerTransport:
		c.rec.base = handlerTransport{base.handler, major}
	case *connections:
		if major == 2 && !strings.HasPrefix(c.runner.base(op.Path), "https:") {
			c.halt(Unsupported, "the target's address is http://, and HTTP/2 is spoken over TLS")
		}
		base.speak(major)
	default:
		c.halt(Unsupported, "Target.Client has a transport of its own, which chooses the version of HTTP itself")
	}
	var refused atomic.Bool // by a handshake of TLS: a server may let one pass in which nothing is agreed on, and say nothing after it
	c.ctx = httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, err error) {
		agreed := state.NegotiatedProtocol == map[int]string{1: "http/1.1", 2: "h2"}[major]
		refused.Store(err == nil && !agreed || err != nil && strings.Contains(err.Error(), "no application protocol"))
	}})
	x := c.try(c.call("gettoken", firstPair(c.app())...))
	if x.Err != nil && refused.Load() || x.Response != nil && x.Response.ProtoMajor != major {
		c.halt(Unsupported, "the target does not offer %s", name)
	}
	if x.Err != nil {
		c.noAnswer(x, "a reply")
	}
	c.conform(x, aSuccess)
	c.succeed(c.valid(op))
	q, missing, holes := c.bare(op)
	c.refused(q, missing, holes...)
}

// protocol is what a handler that is called in process is told.
func protocol(major int) (name string, minor int) {
	if major == 2 {
		return "HTTP/2.0", 0
	}
	return "HTTP/1.1", 1
}
