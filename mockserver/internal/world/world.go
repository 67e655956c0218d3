// Package world is what belongs to one app, its users, tokens and sessions, and the calls that read and change them.
//
// A call is added here: a func of [Calls] under its operation's id. It gets a [Call], which has passed all checks, and returns
// what the operation's reply holds beside its envelope, or a [Failure]. Nothing here locks: whoever calls holds the app's lock,
// and what a call returns is encoded before that is given back.
package world

import (
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Limits are those of each app.
type Limits struct {
	Sessions   int           // that may be open
	SessionTTL time.Duration // after which one ends by itself; 0: never
	TokenLife  time.Duration // where the app has none of its own
}

// World is what belongs to one app. The app's lock guards it.
type World struct {
	Users     Users
	Sessions  Sessions
	Tokens    Tokens
	TokenLife time.Duration // the app's own; 0: that of the limits
	limits    *Limits
}

// New makes an empty world, which notes in the ledger what credentials it gives out.
func New(limits *Limits, l Ledger) *World {
	w := &World{limits: limits, Tokens: Tokens{ledger: l}}
	w.Sessions.init()
	return w
}

// Clear forgets users, tokens and sessions; what counts them goes on. The tokens stay in the ledger: they are returned.
func (w *World) Clear() []Credential {
	list := w.Tokens.credentials()
	w.Tokens.list, w.Users = nil, Users{}
	w.Sessions.init()
	return list
}

// Restore takes over the users, tokens and sessions of a state, beside those that there are.
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

// Save writes the tokens and sessions that there are at that time into a state.
func (w *World) Save(s *api.AppState, now time.Time) {
	s.Tokens = w.Tokens.live(now)
	w.Sessions.Sweep(now)
	s.Sessions = w.Sessions.all()
}
