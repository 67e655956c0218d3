// Package clock provides the clock of an app: real time that a test can move and freeze.
package clock

import (
	"fmt"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Real returns real time. No other place of the server asks the machine for it.
func Real() time.Time { return time.Now() }

// MaxOffset is how far a clock may be from real time. It is well within the range of a time.Duration.
const MaxOffset = 200 * 365 * 24 * time.Hour

var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// LastInstant returns the last time that a clock may show.
func LastInstant() time.Time { return lastInstant }

// Clock is real time plus an offset, and never goes back. It is not safe for concurrent use: its owner guards it.
type Clock struct {
	real   func() time.Time
	offset time.Duration
	frozen bool
	at     time.Time // the time at which it is frozen, else the latest time it has shown
}

// New makes a clock that shows real time.
func New(real func() time.Time) Clock { return Clock{real: real} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	if c.frozen {
		return c.at
	}
	if t := c.real().Add(c.offset); t.After(c.at) {
		c.at = t
	}
	return c.at
}

// Advance moves the clock forward. It returns an error, without moving the clock, if by is negative or leads too
// far.
func (c *Clock) Advance(by time.Duration) error {
	now := c.Now()
	if by < 0 {
		return fmt.Errorf("by: %s is negative: a clock never goes back", by)
	}
	if now.Add(by).After(lastInstant) {
		return fmt.Errorf("by: %s leads beyond the year 9999", by)
	}
	if by > MaxOffset || c.offset+by > MaxOffset {
		return fmt.Errorf("by: %s leads more than 200 years (1752000h) from real time", by)
	}
	c.offset += by
	c.at = now.Add(by)
	return nil
}

// Freeze stops the clock. It can still be advanced.
func (c *Clock) Freeze() {
	c.at, c.frozen = c.Now(), true
}

// Resume lets a frozen clock run on from its time.
func (c *Clock) Resume() {
	if c.frozen {
		c.frozen = false
		c.offset = c.at.Sub(c.real())
	}
}

// State returns the state of the clock, nil if it shows real time.
func (c *Clock) State() *api.ClockState {
	s := api.ClockState{Offset: api.Duration(c.offset), Frozen: c.frozen}
	if c.frozen {
		at := c.at.UTC()
		s.At = &at
	} else if c.offset == 0 {
		return nil
	}
	return &s
}

// Restore sets a new clock to a state; nil leaves it at real time.
func (c *Clock) Restore(s *api.ClockState) {
	if s == nil {
		return
	}
	c.offset, c.at = time.Duration(s.Offset), time.Time{}
	if s.Frozen {
		c.Freeze()
		if s.At != nil {
			c.at = *s.At
		}
	}
}
