// Package clock is the time of an app: real time, moved and frozen as a test wants it.
package clock

import (
	"fmt"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Real is the one place of the server that asks the machine for the time.
func Real() time.Time { return time.Now() }

// MaxOffset bounds how far a clock may be from real time, well within what a time.Duration holds.
const MaxOffset = 200 * 365 * 24 * time.Hour

var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// LastInstant is the last that a clock tells.
func LastInstant() time.Time { return lastInstant }

// Clock is real time plus an offset, and never goes back. Whoever it belongs to guards it: it has no lock of its own.
type Clock struct {
	real   func() time.Time
	offset time.Duration
	frozen bool
	at     time.Time // where it is frozen, else the latest time it told
}

// New makes a clock that tells real time.
func New(real func() time.Time) Clock { return Clock{real: real} }

// Now is the time that the clock tells.
func (c *Clock) Now() time.Time {
	if c.frozen {
		return c.at
	}
	if t := c.real().Add(c.offset); t.After(c.at) {
		c.at = t
	}
	return c.at
}

// Advance moves the clock forward. It fails, and moves nothing, where by is negative or leads too far.
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

// Resume lets a frozen clock go on from where it stands.
func (c *Clock) Resume() {
	if c.frozen {
		c.frozen = false
		c.offset = c.at.Sub(c.real())
	}
}

// State is nil for a clock that tells real time.
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

// Restore sets a new clock as a state has it; nil leaves it at real time.
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
