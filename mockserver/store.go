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
)

const (
	tokenLife        = 7200 * time.Second
	tokensRemembered = 16    // expired ones of an app that are still known as its own
	tokensGone       = 10000 // of apps that are no more, whose holders are told why
)

// autoKey is the form of the keys for which an app is made on first use.
var autoKey = regexp.MustCompile(`^mock-[A-Za-z0-9_-]{1,64}$`)

// store holds the apps and finds them by what a request carries. Its lock is taken before an app's, never after.
type store struct {
	real        func() time.Time
	maxApps     int
	maxSessions int
	sessionTTL  time.Duration
	log         *slog.Logger
	uses        atomic.Int64

	mu     sync.RWMutex
	apps   []*app // in the order they were made
	byKey  map[string]*app
	byCorp map[string]*app
	byName map[string]*app

	tokens tokenIndex
}

// app is one tenant. Its identity never changes; the rest is guarded by mu.
type app struct {
	name, corpID, corpSecret, appKey, appSecret string

	store *store
	auto  bool // made on first use
	used  atomic.Int64

	mu       sync.Mutex
	gone     bool // no longer in the store
	clock    clock
	users    []string // nil: every user exists
	tokens   []token  // the last is the newest; all but the last have expired, unless restored
	sessions sessions
}

type token struct {
	value   string
	expires time.Time
}

// tokenIndex finds the app of a token. Its lock is taken last.
type tokenIndex struct {
	mu     sync.RWMutex
	owner  map[string]*app
	gone   map[string]string // token → what became of its app
	forget []string          // the keys of gone, oldest first
}

func newStore(o *Options) *store {
	return &store{
		real: o.Now, maxApps: o.MaxApps, maxSessions: o.MaxSessions, sessionTTL: o.SessionTTL, log: o.Log,
		byKey: map[string]*app{}, byCorp: map[string]*app{}, byName: map[string]*app{},
		tokens: tokenIndex{owner: map[string]*app{}, gone: map[string]string{}},
	}
}

// errFull says that there are as many apps as there may be and that none of them is an auto-app.
var errFull = errors.New("there are as many apps as there may be")

// add makes an app of a state that is valid and complete. It fails where a name or an id is taken.
func (s *store) add(state AppState, auto bool) (*app, error) {
	a := &app{
		name: state.Name, corpID: state.CorpID, corpSecret: state.CorpSecret, appKey: state.AppKey, appSecret: state.AppSecret,
		store: s, auto: auto, users: state.Users, clock: clock{real: s.real},
	}
	a.sessions.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, taken := range []struct {
		what, value string
		by          *app
	}{
		{"name", a.name, s.find(a.name)}, {"appkey", a.appKey, s.find(a.appKey)}, {"corpid", a.corpID, s.byCorp[a.corpID]},
	} {
		if taken.by != nil {
			return taken.by, fmt.Errorf("%s: %q is the app %s already", taken.what, taken.value, taken.by.name)
		}
	}
	if len(s.apps) >= s.maxApps && !s.evict() {
		return nil, errFull
	}
	a.touch()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.restore(state)
	s.apps = append(s.apps, a)
	s.byKey[a.appKey], s.byCorp[a.corpID], s.byName[a.name] = a, a, a
	return a, nil
}

// find returns the app of that name or appkey, or nil. The caller holds the lock.
func (s *store) find(name string) *app {
	if a := s.byName[name]; a != nil {
		return a
	}
	return s.byKey[name]
}

// app returns the app of that name or appkey, or nil.
func (s *store) app(name string) *app {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.find(name)
}

// all returns the apps in the order they were made.
func (s *store) all() []*app {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.apps)
}

// evict removes the auto-app that has been unused for longest, if there is one. The caller holds the lock.
func (s *store) evict() bool {
	var oldest *app
	for _, a := range s.apps {
		if a.auto && (oldest == nil || a.used.Load() < oldest.used.Load()) {
			oldest = a
		}
	}
	if oldest == nil {
		return false
	}
	s.remove(oldest, fmt.Sprintf("its app %s was evicted: there were %d apps, and it had been unused for longest (--max-apps)", oldest.name, s.maxApps))
	s.log.Warn("app evicted", "app", oldest.name, "max_apps", s.maxApps)
	return true
}

// remove takes an app out; why is told to those who still hold its tokens. The caller holds the lock.
func (s *store) remove(a *app, why string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = true
	s.apps = slices.DeleteFunc(s.apps, func(b *app) bool { return a == b })
	delete(s.byKey, a.appKey)
	delete(s.byCorp, a.corpID)
	delete(s.byName, a.name)
	s.tokens.bury(a.tokens, why)
}

func (a *app) touch() { a.used.Store(a.store.uses.Add(1)) }

// pair is one way to name an app and prove it.
type pair struct {
	id, secret string // the names of the parameters
	corp       bool
}

// byCredentials returns the app with that id, and whether the secret is its own. An app is made for an
// auto key where the store may.
func (s *store) byCredentials(p pair, id, secret string, make bool) (a *app, proven bool) {
	for range 2 {
		s.mu.RLock()
		if p.corp {
			a = s.byCorp[id]
		} else {
			a = s.byKey[id]
		}
		s.mu.RUnlock()
		if a != nil {
			want := a.appSecret
			if p.corp {
				want = a.corpSecret
			}
			return a, subtle.ConstantTimeCompare([]byte(want), []byte(secret)) == 1
		}
		if !make || secret == "" || !autoKey.MatchString(id) {
			break
		}
		// Another goroutine may make it at the same time; whoever comes second finds it in the next round.
		_, _ = s.add(AppState{Name: id, CorpID: id, CorpSecret: secret, AppKey: id, AppSecret: secret}, true)
	}
	return nil, false
}

// issue returns the app's live token, renewed, or a new one. It fails only when the app is gone.
func (a *app) issue() (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return "", false
	}
	now := a.clock.now()
	if n := len(a.tokens); n > 0 && now.Before(a.tokens[n-1].expires) {
		a.tokens[n-1].expires = now.Add(tokenLife)
		return a.tokens[n-1].value, true
	}
	t := token{value: newToken(), expires: now.Add(tokenLife)}
	a.keep(t)
	return t.value, true
}

// keep adds a token and forgets the oldest beyond those that are remembered. The caller holds the lock.
func (a *app) keep(t token) {
	a.tokens = append(a.tokens, t)
	a.store.tokens.put(t.value, a)
	if n := len(a.tokens) - tokensRemembered - 1; n > 0 {
		for _, old := range a.tokens[:n] {
			a.store.tokens.drop(old.value)
		}
		a.tokens = slices.Delete(a.tokens, 0, n)
	}
}

// valid reports whether the token lives; how long ago it died otherwise.
func (a *app) valid(value string) (ok bool, ago time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.now()
	for _, t := range a.tokens {
		if t.value == value {
			return now.Before(t.expires), now.Sub(t.expires)
		}
	}
	return false, 0
}

func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}

func (x *tokenIndex) put(value string, a *app) {
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
func (x *tokenIndex) get(value string) (*app, string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.owner[value], x.gone[value]
}

func (x *tokenIndex) bury(tokens []token, why string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range tokens {
		delete(x.owner, t.value)
		x.gone[t.value] = why
		x.forget = append(x.forget, t.value)
	}
	for len(x.forget) > tokensGone {
		delete(x.gone, x.forget[0])
		x.forget = x.forget[1:]
	}
}
