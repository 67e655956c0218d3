package mockserver

import (
	"cmp"
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Session is one open session, in the order of keys that getsession answers.
type Session struct {
	SessionID  string `json:"session_id"`
	AppKey     string `json:"app_key"`
	UserID     string `json:"user_id"`
	ChatID     string `json:"chatid"`
	CreateTime int64  `json:"create_time"` // Unix milliseconds
}

// same reports whether two sessions have the same values, whenever they were created.
func (s Session) same(t Session) bool {
	t.CreateTime = s.CreateTime
	return s == t
}

func (c *call) getSession() (any, error) {
	user := c.Value("userid")
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	if err := c.knownUser(user); err != nil {
		return nil, err
	}
	c.app.sessions.sweep(c.app.clock.Now())
	var result struct {
		Session *Session `json:"session"`
	}
	if s, ok := c.app.sessions.latest(user); ok {
		result.Session = &s
	}
	return topapiReply{Errmsg: "ok", Result: result, RequestID: c.requestID()}, nil
}

func (c *call) createSession() (any, error) {
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	want := c.session()
	if want.AppKey != c.app.appKey {
		return nil, c.fail("app-key-wrong", "app_key is not the appkey of the token's app "+c.app.name+"; give that, whichever pair got the token")
	}
	if err := c.knownUser(want.UserID); err != nil {
		return nil, err
	}
	now := c.app.clock.Now()
	c.app.sessions.sweep(now)
	if open, ok := c.app.sessions.get(want.SessionID); ok {
		if !open.same(want) {
			return nil, c.fail("session-invalid", "a session of this id is open with other values; close it first or choose another id")
		}
	} else {
		if c.app.sessions.len() >= c.app.tenants.maxSessions {
			return nil, c.fail("sessions-too-many", fmt.Sprintf("the app %s has as many sessions open as it may have, %d (--max-sessions); close some", c.app.name, c.app.tenants.maxSessions))
		}
		want.CreateTime = now.UnixMilli()
		c.app.sessions.open(want, c.app.ends(now))
	}
	var result struct {
		SessionID string `json:"session_id"`
	}
	result.SessionID = want.SessionID
	return topapiReply{Errmsg: "ok", Result: result, RequestID: c.requestID()}, nil
}

func (c *call) closeSession() (any, error) {
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	want := c.session()
	c.app.sessions.sweep(c.app.clock.Now())
	switch open, ok := c.app.sessions.get(want.SessionID); {
	case !ok:
		return nil, c.fail("session-invalid", "no session of this id is open in the app "+c.app.name+": it was never created there, or was closed, or has ended")
	case !open.same(want):
		return nil, c.fail("session-invalid", "the open session of this id was created with other values; close it with the same ones")
	}
	c.app.sessions.close(want.SessionID)
	return topapiReply{Errmsg: "ok", Success: true, RequestID: c.requestID()}, nil
}

func (c *call) session() Session {
	return Session{SessionID: c.Value("session_id"), AppKey: c.Value("app_key"), UserID: c.Value("user_id"), ChatID: c.Value("chatid")}
}

func (c *call) knownUser(user string) error {
	if !c.app.users.has(user) {
		return c.fail("user-not-found", "the app "+c.app.name+" has a list of users, and this one is not in it; add it to users in the app's state, or leave users out to know every user")
	}
	return nil
}

// users are the users that exist.
type users struct {
	list []string // as it was given; nil: every user exists
	set  map[string]bool
}

func newUsers(list []string) users {
	u := users{list, make(map[string]bool, len(list))}
	for _, id := range list {
		u.set[id] = true
	}
	return u
}

func (u users) has(id string) bool { return u.list == nil || u.set[id] }

// ends is when a session that is created then ends by itself; zero for never.
func (a *tenant) ends(created time.Time) time.Time {
	if a.tenants.sessionTTL == 0 {
		return time.Time{}
	}
	return created.Add(a.tenants.sessionTTL)
}

// sessions are the open sessions of one app. The app's lock guards them.
type sessions struct {
	byID   map[string]*openSession
	byUser map[string]*openSession // the one of each user that was created last
	order  []place                 // by creation
	made   int64                   // how many there were ever
	due    dueHeap                 // those that end by themselves
}

type openSession struct {
	Session
	n                int64        // counted from 1 for each app
	ends             time.Time    // zero: never
	inDue            int          // its place there
	earlier, younger *openSession // of the same user
}

// place is where a session stands in the order of creation. One that is closed leaves it empty, until as many are that
// all move up: so a place is found by its number, and the order is read from there.
type place struct {
	n    int64
	open *openSession
}

// init makes all sessions forgotten; the count goes on.
func (s *sessions) init() {
	*s = sessions{byID: map[string]*openSession{}, byUser: map[string]*openSession{}, made: s.made}
}

func (s *sessions) len() int { return len(s.byID) }

func (s *sessions) get(id string) (Session, bool) {
	if o := s.byID[id]; o != nil {
		return o.Session, true
	}
	return Session{}, false
}

func (s *sessions) latest(user string) (Session, bool) {
	if o := s.byUser[user]; o != nil {
		return o.Session, true
	}
	return Session{}, false
}

// all yields the sessions in the order of their creation.
func (s *sessions) all() iter.Seq[Session] {
	return func(yield func(Session) bool) {
		for _, p := range s.order {
			if p.open != nil && !yield(p.open.Session) {
				return
			}
		}
	}
}

func (p place) number() int64 { return p.n }
func (p place) there() bool   { return p.open != nil }

func (s *sessions) open(x Session, ends time.Time) {
	s.made++
	o := &openSession{Session: x, n: s.made, ends: ends}
	s.byID[x.SessionID] = o
	s.order = append(s.order, place{o.n, o})
	if o.earlier = s.byUser[x.UserID]; o.earlier != nil {
		o.earlier.younger = o
	}
	s.byUser[x.UserID] = o
	if !ends.IsZero() {
		heap.Push(&s.due, o)
	}
}

func (s *sessions) close(id string) {
	o := s.byID[id]
	delete(s.byID, id)
	at, _ := slices.BinarySearchFunc(s.order, o.n, func(p place, n int64) int { return cmp.Compare(p.n, n) })
	s.order[at].open = nil
	if len(s.order) > 2*len(s.byID)+64 {
		s.order, _ = page(s.order, place.number, place.there, 0, len(s.byID), false)
	}
	if !o.ends.IsZero() {
		heap.Remove(&s.due, o.inDue)
	}
	if o.earlier != nil {
		o.earlier.younger = o.younger
	}
	switch {
	case o.younger != nil:
		o.younger.earlier = o.earlier
	case o.earlier != nil:
		s.byUser[o.UserID] = o.earlier
	default:
		delete(s.byUser, o.UserID)
	}
}

// sweep ends the sessions whose time has come and returns how many they were.
func (s *sessions) sweep(now time.Time) int {
	n := 0
	for len(s.due) > 0 && !now.Before(s.due[0].ends) {
		s.close(s.due[0].SessionID)
		n++
	}
	return n
}

// dueHeap is a heap whose first session is the one that ends first.
type dueHeap []*openSession

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].ends.Before(h[j].ends) }

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].inDue, h[j].inDue = i, j
}

// Push is for package heap.
func (h *dueHeap) Push(x any) {
	o := x.(*openSession)
	o.inDue = len(*h)
	*h = append(*h, o)
}

// Pop is for package heap.
func (h *dueHeap) Pop() any {
	last := len(*h) - 1
	o := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return o
}
