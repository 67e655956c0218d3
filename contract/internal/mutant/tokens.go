package mutant

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// life is the whole life of a token.
const life = 7200 * time.Second

// disguised is a server whose token calls answer another token for each key, which choose makes up of who asks and of the honest
// server's token; for the key "" that token itself.
func disguised(choose func(l *ledger, who, token string) (key string)) fault {
	return func(r *request) {
		l := r.ledger
		r.setToken(l.real[r.token()])
		r.send()
		issued := r.out.token()
		if issued == "" {
			return
		}
		if key := choose(l, r.asker(), issued); key != "" {
			l.kept[key] = cmp.Or(l.kept[key], alias())
			l.real[l.kept[key]] = issued
			r.out.replace(issued, l.kept[key])
		}
	}
}

// another is a key that none was before.
func another(l *ledger, _, _ string) string {
	l.n++
	return strconv.Itoa(l.n)
}

// first makes keys for the first calls after the honest server has answered an app its first token, or after that another.
func first(calls int, again bool) func(l *ledger, who, token string) string {
	return func(l *ledger, who, token string) string {
		last := l.kept["last of "+who]
		if l.kept["last of "+who] = token; last != token && again == (last != "") {
			l.left = calls
		}
		if l.left--; l.left < 0 {
			return ""
		}
		return another(l, who, token)
	}
}

// dies is a server whose tokens die at an age, which the calls that renew begin anew.
func dies(at time.Duration, renews func(issue) bool) fault {
	return before(func(r *request) bool { return r.ledger.age(r.token(), renews) >= at }, func(r *request) { r.setToken("dead") })
}

func never(issue) bool { return false }

func ever(issue) bool { return true }

// expired is the condition that a call is refused for a token that was issued.
func expired(r *request) bool {
	return failed("{token-bad}")(r) && r.ledger.tokens[r.token()].issued != nil
}

// revive gives a call a token that lives, of the same app.
func revive(r *request) { r.setToken(r.ledger.again(r.token())) }

func issues(r *request) bool { return r.out.token() != "" }

// wrongPair is the condition that a token call is refused for its credentials.
func wrongPair(r *request) bool {
	return r.op != nil && !secured(r.op) && r.asker() != "" && byItself(r)
}

// renew renews the tokens of all apps, or of the one that asks.
func renew(all bool) func(r *request) {
	return func(r *request) {
		for _, token := range r.ledger.issued() {
			if all || r.ledger.tokens[token].app == r.ledger.keyOf(r.asker()) {
				r.ledger.again(token)
			}
		}
	}
}

// has is the condition that a value in the query is not empty.
func has(name string) condition {
	return func(r *request) bool { return r.URL.Query().Get(name) != "" }
}

// without takes a value out of the query.
func without(name string) func(*request) {
	return func(r *request) { r.query(func(q url.Values) { q.Del(name) }) }
}

// tokens are the faults of what tokens are issued, and for how long they are good.
func (k *kit) tokens() {
	both := func(rule, name string, f fault) { k.all(rule, name, f, "gettoken", "accessToken") }

	both("gettoken/one-token", "each pair has a token of its own", disguised(func(_ *ledger, who, _ string) string { return who }))
	both("accessToken/one-token", "each call has a token of its own", disguised(another))
	both("gettoken/repeat", "a new token on every call", disguised(another))
	both("gettoken/repeat", "a new token ends the one before, which is refused with an error of the server's own", func(r *request) {
		given := r.token()
		disguised(func(l *ledger, who, token string) string {
			if last := l.kept[token]; last != "" {
				l.real[l.kept[last]] = "ended"
			}
			l.kept[token] = another(l, who, token)
			return l.kept[token]
		})(r)
		if failed("{token-bad}")(r) && given != "" && r.ledger.real[given] == "ended" {
			r.out.body = []byte(`{"errcode":40001,"errmsg":"bad token"}`)
		}
	})
	both("gettoken/repeat", "the life of a repeated call counts down", after(func(r *request) bool {
		return len(r.ledger.tokens[r.out.token()].issued) > 1
	}, text("7200", "7199")))
	both("gettoken/per-app", "all apps share a token", disguised(func(*ledger, string, string) string { return "all" }))
	both("gettoken/new-after-expiry", "the same token for ever", disguised(func(l *ledger, who, _ string) string { return l.keyOf(who) }))
	both("gettoken/at-once", "the first calls each make a token", disguised(first(3, false)))
	both("gettoken/at-once-after-expiry", "the first calls after expiry each make a token", disguised(first(4, true)))
	both("gettoken/appkey", "the token is in capitals", after(issues, func(r *request) { r.out.replace(r.out.token(), strings.ToUpper(r.out.token())) }))
	k.add("accessToken/good-on-topapi", "its tokens are good on its own host alone", after(issues, func(r *request) { r.out.replace(r.out.token(), alias()) }))
	k.all("gettoken/refused-changes-nothing", "a wrong secret ends the token", func(r *request) {
		disguised(func(l *ledger, who, _ string) string { return l.kept["ended "+who] })(r)
		if wrongPair(r) {
			r.ledger.kept["ended "+r.asker()] = another(r.ledger, "", "")
		}
	})

	both("gettoken/lives", "a token dies early", dies(7000*time.Second, ever))
	both("gettoken/expires", "a token never expires", retry(expired, revive))
	both("accessToken/expires", "a token never expires", retry(expired, revive))
	both("gettoken/renewal", "a repeated call does not renew", dies(life, never))
	both("accessToken/renewal", "only gettoken renews", dies(life, func(i issue) bool { return i.op == "gettoken" }))
	both("gettoken/use-renews-nothing", "using a token renews it", after(succeeded, func(r *request) { r.ledger.again(r.token()) }))
	both("gettoken/own-calls-renew", "a token call of any app renews the tokens of all", after(issues, renew(true)))
	both("gettoken/own-calls-renew", "a refused call renews the token", after(wrongPair, renew(false)))
	both("gettoken/refused-renews-nothing", "a refused call of an appkey renews the token", after(failed("appkey-or-appsecret-wrong"), renew(false)))
	both("gettoken/renewal", "a call after half of its life answers another token", after(issues, func(r *request) {
		if r.ledger.age(r.out.token(), never) > life/2 {
			r.out.replace(r.out.token(), alias())
		}
	}))
	for _, op := range []string{"gettoken", "accessToken"} {
		both(op+"/renewal", "a repeated call adds a life to what is left", retry(func(r *request) bool {
			return expired(r) && r.ledger.age(r.token(), never) < life*time.Duration(len(r.ledger.tokens[r.token()].issued))
		}, revive))
		k.add(op+"/renewal", "the life that is told counts down", after(issues, func(r *request) {
			if age := r.ledger.age(r.out.token(), never); age > 0 && age < life {
				r.out.replace("7200", strconv.Itoa(int((life-age)/time.Second)))
			}
		}))
	}
}

// gettoken are the faults of what a token call takes.
func (k *kit) gettoken() {
	k.add("gettoken/appkey", "a token of an appkey lives an hour", after(has("appkey"), text("7200", "3600")))
	k.add("accessToken/success", "a token lives an hour", after(always, text("7200", "3600")))
	k.add("gettoken/corpid", "the pair of corpid is no longer known", refuse(has("corpid"), "corpid-or-corpsecret-wrong"))
	k.add("gettoken/first-complete-pair", "corpid first", before(func(r *request) bool {
		return has("corpid")(r) && has("corpsecret")(r)
	}, without("appkey")))
	k.add("gettoken/first-complete-pair", "an appkey alone counts", before(has("appkey"), without("corpid")))
	k.add("gettoken/post", "a POST is refused", refuse(func(r *request) bool { return r.Method == http.MethodPost }, "need-get"))
	k.all("gettoken/head", "a HEAD is not allowed", after(func(r *request) bool { return r.Method == http.MethodHead }, func(r *request) {
		r.out.status = http.StatusMethodNotAllowed
	}))
	const missing = "parameter-missing"
	k.add("gettoken/parameter-missing", "appkey is what is missing, whatever was given", after(failed(missing), refusal(missing, "name", "appkey")))
	k.add("gettoken/parameter-missing", "the body of a GET is read", before(func(r *request) bool { return r.Method == http.MethodGet }, func(r *request) {
		r.query(func(q url.Values) {
			for name, v := range r.values() {
				q.Set(name, fmt.Sprint(v))
			}
		})
	}))
	for _, secret := range []string{"appsecret", "corpsecret"} {
		k.add("gettoken/"+secret+"-missing", "an id is what is missing", after(failed(secret+"-missing"), refusal(missing, "name", "corpid or appkey")))
		k.add("gettoken/"+secret+"-missing", "an empty secret is wrong, not missing", after(func(r *request) bool {
			return r.error() == secret+"-missing" && r.URL.Query().Has(secret) && !has(secret)(r)
		}, refusal("parameter-invalid", "name", secret)))
	}

	k.plant("gettoken/per-app-clock", "one clock for all apps", func(l *ledger, w *World) {
		w.Powers.Advance = func(ctx context.Context, _ contract.App, by time.Duration) error {
			for _, app := range slices.Clone(l.apps) {
				if err := l.advance(ctx, app, by); err != nil {
					return err
				}
			}
			return nil
		}
	})
	judges := func(list []dingmock.Violation) func(*ledger, *World) {
		return func(_ *ledger, w *World) {
			w.Powers.Violations = func(context.Context, contract.App) ([]dingmock.Violation, error) { return list, nil }
		}
	}
	k.plant("journal/noted", "nothing is noted", judges(nil), "gettoken")
	k.plant("journal/no-false-alarm", "everything is noted", judges([]dingmock.Violation{{Operation: "gettoken", Kind: dingmock.KindMethod}}), "gettoken")
}
