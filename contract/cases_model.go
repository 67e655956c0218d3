package contract

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A step is one thing that a random sequence does. The numbers are of small worlds of apps, users, ids and chats, so
// that steps meet.
type step struct {
	do                  string // create, close, get, token, accessToken or wait
	app, user, id, chat int
	wait                time.Duration
}

func (s step) String() string {
	switch s.do {
	case "wait":
		return fmt.Sprintf("app %d's clock is moved by %s", s.app, s.wait)
	case "get":
		return fmt.Sprintf("app %d: getsession of user %d", s.app, s.user)
	case "token", "accessToken":
		return fmt.Sprintf("app %d: %s", s.app, s.do)
	}
	return fmt.Sprintf("app %d: %s session %d of user %d in chat %d", s.app, s.do, s.id, s.user, s.chat)
}

// The sizes of the model's world.
const (
	modelApps  = 2
	modelUsers = 2
	modelIDs   = 4
	modelChats = 2
)

// steps makes a random sequence of steps.
func steps(rng *rand.Rand, n int, clock bool) []step {
	list := make([]step, n)
	kinds := []string{"create", "create", "create", "close", "close", "get", "get", "token", "accessToken", "wait"}
	for i := range list {
		kind := kinds[rng.IntN(len(kinds))]
		if kind == "wait" && !clock {
			kind = "get"
		}
		list[i] = step{
			do: kind, app: rng.IntN(modelApps), user: rng.IntN(modelUsers), id: rng.IntN(modelIDs), chat: rng.IntN(modelChats),
			wait: []time.Duration{time.Minute, time.Hour, life}[rng.IntN(3)],
		}
	}
	return list
}

// model is what an app has to be like after some steps: few lines that say what a server in full does.
type model struct {
	open  []step // sessions, by creation
	token string // the living token, "" for none
	age   time.Duration
	used  []string // the tokens that have died
}

func (m *model) find(id int) int {
	return slices.IndexFunc(m.open, func(s step) bool { return s.id == id })
}

// latest is the session of the user that was created last.
func (m *model) latest(user int) *step {
	for i := len(m.open) - 1; i >= 0; i-- {
		if m.open[i].user == user {
			return &m.open[i]
		}
	}
	return nil
}

func (s step) same(t step) bool { return s.id == t.id && s.user == t.user && s.chat == t.chat }

var modelCase = Case{
	ID: "model/sequences", Level: MUST, Needs: NeedsOwnApp | sessionNeeds | needsSessions | needsTime | needsStandIn,
	Rule: "However calls follow on one another, each answers what a model of a few lines says: tokens live and are renewed, sessions open, close and are the most recent.",
	run: func(c *trial) {
		clock := c.runner.target.Powers.Advance != nil && c.runner.options.Driver == nil && c.runner.target.SessionTTL == 0
		budget := max(40, 5*c.runner.options.Budget)
		for done, length := 0, 50; done < budget; done += length {
			sequence := steps(c.rng, length, clock)
			if c.play(sequence) == nil {
				continue
			}
			shortest := shrink(sequence, func(s []step) bool { return c.play(s) != nil })
			end := c.play(shortest)
			if end == nil {
				c.halt(Errored, "a sequence fails now and then: %v", sequence)
			}
			end.end()
		}
	},
}

// shrink returns the shortest sequence that it finds for which fails still says true, by leaving out steps.
func shrink(list []step, fails func([]step) bool) []step {
	for size := len(list) / 2; size > 0; size /= 2 {
		for at := 0; at < len(list); {
			shorter := slices.Delete(slices.Clone(list), at, min(at+size, len(list)))
			if len(shorter) > 0 && fails(shorter) {
				list = shorter
			} else {
				at += size
			}
		}
	}
	return list
}

// play takes new apps through the steps and compares each answer with the model. It returns how the rule is
// broken, or nil.
func (c *trial) play(sequence []step) *stop {
	began := len(c.rec.exchanges())
	world := make([]*model, modelApps)
	parties := make([]*party, modelApps)
	at := -1
	end := catch(func() {
		names := c.id("m")
		for i := range world {
			world[i], parties[i] = &model{}, c.party(c.newApp(AppSpec{}))
		}
		for i, s := range sequence {
			at = i
			parties[s.app].step(world[s.app], s, names)
		}
	})
	if end == nil {
		return nil
	}
	if end.outcome != Fail && end.outcome != Blocked {
		end.end()
	}
	var lines []string
	for i, s := range sequence[:at+1] {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, s))
	}
	all := c.rec.exchanges()
	for _, x := range all[began:] {
		lines = append(lines, c.line(x))
	}
	end.before = strings.Join(lines, "\n")
	if end.x == nil {
		end.x = all[len(all)-1]
	}
	return end
}

// session makes the values that a step stands for. Ids are the same in both apps, to show when they mix.
func (p *party) stepSession(s step, names string) session {
	return session{
		id: fmt.Sprintf("s%d-%s", s.id, names), appKey: p.app.AppKey, user: fmt.Sprintf("u%d-%s", s.user, names),
		chat: []string{"", "chat"}[s.chat],
	}
}

func (p *party) step(m *model, s step, names string) {
	want := p.stepSession(s, names)
	if m.token == "" && s.do != "wait" && s.do != "accessToken" {
		p.renewed(m, p.token().value)
	}
	switch s.do {
	case "token":
		p.renewed(m, p.token().value)
	case "accessToken":
		p.renewed(m, p.newToken().value)
	case "wait":
		p.c.advance(p.app, s.wait)
		if m.age += s.wait; m.age >= life {
			m.used, m.token = append(m.used, m.token), ""
		}
	case "get":
		latest := m.latest(s.user)
		if latest == nil {
			p.has(want.user, nil)
			return
		}
		session := p.stepSession(*latest, names)
		p.has(want.user, &session)
	case "create":
		_, err := p.createSession(want)
		if i := m.find(s.id); i >= 0 && !m.open[i].same(s) {
			p.refused(err, "session-invalid")
			return
		} else if i < 0 {
			m.open = append(m.open, s)
		}
		p.must(err, "create_session")
	case "close":
		err := p.closeSession(want)
		i := m.find(s.id)
		if i < 0 || !m.open[i].same(s) {
			p.refused(err, "session-invalid")
			return
		}
		p.must(err, "close_session")
		m.open = slices.Delete(m.open, i, i+1)
	default:
		p.c.halt(Errored, "there is no step %s", s.do)
	}
}

// last is the operation of the last call.
func (p *party) last() string {
	list := p.c.rec.exchanges()
	return list[len(list)-1].operation()
}

// renewed ends the case if a token is not the living one, or is one that has died.
func (p *party) renewed(m *model, token string) {
	switch {
	case m.token != "" && token != m.token:
		p.c.breaks(nil, otherToken(p.last()), "the token while one lives:\n-want the same\n+got  another")
	case m.token == "" && slices.Contains(m.used, token):
		p.c.breaks(nil, sameToken(p.last(), "the expired one"), "the token after the last has died:\n-want a new one\n+got  one that has died")
	}
	m.token, m.age = token, 0
}
