package mutant

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// alias makes a token of the right shape that no server issued.
func alias() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}

// aliases gives out tokens of its own in place of the server's.
type aliases struct {
	mu   sync.Mutex
	real map[string]string // alias → the server's token
	app  map[string]string // app → alias
	n    int
}

// swap puts the server's token in the request, sends it on, and puts the alias that choose returns into the answer of a
// token call. choose has the lock; it is told who asks and for which token.
func (a *aliases) swap(r *request, choose func(who, token string) string) *reply {
	a.mu.Lock()
	if a.real == nil {
		a.real, a.app = map[string]string{}, map[string]string{}
	}
	given := r.token()
	if form, err := url.ParseQuery(string(r.sent)); given == "" && err == nil && !json.Valid(r.sent) {
		given = form.Get("access_token")
	}
	token, known := a.real[given]
	a.mu.Unlock()
	out := (*reply)(nil)
	switch {
	case known && r.token() == "":
		out = r.body(bytes.ReplaceAll(r.sent, []byte(given), []byte(token)))
	case known:
		out = r.withToken(token)
	default:
		out = r.pass()
	}
	if issued := out.answered(); issued != "" {
		a.mu.Lock()
		defer a.mu.Unlock()
		if given := choose(asker(r), issued); given != issued {
			a.real[given] = issued
			out.replace(issued, given)
		}
	}
	return out
}

// asker is the id of the app that a token call is by.
func asker(r *request) string {
	q := r.URL.Query()
	if id := q.Get("appkey"); id != "" && q.Get("appsecret") != "" {
		return id
	}
	if id := q.Get("corpid"); id != "" {
		return id
	}
	return r.value("appKey")
}

// timed is a server whose tokens die by another clock: that of the powers, as far as it has been advanced.
type timed struct {
	powers  contract.Powers
	mu      sync.Mutex
	elapsed map[string]time.Duration         // app key → how far it was advanced
	ids     map[string]string                // any id → app key
	issued  map[string]time.Duration         // token → when
	owner   map[string]string                // token → app key
	calls   map[string]func(*request) *reply // token → makes the call that got it again
}

func newTimed(p contract.Powers) *timed {
	return &timed{
		powers: p, elapsed: map[string]time.Duration{}, ids: map[string]string{}, issued: map[string]time.Duration{},
		owner: map[string]string{}, calls: map[string]func(*request) *reply{},
	}
}

func (t *timed) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	app, err := t.powers.NewApp(ctx, spec)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ids[app.AppKey], t.ids[app.CorpID] = app.AppKey, app.AppKey
	return app, err
}

func (t *timed) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	t.mu.Lock()
	t.elapsed[app.AppKey] += by
	t.mu.Unlock()
	return t.powers.Advance(ctx, app, by)
}

// note remembers a token that was issued; renew says whether that counts for one that is known.
func (t *timed) note(r *request, out *reply, renew bool) {
	token := out.answered()
	if token == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := t.ids[asker(r)]
	if _, known := t.issued[token]; !known || renew {
		t.issued[token] = t.elapsed[key]
	}
	t.owner[token] = key
	method, address, header, sent := r.Method, r.URL, r.Header, r.sent
	t.calls[token] = func(now *request) *reply { return now.with(method, address, header, sent) }
}

func (t *timed) age(token string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.elapsed[t.owner[token]] - t.issued[token]
}

// again makes the call that got the token once more, and returns the token that it answers.
func (t *timed) again(r *request, token string) string {
	t.mu.Lock()
	call := t.calls[token]
	t.mu.Unlock()
	if call == nil {
		return token
	}
	return call(r).answered()
}

// clocked makes a mutant that has the timed world.
func (k *kit) clocked(rule, name string, spoil func(t *timed, r *request) *reply) Mutant {
	return Mutant{Name: rule + ": " + name, Rule: rule, Plant: func(w World) World {
		t := newTimed(w.Powers)
		w.Handler = k.handler(w.Handler, func(r *request) *reply { return spoil(t, r) })
		w.Powers.NewApp, w.Powers.Advance = t.NewApp, t.Advance
		return w
	}}.in("gettoken", "accessToken")
}

// dies is a server whose tokens die at an age.
func (k *kit) dies(rule, name string, at time.Duration, renews func(r *request) bool) Mutant {
	return k.clocked(rule, name, func(t *timed, r *request) *reply {
		if token := r.token(); token != "" && t.age(token) >= at {
			return r.withToken("dead")
		}
		out := r.pass()
		t.note(r, out, renews(r))
		return out
	})
}

// immortal is a server that accepts expired tokens.
func (k *kit) immortal(rule, name string) Mutant {
	return k.clocked(rule, name, func(t *timed, r *request) *reply {
		out := r.pass()
		t.note(r, out, true)
		if r.error(out) == "auth-token-invalid" {
			return r.withToken(t.again(r, r.token()))
		}
		return out
	})
}

func anyCall(*request) bool { return true }

// all is the whole life of a token.
const all = 7200 * time.Second

// tokens are the mutants of the token calls.
func (k *kit) tokens() []Mutant {
	shared := func(rule, name string, choose func(a *aliases, who, token string) string) Mutant {
		return k.stateful(rule, name, func(World) func(*request) *reply {
			a := &aliases{}
			return func(r *request) *reply {
				return a.swap(r, func(who, token string) string { return choose(a, who, token) })
			}
		}).in("gettoken", "accessToken")
	}
	everyCall := func(_ *aliases, _, _ string) string { return alias() }
	return []Mutant{
		k.wrap("gettoken/appkey", "a token of an appkey lives an hour", func(r *request) *reply {
			if r.is("gettoken") && r.URL.Query().Get("appkey") != "" {
				return r.pass().replace("7200", "3600")
			}
			return r.pass()
		}),
		k.wrap("gettoken/appkey", "the token is in capitals", func(r *request) *reply {
			out := r.pass()
			if token := out.answered(); token != "" {
				out.replace(token, strings.ToUpper(token))
			}
			return out
		}).in("gettoken", "accessToken"),
		k.wrap("gettoken/corpid", "the pair of corpid is no longer known", func(r *request) *reply {
			if r.is("gettoken") && r.URL.Query().Get("corpid") != "" {
				return r.refuse("corpid-or-corpsecret-wrong")
			}
			return r.pass()
		}),
		shared("gettoken/one-token", "each pair has a token of its own", func(a *aliases, who, token string) string {
			if a.app[who] == "" {
				a.app[who] = alias()
			}
			return a.app[who]
		}),
		shared("gettoken/repeat", "a new token on every call", everyCall),
		k.stateful("gettoken/repeat", "a new token ends the one before, which is refused with an error of the server's own", func(World) func(*request) *reply {
			a := &aliases{}
			var ended sync.Map
			return func(r *request) *reply {
				out := a.swap(r, func(who, token string) string {
					if last := a.app[token]; last != "" {
						delete(a.real, last)
						ended.Store(last, true)
					}
					a.app[token] = alias()
					return a.app[token]
				})
				if _, was := ended.Load(r.token()); was && r.error(out) == "auth-token-invalid" {
					out.body = []byte(`{"errcode":40001,"errmsg":"bad token"}`)
					out.sized()
				}
				return out
			}
		}).in("gettoken", "accessToken"),
		k.stateful("gettoken/repeat", "the life of a repeated call counts down", func(World) func(*request) *reply {
			a := &aliases{app: map[string]string{}, real: map[string]string{}}
			return func(r *request) *reply {
				return a.swap(r, func(_, token string) string { return token }).later(a, r)
			}
		}).in("gettoken", "accessToken"),
		k.dies("gettoken/renewal", "a repeated call does not renew", all, func(*request) bool { return false }),
		k.clocked("gettoken/use-renews-nothing", "using a token renews it", func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, true)
			if r.token() != "" && r.succeeded(out) {
				t.again(r, r.token())
			}
			return out
		}),
		k.dies("gettoken/lives", "a token dies early", 7000*time.Second, anyCall),
		k.immortal("gettoken/expires", "a token never expires"),
		shared("gettoken/new-after-expiry", "the same token for ever", func(a *aliases, who, token string) string {
			if a.app[who] == "" {
				a.app[who] = token
			}
			return a.app[who]
		}),
		shared("gettoken/per-app", "all apps share a token", func(a *aliases, _, token string) string {
			if a.app[""] == "" {
				a.app[""] = token
			}
			return a.app[""]
		}),
		{Name: "gettoken/per-app-clock: one clock for all apps", Rule: "gettoken/per-app-clock", Plant: func(w World) World {
			o := &oneClock{powers: w.Powers}
			w.Powers.NewApp, w.Powers.RemoveApp, w.Powers.Advance = o.NewApp, o.RemoveApp, o.Advance
			return w
		}},
		k.wrap("gettoken/first-complete-pair", "corpid first", func(r *request) *reply {
			q := r.URL.Query()
			if r.is("gettoken") && q.Get("corpid") != "" && q.Get("corpsecret") != "" {
				q.Del("appkey")
				q.Del("appsecret")
				return r.query(q)
			}
			return r.pass()
		}),
		k.wrap("gettoken/first-complete-pair", "an appkey alone counts", func(r *request) *reply {
			q := r.URL.Query()
			if r.is("gettoken") && q.Get("appkey") != "" {
				q.Del("corpid")
				q.Del("corpsecret")
				return r.query(q)
			}
			return r.pass()
		}),
		k.wrap("gettoken/post", "a POST is refused", func(r *request) *reply {
			if r.is("gettoken") && r.Method == http.MethodPost {
				return r.refuse("need-get")
			}
			return r.pass()
		}),
		k.wrap("gettoken/head", "a HEAD is not allowed", func(r *request) *reply {
			out := r.pass()
			if r.Method == http.MethodHead {
				out.status = http.StatusMethodNotAllowed
			}
			return out
		}),
		shared("gettoken/at-once", "the first calls each make a token", func(a *aliases, who, token string) string {
			if len(a.app[who]) < 3 {
				a.app[who] += "."
				return alias()
			}
			return token
		}),
		k.wrap("accessToken/success", "a token lives an hour", func(r *request) *reply {
			if r.is("accessToken") {
				return r.pass().replace("7200", "3600")
			}
			return r.pass()
		}),
		shared("accessToken/one-token", "each call has a token of its own", func(a *aliases, who, token string) string { return alias() }),
		k.dies("accessToken/renewal", "only gettoken renews", all, func(r *request) bool { return r.is("gettoken") }),
		k.immortal("accessToken/expires", "a token never expires"),
		k.wrap("accessToken/good-on-topapi", "its tokens are good on its own host alone", func(r *request) *reply {
			out := r.pass()
			if token := out.answered(); r.is("accessToken") && token != "" {
				out.replace(token, alias())
			}
			return out
		}),
		{Name: "journal/noted: nothing is noted", Rule: "journal/noted", In: []string{"gettoken"}, Plant: func(w World) World {
			w.Powers.Violations = judge{nil}.Violations
			return w
		}},
		{Name: "journal/no-false-alarm: everything is noted", Rule: "journal/no-false-alarm", In: []string{"gettoken"}, Plant: func(w World) World {
			w.Powers.Violations = judge{[]dingmock.Violation{{Operation: "gettoken", Kind: dingmock.KindMethod}}}.Violations
			return w
		}},
	}
}

// later lessens the life in the answers after the first.
func (out *reply) later(a *aliases, _ *request) *reply {
	token := out.answered()
	if token == "" {
		return out
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.app[token] == "" {
		a.app[token] = token
		return out
	}
	return out.replace("7200", "7199")
}

type judge struct {
	list []dingmock.Violation
}

func (j judge) Violations(context.Context, contract.App) ([]dingmock.Violation, error) {
	return j.list, nil
}

// oneClock moves the clocks of all apps at once.
type oneClock struct {
	powers contract.Powers
	mu     sync.Mutex
	apps   []contract.App
}

func (o *oneClock) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	app, err := o.powers.NewApp(ctx, spec)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apps = append(o.apps, app)
	return app, err
}

func (o *oneClock) RemoveApp(ctx context.Context, app contract.App) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.apps = slices.DeleteFunc(o.apps, func(a contract.App) bool { return a == app })
	return o.powers.RemoveApp(ctx, app)
}

func (o *oneClock) Advance(ctx context.Context, _ contract.App, by time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, app := range o.apps {
		if err := o.powers.Advance(ctx, app, by); err != nil {
			return err
		}
	}
	return nil
}

// owners are the tokens that were issued, and the app keys of their apps.
func (t *timed) owners() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.owner)
}
