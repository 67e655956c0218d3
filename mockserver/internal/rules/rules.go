// Package rules runs the rules that make calls fail, or answer them instead of the fake: it decides which rule is
// tried when, counts how often each matched and fired, and finds which hides which. The server applies the
// effects.
package rules

import (
	"cmp"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// Set is a list of rules that are tried in order. The zero value is empty. It is safe for concurrent use; its lock
// is taken after that of an app.
type Set struct {
	count atomic.Int64 // len(list), to skip an empty set without the lock

	mu   sync.Mutex
	list []*Rule // those that may still fire, in the order they are tried
	used []*Rule // the last ones that will not fire again, oldest first
	made int64
}

// Rule is an api.Rule at work. The fields before matched never change.
type Rule struct {
	ID       string
	priority int
	match    api.RuleMatch
	matcher  match.Matcher
	when     api.RuleWhen
	Effect   Effect
	until    time.Time // zero: no end
	matched  int64
	fired    int64
	tested   bool // it has fired on a judged call
}

const maxRules = 1000 // of one app, not counting used-up ones

// MaxUsed is how many used-up rules can still be looked up.
const MaxUsed = 100

// Add inserts a rule at its place and returns it as it is then. It returns an error if there are too many rules.
func (s *Set) Add(r api.Rule, now time.Time) (api.Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if len(s.list) >= maxRules {
		return api.Rule{}, fmt.Errorf("there are %d rules already; remove some", maxRules)
	}
	x := s.put(r, now)
	made := x.shown(now)
	made.ShadowedBy = x.shadowedBy(s.list[:max(slices.Index(s.list, x), 0)])
	return made, nil
}

// Replace replaces all rules by a list, which must not be too long, and returns the new rules as they are then.
func (s *Set) Replace(list []api.Rule, now time.Time) []api.Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.used = nil, nil
	made := make([]api.Rule, len(list))
	for i, r := range list {
		made[i] = s.put(r, now).shown(now)
	}
	s.count.Store(int64(len(s.list)))
	return made
}

// put inserts a rule at its place. The caller holds the lock.
func (s *Set) put(r api.Rule, now time.Time) *Rule {
	if r.When.Probability != nil && r.When.Seed == 0 {
		r.When.Seed = rand.Uint64()>>11 + 1
	}
	taken := func(x *Rule) bool { return x.ID == r.ID }
	for r.ID == "" || slices.ContainsFunc(s.list, taken) || slices.ContainsFunc(s.used, taken) {
		s.made++
		r.ID = "r" + strconv.FormatInt(s.made, 10)
	}
	x := &Rule{ID: r.ID, priority: r.Priority, match: r.Match, matcher: match.Calls(&r.Match), when: r.When, Effect: Effect{r.Effect}, matched: r.Matched, fired: r.Fired, tested: r.Fired > 0}
	if r.When.For != 0 {
		x.until = now.Add(time.Duration(r.When.For))
	}
	if x.over(now) {
		s.retire(x)
		return x
	}
	at := 0
	for at < len(s.list) && !x.before(s.list[at]) {
		at++
	}
	s.list = slices.Insert(s.list, at, x)
	s.count.Store(int64(len(s.list)))
	return x
}

// before reports whether a new rule is tried before an existing one.
func (x *Rule) before(y *Rule) bool {
	if x.priority != y.priority {
		return x.priority > y.priority
	}
	return x.ends() && !y.ends()
}

// ends reports whether a rule can end by itself.
func (x *Rule) ends() bool { return x.when.Times > 0 || !x.until.IsZero() }

// over reports whether a rule will never fire again.
func (x *Rule) over(now time.Time) bool {
	return x.when.Times > 0 && x.fired >= x.when.Times || !x.until.IsZero() && !now.Before(x.until)
}

// shadowedBy returns the id of a rule, among those tried earlier, that takes every call that this rule takes and
// always fires; "" if it finds none.
func (x *Rule) shadowedBy(earlier []*Rule) string {
	for _, y := range earlier {
		w := y.when
		if x.Effect.OfTLS() == y.Effect.OfTLS() && w.Skip == 0 && w.Every <= 1 && w.Probability == nil && !y.ends() && match.Implies(&x.match, &y.match) {
			return y.ID
		}
	}
	return ""
}

// sweep removes the rules that are over. The caller holds the lock.
func (s *Set) sweep(now time.Time) {
	s.list = slices.DeleteFunc(s.list, func(x *Rule) bool {
		over := x.over(now)
		if over {
			s.retire(x)
		}
		return over
	})
	s.count.Store(int64(len(s.list)))
}

func (s *Set) retire(x *Rule) {
	s.used = append(s.used, x)
	s.used = slices.Delete(s.used, 0, max(0, len(s.used)-MaxUsed))
}

// Remove removes the rule of that id, or all rules if the id is "". It reports whether there was one.
func (s *Set) Remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list) + len(s.used)
	gone := func(x *Rule) bool { return id == "" || x.ID == id }
	s.list, s.used = slices.DeleteFunc(s.list, gone), slices.DeleteFunc(s.used, gone)
	s.count.Store(int64(len(s.list)))
	return len(s.list)+len(s.used) < n
}

// All returns the rules that may still fire, in the order they are tried.
func (s *Set) All(now time.Time) []api.Rule {
	list, _ := s.live(now)
	return list
}

// Unfired yields the rules that have taken no effect so far on a judged call, including the last ones that are
// over. The set is locked meanwhile.
func (s *Set) Unfired(now time.Time) iter.Seq[api.UnfiredRule] {
	return func(yield func(api.UnfiredRule) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sweep(now)
		for _, list := range [][]*Rule{s.list, s.used} {
			for _, x := range list {
				if !x.tested && !yield(x.unfired()) {
					return
				}
			}
		}
	}
}

func (x *Rule) unfired() api.UnfiredRule {
	return api.UnfiredRule{ID: x.ID, Effect: x.Effect.Name(), For: cmp.Or(x.match.Operation, x.match.Path, x.match.Host), Matched: x.matched}
}

func (s *Set) live(now time.Time) ([]api.Rule, []*Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	list := make([]api.Rule, len(s.list))
	for i, x := range s.list {
		list[i] = x.shown(now)
	}
	return list, slices.Clone(s.list)
}

// Judged returns the rules of All, each with the id of the rule that hides it, if any.
func (s *Set) Judged(now time.Time) []api.Rule {
	list, asked := s.live(now)
	for i, x := range asked {
		list[i].ShadowedBy = x.shadowedBy(asked[:i])
	}
	return list
}

// Get returns the rule of that id, which may also be one of the last that were used up.
func (s *Set) Get(id string, now time.Time) (api.Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	for i, x := range s.list {
		if x.ID == id {
			r := x.shown(now)
			r.ShadowedBy = x.shadowedBy(s.list[:i])
			return r, true
		}
	}
	for _, x := range s.used {
		if x.ID == id {
			return x.shown(now), true
		}
	}
	return api.Rule{}, false
}

func (x *Rule) shown(now time.Time) api.Rule {
	r := api.Rule{ID: x.ID, Priority: x.priority, Match: x.match, When: x.when, Effect: x.Effect.Effect, Matched: x.matched, Fired: x.fired, UsedUp: x.over(now)}
	if !x.until.IsZero() && !r.UsedUp {
		r.When.For = api.Duration(x.until.Sub(now))
	}
	return r
}

// Fire returns the first rule that takes effect on a call, or nil. judged says whether the call is judged.
// Matching rules that were tried before it count the call as matched.
func (s *Set) Fire(call func() *match.Subject, judged bool, now func() time.Time) *Rule {
	if s.count.Load() == 0 {
		return nil
	}
	about := call()
	return s.first(now(), judged, func(x *Rule) bool { return !x.Effect.OfTLS() && x.matcher.Matches(about) })
}

// FireTLS returns the first rule that takes effect on a handshake for a host, or nil.
func (s *Set) FireTLS(host string, now func() time.Time) *Rule {
	if s.count.Load() == 0 {
		return nil
	}
	about := &match.Subject{Host: host}
	return s.first(now(), true, func(x *Rule) bool { return x.Effect.OfTLS() && x.matcher.Matches(about) })
}

// first returns the first matching rule that takes effect, or nil.
func (s *Set) first(at time.Time, judged bool, matches func(*Rule) bool) *Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := false
	for _, x := range s.list {
		if x.over(at) {
			over = true
			continue
		}
		if !matches(x) {
			continue
		}
		x.matched++
		if x.due(at) {
			x.fired++
			x.tested = x.tested || judged
			if over || x.over(at) {
				s.sweep(at)
			}
			return x
		}
	}
	if over {
		s.sweep(at)
	}
	return nil
}

// Reply returns the fixed reply that the set would give to the call, or nil. It counts nothing.
func (s *Set) Reply(call func() *match.Subject, now func() time.Time) *api.FixedReply {
	if s.count.Load() == 0 {
		return nil
	}
	about, at := call(), now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.list {
		if x.Effect.Reply == nil || !x.matcher.Matches(about) {
			continue
		}
		next := *x
		next.matched++
		if next.due(at) {
			return x.Effect.Reply
		}
	}
	return nil
}

// due reports whether the rule fires on the call that it matched last.
func (x *Rule) due(now time.Time) bool {
	n := x.matched - x.when.Skip
	switch {
	case n <= 0, x.when.Every > 1 && n%x.when.Every != 0, x.over(now):
		return false
	case x.when.Probability != nil:
		// The n-th draw depends only on seed and n, so that a restored rule continues as it would have.
		return rand.New(rand.NewPCG(x.when.Seed, uint64(x.matched))).Float64() < *x.when.Probability
	}
	return true
}

// MakesKnown reports whether the rule implies that the path of the call that it answers exists: it names the path,
// or has a fixed reply for all paths with a prefix. A fault for any path implies nothing.
func (x *Rule) MakesKnown() bool {
	path := x.match.Path
	return x.Effect.Reply != nil && path != "" || x.Effect.Answers() && path != "" && !strings.HasSuffix(path, "*")
}
