package mockserver

import (
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// subject returns the call as rules match it. It is made once, when a rule first asks for it.
func (c *call) subject() *match.Subject {
	if c.about == nil {
		c.about = &match.Subject{
			Operation: c.operationID(), Method: c.Method, Path: c.Path, Host: hosts.Name(c.http.Host), Header: c.http.Header,
			Values: c.Values, Others: c.Others,
		}
	}
	return c.about
}

// fireRule tries the rules of the call's app, then those for every app, and returns the fixed reply to answer
// with, if any. If the document does not have the call and the call carries no token of an app, its app is the one
// that it names, or else one that has a fixed reply for it.
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

// stubOfAny looks for a fixed reply of any app, for a call that nothing assigns to an app. If that reply requires
// a token, the call is rejected for lack of a valid one.
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
		return nil // the rule was used up meanwhile
	}
	if len(list) == 1 { // if there are several, it is unknown which app is meant
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
