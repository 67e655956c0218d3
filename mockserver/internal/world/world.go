// Package world holds what belongs to one app, its users, tokens and sessions, and the calls that read and change
// them.
//
// To add a call, add a func to [Calls] under its operation's id. It gets a [Call] that has passed all checks, and
// returns the fields of the operation's reply without its envelope, or a [Failure]. Nothing here locks: the caller
// holds the app's lock, and encodes what a call returns before it releases the lock.
package world

import (
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Limits are the limits of each app.
type Limits struct {
	Sessions   int           // how many may be open
	SessionTTL time.Duration // after which a session ends by itself; 0: never
	TokenLife  time.Duration // if the app has none of its own
}

// World holds what belongs to one app. The app's lock guards it.
type World struct {
	Users     Users
	Sessions  Sessions
	Tokens    Tokens
	TokenLife time.Duration // the app's own; 0: that of the limits
	limits    *Limits
}

// New makes an empty world that records in the ledger the credentials that it issues.
func New(limits *Limits, l Ledger) *World {
	w := &World{limits: limits, Tokens: Tokens{ledger: l}}
	w.Sessions.init()
	return w
}

// Clear removes users, tokens and sessions; their numbers go on. The tokens stay in the ledger, and Clear returns
// them.
func (w *World) Clear() []Credential {
	list := w.Tokens.credentials()
	w.Tokens.list, w.Users = nil, Users{}
	w.Sessions.init()
	return list
}

// Restore sets the users of a state, and adds its tokens and sessions to those that exist.
func (w *World) Restore(s *api.AppState, appKey string, now time.Time) {
	w.Users = NewUsers(s.Users)
	for _, t := range s.Tokens {
		w.Tokens.keep(now, tokenOf(t, now))
	}
	for _, x := range s.Sessions {
		created := now
		if x.CreateTime != 0 {
			created = time.UnixMilli(x.CreateTime)
		}
		x.AppKey, x.CreateTime = appKey, created.UnixMilli()
		w.Sessions.open(x, w.sessionEnds(created))
	}
	w.Sessions.Sweep(now)
}

// Save writes the tokens and sessions that are alive at that time into a state.
func (w *World) Save(s *api.AppState, now time.Time) {
	s.Tokens = w.Tokens.live(now)
	w.Sessions.Sweep(now)
	s.Sessions = w.Sessions.all()
}
