package contract

import (
	"errors"
	"sync/atomic"
)

// crowd is how many calls the concurrency cases make at once.
const crowd = 16

var concurrentCases = []Case{
	{
		ID: "gettoken/at-once", Level: MUST, Operation: "gettoken", Needs: NeedsOwnApp | needsStandIn,
		Rule: "Calls at the same moment, with no living token, all get one and the same.",
		run:  func(c *trial) { c.oneToken() },
	},
	{
		ID: "gettoken/at-once-after-expiry", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsStandIn,
		Rule: "Calls at the same moment, when the token has just expired, all get one and the same new one.",
		run: func(c *trial) {
			first := c.oneToken()
			c.advance(c.app(), life)
			if c.oneToken() == first {
				c.anotherToken("the expired one")
			}
		},
	},
	{
		ID: "create_session/at-once", Level: MUST, Operation: "create_session", Needs: sessionNeeds | needsStandIn,
		Rule: "Of sessions that are opened at the same moment, none is lost.",
		run: func(c *trial) {
			p := c.party(c.app())
			p.token()
			sessions, refusals := make([]session, crowd), make([]error, crowd)
			for i := range sessions {
				sessions[i] = p.session(c.id("u"))
			}
			c.together(func(i int) {
				_, refusals[i] = p.createSession(sessions[i])
			})
			for i, s := range sessions {
				p.told(refusals[i], "create_session")
				p.has(s.user, &s)
			}
		},
	},
	{
		ID: "create_session/one-wins", Level: MUST, Operation: "create_session", Needs: sessionNeeds | needsStandIn,
		Rule: "Of calls at the same moment with one id and different values, just one opens the session.",
		run: func(c *trial) {
			p := c.party(c.app())
			p.token()
			refusals, sessions := make([]error, crowd), make([]session, crowd)
			for i := range sessions {
				sessions[i] = p.session(c.id("u"))
				sessions[i].id = sessions[0].id
			}
			c.together(func(i int) {
				_, refusals[i] = p.createSession(sessions[i])
			})
			n := 0
			for _, err := range refusals {
				if err == nil {
					n++
				} else if !refusedAs(c, err, "session-invalid") {
					p.told(err, "create_session")
				}
			}
			c.equal(nil, "how many of the calls at once succeeded", n, 1)
			for i, s := range sessions {
				if refusals[i] == nil {
					p.has(s.user, &s)
				} else {
					p.has(s.user, nil)
				}
			}
		},
	},
	{
		ID: "close_session/one-wins", Level: MUST, Operation: "close_session", Needs: sessionNeeds | needsStandIn,
		Rule: "Of calls at the same moment that close one session, just one succeeds.",
		run: func(c *trial) {
			p := c.party(c.app())
			s := p.opened(c.id("u"))
			var n atomic.Int64
			refusals := make([]error, crowd)
			c.together(func(i int) {
				err := p.closeSession(s)
				if refusals[i] = err; err == nil {
					n.Add(1)
				} else if !refusedAs(c, err, "session-invalid") {
					c.fail(nil, "one of the calls at once failed otherwise than as a conflict", "one of %d calls at once failed otherwise than as a conflict: %v", crowd, plain(err))
				}
			})
			if n.Load() == 0 {
				p.must(refusals[0], "close_session")
			}
			p.has(s.user, nil)
			c.equal(nil, "how many of the calls succeeded", n.Load(), 1)
		},
	},
}

// oneToken calls gettoken many times at once and returns the token, which has to be one.
func (c *trial) oneToken() string {
	tokens := make([]string, crowd)
	parties := make([]*party, crowd)
	for i := range parties {
		parties[i] = c.party(c.app())
	}
	c.together(func(i int) {
		t, err := parties[i].gettoken()
		if err != nil {
			c.fail(nil, "one of the calls at once failed", "one of %d calls at once failed: %v", crowd, plain(err))
		}
		tokens[i] = t.value
	})
	for _, t := range tokens {
		c.same("of the calls at once, one's token", t, tokens[0])
	}
	return tokens[0]
}

func refusedAs(c *trial, err error, name string) bool {
	var refusal *Refusal
	return errors.As(err, &refusal) && refusal.is(c.doc.ErrorReply(name))
}
