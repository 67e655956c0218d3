package mockserver

import (
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// subject is made once, where a rule asks for it.
func (c *call) subject() *match.Subject {
	if c.about == nil {
		c.about = &match.Subject{
			Operation: c.operationID(), Method: c.Method, Path: c.Path, Host: hosts.Name(c.http.Host), Header: c.http.Header,
			Values: c.Values, Others: c.Others,
		}
	}
	return c.about
}

// fireRule asks the rules of the call's app, then those for every app, and returns the fixed reply that is to answer in
// the fake's place, if any. A call that the document does not have and that carries no token of an app is told by the app
// that it names, else by the fixed reply that some app has for it.
func (c *call) fireRule() *FixedReply {
	asked, by := c.app, ""
	if asked == nil && c.Operation == nil {
		if asked, _, by = c.named(); asked == nil && c.connection() != nil {
			asked, by = c.server.tenants.app(c.connection().only()), byConnection
		}
	}
	if asked != nil {
		c.rule = asked.rules.Fire(c.subject, !probe(c.http), asked.now)
	}
	if c.rule != nil {
		c.owner, c.by = asked, by
	} else {
		c.rule = c.server.rules.Fire(c.subject, !probe(c.http), c.server.options.Now)
	}
	if c.rule == nil && asked == nil && c.Operation == nil {
		return c.stubOfAny()
	}
	if c.rule == nil {
		return nil
	}
	return c.rule.Effect.Reply
}

// stubOfAny looks for a fixed reply of any app for a call that nothing tells the app of. Where it asks for a token, the
// call is refused for its own.
func (c *call) stubOfAny() *FixedReply {
	list := c.server.tenants.stubs(c)
	if len(list) == 0 {
		return nil
	}
	first := list[0]
	if c.needsToken(first.reply) {
		c.stubbed = true
		return first.reply
	}
	if c.rule = first.app.rules.Fire(c.subject, !probe(c.http), first.app.now); c.rule == nil {
		return nil // it was used up meanwhile
	}
	if len(list) == 1 { // of several nobody can tell which is meant
		c.owner, c.by = first.app, byRule
	}
	return c.rule.Effect.Reply
}

// stub is a fixed reply that an app would give.
type stub struct {
	app   *tenant
	reply *FixedReply
}

// stubs returns the fixed replies that apps would give to the call, in the order of the apps.
func (s *tenants) stubs(c *call) []stub {
	var list []stub
	for _, a := range s.all() {
		if reply := a.rules.Reply(c.subject, a.now); reply != nil {
			list = append(list, stub{a, reply})
		}
	}
	return list
}
