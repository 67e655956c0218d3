package mockserver

import (
	"strings"
	"time"
)

// clockReply is the clock of an app, and what ended when it was moved.
type clockReply struct {
	Now    time.Time `json:"now"`
	Offset Duration  `json:"offset"`
	Frozen bool      `json:"frozen"`
	Due    *Due      `json:"due,omitempty"`
}

func (c *controlCall) clock(move func(*app) (*Due, error)) (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	due, err := move(a)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	reply := clockReply{Now: a.clock.now().UTC(), Due: due}
	if s := a.clock.state(); s != nil {
		reply.Offset, reply.Frozen = s.Offset, s.Frozen
	}
	return reply, nil
}

func (c *controlCall) getClock() (any, error) {
	return c.clock(func(*app) (*Due, error) { return nil, nil })
}

func (c *controlCall) advanceClock() (any, error) {
	var x struct {
		By Duration `json:"by"`
	}
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	return c.clock(func(a *app) (*Due, error) {
		due, err := a.advance(time.Duration(x.By))
		if err != nil {
			return nil, &fieldError{"/by", strings.TrimPrefix(err.Error(), "by: ")}
		}
		return &due, nil
	})
}

func (c *controlCall) freezeClock() (any, error) {
	return c.clock(func(a *app) (*Due, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.clock.freeze()
		return nil, nil
	})
}

func (c *controlCall) resumeClock() (any, error) {
	return c.clock(func(a *app) (*Due, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.clock.resume()
		return nil, nil
	})
}
