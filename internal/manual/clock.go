// Package manual provides the clock of tests, which stands still until a test moves it.
package manual

import (
	"sync"
	"time"
)

// Clock is a time that only Advance changes. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// New makes a clock that shows t.
func New(t time.Time) *Clock { return &Clock{now: t} }

// Now returns the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward, or back if by is negative.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
