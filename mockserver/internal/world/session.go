package world

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/page"
)

var (
	appKeyWrong     = Named("app-key-wrong")
	sessionInvalid  = Named("session-invalid")
	sessionsTooMany = Named("sessions-too-many")
)

// session is an open session in the form that getsession answers.
type session struct {
	SessionID  string `json:"session_id"`
	AppKey     string `json:"app_key"`
	UserID     string `json:"user_id"`
	ChatID     string `json:"chatid"`
	CreateTime int64  `json:"create_time"` // Unix milliseconds
}

type getSessionReply struct {
	Result struct {
		Session *session `json:"session"`
	} `json:"result"`
}

func getSession(c *Call) (any, *Failure) {
	user := c.Value("userid")
	if f := c.knownUser(user); f != nil {
		return nil, f
	}
	c.Sessions.Sweep(c.Now)
	var reply getSessionReply
	if s, ok := c.Sessions.latest(user); ok {
		open := session(s)
		reply.Result.Session = &open
	}
	return reply, nil
}

type createSessionReply struct {
	Result struct {
		SessionID string `json:"session_id"`
	} `json:"result"`
}

func createSession(c *Call) (any, *Failure) {
	want := c.session()
	if want.AppKey != c.AppKey {
		return nil, c.Fail(appKeyWrong, "app_key is not the appkey of the token's app "+c.App+"; give that, whichever pair got the token")
	}
	if f := c.knownUser(want.UserID); f != nil {
		return nil, f
	}
	c.Sessions.Sweep(c.Now)
	if open, ok := c.Sessions.get(want.SessionID); ok {
		if !same(open, want) {
			return nil, c.Fail(sessionInvalid, "a session of this id is open with other values; close it first or choose another id")
		}
	} else {
		if len(c.Sessions.byID) >= c.limits.Sessions {
			return nil, c.Fail(sessionsTooMany, fmt.Sprintf("the app %s has as many sessions open as it may have, %d (option max-sessions); close some", c.App, c.limits.Sessions))
		}
		want.CreateTime = c.Now.UnixMilli()
		c.Sessions.open(want, c.sessionEnds(c.Now))
	}
	var reply createSessionReply
	reply.Result.SessionID = want.SessionID
	return reply, nil
}

type closeSessionReply struct {
	Success bool `json:"success"`
}

func closeSession(c *Call) (any, *Failure) {
	want := c.session()
	c.Sessions.Sweep(c.Now)
	switch open, ok := c.Sessions.get(want.SessionID); {
	case !ok:
		return nil, c.Fail(sessionInvalid, "no session of this id is open in the app "+c.App+": it was never created there, or was closed, or has ended")
	case !same(open, want):
		return nil, c.Fail(sessionInvalid, "the open session of this id was created with other values; close it with the same ones")
	}
	c.Sessions.close(want.SessionID)
	return closeSessionReply{Success: true}, nil
}

func (c *Call) session() api.SessionState {
	return api.SessionState{SessionID: c.Value("session_id"), AppKey: c.Value("app_key"), UserID: c.Value("user_id"), ChatID: c.Value("chatid")}
}

// same reports whether two sessions have the same values, apart from the time of creation.
func same(s, t api.SessionState) bool {
	t.CreateTime = s.CreateTime
	return s == t
}

// sessionEnds returns when a session created at that time ends by itself; zero for never.
func (w *World) sessionEnds(created time.Time) time.Time {
	if w.limits.SessionTTL == 0 {
		return time.Time{}
	}
	return created.Add(w.limits.SessionTTL)
}

// Sessions are the open sessions of one app.
type Sessions struct {
	byID   map[string]*openSession
	byUser map[string]*openSession // the latest session of each user
	order  []place                 // in order of creation
	made   int64                   // sessions ever made
	due    dueHeap                 // those that end by themselves
}

type openSession struct {
	api.SessionState
	n                int64        // counted from 1 for each app
	ends             time.Time    // zero: never
	inDue            int          // its index in Sessions.due
	earlier, younger *openSession // of the same user
}

// place is the place of a session in the order of creation. A closed session leaves its place empty until so many
// are empty that the others move up. So a session is found by its number, and the order can be read off.
type place struct {
	n    int64
	open *openSession
}

// init removes all sessions; the numbers go on.
func (s *Sessions) init() {
	*s = Sessions{byID: map[string]*openSession{}, byUser: map[string]*openSession{}, made: s.made}
}

func (s *Sessions) get(id string) (api.SessionState, bool) {
	if o := s.byID[id]; o != nil {
		return o.SessionState, true
	}
	return api.SessionState{}, false
}

func (s *Sessions) latest(user string) (api.SessionState, bool) {
	if o := s.byUser[user]; o != nil {
		return o.SessionState, true
	}
	return api.SessionState{}, false
}

// all returns the sessions in order of creation, nil for none.
func (s *Sessions) all() []api.SessionState {
	if len(s.byID) == 0 {
		return nil
	}
	list := make([]api.SessionState, 0, len(s.byID))
	for _, p := range s.order {
		if p.open != nil {
			list = append(list, p.open.SessionState)
		}
	}
	return list
}

// Page returns a page of the sessions open at now, in order of creation or newest first, and the number after
// which the next page begins, 0 for none.
func (s *Sessions) Page(now time.Time, after int64, limit int, newest bool) ([]api.SessionState, int64) {
	s.Sweep(now)
	list, next := page.Of(s.order, place.number, place.there, after, limit, newest)
	states := make([]api.SessionState, 0, len(list))
	for _, p := range list {
		states = append(states, p.open.SessionState)
	}
	return states, next
}

func (p place) number() int64 { return p.n }
func (p place) there() bool   { return p.open != nil }

func (s *Sessions) open(x api.SessionState, ends time.Time) {
	s.made++
	o := &openSession{SessionState: x, n: s.made, ends: ends}
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

func (s *Sessions) close(id string) {
	o := s.byID[id]
	delete(s.byID, id)
	at, _ := slices.BinarySearchFunc(s.order, o.n, func(p place, n int64) int { return cmp.Compare(p.n, n) })
	s.order[at].open = nil
	if len(s.order) > 2*len(s.byID)+64 {
		s.order, _ = page.Of(s.order, place.number, place.there, 0, len(s.byID), false)
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

// Sweep ends the sessions whose time has come and returns their number.
func (s *Sessions) Sweep(now time.Time) int {
	n := 0
	for len(s.due) > 0 && !now.Before(s.due[0].ends) {
		s.close(s.due[0].SessionID)
		n++
	}
	return n
}

// dueHeap is a heap; its first session is the one that ends first.
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
