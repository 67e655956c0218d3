package mockserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// counted is a MatchResult at work.
type counted struct {
	MatchResult
	found  []*entry // the last that match
	misses []miss
}

// miss is a NearMiss at work.
type miss struct {
	entry   *entry
	differs []string
}

// expect counts the calls so far.
func (j *journal) expect(x ExpectRequest) counted {
	entries, dropped, last, _ := j.since(x.Since)
	least := 1
	if x.AtMost != nil {
		least = 0
	}
	if x.AtLeast != nil {
		least = *x.AtLeast
	}
	c := counted{MatchResult: MatchResult{Dropped: dropped, Last: last, Expected: fmt.Sprintf("at least %d", least)}}
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

// wait returns as soon as enough calls match, or when the time is over or ctx is done.
func (j *journal) wait(ctx context.Context, w WaitRequest) counted {
	timeout := time.NewTimer(time.Duration(w.Timeout))
	defer timeout.Stop()
	c := counted{MatchResult: MatchResult{Expected: fmt.Sprintf("at least %d within %s", w.AtLeast, time.Duration(w.Timeout))}}
	m, at := match.Entries(&w.Match), w.Since
	for {
		entries, dropped, last, more := j.since(at)
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
		all, _, _, _ := j.since(w.Since)
		c.nearest(m, all)
		return c
	}
}

// count adds the entries that match.
func (c *counted) count(m match.Matcher, entries []*entry) {
	for _, e := range entries {
		if m.Matches(e.subject()) {
			c.Found++
			c.found = append(c.found, e)
		}
	}
	c.found = c.found[max(0, len(c.found)-10):]
}

// nearest notes the entries that match but for least; of those that are alike, the latest.
func (c *counted) nearest(m match.Matcher, entries []*entry) {
	for _, e := range slices.Backward(entries) {
		if d := m.Differs(e.subject()); len(d) > 0 {
			c.misses = append(c.misses, miss{e, d})
		}
	}
	slices.SortStableFunc(c.misses, func(a, b miss) int { return len(a.differs) - len(b.differs) })
	c.misses = c.misses[:min(3, len(c.misses))]
}

// shown is the answer, its entries with their curl lines.
func (c *counted) shown() MatchResult {
	shown := c.MatchResult
	shown.Entries = make([]*Entry, len(c.found))
	for i, e := range c.found {
		shown.Entries[i] = e.shown()
	}
	for _, m := range c.misses {
		shown.Nearest = append(shown.Nearest, NearMiss{Entry: m.entry.shown(), Differs: m.differs})
	}
	return shown
}
