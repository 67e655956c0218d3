package mutant

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/dingmock/dingmock/contract"
)

// succeeds are the cases that show an operation's success.
var succeeds = map[string]string{
	"gettoken": "appkey", "accessToken": "success", "getsession": "found", "create_session": "success", "close_session": "success",
}

// registry is a server that knows its apps' credentials.
type registry struct {
	powers contract.Powers
	mu     sync.Mutex
	apps   []contract.App
	tokens map[string]contract.App
}

func (g *registry) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	app, err := g.powers.NewApp(ctx, spec)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.apps = append(g.apps, app)
	return app, err
}

// known makes a mutant that knows the apps. spoil is called with the lock held.
func (k *kit) known(rule, name string, spoil func(g *registry, r *request) *reply) Mutant {
	return Mutant{Name: rule + ": " + name, Rule: rule, Plant: func(w World) World {
		g := &registry{powers: w.Powers, tokens: map[string]contract.App{}}
		w.Powers.NewApp = g.NewApp
		w.Handler = k.handler(w.Handler, func(r *request) *reply {
			g.mu.Lock()
			defer g.mu.Unlock()
			return spoil(g, r)
		})
		return w
	}}
}

// secret sends a token call on with the secret of its app where the one given is as good by a laxer comparison.
func (k *kit) secret(rule, name string, equal func(given, right string) bool) Mutant {
	return k.known(rule, name, func(g *registry, r *request) *reply {
		q, m := r.URL.Query(), r.values()
		for _, app := range g.apps {
			switch {
			case q.Get("appkey") == app.AppKey && equal(q.Get("appsecret"), app.AppSecret):
				q.Set("appsecret", app.AppSecret)
				return r.query(q)
			case q.Get("corpid") == app.CorpID && equal(q.Get("corpsecret"), app.CorpSecret):
				q.Set("corpsecret", app.CorpSecret)
				return r.query(q)
			case m["appKey"] == app.AppKey && equal(r.value("appSecret"), app.AppSecret):
				return r.body(bytes.Replace(r.sent, []byte(`"`+r.value("appSecret")+`"`), []byte(`"`+app.AppSecret+`"`), 1))
			}
		}
		return r.pass()
	}).in("gettoken", "accessToken")
}

// attack are further faults that a server of another hand may well have.
func (k *kit) attack() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		add := func(rule, name string, spoil func(r *request) *reply) {
			list = append(list, k.wrap(op.ID+"/"+rule, name, func(r *request) *reply {
				if !r.is(op.ID) {
					return r.pass()
				}
				return spoil(r)
			}))
		}
		for name, spoil := range map[string]func(out *reply){
			"a newline ends the body":         func(out *reply) { out.body = append(out.body, '\n') },
			"a BOM begins the body":           func(out *reply) { out.body = append([]byte("\ufeff"), out.body...) },
			"the type of the content differs": func(out *reply) { out.header.Set("Content-Type", "application/json; charset=utf-8") },
			"errcode and life are strings": func(out *reply) {
				out.replace(`"errcode":0`, `"errcode":"0"`).replace("7200", `"7200"`)
			},
			"a field too many":    func(out *reply) { out.replace(`}`, `,"version":1}`) },
			"HTTP 201 on success": func(out *reply) { out.status = http.StatusCreated },
		} {
			if op.ID == "gettoken" && strings.Contains(name, "BOM") {
				continue // Verify asks for a token first, and says that this is no platform
			}
			add(succeeds[op.ID], name, func(r *request) *reply {
				out := r.pass()
				if r.succeeded(out) {
					spoil(out)
					out.sized()
				}
				return out
			})
		}
		if op.Method != http.MethodPost || op.ID == "accessToken" {
			continue
		}
		add("form", "a plus in a form is a plus", func(r *request) *reply {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form") {
				return r.body(bytes.ReplaceAll(r.sent, []byte("+"), []byte("%2B")))
			}
			return r.pass()
		})
		add("form", "percents in a form are not decoded", func(r *request) *reply {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form") {
				return r.body(bytes.ReplaceAll(r.sent, []byte("%"), []byte("%25")))
			}
			return r.pass()
		})
		add("auth-token-blank", "the token is read from the header of the other dialect", func(r *request) *reply {
			if t := r.Header.Get("X-Acs-Dingtalk-Access-Token"); t != "" && r.token() == "" {
				return r.withToken(t)
			}
			return r.pass()
		})
		add("auth-token-invalid", "a token's case makes no difference", func(r *request) *reply { return r.withToken(strings.ToLower(r.token())) })
		add("auth-token-invalid", "space around a token is cut", func(r *request) *reply {
			if t := strings.TrimSpace(r.token()); t != "" {
				return r.withToken(t)
			}
			return r.pass()
		})
	}
	for _, rule := range []string{"gettoken/appkey-or-appsecret-wrong", "gettoken/corpid-or-corpsecret-wrong", "accessToken/invalidClientIdOrSecret"} {
		list = append(list,
			k.secret(rule, "a secret's case makes no difference", strings.EqualFold),
			k.secret(rule, "the beginning of a secret is compared", func(given, right string) bool { return strings.HasPrefix(given, right) }),
			k.secret(rule, "a part of a secret is enough", func(given, right string) bool { return given != "" && strings.HasPrefix(right, given) }),
			k.secret(rule, "space around a secret is cut", func(given, right string) bool { return strings.TrimSpace(given) == right }),
		)
	}
	// closes closes the open session of that id whatever its other values are.
	closes := func(name string, same func(o, s session) bool) Mutant {
		return k.remember("close_session/session-invalid", name, func(m *memory, r *request) *reply {
			s := session{values: r.values()}
			if r.is("close_session") {
				for _, o := range m.opened {
					if same(o, s) && o.token == r.token() {
						return r.call("close_session", r.token(), o.values)
					}
				}
			}
			out := r.pass()
			m.note(r, out)
			return out
		})
	}
	but := func(names ...string) func(o, s session) bool {
		return func(o, s session) bool {
			for _, n := range names {
				if o.text(n) != s.text(n) {
					return false
				}
			}
			return true
		}
	}
	return append(list,
		closes("the chat is not compared", but("session_id", "user_id", "app_key")),
		closes("the user is not compared", but("session_id", "chatid", "app_key")),
		closes("the app_key is not compared", but("session_id", "chatid", "user_id")),
		closes("an id's case makes no difference", func(o, s session) bool {
			return strings.EqualFold(o.text("session_id"), s.text("session_id")) && but("user_id", "chatid", "app_key")(o, s)
		}),
		k.wrap("create_session/sessions-too-many", "a close makes no room", func(r *request) *reply {
			out := r.pass()
			if r.is("close_session") && r.succeeded(out) {
				ghost := r.values()
				ghost["session_id"], ghost["user_id"] = alias(), alias()
				r.call("create_session", r.token(), ghost)
			}
			return out
		}).in("create_session", "close_session"),
		k.remember("create_session/id-in-case", "an id's case makes no difference", func(m *memory, r *request) *reply {
			for _, o := range m.opened {
				if r.is("create_session") && o.text("session_id") != r.value("session_id") && strings.EqualFold(o.text("session_id"), r.value("session_id")) {
					return r.refuse("session-invalid")
				}
			}
			out := r.pass()
			m.note(r, out)
			return out
		}),
		k.remember("getsession/per-app", "an id is taken for all apps", func(m *memory, r *request) *reply {
			for _, o := range m.opened {
				if r.is("create_session") && o.text("session_id") == r.value("session_id") && o.text("app_key") != r.value("app_key") {
					return r.refuse("session-invalid")
				}
			}
			out := r.pass()
			m.note(r, out)
			return out
		}).in("create_session"),
		k.wrap("getsession/none", "none is an empty object", func(r *request) *reply { return r.pass().replace(`"session":null`, `"session":{}`) }),
		k.wrap("getsession/none", "none is left out", func(r *request) *reply { return r.pass().replace(`"session":null`, ``) }),
		k.wrap("close_session/success", "success is a string", func(r *request) *reply { return r.pass().replace(`"success":true`, `"success":"true"`) }),
		k.known("create_session/app-key-wrong", "any app_key will do", func(g *registry, r *request) *reply {
			m := r.values()
			out := (*reply)(nil)
			if app, ok := g.tokens[r.token()]; ok && r.is("create_session") && m["app_key"] != nil {
				m["app_key"] = app.AppKey
				out = r.call("create_session", r.token(), m)
			} else {
				out = r.pass()
			}
			for _, app := range g.apps {
				if token := out.answered(); token != "" && (asker(r) == app.AppKey || asker(r) == app.CorpID) {
					g.tokens[token] = app
				}
			}
			return out
		}),
		k.clocked("gettoken/refused-renews-nothing", "a refused call renews the token", func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, true)
			if r.error(out) == "appkey-or-appsecret-wrong" {
				for token, owner := range t.owners() {
					if owner == asker(r) {
						t.again(r, token)
					}
				}
			}
			return out
		}),
	)
}
