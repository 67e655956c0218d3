package contract

import (
	"fmt"
	"strings"
	"time"
)

const sessionNeeds = needsAppKey | needsWrites

// sessionParams are the parameters of a session of the app that nobody else has.
func sessionParams(c *trial, app App) []any {
	return session{id: c.id("s"), appKey: app.AppKey, user: c.id("u"), chat: c.id("chat")}.values()
}

// noSession makes a session call of the case's app one of no app and no session.
func noSession(c *trial, q *call) { q.set("app_key", c.id("nobody")).set("session_id", c.id("never")) }

// sessionFor makes the call that opens a session of the user of a call of getsession.
func (c *trial) sessionFor(get *call) *call {
	q := newCall(c.op("create_session"), sessionParams(c, c.app())...)
	return q.set(tokenOf(q.op), get.value(tokenOf(get.op))).set("user_id", get.value("userid"))
}

// closing makes the call that closes the session that another opened.
func (c *trial) closing(opened *call) *call { return opened.of(c.op("close_session")) }

// opening makes a call that opens a session with these values.
func (c *trial) opening(values ...any) *call {
	return c.valid(c.op("create_session"), values...)
}

// getting makes the call that answers the session that another opened.
func (c *trial) getting(opened *call) *call {
	get := c.op("getsession")
	return newCall(get, tokenOf(get), opened.value(tokenOf(opened.op)), "userid", opened.value("user_id"))
}

// finds ends the case if a call of getsession does not answer the session that another call opened.
func (c *trial) finds(get, opened *call) {
	x := c.do(get)
	c.success(x)
	c.found(x, opened)
}

// found ends the case if getsession did not answer the session that a call opened.
func (c *trial) found(x *Exchange, opened *call) {
	result, _ := c.success(x)["result"].(map[string]any)
	got, _ := result["session"].(map[string]any)
	if got == nil {
		text := func(name string) string { s, _ := opened.value(name).(string); return s }
		want := &session{id: text("session_id"), appKey: text("app_key"), user: text("user_id"), chat: text("chatid")}
		f := Finding{Operation: x.operation(), Pointer: "/body/result/session", Kind: KindValue, Found: "none", Expected: "the user's open session that was created last"}
		(&stop{outcome: Fail, x: x, finding: f, want: want, diff: "-want " + want.text() + "\n+got  none"}).end()
	}
	for _, name := range []string{"session_id", "app_key", "user_id", "chatid"} {
		c.equal(x, "result.session."+name, got[name], opened.value(name))
	}
}

// gone ends the case if the session of a call is open.
func (c *trial) gone(closed *call) {
	if x := c.do(c.getting(closed)); c.success(x) != nil && x.session() != nil {
		f := Finding{Operation: x.operation(), Pointer: "/body/result/session", Kind: KindValue, Found: "another session", Expected: "none"}
		c.breaks(x, f, "the session of a user, once it is closed:\n-want none\n+got  "+x.session().text())
	}
}

// wrongTime ends the case: create_time is not what it has to be, after a call of the operation.
func (c *trial) wrongTime(operation, format string, args ...any) {
	f := Finding{Operation: operation, Pointer: "/body/result/session/create_time", Kind: KindValue, Found: "another time", Expected: "when the session was created, in milliseconds by the app's clock"}
	if operation != "getsession" {
		f.Pointer, f.Kind = "", KindState
		f.Found, f.Expected = "a session of another create_time after the call", "a session that keeps the time of its creation, and a new one that has its own"
	}
	c.breaks(nil, f, fmt.Sprintf(format, args...))
}

// again ends the case: after the same call again a session has another create_time. Where it has one of its own each time that it
// is looked at, that is what is wrong.
func (c *trial) again(p *party, user string, created, now time.Time) {
	for range 30 {
		c.still(p, user, now)
	}
	c.wrongTime("create_session", "create_time after the same call again:\n-want %d\n+got  %d", created.UnixMilli(), now.UnixMilli())
}

// still ends the case if the user's session, to which nothing was done, has another create_time than before.
func (c *trial) still(p *party, user string, created time.Time) {
	if now := p.open(user).createTime; !now.Equal(created) {
		c.wrongTime("getsession", "create_time of a session to which nothing was done:\n-want %d\n+got  %d", created.UnixMilli(), now.UnixMilli())
	}
}

var sessionCases = []Case{
	{
		ID: "getsession/none", Level: MUST, Operation: "getsession", Needs: sessionNeeds,
		Rule: "A user with no open session has none, which is a success with null.",
		run:  func(c *trial) { p := c.party(c.app()); p.has(c.id("u"), nil) },
	},
	{
		ID: "getsession/found", Level: MUST, Operation: "getsession", Needs: sessionNeeds,
		Rule: "An open session is answered with the values that it was created with.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			p.has(user, &s)
			p.has(user, &s)
		},
	},
	{
		ID: "getsession/latest", Level: MUST, Operation: "getsession", Needs: sessionNeeds,
		Rule: "Of a user's open sessions the one that was created last is answered.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			// Neither the ids nor the chats are in the order of creation.
			first, second, third := p.session(user), p.session(user), p.session(user)
			for i, s := range []*session{&first, &second, &third} {
				s.id, s.chat = []string{"b", "c", "a"}[i]+s.id, []string{"b", "a", "c"}[i]+s.chat
				p.create(*s)
				p.has(user, s)
			}
			p.close(second)
			p.has(user, &third)
			p.close(third)
			p.has(user, &first)
			p.create(second)
			p.has(user, &second)
			p.close(first)
			p.create(first) // an id that is used again is that of a new session
			p.has(user, &first)
		},
	},
	{
		ID: "getsession/per-user", Level: MUST, Operation: "getsession", Needs: sessionNeeds,
		Rule: "A session is its user's alone.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			p.has(c.id("other"), nil)
			p.has(strings.ToUpper(user), nil)
			other := p.opened(c.id("other"))
			p.has(user, &s)
			p.has(other.user, &other)
		},
	},
	{
		ID: "getsession/per-app", Level: MUST, Operation: "getsession", Needs: sessionNeeds | NeedsOwnApp,
		Rule: "A session is its app's alone: another app with the same user and the same id knows nothing of it.",
		run: func(c *trial) {
			p, q, user := c.party(c.app()), c.party(c.another()), c.id("u")
			s := p.opened(user)
			q.has(user, nil)
			theirs := s
			theirs.appKey = q.app.AppKey
			q.refused(q.closeSession(theirs), "session-invalid")
			q.create(theirs)
			q.close(theirs)
			p.has(user, &s)
		},
	},
	{
		ID: "getsession/create-time", Level: MUST, Operation: "getsession", Needs: sessionNeeds | NeedsClock | NeedsOwnApp,
		Rule: "create_time is when the session was created, in milliseconds by the app's clock.",
		run: func(c *trial) {
			p, user, other := c.party(c.app()), c.id("u"), c.id("u")
			s := p.opened(user)
			before := p.open(user).createTime
			c.advance(c.app(), 20*time.Minute)
			p.opened(other)
			after := p.open(other).createTime
			if d := after.Sub(before); d < 20*time.Minute || d > 20*time.Minute+c.runner.options.Timeout {
				c.wrongTime("getsession", "the difference of create_time, of sessions 20 minutes apart:\n-want 20m0s\n+got  %s", d)
			}
			c.still(p, user, before)
			p.close(s)
			p.create(s)
			if again := p.open(user).createTime; again.Before(after) {
				c.wrongTime("create_session", "create_time of a session whose id was used 20 minutes before:\n-want %d or later\n+got  %d", after.UnixMilli(), again.UnixMilli())
			}
		},
	},
	{
		ID: "getsession/verbatim", Level: MUST, Operation: "getsession", Needs: sessionNeeds,
		Rule: "Values come back as they were sent, whatever characters they hold.",
		run: func(c *trial) {
			p := c.party(c.app())
			for _, special := range []string{`<b>&"quoted"\ /slash`, "会话 👩‍👩‍👧 é e\u0301", "tab\tnewline\n%41%zz+plus&a=b;c", "\u007f \u00a0", " spaces around ", "null", "0", "NaN", "{}"} {
				s := p.session(special + c.id("u"))
				s.id, s.chat = special+s.id, special
				p.create(s)
				p.has(s.user, &s)
				p.close(s)
			}
		},
	},
	{
		ID: "getsession/ends", Level: MUST, Operation: "getsession", Needs: sessionNeeds | NeedsClock | NeedsOwnApp | NeedsSessionLife,
		Rule: "A session ends by itself when its life is over, and its id is free again.",
		run: func(c *trial) {
			p, user, ttl := c.party(c.app()), c.id("u"), c.runner.target.SessionTTL
			s := p.opened(user)
			c.advance(c.app(), ttl/2)
			p.token()
			p.has(user, &s)
			p.create(s) // the same values again: nothing moves
			c.advance(c.app(), ttl-ttl/2)
			p.token()
			p.has(user, nil)
			p.refused(p.closeSession(s), "session-invalid")
			p.create(s)
			p.has(user, &s)
		},
	},
	{
		ID: "create_session/success", Level: MUST, Operation: "create_session", Needs: sessionNeeds,
		Rule: "A session is opened under the id that was asked for, which is answered.",
		run: func(c *trial) {
			p := c.party(c.app())
			s := p.opened(c.id("u"))
			p.has(s.user, &s)
		},
	},
	{
		ID: "create_session/idempotent", Level: MUST, Operation: "create_session", Needs: sessionNeeds,
		Rule: "The same values again while the session is open succeed and change nothing: neither its time nor its place in the order.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			first := p.opened(user)
			created := p.open(user).createTime
			c.still(p, user, created)
			p.create(first)
			if again := p.open(user); !again.createTime.Equal(created) {
				c.again(p, user, created, again.createTime)
			}
			second := p.opened(user)
			p.has(user, &second)
			p.create(first)
			p.has(user, &second)
			p.close(first)
			p.close(second)
			p.has(user, nil)
		},
	},
	{
		ID: "create_session/idempotent-later", Level: MUST, Operation: "create_session", Needs: sessionNeeds | NeedsClock | NeedsOwnApp,
		Rule: "The same values again, 20 minutes later, do not move create_time.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			created := p.open(user).createTime
			c.advance(c.app(), 20*time.Minute)
			c.still(p, user, created)
			p.create(s)
			if again := p.open(user); !again.createTime.Equal(created) {
				c.again(p, user, created, again.createTime)
			}
		},
	},
	{
		ID: "create_session/refused-opens-nothing", Level: MUST, Operation: "create_session", Needs: sessionNeeds,
		Rule: "A refused call opens and changes nothing.",
		run: func(c *trial) {
			p, user, other := c.party(c.app()), c.id("u"), c.id("other")
			s := p.opened(user)
			conflict := s
			conflict.user = other
			_, err := p.createSession(conflict)
			p.refused(err, "session-invalid")
			wrong := p.session(other)
			wrong.appKey = c.id("nobody")
			_, err = p.createSession(wrong)
			p.refused(err, "app-key-wrong")
			p.has(other, nil)
			p.has(user, &s)
		},
	},
	{
		ID: "create_session/id-in-case", Level: MUST, Operation: "create_session", Needs: sessionNeeds,
		Rule: "Two ids that differ in case alone are two sessions.",
		run: func(c *trial) {
			p, user, other := c.party(c.app()), c.id("u"), c.id("other")
			s := p.opened(user)
			capital := p.session(other)
			capital.id = strings.ToUpper(s.id)
			p.create(capital)
			p.has(user, &s)
			p.has(other, &capital)
			p.close(capital)
			p.has(user, &s)
		},
	},
	{
		ID: "create_session/no-chat", Level: MUST, Operation: "create_session", Needs: sessionNeeds | NeedsRaw,
		Rule: "An absent, a null and an empty chatid are one and the same: empty.",
		run: func(c *trial) {
			op := c.op("create_session")
			q := c.valid(op)
			c.succeed(q.clone().drop("chatid"))
			c.succeed(q.clone().set("chatid", nil))
			c.succeed(q.clone().set("chatid", ""))
			get := c.op("getsession")
			c.finds(newCall(get, tokenOf(get), q.value(tokenOf(op)), "userid", q.value("user_id")), q.set("chatid", ""))
		},
	},
	{
		ID: "create_session/either-credentials", Level: MUST, Operation: "create_session", Needs: sessionNeeds | NeedsBothPairs | NeedsRaw,
		Rule: "app_key is the appkey of the token's app, whichever credentials got the token.",
		run: func(c *trial) {
			a, op := c.app(), c.op("create_session")
			q := c.valid(op)
			q.set(tokenOf(op), c.succeed(c.call("gettoken", "corpid", a.CorpID, "corpsecret", a.CorpSecret))["access_token"])
			c.succeed(q)
			q = c.valid(op)
			q.set(tokenOf(op), c.succeed(c.valid(c.op("accessToken")))["accessToken"])
			c.succeed(q)
		},
	},
	{
		ID: "create_session/ids-apart", Level: MUST, Operation: "create_session", Needs: sessionNeeds,
		Rule: "Ids that differ in case, in a space, in how a letter is composed or in their last character are different ids.",
		run: func(c *trial) {
			p := c.party(c.app())
			id := "\u00e9" + strings.Repeat("x", 80) + c.id("s")
			var list []session
			for _, other := range []string{id, strings.ToUpper(id), id + " ", " " + id, "e\u0301" + strings.TrimPrefix(id, "\u00e9"), id + "x"} {
				s := p.session(c.id("u"))
				s.id = other
				p.create(s)
				list = append(list, s)
			}
			for _, s := range list {
				p.has(s.user, &s)
				p.close(s)
			}
		},
	},
	{
		ID: "close_session/success", Level: MUST, Operation: "close_session", Needs: sessionNeeds,
		Rule: "An open session is closed by the values that it was created with.",
		run: func(c *trial) {
			p := c.party(c.app())
			p.close(p.opened(c.id("u")))
		},
	},
	{
		ID: "close_session/no-chat", Level: MUST, Operation: "close_session", Needs: sessionNeeds | NeedsRaw,
		Rule: "A session without a chat is closed with an absent, a null or an empty chatid, and with no other.",
		run: func(c *trial) {
			s := c.opening().drop("chatid")
			for _, set := range []func(q *call){
				func(q *call) { q.drop("chatid") }, func(q *call) { q.set("chatid", nil) }, func(q *call) { q.set("chatid", "") },
			} {
				c.succeed(s)
				c.refused(c.closing(s).set("chatid", c.id("chat")), "session-invalid")
				q := c.closing(s)
				set(q)
				c.succeed(q)
			}
		},
	},
	{
		ID: "close_session/gone", Level: MUST, Operation: "close_session", Needs: sessionNeeds,
		Rule: "A closed session is gone: getsession does not answer it, and it cannot be closed again.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			p.close(s)
			p.has(user, nil)
			p.refused(p.closeSession(s), "session-invalid")
		},
	},
	{
		ID: "close_session/id-free", Level: MUST, Operation: "close_session", Needs: sessionNeeds,
		Rule: "The id of a closed session may be used again, with the same values or with others.",
		run: func(c *trial) {
			p, user, other := c.party(c.app()), c.id("u"), c.id("other")
			s := p.opened(user)
			p.close(s)
			p.create(s)
			p.has(user, &s)
			p.close(s)
			s.user, s.chat = other, c.id("chat")
			p.create(s)
			p.has(other, &s)
			p.has(user, nil)
		},
	},
	{
		ID: "close_session/refused-closes-nothing", Level: MUST, Operation: "close_session", Needs: sessionNeeds,
		Rule: "A refused call closes nothing.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			wrong := s
			wrong.chat = c.id("other")
			p.refused(p.closeSession(wrong), "session-invalid")
			p.has(user, &s)
		},
	},
	{
		ID: "close_session/leaves-others", Level: MUST, Operation: "close_session", Needs: sessionNeeds,
		Rule: "Closing a session leaves the others of the user and of the app open.",
		run: func(c *trial) {
			p, user, other := c.party(c.app()), c.id("u"), c.id("other")
			first, theirs, second := p.opened(user), p.opened(other), p.opened(user)
			p.close(second)
			p.has(user, &first)
			p.has(other, &theirs)
			p.close(first)
			p.has(other, &theirs)
		},
	},
	{
		ID: "close_session/outlives-token", Level: MUST, Operation: "close_session", Needs: sessionNeeds | needsEndless | NeedsClock | NeedsOwnApp,
		Rule: "A session outlives the token that opened it; one without a life of its own does not end by itself.",
		run: func(c *trial) {
			p, user := c.party(c.app()), c.id("u")
			s := p.opened(user)
			c.advance(c.app(), 30*24*time.Hour)
			p.token()
			p.has(user, &s)
			p.close(s)
		},
	},
}
