package world

import (
	"crypto/rand"
	"encoding/hex"
	"math"
	"slices"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/page"
)

const (
	expiredKept = 16 // how many expired tokens of an app are still known as its own

	// TokensApart is the maximum number of tokens of an app that rules issued with their own lifetimes.
	TokensApart = 1000
)

// Tokens are the access tokens of one app.
type Tokens struct {
	list   []token // in order of issue; the last one that is not apart is renewed
	issued int64   // tokens ever issued
	ledger Ledger
}

type token struct {
	n       int64 // counted from 1 for each app
	value   string
	expires time.Time
	apart   bool // issued by a rule with its own lifetime: never renewed
}

func (t token) number() int64           { return t.n }
func (t token) credential() Credential  { return Credential{dingmock.AppToken, t.value} }
func (t token) dead(now time.Time) bool { return !now.Before(t.expires) }
func (t token) state(now time.Time) api.TokenState {
	return api.TokenState{Token: t.value, ExpiresIn: t.expires.Sub(now).Seconds(), Apart: t.apart}
}

func tokenOf(s api.TokenState, now time.Time) token {
	return token{value: s.Token, expires: now.Add(time.Duration(math.Round(s.ExpiresIn * float64(time.Second)))), apart: s.Apart}
}

// NewToken returns a random text for a token: 32 characters of 0-9 and a-f.
func NewToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

type gettokenReply struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func gettoken(c *Call) (any, *Failure) {
	token, life := c.IssueToken(c.Now, c.TokenLives)
	return gettokenReply{AccessToken: token, ExpiresIn: int(life.Seconds())}, nil
}

type accessTokenReply struct {
	ExpireIn    int    `json:"expireIn"`
	AccessToken string `json:"accessToken"`
}

func accessToken(c *Call) (any, *Failure) {
	token, life := c.IssueToken(c.Now, c.TokenLives)
	return accessTokenReply{ExpireIn: int(life.Seconds()), AccessToken: token}, nil
}

// lives returns how long a token issued now lives: asked or, if that is 0, as long as the app's tokens.
func (w *World) lives(asked time.Duration) time.Duration {
	switch {
	case asked != 0:
		return asked
	case w.TokenLife != 0:
		return w.TokenLife
	}
	return w.limits.TokenLife
}

// IssueToken returns the app's live token, renewed, or a new one, and how long it lives: life or, if that is 0, as
// long as the app's tokens.
func (w *World) IssueToken(now time.Time, life time.Duration) (string, time.Duration) {
	life = w.lives(life)
	for i := range slices.Backward(w.Tokens.list) {
		t := &w.Tokens.list[i]
		if t.apart {
			continue
		}
		if now.Before(t.expires) {
			t.expires = now.Add(life)
			return t.value, life
		}
		break
	}
	t := token{value: NewToken(), expires: now.Add(life)}
	w.Tokens.keep(now, t)
	return t.value, life
}

// IssueTokenApart returns a new token that is never renewed and lives for life or, if that is 0, as long as the
// app's tokens.
func (w *World) IssueTokenApart(now time.Time, life time.Duration) string {
	t := token{value: NewToken(), expires: now.Add(w.lives(life)), apart: true}
	w.Tokens.keep(now, t)
	return t.value
}

// keep adds a token. It forgets the oldest expired tokens beyond expiredKept, and the oldest tokens apart beyond
// TokensApart.
func (x *Tokens) keep(now time.Time, t token) {
	x.issued++
	t.n = x.issued
	x.list = append(x.list, t)
	x.ledger.Put(t.credential())
	x.forget(expiredKept, func(t token) bool { return t.dead(now) })
	x.forget(TokensApart, func(t token) bool { return t.apart })
}

// forget drops the oldest tokens of a kind beyond most.
func (x *Tokens) forget(most int, of func(token) bool) {
	n := -most
	for _, t := range x.list {
		if of(t) {
			n++
		}
	}
	if n <= 0 {
		return
	}
	x.list = slices.DeleteFunc(x.list, func(t token) bool {
		if n <= 0 || !of(t) {
			return false
		}
		n--
		x.ledger.Drop(t.credential())
		return true
	})
}

// Valid reports whether a token of the app is alive; if it has expired, ago says how long ago.
func (x *Tokens) Valid(value string, now time.Time) (ok bool, ago time.Duration) {
	for _, t := range x.list {
		if t.value == value {
			return !t.dead(now), now.Sub(t.expires)
		}
	}
	return false, 0
}

// Expire ends all tokens now and returns how many were alive.
func (x *Tokens) Expire(now time.Time) int {
	n := 0
	for i := range x.list {
		if !x.list[i].dead(now) {
			x.list[i].expires = now
			n++
		}
	}
	return n
}

// Live returns how many tokens are alive at that time.
func (x *Tokens) Live(now time.Time) int {
	n := 0
	for _, t := range x.list {
		if !t.dead(now) {
			n++
		}
	}
	return n
}

// Page returns a page of the live tokens, and the number after which the next page begins, 0 for none.
func (x *Tokens) Page(now time.Time, after int64, limit int) ([]api.TokenState, int64) {
	list, next := page.Of(x.list, token.number, func(t token) bool { return !t.dead(now) }, after, limit, false)
	states := make([]api.TokenState, 0, len(list))
	for _, t := range list {
		states = append(states, t.state(now))
	}
	return states, next
}

func (x *Tokens) live(now time.Time) (states []api.TokenState) {
	for _, t := range x.list {
		if !t.dead(now) {
			states = append(states, t.state(now))
		}
	}
	return states
}

func (x *Tokens) credentials() []Credential {
	list := make([]Credential, len(x.list))
	for i, t := range x.list {
		list[i] = t.credential()
	}
	return list
}
