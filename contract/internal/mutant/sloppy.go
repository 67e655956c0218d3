package mutant

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// keys is a world that knows the credentials of the apps that were made in it.
type keys struct {
	powers contract.Powers
	mu     sync.Mutex
	apps   []contract.App
}

func (k *keys) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	app, err := k.powers.NewApp(ctx, spec)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.apps = append(k.apps, app)
	return app, err
}

// find returns the app for which is says true, or none.
func (k *keys) find(is func(contract.App) bool) contract.App {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := slices.IndexFunc(k.apps, is); i >= 0 {
		return k.apps[i]
	}
	return contract.App{}
}

// knowing makes a mutant that knows the apps.
func (k *kit) knowing(rule, name string, spoil func(all *keys, r *request) *reply) Mutant {
	return Mutant{Name: rule + ": " + name, Rule: rule, Plant: func(w World) World {
		all := &keys{powers: w.Powers}
		w.Handler = k.handler(w.Handler, func(r *request) *reply { return spoil(all, r) })
		w.Powers.NewApp = all.NewApp
		return w
	}}
}

// credentials are the id and the secret that a token call gives, and the kind of id; "" where it is no token call.
func (r *request) credentials() (kind, id, secret string) {
	q := r.URL.Query()
	switch {
	case r.is("accessToken"):
		return "appKey", r.value("appKey"), r.value("appSecret")
	case r.is("gettoken") && q.Get("appkey") != "":
		return "appkey", q.Get("appkey"), q.Get("appsecret")
	case r.is("gettoken"):
		return "corpid", q.Get("corpid"), q.Get("corpsecret")
	}
	return "", "", ""
}

// as makes a token call with an app's right credentials in place of those that it has.
func (r *request) as(app contract.App) *reply {
	if r.is("accessToken") {
		return r.call("accessToken", "", map[string]any{"appKey": app.AppKey, "appSecret": app.AppSecret})
	}
	return r.call("gettoken", "", map[string]any{"appkey": app.AppKey, "appsecret": app.AppSecret})
}

// pair are the id and the secret of an app, of a kind.
func pair(app contract.App, kind string) (id, secret string) {
	if kind == "corpid" {
		return app.CorpID, app.CorpSecret
	}
	return app.AppKey, app.AppSecret
}

// sloppy are servers that are lax where they compare, count or remember: what is written in haste.
func (k *kit) sloppy() []Mutant {
	return slices.Concat(k.sloppyCredentials(), k.sloppyTokens(), k.sloppySessions(), k.sloppyRequests(), k.successes())
}

func (k *kit) sloppyCredentials() []Mutant {
	var list []Mutant
	for rule, kind := range map[string]string{
		"gettoken/appkey-or-appsecret-wrong": "appkey", "gettoken/corpid-or-corpsecret-wrong": "corpid", "accessToken/invalidClientIdOrSecret": "appKey",
	} {
		for name, same := range map[string]func(app contract.App, id, secret string) bool{
			"secrets are compared without case": func(app contract.App, id, secret string) bool {
				i, s := pair(app, kind)
				return i == id && strings.EqualFold(s, secret)
			},
			"secrets are trimmed": func(app contract.App, id, secret string) bool {
				i, s := pair(app, kind)
				return i == id && s == strings.TrimSpace(secret)
			},
			"secrets are compared by their beginning": func(app contract.App, id, secret string) bool {
				i, s := pair(app, kind)
				return i == id && len(secret) >= 8 && strings.HasPrefix(s, secret[:8])
			},
			"ids are compared without case": func(app contract.App, id, secret string) bool {
				i, s := pair(app, kind)
				return strings.EqualFold(i, id) && s == secret
			},
			"ids are trimmed": func(app contract.App, id, secret string) bool {
				i, s := pair(app, kind)
				return i == strings.TrimSpace(id) && s == secret
			},
			"either secret of the app will do": func(app contract.App, id, secret string) bool {
				i, _ := pair(app, kind)
				return i == id && secret != "" && (secret == app.AppSecret || secret == app.CorpSecret)
			},
			"either id of the app will do": func(app contract.App, id, secret string) bool {
				_, s := pair(app, kind)
				return id != "" && (id == app.AppKey || id == app.CorpID) && s == secret
			},
			"any app's secret will do": func(app contract.App, id, secret string) bool {
				_, s := pair(app, kind)
				return id != "" && s == secret
			},
		} {
			list = append(list, k.knowing(rule, name, func(all *keys, r *request) *reply {
				out := r.pass()
				given, id, secret := r.credentials()
				if e := r.error(out); given != kind || e == "" || !strings.HasSuffix(rule, "/"+e) {
					return out
				}
				if app := all.find(func(app contract.App) bool { return same(app, id, secret) }); app != (contract.App{}) {
					return r.as(app)
				}
				return out
			}))
		}
	}
	for _, op := range []string{"create_session", "close_session"} {
		for name, same := range map[string]func(app contract.App, key string) bool{
			"app keys are compared without case": func(app contract.App, key string) bool { return strings.EqualFold(app.AppKey, key) },
			"the corpid is taken for an app key": func(app contract.App, key string) bool { return key != "" && app.CorpID == key },
		} {
			rule := op + "/app-key-wrong"
			if op == "close_session" {
				rule = "close_session/session-invalid"
			}
			list = append(list, k.knowing(rule, name, func(all *keys, r *request) *reply {
				key := r.value("app_key")
				app := all.find(func(app contract.App) bool { return same(app, key) })
				if !r.is(op) || app.AppKey == "" {
					return r.pass()
				}
				return r.instead("app_key", app.AppKey)
			}))
		}
	}
	slices.SortFunc(list, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// instead sends the request on with another value in its JSON body, or in its form.
func (r *request) instead(name string, value any) *reply {
	m := r.values()
	if m[name] == value || len(r.sent) == 0 {
		return r.pass()
	}
	if !json.Valid(r.sent) {
		form, err := url.ParseQuery(string(r.sent))
		if text, ok := value.(string); ok && err == nil {
			form.Set(name, text)
			return r.body([]byte(form.Encode()))
		}
		return r.pass()
	}
	m[name] = value
	b, _ := json.Marshal(m)
	return r.body(b)
}

func (k *kit) sloppyTokens() []Mutant {
	ownOnly := "gettoken/own-calls-renew"
	left := func(id string) func(t *timed, r *request) *reply {
		return func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, false)
			if age := t.age(out.answered()); r.is(id) && age > 0 && age.Seconds() < 7200 {
				out.replace("7200", strconv.Itoa(7200-int(age.Seconds())))
			}
			return out
		}
	}
	return []Mutant{
		k.clocked("gettoken/renewal", "the life that is told counts down", left("gettoken")),
		k.clocked("accessToken/renewal", "the life that is told counts down", left("accessToken")),
		k.clocked("gettoken/renewal", "a repeated call adds a life to what is left", adding),
		k.clocked("accessToken/renewal", "a repeated call adds a life to what is left", adding),
		k.clocked("gettoken/renewal", "a call after half of its life answers another token", func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, false)
			if token := out.answered(); token != "" && t.age(token).Seconds() > 3600 {
				out.replace(token, alias())
			}
			return out
		}),
		k.clocked(ownOnly, "a token call of any app renews the tokens of all", func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, true)
			if out.answered() != "" {
				t.mu.Lock()
				var others []string
				for token := range t.calls {
					if token != out.answered() {
						others = append(others, token)
					}
				}
				t.mu.Unlock()
				for _, token := range others {
					t.again(r, token)
				}
			}
			return out
		}),
		k.clocked(ownOnly, "a refused call renews the token", func(t *timed, r *request) *reply {
			out := r.pass()
			t.note(r, out, true)
			if e := r.error(out); e == "appkey-or-appsecret-wrong" || e == "corpid-or-corpsecret-wrong" || e == "invalidClientIdOrSecret" {
				t.mu.Lock()
				key := t.ids[asker(r)]
				var mine []string
				for token, owner := range t.owner {
					if owner == key {
						mine = append(mine, token)
					}
				}
				t.mu.Unlock()
				for _, token := range mine {
					t.again(r, token)
				}
			}
			return out
		}),
		k.stateful("gettoken/refused-changes-nothing", "a wrong secret ends the token", func(World) func(*request) *reply {
			a := &aliases{}
			return func(r *request) *reply {
				out := a.swap(r, func(who, token string) string {
					if a.app[who] != "" {
						return a.app[who]
					}
					return token
				})
				if e := r.error(out); e == "appkey-or-appsecret-wrong" || e == "corpid-or-corpsecret-wrong" {
					a.mu.Lock() // swap has made the maps
					a.app[asker(r)] = alias()
					a.mu.Unlock()
				}
				return out
			}
		}),
		k.stateful("gettoken/at-once-after-expiry", "the first calls after expiry each make a token", func(World) func(*request) *reply {
			a := &aliases{}
			return func(r *request) *reply {
				return a.swap(r, func(who, token string) string {
					if last := a.app[who]; last != token {
						if a.app[who] = token; last != "" {
							a.n = 4
						}
					}
					if a.n > 0 {
						a.n--
						return alias()
					}
					return token
				})
			}
		}).in("gettoken", "accessToken"),
		k.wrap("gettoken/parameter-missing", "the body of a GET is read", func(r *request) *reply {
			if m := r.values(); r.is("gettoken") && r.Method == http.MethodGet && len(m) > 0 {
				q := r.URL.Query()
				for name := range m {
					q.Set(name, r.value(name))
				}
				return r.query(q)
			}
			return r.pass()
		}),
	}
}

// adding is a server whose repeated token calls add a life to what is left of the token's.
func adding(t *timed, r *request) *reply {
	known := map[string]bool{}
	t.mu.Lock()
	for token := range t.issued {
		known[token] = true
	}
	t.mu.Unlock()
	out := r.pass()
	t.note(r, out, false)
	if token := out.answered(); known[token] {
		t.mu.Lock()
		t.issued[token] += all
		t.mu.Unlock()
	}
	if token := r.token(); r.error(out) == "auth-token-invalid" && token != "" && t.age(token) < all {
		return r.withToken(t.again(r, token))
	}
	return out
}

func (k *kit) sloppySessions() []Mutant {
	// preferred is a server that answers, of a user's open sessions, not the last but the one that better prefers.
	preferred := func(name string, better func(m *memory, a, b session) bool) Mutant {
		return k.remember("getsession/latest", name, func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			s := out.session()
			if !r.is("getsession") || s == nil {
				return out
			}
			mine := of(m.opened, session{values: s}, "user_id")
			if len(mine) == 0 {
				return out
			}
			best := mine[0]
			for _, o := range mine[1:] {
				if better(m, o, best) {
					best = o
				}
			}
			return out.answer(r, &best, s["create_time"])
		})
	}
	reused := func(m *memory, s session) bool { return len(of(m.closed, s, "session_id")) > 0 }
	passes := func(rule, name, id, field string) Mutant {
		return k.remember(rule, name, func(m *memory, r *request) *reply {
			if mine := of(m.opened, session{values: r.values()}, "session_id"); r.is(id) && len(mine) > 0 {
				out := r.instead(field, mine[0].values[field])
				m.note(r, out)
				return out
			}
			out := r.pass()
			m.note(r, out)
			return out
		})
	}
	list := []Mutant{
		preferred("the session with the greatest id", func(_ *memory, a, b session) bool { return a.text("session_id") > b.text("session_id") }),
		preferred("the session with the smallest id", func(_ *memory, a, b session) bool { return a.text("session_id") < b.text("session_id") }),
		preferred("the session with the greatest chatid", func(_ *memory, a, b session) bool { return a.text("chatid") > b.text("chatid") }),
		preferred("an id that is used again keeps its place", func(m *memory, a, b session) bool { return !reused(m, a) || reused(m, b) }),
		k.stateful("getsession/create-time", "an id that is used again keeps its time", func(World) func(*request) *reply {
			var mu sync.Mutex
			times := map[string]any{}
			return func(r *request) *reply {
				out := r.pass()
				s := out.session()
				if !r.is("getsession") || s == nil {
					return out
				}
				mu.Lock()
				defer mu.Unlock()
				id := s["app_key"].(string) + " " + s["session_id"].(string)
				if times[id] == nil {
					times[id] = s["create_time"]
				}
				return out.answer(r, &session{values: s}, times[id])
			}
		}).in("getsession", "create_session"),
		passes("create_session/session-invalid", "an id may be taken for another chat", "create_session", "chatid"),
		passes("create_session/session-invalid", "an id may be taken for another user", "create_session", "user_id"),
		passes("close_session/session-invalid", "the chat is not compared", "close_session", "chatid"),
		passes("close_session/session-invalid", "the user is not compared", "close_session", "user_id"),
		k.wrap("close_session/no-chat", "a chat is demanded", func(r *request) *reply {
			if r.is("close_session") && json.Valid(r.sent) && r.value("chatid") == "" && r.value("session_id") != "" {
				return r.refuse("parameter-missing", "name", "chatid")
			}
			return r.pass()
		}),
		k.wrap("close_session/no-chat", "null is no chat id", func(r *request) *reply {
			if v, given := r.values()["chatid"]; given && v == nil && r.is("close_session") {
				return r.refuse("parameter-invalid", "name", "chatid")
			}
			return r.pass()
		}),
		k.remember("getsession/ends", "the same values again begin its life anew", reopened).in("create_session", "getsession"),
		k.wrap("create_session/user-not-found", "only getsession knows the users", func(r *request) *reply {
			if out := r.pass(); !r.is("create_session") || r.error(out) != "user-not-found" {
				return out
			}
			return created(r, r.refuse("user-not-found"))
		}),
		k.remember("create_session/sessions-too-many", "closed sessions count", func(m *memory, r *request) *reply {
			key := session{values: map[string]any{"app_key": r.value("app_key")}}
			if r.is("create_session") && len(of(m.closed, key, "full")) > 0 && len(of(m.opened, session{values: r.values()}, "session_id")) == 0 {
				return r.refuse("sessions-too-many")
			}
			out := r.pass()
			if r.error(out) == "sessions-too-many" {
				m.closed = append(m.closed, key)
			}
			if r.is("create_session") {
				m.note(r, out)
			}
			return out
		}),
		k.remember("create_session/sessions-too-many", "the limit is that of all apps", func(m *memory, r *request) *reply {
			if r.is("create_session") && m.n > 0 && len(of(m.opened, session{values: r.values()}, "app_key")) == 0 {
				return r.refuse("sessions-too-many")
			}
			out := r.pass()
			if r.error(out) == "sessions-too-many" {
				m.n++
			}
			m.note(r, out)
			return out
		}),
	}
	for _, name := range []string{"getsession/user-not-found", "create_session/user-not-found"} {
		list = append(list, k.wrap(name, "users are compared without case", func(r *request) *reply {
			return r.body(bytes.ReplaceAll(r.sent, []byte(strings.ToUpper(contract.KnownUser)), []byte(contract.KnownUser)))
		}).in("create_session", "getsession"))
	}
	for _, x := range []struct {
		name string
		same func(string) string
	}{
		{"session ids are compared without case", strings.ToLower},
		{"session ids are trimmed", strings.TrimSpace},
		{"session ids are compared by 64 characters", func(s string) string { return s[:min(len(s), 64)] }},
	} {
		list = append(list, k.wrap("create_session/ids-apart", x.name, func(r *request) *reply {
			if id := r.value("session_id"); id != "" {
				return r.instead("session_id", x.same(id))
			}
			return r.pass()
		}).in("create_session", "close_session"))
	}
	for name, blank := range map[string]string{"0 counts as missing": "0", "a space counts as missing": " "} {
		for rule, field := range map[string]string{"create_session/shortest": "user_id", "getsession/shortest": "userid", "close_session/shortest": "session_id"} {
			op, _, _ := strings.Cut(rule, "/")
			list = append(list, k.wrap(rule, name, func(r *request) *reply {
				if r.is(op) && r.value(field) == blank {
					return r.refuse("parameter-missing", "name", field)
				}
				return r.pass()
			}))
		}
	}
	slices.SortStableFunc(list, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (k *kit) sloppyRequests() []Mutant {
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
		secured := len(op.Security) > 0 && slices.Contains(op.Security[0], op.Family.Token)
		if secured {
			add("auth-token-invalid", "tokens are compared without case", func(r *request) *reply { return r.withTokenOf(strings.ToLower) })
			add("auth-token-invalid", "tokens are trimmed", func(r *request) *reply { return r.withTokenOf(strings.TrimSpace) })
			add("auth-token-blank", "the token is read from the other dialect's header", func(r *request) *reply {
				if token := r.Header.Get("X-Acs-Dingtalk-Access-Token"); token != "" {
					return r.withToken(token)
				}
				return r.pass()
			})
			add("form", "a plus in a form is no space", func(r *request) *reply {
				if !json.Valid(r.sent) {
					return r.body(bytes.ReplaceAll(r.sent, []byte("+"), []byte("%2B")))
				}
				return r.pass()
			})
			add("form", "a form is not decoded", func(r *request) *reply {
				if !json.Valid(r.sent) {
					return r.body(bytes.ReplaceAll(r.sent, []byte("%"), []byte("%25")))
				}
				return r.pass()
			})
		}
		if len(op.BodyTypes) == 0 {
			continue
		}
		add("undeclared", "the query goes before the body", func(r *request) *reply {
			m, changed := r.values(), false
			for name, values := range r.URL.Query() {
				if slices.ContainsFunc(op.Parameters, func(p dingmock.Parameter) bool { return p.Name == name }) && r.Method == http.MethodPost {
					m[name], changed = values[0], true
				}
			}
			if !changed {
				return r.pass()
			}
			b, _ := json.Marshal(m)
			return r.body(b)
		})
		add(op.Family.Answers["body-too-large"], "the limit is that of the Content-Length alone", func(r *request) *reply {
			if r.ContentLength < 0 && len(r.sent) > dingmock.MaxBody {
				return r.body(bytes.TrimSpace(r.sent))
			}
			return r.pass()
		})
	}
	for _, f := range k.doc.Families() {
		list = append(list, k.wrap("paths/"+f.Name+"-exact", "the case of a path makes no difference", func(r *request) *reply {
			for _, op := range k.doc.Operations() {
				if strings.EqualFold(op.Path, r.URL.Path) {
					return r.path(op.Path)
				}
			}
			return r.pass()
		}))
	}
	return append(list, k.wrap("paths/topapi-unknown", "the token is checked before the path", func(r *request) *reply {
		if r.op == nil && strings.HasPrefix(r.URL.Path, "/topapi/") && r.URL.Query().Has("access_token") {
			return r.path(k.op("getsession").Path)
		}
		return r.pass()
	}))
}

// withTokenOf sends the request on with its token changed, where that changes it.
func (r *request) withTokenOf(change func(string) string) *reply {
	if token := r.token(); change(token) != token {
		return r.withToken(change(token))
	}
	return r.pass()
}

// successes spoil the answers of success, as rows do those of errors.
func (k *kit) successes() []Mutant {
	var list []Mutant
	for id, rule := range map[string]string{
		"gettoken": "gettoken/appkey", "accessToken": "accessToken/success", "getsession": "getsession/found",
		"create_session": "create_session/success", "close_session": "close_session/success",
	} {
		for name, spoil := range map[string]func(out *reply){
			"another content type":   func(out *reply) { out.header.Set("Content-Type", "text/html") },
			"no content type":        func(out *reply) { out.header["Content-Type"] = nil },
			"HTTP 201":               func(out *reply) { out.status = http.StatusCreated },
			"a newline at the end":   func(out *reply) { out.body = append(out.body, '\n') },
			"a byte order mark":      func(out *reply) { out.body = append([]byte("\xef\xbb\xbf"), out.body...) },
			"a field more":           func(out *reply) { out.body = append(out.body[:len(out.body)-1], `,"more":1}`...) },
			"a key twice":            func(out *reply) { out.body = append(out.body[:len(out.body)-1], `,"errcode":0}`...) },
			"indented":               func(out *reply) { out.body = bytes.Replace(out.body, []byte(`,"`), []byte(`, "`), 1) },
			"a body that breaks off": func(out *reply) { out.body = out.body[:len(out.body)-1] },
		} {
			list = append(list, k.wrap(rule, name, func(r *request) *reply {
				out := r.pass()
				if r.is(id) && out.status == http.StatusOK && len(out.body) > 0 {
					spoil(out)
					out.sized()
				}
				return out
			}))
		}
	}
	slices.SortFunc(list, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) })
	return list
}
