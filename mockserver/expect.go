package mockserver

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Counted is the answer to a question for the number of calls.
type Counted struct {
	OK       bool     `json:"ok"`
	Expected string   `json:"expected,omitempty"`
	Found    int      `json:"found"`
	Dropped  int64    `json:"dropped,omitempty"` // calls of the time in question that the journal has lost
	Last     int64    `json:"last"`              // the number of the latest call
	Entries  []*Entry `json:"entries"`           // those that match, at most the last 10
	Nearest  []Miss   `json:"nearest,omitempty"` // the calls that match but for least, at most 3
}

// Miss is a call that nearly matches.
type Miss struct {
	Entry   *Entry   `json:"entry"`
	Differs []string `json:"differs"`
}

// Expect says how many calls are expected.
type Expect struct {
	Match   Match `json:"match,omitzero"`
	AtLeast *int  `json:"at_least,omitempty"` // default 1, or 0 where AtMost is given
	AtMost  *int  `json:"at_most,omitempty"`
	Since   int64 `json:"since,omitempty"` // count the calls after this number
}

// Wait says what is waited for.
type Wait struct {
	Match   Match    `json:"match,omitzero"`
	AtLeast int      `json:"at_least,omitempty"` // default 1
	Since   int64    `json:"since,omitempty"`
	Timeout Duration `json:"timeout,omitzero"` // default 5s, at most 10m; in real time
}

// expect counts the calls so far.
func (j *journal) expect(x Expect) Counted {
	entries, dropped, last, _ := j.since(x.Since)
	least := 1
	if x.AtMost != nil {
		least = 0
	}
	if x.AtLeast != nil {
		least = *x.AtLeast
	}
	c := Counted{Dropped: dropped, Last: last, Expected: fmt.Sprintf("at least %d", least)}
	m := x.Match.ready()
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
func (j *journal) wait(ctx context.Context, w Wait) Counted {
	timeout := time.NewTimer(time.Duration(w.Timeout))
	defer timeout.Stop()
	c := Counted{Expected: fmt.Sprintf("at least %d within %s", w.AtLeast, time.Duration(w.Timeout))}
	m, at := w.Match.ready(), w.Since
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
func (c *Counted) count(m matcher, entries []*Entry) {
	for _, e := range entries {
		if m.matches(e.subject()) {
			c.Found++
			c.Entries = append(c.Entries, e)
		}
	}
	c.Entries = c.Entries[max(0, len(c.Entries)-10):]
	if c.Entries == nil {
		c.Entries = []*Entry{}
	}
}

// nearest notes the entries that match but for least; of those that are alike, the latest.
func (c *Counted) nearest(m matcher, entries []*Entry) {
	for _, e := range slices.Backward(entries) {
		if d := m.differs(e.subject()); len(d) > 0 {
			c.Nearest = append(c.Nearest, Miss{e, d})
		}
	}
	slices.SortStableFunc(c.Nearest, func(a, b Miss) int { return len(a.Differs) - len(b.Differs) })
	c.Nearest = c.Nearest[:min(3, len(c.Nearest))]
}
