package mockserver

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/clock"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

const (
	tokensRemembered = 16    // expired ones of an app that are still known as its own
	tokensApart      = 1000  // of an app, given by rules with a life of their own
	tokensGone       = 10000 // of apps that are no more, whose holders are told why
)

// autoPrefix begins the keys for which an app is made on first use.
const autoPrefix = "mock-"

// autoKey is the form of those keys.
var autoKey = regexp.MustCompile(`^` + autoPrefix + `[A-Za-z0-9_-]{1,64}$`)

// tenants holds the apps and finds them by what a request carries. Its lock is taken before an app's, never after.
type tenants struct {
	real        func() time.Time
	maxApps     int
	maxSessions int
	tokenLife   time.Duration
	sessionTTL  time.Duration
	qps         int
	kept        int // exchanges in each journal
	log         *slog.Logger
	lifeID      string // what its apps count in
	uses        atomic.Int64
	journal     *journal // of all apps

	mu     sync.RWMutex
	apps   []*tenant // in the order they were made
	made   int64     // how many there were ever
	byKey  map[string]*tenant
	byCorp map[string]*tenant
	byName map[string]*tenant

	tokens tokenIndex
}

// tenant is one tenant. Its name and ids never change; the rest is guarded by mu.
type tenant struct {
	name, corpID, appKey string

	tenants *tenants
	n       int64  // counted from 1 for each server
	lifeID  string // what its tokens and sessions count in
	auto    bool   // made on first use
	used    atomic.Int64
	journal *journal
	rules   rules.Set

	mu         sync.Mutex
	corpSecret string
	appSecret  string
	open       bool // the first token call chooses both secrets

	gone      bool          // no longer in the store
	done      chan struct{} // closed when the app is removed or reset
	made      AppState      // what it began with
	clock     clock.Clock
	users     users
	qps       *int          // nil: the server's
	tokenLife time.Duration // 0: the server's
	ignored   bool          // violations are not held against the verdict
	tokens    []token       // in the order they were given; the last that is not apart is the one that is renewed
	issued    int64         // how many tokens there were ever
	sessions  sessions
	throttle  throttle
}

type token struct {
	n       int64 // counted from 1 for each app
	value   string
	expires time.Time
	apart   bool // given by a rule, with a life of its own: never renewed
}

// fate is what became of the app of a token: its name, and why it is no longer good.
type fate struct{ app, why string }

// tokenIndex finds the app of a token. Its lock is taken last.
type tokenIndex struct {
	mu     sync.RWMutex
	owner  map[string]*tenant
	gone   map[string]fate // token → what became of its app
	forget []string        // the keys of gone, oldest first
}

func newStore(o *Options) *tenants {
	return &tenants{
		real: o.Now, maxApps: o.MaxApps, maxSessions: o.MaxSessions, tokenLife: o.TokenLife, sessionTTL: o.SessionTTL,
		qps: o.QPS, kept: max(o.Journal, 0), log: o.Log, lifeID: newLife(), journal: newWhole(max(o.Journal, 0)),
		byKey: map[string]*tenant{}, byCorp: map[string]*tenant{}, byName: map[string]*tenant{},
		tokens: tokenIndex{owner: map[string]*tenant{}, gone: map[string]fate{}},
	}
}

// errFull says that there are as many apps as there may be and that none of them is an auto-app.
var errFull = errors.New("there are as many apps as there may be (--max-apps); delete some")

// make builds an app of a state that is valid and complete. It is not in the store yet.
func (s *tenants) make(state AppState) *tenant {
	a := &tenant{
		name: state.Name, corpID: state.CorpID, corpSecret: state.CorpSecret, appKey: state.AppKey, appSecret: state.AppSecret, open: state.Open,
		tenants: s, lifeID: newLife(), auto: state.Auto, journal: newJournal(s.kept, s.journal), done: make(chan struct{}),
		qps: state.QPS, tokenLife: time.Duration(state.TokenLife), ignored: state.Judge != nil && !*state.Judge, clock: clock.New(s.real),
	}
	a.sessions.init()
	a.touch()
	return a
}

// add makes an app of a state that is valid and complete. It fails where a name or an id is taken.
func (s *tenants) add(state AppState) (*tenant, error) {
	a := s.make(state)
	return a, s.insert(a, state, func() { a.restore(state) })
}

// insert puts a new app in, and begins it. It fails, and begins nothing, where a name or an id is taken.
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

// change does something to the app of that name. Where there is none, and prepare says that one may be made, an auto-app is:
// it is seen once that has been done to it, and not at all where that fails. The secret of such an app is open. It returns
// nil and no error where there is no app.
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
		// Another goroutine made it first: the next round finds it.
	}
}

// put takes a new app in, at the end. The caller holds the lock.
func (s *tenants) put(a *tenant, begin func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	begin()
	s.made++
	a.n = s.made
	s.apps = append(s.apps, a)
	s.byKey[a.appKey], s.byCorp[a.corpID], s.byName[a.name] = a, a, a
}

// taken says which id or token of the state is that of another app than those left out. The caller holds the lock.
func (s *tenants) taken(state AppState, leftOut map[string]bool) error {
	other := func(a *tenant) bool { return a != nil && !leftOut[a.name] }
	for _, id := range []struct {
		field, value string
		by           *tenant
	}{
		{"name", state.Name, s.find(state.Name)}, {"appkey", state.AppKey, s.find(state.AppKey)}, {"corpid", state.CorpID, s.byCorp[state.CorpID]},
	} {
		if other(id.by) {
			return &takenError{fmt.Sprintf("%s: %q is that of the app %s already", id.field, id.value, id.by.name)}
		}
	}
	for i, t := range state.Tokens {
		if by, _ := s.tokens.get(t.Token); other(by) {
			return &takenError{fmt.Sprintf("tokens/%d/token: is a token of the app %s already", i, by.name)}
		}
	}
	return nil
}

// takenError says that an id is another app's.
type takenError struct{ text string }

func (e *takenError) Error() string { return e.text }

// replace takes in the apps of a state that is valid and complete, in the place of those of the same names. It does
// so for all of them or for none. What the replaced ones' journals hold stays.
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
			return nil, &takenError{fmt.Sprintf("apps/%d/%s", i, err)}
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

// delete removes the app of that name or appkey, if there is one.
func (s *tenants) delete(a *tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[a.name] == a {
		s.remove(func(a *tenant) string { return "its app " + a.name + " was deleted" }, a)
		a.journal.clear(true)
	}
}

// reset brings an app back to what it began with: its users, tokens, sessions, rules and clock. Its credentials, qps,
// token_life, judge and verdict stay. It does nothing to one that is no more.
func (a *tenant) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return
	}
	close(a.done)
	a.done = make(chan struct{})
	a.tenants.tokens.bury(a.tokens, fate{a.name, "its app " + a.name + " was reset"})
	a.tokens, a.clock, a.throttle = nil, clock.New(a.tenants.real), throttle{}
	a.sessions.init()
	a.restore(a.made)
	a.journal.clear(false)
	a.tenants.journal.forget(a.name)
}

// now is the time by the app's clock.
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

// called returns the app that has that id by some name, and which.
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

// page returns at most limit of the apps, as page does.
func (s *tenants) page(after int64, limit int, newest bool) ([]*tenant, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return page(s.apps, func(a *tenant) int64 { return a.n }, func(*tenant) bool { return true }, after, limit, newest)
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
		return fmt.Sprintf("its app %s was evicted: there were %d apps, and it had been unused for longest (--max-apps)", a.name, s.maxApps)
	}, oldest)
	oldest.journal.clear(true)
	s.log.Warn("app evicted", "app", oldest.name, "max_apps", s.maxApps)
	return true
}

// remove takes apps out; why is told to those who still hold their tokens. The caller holds the lock.
func (s *tenants) remove(why func(*tenant) string, list ...*tenant) {
	for _, a := range list {
		a.mu.Lock()
		a.gone = true
		close(a.done)
		delete(s.byKey, a.appKey)
		delete(s.byCorp, a.corpID)
		delete(s.byName, a.name)
		s.tokens.bury(a.tokens, fate{a.name, why(a)})
		a.mu.Unlock()
	}
	s.apps = slices.DeleteFunc(s.apps, func(a *tenant) bool { return a.gone }) // which the store's lock guards as well
}

// tellSeed logs what a rule of chance draws from, so that a run can be made again.
func (s *tenants) tellSeed(app string, r Rule) {
	if r.When.Probability != nil {
		s.log.Info("rule with probability", "rule", r.ID, "app", app, "seed", r.When.Seed)
	}
}

func (a *tenant) touch() { a.used.Store(a.tenants.uses.Add(1)) }

// pair is one way to name an app and prove it.
type pair struct {
	id, secret string // the names of the parameters
	corp       bool
}

// byCredentials returns the app with that id, and whether the secret is its own. good says that the call is not going
// to be refused: its secret becomes that of an app whose secret is open. An app is made for an auto key where auto says so;
// full says that it would have been but for the cap.
func (s *tenants) byCredentials(p pair, id, secret string, good, auto bool) (a *tenant, proven, full bool) {
	auto = auto && good
	for range 100 { // one round, but where apps come and go at the same time
		if p.corp {
			a = s.corp(id)
		} else {
			s.mu.RLock()
			a = s.byKey[id]
			s.mu.RUnlock()
		}
		if a != nil {
			return a, a.proves(p.corp, secret, good), false
		}
		if !auto || secret == "" || !autoKey.MatchString(id) {
			break
		}
		a, err := s.add(AppState{Name: id, CorpID: id, CorpSecret: secret, AppKey: id, AppSecret: secret, Auto: true})
		if err == nil {
			return a, true, false
		}
		if errors.Is(err, errFull) {
			return nil, false, true
		}
		// Another goroutine made it first: the next round finds it, unless it has been evicted again.
	}
	return nil, false, false
}

// corp returns the app of that corpid, or nil.
func (s *tenants) corp(id string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byCorp[id]
}

// proves reports whether a secret is the app's. Where that is open, the first of a good call becomes it.
func (a *tenant) proves(corp bool, secret string, good bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open {
		if !good || secret == "" {
			return false
		}
		a.corpSecret, a.appSecret, a.open = secret, secret, false
	}
	want := a.appSecret
	if corp {
		want = a.corpSecret
	}
	return subtle.ConstantTimeCompare([]byte(want), []byte(secret)) == 1
}

// lifeOf is how long a token lives that is given now. The caller holds the lock.
func (a *tenant) lifeOf() time.Duration {
	if a.tokenLife != 0 {
		return a.tokenLife
	}
	return a.tenants.tokenLife
}

// issue returns the app's live token, renewed, or a new one, and how long it lives: so long, or 0 for as long as the
// app's tokens do. It fails only when the app is gone.
func (a *tenant) issue(life time.Duration) (string, time.Duration, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return "", 0, false
	}
	if life == 0 {
		life = a.lifeOf()
	}
	now := a.clock.Now()
	for i := range slices.Backward(a.tokens) {
		t := &a.tokens[i]
		if t.apart {
			continue
		}
		if now.Before(t.expires) {
			t.expires = now.Add(life)
			return t.value, life, true
		}
		break
	}
	t := token{value: newToken(), expires: now.Add(life)}
	a.keep(t)
	return t.value, life, true
}

// issueApart returns a new token that is never renewed and lives so long, or 0 for as long as the app's tokens do; "" when
// the app is gone.
func (a *tenant) issueApart(life time.Duration) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return ""
	}
	if life == 0 {
		life = a.lifeOf()
	}
	t := token{value: newToken(), expires: a.clock.Now().Add(life), apart: true}
	a.keep(t)
	return t.value
}

// keep adds a token, and forgets the oldest of those that have expired and of those that are apart, beyond so many. The
// caller holds the lock.
func (a *tenant) keep(t token) {
	a.issued++
	t.n = a.issued
	a.tokens = append(a.tokens, t)
	a.tenants.tokens.put(t.value, a)
	now := a.clock.Now()
	a.forget(tokensRemembered, func(t token) bool { return !now.Before(t.expires) })
	a.forget(tokensApart, func(t token) bool { return t.apart })
}

// forget drops the oldest tokens of a kind beyond so many.
func (a *tenant) forget(most int, of func(token) bool) {
	n := -most
	for _, t := range a.tokens {
		if of(t) {
			n++
		}
	}
	if n <= 0 {
		return
	}
	a.tokens = slices.DeleteFunc(a.tokens, func(t token) bool {
		if n <= 0 || !of(t) {
			return false
		}
		n--
		a.tenants.tokens.drop(t.value)
		return true
	})
}

// valid reports whether the token lives; how long ago it died otherwise.
func (a *tenant) valid(value string) (ok bool, ago time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	for _, t := range a.tokens {
		if t.value == value {
			return now.Before(t.expires), now.Sub(t.expires)
		}
	}
	return false, 0
}

// expireTokens ends all tokens now.
func (a *tenant) expireTokens() Expired {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	due := Expired{Tokens: a.live(now)}
	for i := range a.tokens {
		if now.Before(a.tokens[i].expires) {
			a.tokens[i].expires = now
		}
	}
	return due
}

// ignores reports whether the app's violations are not held against the verdict.
func (a *tenant) ignores() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ignored
}

func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}

func (x *tokenIndex) put(value string, a *tenant) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.owner[value] = a
}

func (x *tokenIndex) drop(value string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.owner, value)
}

// get returns the app of a token, or nil and, if it is known, what became of that app.
func (x *tokenIndex) get(value string) (*tenant, fate) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.owner[value], x.gone[value]
}

func (x *tokenIndex) bury(tokens []token, gone fate) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range tokens {
		delete(x.owner, t.value)
		x.gone[t.value] = gone
		x.forget = append(x.forget, t.value)
	}
	for len(x.forget) > tokensGone {
		delete(x.gone, x.forget[0])
		x.forget = x.forget[1:]
	}
}
