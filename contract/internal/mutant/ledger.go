package mutant

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// ledger is what a planted fault knows of the honest server behind it. One call at a time goes through a fault.
type ledger struct {
	doc    *dingmock.Document
	powers contract.Powers

	mu     sync.Mutex
	apps   []contract.App
	users  []string                 // of the apps that have a list of users
	moved  map[string]time.Duration // app key → how far its clock was moved
	tokens map[string]token         // that the server has issued
	opened []session                // the open sessions, oldest first
	ended  []session                // those that were closed
	real   map[string]string        // the fault's own token → the server's
	kept   map[string]string        // what else the fault keeps
	n      int                      // what it has counted
	left   int                      // what it has left to count
}

// token is a token that was issued.
type token struct {
	app    string // its app key
	issued []issue
	call   request // that got it last
}

// issue is one of the times that a token was issued.
type issue struct {
	op, by string        // the call, and the id that made it
	at     time.Duration // by the clock of its app
}

// session is a session that was opened: the values and the token of the call, and the app key of its app.
type session struct {
	values     map[string]any
	token, app string
}

func (s session) text(name string) string { t, _ := s.values[name].(string); return t }

// like returns the sessions of the same app with the same values of those names.
func (s session) like(list []session, names ...string) (found []session) {
	for _, o := range list {
		if o.app == s.app && !slices.ContainsFunc(names, func(name string) bool { return o.text(name) != s.text(name) }) {
			found = append(found, o)
		}
	}
	return found
}

// newLedger makes a ledger that sees what is done to a world.
func newLedger(doc *dingmock.Document, powers *contract.Powers) *ledger {
	l := &ledger{
		doc: doc, powers: *powers, moved: map[string]time.Duration{}, tokens: map[string]token{}, real: map[string]string{}, kept: map[string]string{},
	}
	powers.NewApp, powers.RemoveApp, powers.Advance = l.newApp, l.removeApp, l.advance
	return l
}

// handler makes a handler that spoils what goes through it.
func (l *ledger) handler(next http.Handler, f fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		sent, _ := io.ReadAll(in.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		op := l.doc.Match(in.Method, in.URL.Path)
		r := &request{Request: in.Clone(context.WithoutCancel(in.Context())), op: op, sent: sent, came: sent, next: next, ledger: l}
		f(r)
		if r.out.header["Content-Length"] != nil {
			r.out.header.Set("Content-Length", strconv.Itoa(len(r.out.body)))
		}
		maps.Copy(w.Header(), r.out.header)
		w.WriteHeader(r.out.status)
		_, _ = w.Write(r.out.body)
	})
}

func (l *ledger) newApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	app, err := l.powers.NewApp(ctx, spec)
	if err == nil {
		l.apps, l.users = append(l.apps, app), append(l.users, spec.Users...)
	}
	return app, err
}

func (l *ledger) removeApp(ctx context.Context, app contract.App) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apps = slices.DeleteFunc(l.apps, func(a contract.App) bool { return a == app })
	return l.powers.RemoveApp(ctx, app)
}

func (l *ledger) advance(ctx context.Context, app contract.App, by time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved[app.AppKey] += by
	return l.powers.Advance(ctx, app, by)
}

// note keeps account of a call.
func (l *ledger) note(r *request) {
	if !succeeded(r) {
		return
	}
	if issued := r.out.token(); issued != "" {
		app := l.keyOf(r.asker())
		l.tokens[issued] = token{app, append(l.tokens[issued].issued, issue{r.op.ID, r.asker(), l.moved[app]}), *r}
	}
	s := r.session()
	if r.is("create_session") && s.like(l.opened, "session_id") == nil {
		l.opened = append(l.opened, s)
	} else if r.is("close_session") {
		l.opened = slices.DeleteFunc(l.opened, func(o session) bool { return s.like([]session{o}, "session_id") != nil })
		l.ended = append(l.ended, s)
	}
}

// age is how long ago a token was issued first, or at the last of the times since that count; 0 for one that was not.
func (l *ledger) age(of string, counts func(issue) bool) time.Duration {
	t := l.tokens[of]
	if t.issued == nil {
		return 0
	}
	at := t.issued[0].at
	for _, i := range t.issued {
		if counts(i) {
			at = i.at
		}
	}
	return l.moved[t.app] - at
}

// keyOf is the app key of the app that has that id, or the id.
func (l *ledger) keyOf(id string) string {
	if i := slices.IndexFunc(l.apps, func(a contract.App) bool { return a.CorpID == id }); i >= 0 {
		return l.apps[i].AppKey
	}
	return id
}

// again makes the call that got a token once more, and returns the token that it answers; "" for one that nobody got.
func (l *ledger) again(of string) string {
	t := l.tokens[of]
	if t.issued == nil {
		return ""
	}
	return t.call.but(func(*request) {}).out.token()
}

// issued are the tokens that the server has issued.
func (l *ledger) issued() []string { return slices.Collect(maps.Keys(l.tokens)) }

// alias makes a token of the right shape that no server issued.
func alias() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}
