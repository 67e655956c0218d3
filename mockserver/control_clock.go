package mockserver

import (
	"strings"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
)

// readClock returns the current state of the app's clock.
func (a *tenant) readClock() api.Clock {
	a.mu.Lock()
	defer a.mu.Unlock()
	reply := api.Clock{Now: a.clock.Now().UTC()}
	if s := a.clock.State(); s != nil {
		reply.Offset, reply.Frozen = s.Offset, s.Frozen
	}
	return reply
}

func (c *controlCall) getClock() (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	return a.readClock(), nil
}

// move applies do to the app and returns the state of its clock afterwards.
func (c *controlCall) move(do func(*tenant)) (any, error) {
	a, err := c.change(func(a *tenant) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		do(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a.readClock(), nil
}

func (c *controlCall) advanceClock() (any, error) {
	var x struct {
		By Duration `json:"by"`
	}
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	var due Expired
	a, err := c.change(func(a *tenant) (err error) {
		if due, err = a.advance(time.Duration(x.By)); err != nil {
			return field.Wrong("/by", strings.TrimPrefix(err.Error(), "by: "), "a duration of 0 or more, up to 200 years (1752000h) from real time and the year 9999")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	reply := a.readClock()
	reply.Expired = &due
	return reply, nil
}

// advance moves the app's clock and returns what ended by that.
func (a *tenant) advance(by time.Duration) (Expired, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.clock.Now()
	a.world.Sessions.Sweep(before)
	lived := a.world.Tokens.Live(before)
	if err := a.clock.Advance(by); err != nil {
		return Expired{}, err
	}
	now := a.clock.Now()
	return Expired{Tokens: lived - a.world.Tokens.Live(now), Sessions: a.world.Sessions.Sweep(now)}, nil
}

func (c *controlCall) freezeClock() (any, error) {
	return c.move(func(a *tenant) { a.clock.Freeze() })
}

func (c *controlCall) resumeClock() (any, error) {
	return c.move(func(a *tenant) { a.clock.Resume() })
}
