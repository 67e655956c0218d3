package mockserver

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/nearest"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/template"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

// The faults that are no error of the document: the two bodies with which the platform's gateway blocks an address.
const (
	faultBlocked     = "ip-blocked"
	faultBlockedJSON = "ip-blocked-json"
)

// effect is an Effect at work.
type effect struct{ Effect }

func (e *effect) name() string {
	kinds := e.kinds()
	switch {
	case len(kinds) == 0:
		return ""
	case e.Fault != "":
		return e.Fault
	case e.Errcode != 0:
		return "errcode " + strconv.Itoa(e.Errcode)
	case e.Status != 0:
		return "status " + strconv.Itoa(e.Status)
	}
	return kinds[0]
}

// kinds returns the names of the effects that are set.
func (e *effect) kinds() []string {
	var list []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"fault", e.Fault != ""}, {"errcode", e.Errcode != 0}, {"status", e.Status != 0}, {"latency", e.Latency != 0 || e.LatencyMax != 0},
		{"hang", e.Hang}, {"reset", e.Reset}, {"empty", e.Empty}, {"truncate", e.Truncate}, {"slow", e.Slow != 0},
		{"malformed", e.Malformed}, {"token_life", e.TokenLife != 0}, {"reply", e.Reply != nil},
	} {
		if k.set {
			list = append(list, k.name)
		}
	}
	return list
}

// acceptedEffect says what an effect has to have.
const acceptedEffect = "exactly one of fault, errcode, status, latency, hang, reset, empty, truncate, slow, malformed, token_life, reply"

// maxPriority bounds the priority of a rule, both ways.
const maxPriority = 1_000_000

// ruleID is the shape of an id, as the document has it.
var ruleID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// maxPause bounds the pauses of an effect.
const maxPause = 10 * time.Minute

// validate checks a rule. forAll says that it is for every app.
func validateRule(r *Rule, doc *dingmock.Document, forAll bool) *api.FieldError {
	e := &effect{r.Effect}
	kinds := e.kinds()
	faults := slices.Concat(Faults(), TLSFaults())
	switch {
	case r.ID != "" && !ruleID.MatchString(r.ID):
		return field.Wrong("/id", "", "1 to 32 of the characters A-Z a-z 0-9 _ -")
	case len(kinds) != 1:
		return field.Wrong("/effect", fmt.Sprintf("has %d effects: give %s", len(kinds), acceptedEffect), acceptedEffect)
	case e.Fault != "" && !slices.Contains(faults, e.Fault):
		return field.Wrong("/effect/fault", fmt.Sprintf("%.40q is no fault: it is one of %s%s", e.Fault, strings.Join(faults, ", "), nearest.DidYouMean(e.Fault, faults)), "one of "+strings.Join(faults, ", "))
	case (e.SubCode != "" || e.Errmsg != "") && e.Errcode == 0:
		return field.Wrong("/effect/errcode", "sub_code and errmsg go with errcode", "the number of an error, beside sub_code and errmsg")
	case e.SubCode != "" && e.Errcode != 88:
		return field.Wrong("/effect/sub_code", "goes with errcode 88 alone", "nothing, but beside the errcode 88")
	case e.LatencyMax != 0 && e.LatencyMax < e.Latency:
		return field.Wrong("/effect/latency_max", "", "latency or more")
	case e.Status != 0 && (e.Status < 200 || e.Status > 599):
		return field.Wrong("/effect/status", "", "200 to 599")
	case r.Priority < -maxPriority || r.Priority > maxPriority:
		return field.Wrong("/priority", "", fmt.Sprintf("%d to %d", -maxPriority, maxPriority))
	case e.TokenLife != 0 && tokenlife.Check(time.Duration(e.TokenLife)) != nil:
		return field.Wrong("/effect/token_life", tokenlife.Check(time.Duration(e.TokenLife)).Error(), tokenlife.Accepted)
	case e.TokenLife != 0 && !issuesTokens(doc, r.Match.Operation):
		return field.Wrong("/match/operation", fmt.Sprintf("%q issues no token, so that token_life has nothing to do", r.Match.Operation), "an operation that issues tokens, such as gettoken, or nothing")
	case r.When.Skip < 0 || r.When.Times < 0 || r.When.Every < 0:
		return field.Wrong("/when", "skip, times and every have to be 0 or more", "numbers of 0 or more")
	case r.When.Probability != nil && !(*r.When.Probability >= 0 && *r.When.Probability <= 1):
		return field.Wrong("/when/probability", "", "0 to 1")
	case r.When.Seed != 0 && r.When.Probability == nil:
		return field.Wrong("/when/seed", "goes with probability", "a number beside probability, else nothing")
	case r.When.For != 0 && forAll:
		return field.Wrong("/when/for", "is by an app's clock: make the rule for one app", "nothing in a rule for every app")
	case r.When.For < 0:
		return field.Wrong("/when/for", "", "0 or more")
	}
	for name, d := range map[string]Duration{"latency": e.Latency, "latency_max": e.LatencyMax, "slow": e.Slow} {
		if d < 0 || time.Duration(d) > maxPause {
			return field.Wrong("/effect/"+name, "", fmt.Sprintf("above 0 and at most %s", maxPause))
		}
	}
	if e.Reply != nil {
		if err := template.Check(e.Reply); err != nil {
			err.Pointer = "/effect/reply" + err.Pointer
			return err
		}
	}
	if err := match.CheckCalls(&r.Match, doc); err != nil {
		err.Pointer = "/match" + err.Pointer
		return err
	}
	if e.ofTLS() {
		return validateTLS(r, forAll)
	}
	return nil
}

// issuesTokens reports whether an operation, or any where it is "", issues access tokens: it takes secrets in the place of one.
func issuesTokens(doc *dingmock.Document, id string) bool {
	return id == "" || slices.ContainsFunc(doc.Operations(), func(op *dingmock.Operation) bool {
		return op.ID == id && !slices.ContainsFunc(op.Security, func(r dingmock.Requirement) bool { return slices.Contains(r, op.Family.Token) })
	})
}

// rules are asked in order. They have a lock of their own, which is taken after that of an app.
type rules struct {
	count atomic.Int64 // len(list), to pass by without the lock

	mu   sync.Mutex
	list []*rule // those that may still fire, in the order they are asked
	used []*rule // the last that will not, oldest first
	made int64
}

// rule is a Rule at work. What is above the counts never changes.
type rule struct {
	id       string
	priority int
	match    RuleMatch
	matcher  match.Matcher
	when     RuleWhen
	effect   effect
	until    time.Time // zero: no end
	matched  int64
	fired    int64
}

const (
	maxRules = 1000 // that one app may have, used-up ones aside
	maxUsed  = 100  // used-up ones that can still be asked for
)

func (s *rules) add(r Rule, now time.Time) (Rule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if len(s.list) >= maxRules {
		return Rule{}, fmt.Errorf("there are %d rules already; remove some", maxRules)
	}
	x := s.put(r, now)
	made := x.shown(now)
	made.ShadowedBy = x.shadowedBy(s.list[:max(slices.Index(s.list, x), 0)])
	return made, nil
}

// replace puts a list of rules, which are not too many, in the place of all, and returns them as they are now.
func (s *rules) replace(list []Rule, now time.Time) []Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list, s.used = nil, nil
	made := make([]Rule, len(list))
	for i, r := range list {
		made[i] = s.put(r, now).shown(now)
	}
	s.count.Store(int64(len(s.list)))
	return made
}

// put takes a rule in at its place. The caller holds the lock.
func (s *rules) put(r Rule, now time.Time) *rule {
	if r.When.Probability != nil && r.When.Seed == 0 {
		r.When.Seed = rand.Uint64()>>11 + 1
	}
	taken := func(x *rule) bool { return x.id == r.ID }
	for r.ID == "" || slices.ContainsFunc(s.list, taken) || slices.ContainsFunc(s.used, taken) {
		s.made++
		r.ID = "r" + strconv.FormatInt(s.made, 10)
	}
	x := &rule{id: r.ID, priority: r.Priority, match: r.Match, matcher: match.Calls(&r.Match), when: r.When, effect: effect{r.Effect}, matched: r.Matched, fired: r.Fired}
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

// before reports whether a rule is asked before another that was there before it.
func (x *rule) before(y *rule) bool {
	if x.priority != y.priority {
		return x.priority > y.priority
	}
	return x.ends() && !y.ends()
}

// ends reports whether a rule ends by itself.
func (x *rule) ends() bool { return x.when.Times > 0 || !x.until.IsZero() }

// over reports whether a rule will not fire any more.
func (x *rule) over(now time.Time) bool {
	return x.when.Times > 0 && x.fired >= x.when.Times || !x.until.IsZero() && !now.Before(x.until)
}

// shadowedBy returns the id of the rule, of those asked before, that takes every call that this one takes and always
// fires; "" where it finds none.
func (x *rule) shadowedBy(earlier []*rule) string {
	for _, y := range earlier {
		w := y.when
		if x.effect.ofTLS() == y.effect.ofTLS() && w.Skip == 0 && w.Every <= 1 && w.Probability == nil && !y.ends() && match.Implies(&x.match, &y.match) {
			return y.id
		}
	}
	return ""
}

// sweep takes out the rules that are over. The caller holds the lock.
func (s *rules) sweep(now time.Time) {
	s.list = slices.DeleteFunc(s.list, func(x *rule) bool {
		over := x.over(now)
		if over {
			s.retire(x)
		}
		return over
	})
	s.count.Store(int64(len(s.list)))
}

func (s *rules) retire(x *rule) {
	s.used = append(s.used, x)
	s.used = slices.Delete(s.used, 0, max(0, len(s.used)-maxUsed))
}

// remove removes the rule of that id, or all where it is "". It reports whether there was one.
func (s *rules) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list) + len(s.used)
	gone := func(x *rule) bool { return id == "" || x.id == id }
	s.list, s.used = slices.DeleteFunc(s.list, gone), slices.DeleteFunc(s.used, gone)
	s.count.Store(int64(len(s.list)))
	return len(s.list)+len(s.used) < n
}

// all returns the rules that may still fire, in the order they are asked.
func (s *rules) all(now time.Time) []Rule {
	list, _ := s.live(now)
	return list
}

// unfired yields the rules that had no effect so far, those that were over last among them. The rules are locked meanwhile.
func (s *rules) unfired(now time.Time) iter.Seq[*rule] {
	return func(yield func(*rule) bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.sweep(now)
		for _, list := range [][]*rule{s.list, s.used} {
			for _, x := range list {
				if x.fired == 0 && !yield(x) {
					return
				}
			}
		}
	}
}

func (s *rules) live(now time.Time) ([]Rule, []*rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	list := make([]Rule, len(s.list))
	for i, x := range s.list {
		list[i] = x.shown(now)
	}
	return list, slices.Clone(s.list)
}

// judged returns all, and says of each which one hides it.
func (s *rules) judged(now time.Time) []Rule {
	list, asked := s.live(now)
	for i, x := range asked {
		list[i].ShadowedBy = x.shadowedBy(asked[:i])
	}
	return list
}

// get returns the rule of that id, also one of the last that were used up.
func (s *rules) get(id string, now time.Time) (Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	for i, x := range s.list {
		if x.id == id {
			r := x.shown(now)
			r.ShadowedBy = x.shadowedBy(s.list[:i])
			return r, true
		}
	}
	for _, x := range s.used {
		if x.id == id {
			return x.shown(now), true
		}
	}
	return Rule{}, false
}

func (x *rule) shown(now time.Time) Rule {
	r := Rule{ID: x.id, Priority: x.priority, Match: x.match, When: x.when, Effect: x.effect.Effect, Matched: x.matched, Fired: x.fired, UsedUp: x.over(now)}
	if !x.until.IsZero() && !r.UsedUp {
		r.When.For = Duration(x.until.Sub(now))
	}
	return r
}

// fire returns the first rule that has its effect on the call, or nil. Those asked before count it as matched.
func (s *rules) fire(c *call, now func() time.Time) *rule {
	if s.count.Load() == 0 {
		return nil
	}
	about := c.subject()
	return s.first(now(), func(x *rule) bool { return !x.effect.ofTLS() && x.matcher.Matches(about) })
}

// first returns the first rule of those that are asked about something that has its effect on it, or nil.
func (s *rules) first(at time.Time, matches func(*rule) bool) *rule {
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

// reply returns the fixed reply that the set would give to the call, or nil. It counts nothing.
func (s *rules) reply(c *call, now func() time.Time) *FixedReply {
	if s.count.Load() == 0 {
		return nil
	}
	about, at := c.subject(), now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.list {
		if x.effect.Reply == nil || !x.matcher.Matches(about) {
			continue
		}
		next := *x
		next.matched++
		if next.due(at) {
			return x.effect.Reply
		}
	}
	return nil
}

// due decides for the call that was matched last.
func (x *rule) due(now time.Time) bool {
	n := x.matched - x.when.Skip
	switch {
	case n <= 0, x.when.Every > 1 && n%x.when.Every != 0, x.over(now):
		return false
	case x.when.Probability != nil:
		// The n-th draw depends on seed and n alone, so that a restored rule goes on as it would have.
		return rand.New(rand.NewPCG(x.when.Seed, uint64(x.matched))).Float64() < *x.when.Probability
	}
	return true
}

// makesKnown reports whether the rule says that there is such a path as the one that it answers: it names it, or has a
// fixed reply for all that begin so. A fault for whatever comes says nothing of the kind.
func (x *rule) makesKnown() bool {
	path := x.match.Path
	return x.effect.Reply != nil && path != "" || x.effect.answers() && path != "" && !strings.HasSuffix(path, "*")
}

// answers reports whether the effect is an answer, or none at all, in the fake's place.
func (e *effect) answers() bool {
	return e.Fault != "" || e.Errcode != 0 || e.Status != 0 || e.Hang || e.Reset || e.Empty
}
