package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// Result is a MatchResult at work.
type Result struct {
	api.MatchResult
	found  []*Call // the last that match
	misses []miss
}

// miss is a NearMiss at work.
type miss struct {
	entry   *Call
	differs []string
}

// Expect counts the calls so far.
func (j *Journal) Expect(x api.ExpectRequest) Result {
	entries, dropped, last, _ := j.Since(x.Since)
	least := 1
	if x.AtMost != nil {
		least = 0
	}
	if x.AtLeast != nil {
		least = *x.AtLeast
	}
	c := Result{MatchResult: api.MatchResult{Dropped: dropped, Last: last, Expected: fmt.Sprintf("at least %d", least)}}
	m := match.Entries(&x.Match)
	c.count(m, entries)
	c.OK = c.Found >= least
	if x.AtMost != nil {
		c.Expected += fmt.Sprintf(" and at most %d", *x.AtMost)
		c.OK = c.OK && c.Found <= *x.AtMost && dropped == 0
	}
	if !c.OK {
		c.nearest(m, entries)
	}
	return c
}

// Wait returns as soon as enough calls match, or when the time is over or ctx is done.
func (j *Journal) Wait(ctx context.Context, w api.WaitRequest) Result {
	timeout := time.NewTimer(time.Duration(w.Timeout))
	defer timeout.Stop()
	c := Result{MatchResult: api.MatchResult{Expected: fmt.Sprintf("at least %d within %s", w.AtLeast, time.Duration(w.Timeout))}}
	m, at := match.Entries(&w.Match), w.Since
	for {
		entries, dropped, last, more := j.Since(at)
		c.Dropped += dropped
		c.Last, at = last, last
		c.count(m, entries)
		if c.Found >= w.AtLeast {
			c.OK = true
			return c
		}
		select {
		case <-more:
			continue
		case <-timeout.C:
		case <-ctx.Done():
		}
		all, _, _, _ := j.Since(w.Since)
		c.nearest(m, all)
		return c
	}
}

// count adds the entries that match.
func (c *Result) count(m match.Matcher, entries []*Call) {
	for _, e := range entries {
		if m.Matches(e.Subject()) {
			c.Found++
			c.found = append(c.found, e)
		}
	}
	c.found = c.found[max(0, len(c.found)-10):]
}

// nearest notes the entries that match but for least; of those that are alike, the latest.
func (c *Result) nearest(m match.Matcher, entries []*Call) {
	for _, e := range slices.Backward(entries) {
		if d := m.Differs(e.Subject()); len(d) > 0 {
			c.misses = append(c.misses, miss{e, d})
		}
	}
	slices.SortStableFunc(c.misses, func(a, b miss) int { return len(a.differs) - len(b.differs) })
	c.misses = c.misses[:min(3, len(c.misses))]
}

// Shown is the answer, its entries with their curl lines.
func (c *Result) Shown() api.MatchResult {
	shown := c.MatchResult
	shown.Entries = make([]*api.Entry, len(c.found))
	for i, e := range c.found {
		shown.Entries[i] = e.Shown()
	}
	for _, m := range c.misses {
		shown.Nearest = append(shown.Nearest, api.NearMiss{Entry: m.entry.Shown(), Differs: m.differs})
	}
	return shown
}
