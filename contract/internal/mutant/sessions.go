package mutant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock/contract"
)

// memory is what a mutant knows of the sessions that were opened, oldest first.
type memory struct {
	mu     sync.Mutex
	opened []session
	closed []session
	n      int
}

type session struct {
	token  string
	values map[string]any
}

func (s session) text(name string) string { t, _ := s.values[name].(string); return t }

// of returns the sessions of the same app with the same value of a name.
func of(list []session, s session, name string) []session {
	var found []session
	for _, o := range list {
		if o.text("app_key") == s.text("app_key") && o.text(name) == s.text(name) {
			found = append(found, o)
		}
	}
	return found
}

// note keeps account of a call of create_session or close_session that succeeded.
func (m *memory) note(r *request, out *reply) {
	if !r.succeeded(out) || !r.is("create_session", "close_session") {
		return
	}
	s := session{r.token(), r.values()}
	same := func(o session) bool { return len(of([]session{o}, s, "session_id")) > 0 }
	if r.is("close_session") {
		m.opened = slices.DeleteFunc(m.opened, same)
		m.closed = append(m.closed, s)
	} else if !slices.ContainsFunc(m.opened, same) {
		m.opened = append(m.opened, s)
	}
}

// remember makes a mutant that knows the sessions. spoil is called with its lock held.
func (k *kit) remember(rule, name string, spoil func(m *memory, r *request) *reply) Mutant {
	return k.stateful(rule, name, func(World) func(*request) *reply {
		m := &memory{}
		return func(r *request) *reply {
			m.mu.Lock()
			defer m.mu.Unlock()
			return spoil(m, r)
		}
	})
}

// answer makes the answer of getsession say another session.
func (out *reply) answer(r *request, s *session, created any) *reply {
	fields := out.fields()
	result := map[string]any{"session": nil}
	if s != nil {
		result["session"] = map[string]any{
			"session_id": s.text("session_id"), "app_key": s.text("app_key"), "user_id": s.text("user_id"), "chatid": s.text("chatid"), "create_time": created,
		}
	}
	fields["result"] = result
	out.body = r.op.Replies[0].Encode(fields)
	return out.sized()
}

func (out *reply) session() map[string]any {
	result, _ := out.fields()["result"].(map[string]any)
	s, _ := result["session"].(map[string]any)
	return s
}

func (k *kit) sessions() []Mutant {
	list := []Mutant{
		k.wrap("getsession/none", "a user without sessions is not found", func(r *request) *reply {
			out := r.pass()
			if r.is("getsession") && r.succeeded(out) && out.session() == nil {
				return r.refuse("user-not-found")
			}
			return out
		}),
		k.wrap("getsession/found", "the chat is lost", func(r *request) *reply {
			out := r.pass()
			if s := out.session(); r.is("getsession") && s != nil {
				s["chatid"] = ""
				return out.answer(r, &session{values: s}, s["create_time"])
			}
			return out
		}),
		k.wrap("getsession/found", "app_key is somebody's else", func(r *request) *reply {
			out := r.pass()
			if s := out.session(); r.is("getsession") && s != nil {
				s["app_key"] = "dingx"
				return out.answer(r, &session{values: s}, s["create_time"])
			}
			return out
		}),
		k.stateful("getsession/found", "every other answer is none", func(World) func(*request) *reply {
			var n atomic.Int64
			return func(r *request) *reply {
				out := r.pass()
				if s := out.session(); r.is("getsession") && s != nil && n.Add(1)%2 == 0 {
					return out.answer(r, nil, nil)
				}
				return out
			}
		}),
		k.remember("getsession/latest", "the first session instead of the last", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if s := out.session(); r.is("getsession") && s != nil {
				first := of(m.opened, session{values: s}, "user_id")[0]
				return out.answer(r, &first, s["create_time"])
			}
			return out
		}),
		k.remember("getsession/per-user", "users are compared without case", func(m *memory, r *request) *reply {
			for _, o := range m.opened {
				if user := o.text("user_id"); r.is("getsession") && strings.EqualFold(user, r.value("userid")) && o.token == r.token() {
					return r.instead("userid", user)
				}
			}
			out := r.pass()
			m.note(r, out)
			return out
		}),
		k.remember("getsession/per-user", "the last session of anyone", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if r.is("getsession") && r.succeeded(out) && len(m.opened) > 0 {
				return out.answer(r, &m.opened[len(m.opened)-1], 1.0)
			}
			return out
		}),
		k.remember("getsession/per-app", "tokens are good for another app", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			for _, o := range m.opened {
				if r.is("getsession") && out.session() == nil && o.token != r.token() {
					if theirs := r.withToken(o.token); r.succeeded(theirs) {
						out = theirs
					}
				}
			}
			return out
		}),
		k.wrap("getsession/create-time", "create_time is in seconds", func(r *request) *reply {
			out := r.pass()
			if s := out.session(); r.is("getsession") && s != nil {
				return out.answer(r, &session{values: s}, float64(int64(s["create_time"].(float64))/1000))
			}
			return out
		}),
		k.wrap("getsession/create-time", "create_time is of the machine's clock", func(r *request) *reply {
			out := r.pass()
			if s := out.session(); r.is("getsession") && s != nil {
				return out.answer(r, &session{values: s}, float64(time.Now().UnixMilli()))
			}
			return out
		}),
		k.wrap("getsession/verbatim", "values are escaped as HTML", func(r *request) *reply {
			out := r.pass()
			for _, c := range "<>&" {
				out.replace(string(c), fmt.Sprintf(`\u%04x`, c))
			}
			return out
		}),
		k.wrap("getsession/verbatim", "the chat is trimmed", func(r *request) *reply {
			out := r.pass()
			if s := out.session(); r.is("getsession") && s != nil {
				s["chatid"] = strings.TrimSpace(s["chatid"].(string))
				return out.answer(r, &session{values: s}, s["create_time"])
			}
			return out
		}).at("/body/result/session/chatid"),
		k.remember("getsession/ends", "a session does not end", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if r.is("getsession") && out.session() == nil {
				for _, o := range of(m.opened, session{values: map[string]any{"app_key": ownKey(m.opened, r), "user_id": r.value("userid")}}, "user_id") {
					r.call("create_session", r.token(), o.values)
				}
				return r.pass()
			}
			return out
		}),
		k.remember("create_session/success", "a session that was created is lost", func(_ *memory, r *request) *reply {
			out := r.pass()
			if r.is("create_session") && r.succeeded(out) {
				r.call("close_session", r.token(), r.values())
			}
			return out
		}),
		k.wrap("create_session/success", "the answer has another id", func(r *request) *reply {
			out := r.pass()
			if id := r.value("session_id"); r.is("create_session") && r.succeeded(out) && id != "" {
				out.replace(`"session_id":"`, `"session_id":"x`)
			}
			return out
		}),
		k.remember("create_session/idempotent", "the same values again are a conflict", func(m *memory, r *request) *reply {
			if r.is("create_session") && len(of(m.opened, session{values: r.values()}, "session_id")) > 0 {
				return r.refuse("session-invalid")
			}
			out := r.pass()
			m.note(r, out)
			return out
		}),
		k.remember("create_session/idempotent", "the same values again move it to the front", reopened),
		k.remember("create_session/idempotent-later", "the same values again make it younger", reopened),
		k.remember("create_session/refused-opens-nothing", "a conflict replaces the session", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if r.is("create_session") && r.error(out) == "session-invalid" {
				for _, o := range of(m.opened, session{values: r.values()}, "session_id") {
					r.call("close_session", r.token(), o.values)
				}
				r.pass()
			}
			return out
		}),
		k.wrap("create_session/no-chat", "null is no chat id", func(r *request) *reply {
			if v, given := r.values()["chatid"]; given && v == nil && r.is("create_session") {
				return r.refuse("parameter-invalid", "name", "chatid")
			}
			return r.pass()
		}),
		k.stateful("create_session/either-credentials", "the corpid is the app_key of a token that it got", func(World) func(*request) *reply {
			var mu sync.Mutex
			corp := map[string]bool{}
			return func(r *request) *reply {
				out := r.pass()
				mu.Lock()
				defer mu.Unlock()
				if token := out.answered(); token != "" {
					corp[token] = r.URL.Query().Get("corpid") != ""
				}
				if r.is("create_session") && r.succeeded(out) && corp[r.token()] {
					return r.refuse("app-key-wrong")
				}
				return out
			}
		}),
		k.wrap("create_session/longest", "the limit is 128 bytes", func(r *request) *reply {
			for name, v := range r.values() {
				if s, ok := v.(string); ok && len(s) > 128 && r.is("create_session") {
					return r.refuse("parameter-invalid", "name", name)
				}
			}
			return r.pass()
		}),
		k.wrap("create_session/shortest", "an id has two characters at least", func(r *request) *reply {
			if r.is("create_session") && len(r.value("session_id")) == 1 {
				return r.refuse("parameter-invalid", "name", "session_id")
			}
			return r.pass()
		}),
		k.wrap("close_session/success", "every close is refused", func(r *request) *reply {
			out := r.pass()
			if r.is("close_session") && r.succeeded(out) {
				return r.refuse("session-invalid")
			}
			return out
		}),
		k.wrap("close_session/gone", "a close does not close", func(r *request) *reply {
			out := r.pass()
			if r.is("close_session") && r.succeeded(out) {
				r.call("create_session", r.token(), r.values())
			}
			return out
		}),
		k.wrap("close_session/gone", "a session may be closed twice", func(r *request) *reply {
			out := r.pass()
			if r.is("close_session") && r.error(out) == "session-invalid" {
				return closed(r, out)
			}
			return out
		}),
		k.remember("close_session/id-free", "an id is used up", func(m *memory, r *request) *reply {
			if r.is("create_session") && len(of(m.closed, session{values: r.values()}, "session_id")) > 0 {
				return r.refuse("session-invalid")
			}
			out := r.pass()
			m.note(r, out)
			return out
		}).in("create_session"),
		k.remember("close_session/id-free", "an id stays its first user's", func(m *memory, r *request) *reply {
			s := session{values: r.values()}
			for _, o := range of(m.closed, s, "session_id") {
				if r.is("create_session") && o.text("user_id") != s.text("user_id") {
					return r.refuse("session-invalid")
				}
			}
			out := r.pass()
			m.note(r, out)
			return out
		}).in("create_session"),
		k.remember("close_session/refused-closes-nothing", "a refused close closes", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if r.is("close_session") && r.error(out) == "session-invalid" {
				for _, o := range of(m.opened, session{values: r.values()}, "session_id") {
					r.call("close_session", r.token(), o.values)
				}
			}
			return out
		}),
		k.remember("close_session/leaves-others", "all of the user's sessions are closed", func(m *memory, r *request) *reply {
			return closesAll(m, r, "user_id")
		}),
		k.remember("close_session/leaves-others", "all of the app's sessions are closed", func(m *memory, r *request) *reply {
			return closesAll(m, r, "app_key")
		}),
		{Name: "close_session/outlives-token: sessions end with the token", Rule: "close_session/outlives-token", In: []string{"getsession"}, Plant: func(w World) World {
			t := &ending{powers: w.Powers}
			w.Handler = k.handler(w.Handler, func(r *request) *reply {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.last = r
				out := r.pass()
				t.note(r, out)
				return out
			})
			w.Powers.Advance = t.Advance
			return w
		}},
		k.remember("create_session/at-once", "one in five is lost", func(m *memory, r *request) *reply {
			out := r.pass()
			if r.is("create_session") && r.succeeded(out) {
				if m.n++; m.n%5 == 0 {
					r.call("close_session", r.token(), r.values())
				}
			}
			return out
		}),
		k.wrap("create_session/one-wins", "all of them are told that they won", func(r *request) *reply {
			out := r.pass()
			if r.is("create_session") && r.error(out) == "session-invalid" {
				return created(r, out)
			}
			return out
		}),
		k.wrap("close_session/one-wins", "all of them are told that they won", func(r *request) *reply {
			out := r.pass()
			if r.is("close_session") && r.error(out) == "session-invalid" {
				return closed(r, out)
			}
			return out
		}),
	}
	return list
}

// ownKey is the app key of the sessions that were opened with the request's token, or just any.
func ownKey(list []session, r *request) string {
	for _, o := range list {
		if o.token == r.token() {
			return o.text("app_key")
		}
	}
	if len(list) > 0 {
		return list[0].text("app_key")
	}
	return ""
}

// reopened closes and opens a session that is created again with the same values.
func reopened(m *memory, r *request) *reply {
	if r.is("create_session") && len(of(m.opened, session{values: r.values()}, "session_id")) > 0 {
		r.call("close_session", r.token(), r.values())
	}
	out := r.pass()
	m.note(r, out)
	return out
}

func closesAll(m *memory, r *request, name string) *reply {
	out := r.pass()
	m.note(r, out)
	if r.is("close_session") && r.succeeded(out) {
		for _, o := range of(m.opened, session{values: r.values()}, name) {
			r.call("close_session", r.token(), o.values)
		}
	}
	return out
}

// created is the success of create_session.
func created(r *request, out *reply) *reply {
	out.body = r.op.Replies[0].Encode(map[string]any{
		"errcode": 0.0, "errmsg": "ok", "result": map[string]any{"session_id": r.value("session_id")}, "request_id": "16l4ew3d47pdp",
	})
	return out.sized()
}

// closed is the success of close_session.
func closed(r *request, out *reply) *reply {
	out.body = r.op.Replies[0].Encode(map[string]any{"errcode": 0.0, "errmsg": "ok", "success": true, "request_id": "16l4ew3d47pdp"})
	return out.sized()
}

// ending closes an app's sessions when its clock is moved beyond the life of a token.
type ending struct {
	powers contract.Powers
	memory
	last *request
}

func (e *ending) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last != nil && by >= 7200*time.Second {
		for _, o := range e.opened {
			e.last.call("close_session", o.token, o.values)
		}
	}
	return e.powers.Advance(ctx, app, by)
}
