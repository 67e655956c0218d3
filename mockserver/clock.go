package mockserver

import (
	"fmt"
	"time"
)

// realNow is the one place of this package that asks the machine for the time.
func realNow() time.Time { return time.Now() }

// china is the zone of the times in error texts.
var china = time.FixedZone("CST", 8*60*60)

// maxOffset bounds how far a clock may be from real time, well within what a time.Duration holds.
const maxOffset = 200 * 365 * 24 * time.Hour

var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// clock is real time plus an offset, and never goes back. The lock of the app that it belongs to guards it.
type clock struct {
	real   func() time.Time
	offset time.Duration
	frozen bool
	at     time.Time // where it is frozen, else the latest time it told
}

func (c *clock) now() time.Time {
	if c.frozen {
		return c.at
	}
	if t := c.real().Add(c.offset); t.After(c.at) {
		c.at = t
	}
	return c.at
}

func (c *clock) advance(by time.Duration) error {
	now := c.now()
	if by < 0 {
		return fmt.Errorf("by: %s is negative: a clock never goes back", by)
	}
	if now.Add(by).After(lastInstant) {
		return fmt.Errorf("by: %s leads beyond the year 9999", by)
	}
	if by > maxOffset || c.offset+by > maxOffset {
		return fmt.Errorf("by: %s leads more than 200 years (1752000h) from real time", by)
	}
	c.offset += by
	c.at = now.Add(by)
	return nil
}

func (c *clock) freeze() {
	c.at, c.frozen = c.now(), true
}

func (c *clock) resume() {
	if c.frozen {
		c.frozen = false
		c.offset = c.at.Sub(c.real())
	}
}

// state is nil for a clock that tells real time.
func (c *clock) state() *ClockState {
	s := ClockState{Offset: Duration(c.offset), Frozen: c.frozen}
	if c.frozen {
		at := c.at.UTC()
		s.At = &at
	} else if c.offset == 0 {
		return nil
	}
	return &s
}

func (c *clock) restore(s *ClockState) {
	if s == nil {
		return
	}
	c.offset, c.at = time.Duration(s.Offset), time.Time{}
	if s.Frozen {
		c.freeze()
		if s.At != nil {
			c.at = *s.At
		}
	}
}
