package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// Result is the result of counting records. It is an api.MatchResult for records of any kind.
type Result struct {
	OK       bool
	Expected string
	Found    int
	Dropped  int64
	Last     int64
	Records  []Record // the last records that match
	Nearest  []NearMiss
}

// NearMiss is a record that nearly matches.
type NearMiss struct {
	Record  Record
	Differs []string
}

// Expect counts the records so far that match.
func (j *Journal) Expect(x api.ExpectRequest) Result {
	least := 1
	if x.AtMost != nil {
		least = 0
	}
	if x.AtLeast != nil {
		least = *x.AtLeast
	}
	m, tail := match.Entries(&x.Match), j.Since(x.Since)
	r := Result{Dropped: tail.Dropped, Last: tail.Last, Expected: fmt.Sprintf("at least %d", least)}
	r.count(m, tail.Items)
	r.OK = r.Found >= least
	if x.AtMost != nil {
		r.Expected += fmt.Sprintf(" and at most %d", *x.AtMost)
		r.OK = r.OK && r.Found <= *x.AtMost && tail.Dropped == 0
	}
	if !r.OK {
		r.nearest(m, tail.Items)
	}
	return r
}

// Wait returns as soon as enough records match, the timeout has passed or ctx is done.
func (j *Journal) Wait(ctx context.Context, w api.WaitRequest) Result {
	timeout := time.NewTimer(time.Duration(w.Timeout))
	defer timeout.Stop()
	r := Result{Expected: fmt.Sprintf("at least %d within %s", w.AtLeast, time.Duration(w.Timeout))}
	m, at := match.Entries(&w.Match), w.Since
	for {
		tail := j.Since(at)
		r.Dropped += tail.Dropped
		r.Last, at = tail.Last, tail.Last
		r.count(m, tail.Items)
		if r.Found >= w.AtLeast {
			r.OK = true
			return r
		}
		select {
		case <-tail.More:
			continue
		case <-timeout.C:
		case <-ctx.Done():
		}
		r.nearest(m, j.Since(w.Since).Items)
		return r
	}
}

// count adds the records that match.
func (r *Result) count(m match.Matcher, items []Item) {
	for _, x := range items {
		if m.Matches(x.Subject()) {
			r.Found++
			r.Records = append(r.Records, x.Record)
		}
	}
	r.Records = r.Records[max(0, len(r.Records)-10):]
}

// nearest keeps the three records with the fewest differences, except those that match; ties go to the latest.
func (r *Result) nearest(m match.Matcher, items []Item) {
	for _, x := range slices.Backward(items) {
		if d := m.Differs(x.Subject()); len(d) > 0 {
			r.Nearest = append(r.Nearest, NearMiss{x.Record, d})
		}
	}
	slices.SortStableFunc(r.Nearest, func(a, b NearMiss) int { return len(a.Differs) - len(b.Differs) })
	r.Nearest = r.Nearest[:min(3, len(r.Nearest))]
}
