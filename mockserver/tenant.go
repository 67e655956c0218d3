package mockserver

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/clock"
	"github.com/dingmock/dingmock/mockserver/internal/journal"
	"github.com/dingmock/dingmock/mockserver/internal/page"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// autoPrefix is the prefix of the keys for which an app is made on first use.
const autoPrefix = "mock-"

// autoKey is the form of those keys.
var autoKey = regexp.MustCompile(`^` + autoPrefix + `[A-Za-z0-9_-]{1,64}$`)

// tenants holds the apps and finds them by what a request carries.
type tenants struct {
	real     func() time.Time
	maxApps  int
	limits   world.Limits
	qps      int
	log      *slog.Logger
	lifeID   string // the sequence that the apps' numbers belong to
	uses     atomic.Int64
	journals *journal.Journals

	mu     sync.RWMutex
	apps   []*tenant // in the order they were made
	made   int64     // apps ever made
	byKey  map[string]*tenant
	byCorp map[string]*tenant
	byName map[string]*tenant

	credentials *world.Credentials[*tenant]
}

// tenant is an app at work. Its name and ids never change, its journal and its rules have their own locks, and mu
// guards the rest.
//
// Locks are taken in this order: that of the tenants, that of a tenant, then one lock of a set of rules, a journal
// or the credentials, under which no other is taken. No lock is held while a call is read, waits or is delivered,
// nor while a clock is asked for the time of a rule.
type tenant struct {
	name, corpID, appKey string

	tenants *tenants
	n       int64  // counted from 1 for each server
	lifeID  string // the sequence that the numbers of its tokens and sessions belong to
	auto    bool   // made on first use
	used    atomic.Int64
	journal *journal.Journal
	rules   rules.Set

	mu         sync.Mutex
	corpSecret string
	appSecret  string
	open       bool // the first token call chooses both secrets

	gone     bool          // no longer in the store
	done     chan struct{} // closed when the app is removed or reset
	made     AppState      // its initial state
	clock    clock.Clock
	world    *world.World
	qps      *int // nil: the server's
	ignored  bool // violations do not make the verdict red
	throttle throttle
}

func newTenants(o *Options) *tenants {
	return &tenants{
		real: o.Now, maxApps: o.MaxApps, limits: world.Limits{Sessions: o.MaxSessions, SessionTTL: o.SessionTTL, TokenLife: o.TokenLife}, qps: o.QPS,
		log: o.Log, lifeID: journal.NewLife(), journals: journal.New(o.Journal),
		byKey: map[string]*tenant{}, byCorp: map[string]*tenant{}, byName: map[string]*tenant{},
		credentials: world.NewCredentials[*tenant](),
	}
}

// errFull reports that the limit of apps is reached and that none of them is an auto-app.
var errFull = fmt.Errorf("%w (option max-apps); delete some", api.ErrAppLimit)

// make builds an app from a valid and complete state. It does not store the app.
func (s *tenants) make(state AppState) *tenant {
	a := &tenant{
		name: state.Name, corpID: state.CorpID, corpSecret: state.CorpSecret, appKey: state.AppKey, appSecret: state.AppSecret, open: state.Open,
		tenants: s, lifeID: journal.NewLife(), auto: state.Auto, journal: s.journals.Make(), done: make(chan struct{}),
		qps: state.QPS, ignored: state.Judge != nil && !*state.Judge, clock: clock.New(s.real),
	}
	a.world = world.New(&s.limits, s.credentials.Of(a))
	a.world.TokenLife = time.Duration(state.TokenLife)
	a.touch()
	return a
}

// add makes an app from a valid and complete state and stores it. It returns an error if a name or an id is taken,
// or if there is no room.
func (s *tenants) add(state AppState) (*tenant, error) {
	a := s.make(state)
	return a, s.insert(a, state, func() { a.restore(state) })
}

// insert stores a new app and calls begin. It returns an error, without calling begin, if a name or an id is
// taken, or if there is no room.
func (s *tenants) insert(a *tenant, state AppState, begin func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.taken(state, nil); err != nil {
		return err
	}
	if len(s.apps) >= s.maxApps && !s.evict() {
		return errFull
	}
	s.put(a, begin)
	return nil
}

// change applies do to the app of that name. If there is no such app and prepare is true, an auto-app is made
// whose secret is open; it becomes visible once do has succeeded, and not at all if do fails. change returns nil
// and no error if there is no app.
func (s *tenants) change(name string, prepare bool, do func(*tenant) error) (*tenant, error) {
	for {
		if a := s.app(name); a != nil {
			a.touch()
			return a, do(a)
		}
		if !prepare || !autoKey.MatchString(name) {
			return nil, nil
		}
		state := AppState{Name: name, CorpID: name, AppKey: name, Auto: true, Open: true}
		a := s.make(state)
		a.made = state
		if err := do(a); err != nil {
			return nil, err
		}
		err := s.insert(a, state, func() {})
		if err == nil {
			return a, nil
		}
		if errors.Is(err, errFull) || s.app(name) == nil && s.corp(name) != nil {
			return nil, err
		}
		// Another goroutine made the app first: the next round finds it.
	}
}

// put stores a new app as the last one. The caller holds the lock.
func (s *tenants) put(a *tenant, begin func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	begin()
	s.made++
	a.n = s.made
	s.apps = append(s.apps, a)
	s.byKey[a.appKey], s.byCorp[a.corpID], s.byName[a.name] = a, a, a
}

// taken returns an error if an id or a token of the state belongs to another app that is not among leftOut. The
// caller holds the lock.
func (s *tenants) taken(state AppState, leftOut map[string]bool) error {
	other := func(a *tenant) bool { return a != nil && !leftOut[a.name] }
	for _, id := range []struct {
		field, value string
		by           *tenant
	}{
		{"name", state.Name, s.find(state.Name)}, {"appkey", state.AppKey, s.find(state.AppKey)}, {"corpid", state.CorpID, s.byCorp[state.CorpID]},
	} {
		if other(id.by) {
			return &codedError{api.ErrTaken, fmt.Sprintf("%s: %q is that of the app %s already", id.field, id.value, id.by.name)}
		}
	}
	for i, t := range state.Tokens {
		if by, _ := s.credentials.Find(dingmock.AppToken, t.Token); other(by) {
			return &codedError{api.ErrTaken, fmt.Sprintf("tokens/%d/token: is a token of the app %s already", i, by.name)}
		}
	}
	return nil
}

// codedError is an api.ErrorCode with a text of its own.
type codedError struct {
	code api.ErrorCode
	text string
}

func (e *codedError) Error() string { return e.text }

func (e *codedError) Unwrap() error { return e.code }

// replace stores apps from valid and complete states and removes the apps of the same names. It does so for all
// states or for none. The journals of the removed apps pass to the new ones.
func (s *tenants) replace(states []AppState) ([]*tenant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	made := 0
	for _, x := range states {
		names[x.Name] = true
		if s.byName[x.Name] == nil {
			made++
		}
	}
	for i, x := range states {
		if err := s.taken(x, names); err != nil {
			return nil, &codedError{api.ErrTaken, fmt.Sprintf("apps/%d/%s", i, err)}
		}
	}
	if len(s.apps)+made > s.maxApps {
		return nil, errFull
	}
	var list, old []*tenant
	for _, x := range states {
		a := s.make(x)
		if b := s.byName[x.Name]; b != nil {
			a.journal = b.journal
			old = append(old, b)
		}
		list = append(list, a)
	}
	s.remove(func(a *tenant) string { return "its app " + a.name + " was replaced by another state" }, old...)
	for i, a := range list {
		s.put(a, func() { a.restore(states[i]) })
	}
	return list, nil
}

// delete removes an app unless it has already been removed or replaced.
func (s *tenants) delete(a *tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[a.name] == a {
		s.remove(func(a *tenant) string { return "its app " + a.name + " was deleted" }, a)
		a.journal.End()
	}
}

// reset returns an app to the users, tokens, sessions, rules and clock that it began with. Its credentials, qps,
// token_life, judge and verdict stay. It does nothing if the app has been removed.
func (a *tenant) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return
	}
	close(a.done)
	a.done = make(chan struct{})
	a.tenants.credentials.Bury(world.Fate{App: a.name, Why: "its app " + a.name + " was reset"}, a.world.Clear()...)
	a.clock, a.throttle = clock.New(a.tenants.real), throttle{}
	a.restore(a.made)
	a.journal.Clear()
	a.tenants.journals.Forget(a.name)
}

// now returns the time by the app's clock.
func (a *tenant) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clock.Now()
}

// find returns the app of that name or appkey, or nil. The caller holds the lock.
func (s *tenants) find(name string) *tenant {
	if a := s.byName[name]; a != nil {
		return a
	}
	return s.byKey[name]
}

// called returns the app that has id as its appkey, corpid or name, and says as which of these.
func (s *tenants) called(id string) (a *tenant, what string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.byKey[id] != nil:
		return s.byKey[id], "appkey"
	case s.byCorp[id] != nil:
		return s.byCorp[id], "corpid"
	}
	return s.byName[id], "name"
}

// app returns the app of that name or appkey, or nil.
func (s *tenants) app(name string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.find(name)
}

// all returns the apps in the order they were made.
func (s *tenants) all() []*tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.apps)
}

// page returns at most limit of the apps, as page.Of does.
func (s *tenants) page(after int64, limit int, newest bool) ([]*tenant, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return page.Of(s.apps, func(a *tenant) int64 { return a.n }, func(*tenant) bool { return true }, after, limit, newest)
}

// evict removes the auto-app that has been unused for longest, if there is one. The caller holds the lock.
func (s *tenants) evict() bool {
	var oldest *tenant
	for _, a := range s.apps {
		if a.auto && (oldest == nil || a.used.Load() < oldest.used.Load()) {
			oldest = a
		}
	}
	if oldest == nil {
		return false
	}
	s.remove(func(a *tenant) string {
		return fmt.Sprintf("its app %s was evicted: there were %d apps, and it had been unused for longest (option max-apps)", a.name, s.maxApps)
	}, oldest)
	oldest.journal.End()
	s.log.Warn("app evicted", "app", oldest.name, "max_apps", s.maxApps)
	return true
}

// remove removes apps; why explains it to those who still use their tokens. The caller holds the lock.
func (s *tenants) remove(why func(*tenant) string, list ...*tenant) {
	for _, a := range list {
		a.mu.Lock()
		a.gone = true
		close(a.done)
		delete(s.byKey, a.appKey)
		delete(s.byCorp, a.corpID)
		delete(s.byName, a.name)
		s.credentials.Bury(world.Fate{App: a.name, Why: why(a)}, a.world.Clear()...)
		a.mu.Unlock()
	}
	s.apps = slices.DeleteFunc(s.apps, func(a *tenant) bool { return a.gone }) // the store's lock guards gone as well
}

// tellSeed logs the seed of a rule with a probability, so that a run can be repeated.
func (s *tenants) tellSeed(app string, r Rule) {
	if r.When.Probability != nil {
		s.log.Info("rule with probability", "rule", r.ID, "app", app, "seed", r.When.Seed)
	}
}

func (a *tenant) touch() { a.used.Store(a.tenants.uses.Add(1)) }

// corp returns the app of that corpid, or nil.
func (s *tenants) corp(id string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byCorp[id]
}

// ignores reports whether the app's violations leave the verdict alone.
func (a *tenant) ignores() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ignored
}

// ending returns a channel that is closed when the app is removed or reset.
func (a *tenant) ending() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done
}
