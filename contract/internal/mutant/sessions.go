package mutant

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// session is the session that getsession answers, or nil.
func (out *reply) session() map[string]any {
	result, _ := out.fields()["result"].(map[string]any)
	s, _ := result["session"].(map[string]any)
	return s
}

func found(r *request) bool { return r.is("getsession") && r.out.session() != nil }

func none(r *request) bool { return succeeded(r) && r.out.session() == nil }

// say makes getsession answer another session, or none.
func (r *request) say(s map[string]any) {
	m := r.out.fields()
	m["result"] = map[string]any{"session": s}
	r.out.body = r.op.Replies[0].Encode(m)
}

// showing makes getsession answer, of the user's open sessions, the one that no other is better than, oldest first. It says that it
// was created when the right one was.
func showing(better func(l *ledger, a, b session) bool) fault {
	return after(found, func(r *request) {
		s := r.out.session()
		best := session{values: s, app: r.session().app}
		for i, o := range best.like(r.ledger.opened, "user_id") {
			if i == 0 || better(r.ledger, o, best) {
				best = o
			}
		}
		r.say(best.at(s["create_time"]))
	})
}

// at is the session as getsession answers it.
func (s session) at(created any) map[string]any {
	return map[string]any{
		"session_id": s.text("session_id"), "app_key": s.app, "user_id": s.text("user_id"), "chatid": s.text("chatid"), "create_time": created,
	}
}

// its are the open sessions of the app that have those values of the call.
func (r *request) its(names ...string) []session { return r.session().like(r.ledger.opened, names...) }

// session is the session whose values the call has.
func (r *request) session() session {
	return session{r.values(), r.token(), r.ledger.tokens[r.token()].app}
}

// taken is the condition that an open session has the id of the call.
func taken(r *request) bool { return len(r.its("session_id")) > 0 }

// undone closes the session that the call has opened, redone opens the one that it has closed.
func undone(r *request) { r.call("close_session", r.token(), r.values()) }

func redone(r *request) { r.call("create_session", r.token(), r.values()) }

// closing closes the open sessions that have those values of the call.
func closing(names ...string) func(*request) {
	return func(r *request) {
		for _, o := range r.its(names...) {
			r.call("close_session", r.token(), o.values)
		}
	}
}

// welcome answers a success, as if the call had not been refused.
func welcome(r *request) {
	m := map[string]any{"errcode": 0.0, "errmsg": "ok", "request_id": requestID}
	if r.op.ID == "create_session" {
		m["result"] = map[string]any{"session_id": r.value("session_id")}
	} else {
		m["success"] = true
	}
	r.answer(http.StatusOK, m)
}

// everyNth is the condition that it is called for the nth time, the 2nth, and so on.
func everyNth(n int, when condition) condition {
	return func(r *request) bool {
		if when(r) {
			r.ledger.n++
		}
		return when(r) && r.ledger.n%n == 0
	}
}

// reopening is a server to which the same values again are a new session.
var reopening = before(taken, undone)

// shown are the faults of what getsession answers.
func (k *kit) shown() {
	spoil := func(rule, name string, edit func(s map[string]any)) *Mutant {
		return k.add("getsession/"+rule, name, after(found, func(r *request) {
			s := r.out.session()
			edit(s)
			r.say(s)
		}))
	}
	better := func(name string, better func(l *ledger, a, b session) bool) {
		k.add("getsession/latest", name, showing(better))
	}

	k.add("getsession/none", "a user without sessions is not found", after(none, refusal("user-not-found")))
	k.add("getsession/none", "none is an empty object", after(none, text(`"session":null`, `"session":{}`)))
	k.add("getsession/none", "none is left out", after(none, text(`"session":null`, ``)))
	k.add("getsession/found", "every other answer is none", after(everyNth(2, found), func(r *request) { r.say(nil) }))
	spoil("found", "the chat is lost", func(s map[string]any) { s["chatid"] = "" })
	spoil("found", "app_key is somebody else's", func(s map[string]any) { s["app_key"] = "dingx" })
	spoil("create-time", "create_time is in seconds", func(s map[string]any) { s["create_time"] = float64(int64(s["create_time"].(float64)) / 1000) })
	spoil("create-time", "create_time is of the machine's clock", func(s map[string]any) { s["create_time"] = float64(time.Now().UnixMilli()) })
	spoil("verbatim", "the chat is trimmed", func(s map[string]any) {
		s["chatid"] = strings.TrimSpace(s["chatid"].(string))
	}).At = "/body/result/session/chatid"
	k.add("getsession/verbatim", "values are escaped as HTML", after(always, func(r *request) {
		for _, c := range "<>&" {
			r.out.replace(string(c), fmt.Sprintf(`\u%04x`, c))
		}
	}))
	k.all("getsession/create-time", "an id that is used again keeps its time", after(found, func(r *request) {
		s := r.out.session()
		id, created := fmt.Sprint(s["app_key"], " ", s["session_id"]), fmt.Sprintf("%.0f", s["create_time"])
		r.ledger.kept[id] = cmp.Or(r.ledger.kept[id], created)
		r.out.replace(`"create_time":`+created, `"create_time":`+r.ledger.kept[id])
	}), "getsession", "create_session")
	better("the first session instead of the last", func(*ledger, session, session) bool { return false })
	better("the session with the greatest id", func(_ *ledger, a, b session) bool { return a.text("session_id") > b.text("session_id") })
	better("the session with the smallest id", func(_ *ledger, a, b session) bool { return a.text("session_id") < b.text("session_id") })
	better("the session with the greatest chatid", func(_ *ledger, a, b session) bool { return a.text("chatid") > b.text("chatid") })
	better("an id that is used again keeps its place", func(l *ledger, a, b session) bool {
		used := func(s session) bool { return len(s.like(l.ended, "session_id")) > 0 }
		return !used(a) || used(b)
	})
	k.add("getsession/per-user", "the last session of anyone", after(succeeded, func(r *request) {
		if n := len(r.ledger.opened); n > 0 {
			r.say(r.ledger.opened[n-1].at(1.0))
		}
	}))
	k.add("getsession/per-app", "tokens are good for another app", after(none, func(r *request) {
		for _, o := range r.ledger.opened {
			if theirs := r.but(func(r *request) { r.setToken(o.token) }).out; theirs.session() != nil {
				r.out = theirs
			}
		}
	}))
	k.add("getsession/per-app", "an id is taken for all apps", refuse(func(r *request) bool {
		return slices.ContainsFunc(r.ledger.opened, func(o session) bool {
			return o.text("session_id") == r.value("session_id") && o.app != r.session().app
		})
	}, "session-invalid"), "create_session")
	k.add("getsession/ends", "a session does not end", retry(none, func(r *request) {
		for _, o := range slices.Clone(r.ledger.opened) {
			if o.text("user_id") == r.value("userid") && o.app == r.session().app {
				r.call("create_session", r.token(), o.values)
			}
		}
	}))
	k.add("getsession/ends", "the same values again begin its life anew", reopening, "create_session", "getsession")
	k.add("close_session/outlives-token", "sessions end with the token", before(always, func(r *request) {
		for _, o := range r.its() {
			if r.ledger.age(o.token, ever) >= life {
				r.call("close_session", r.token(), o.values)
			}
		}
	}), "getsession")
}

// created are the faults of how sessions are opened.
func (k *kit) created() {
	k.add("create_session/success", "a session that was created is lost", after(succeeded, undone))
	k.add("create_session/success", "the answer has another id", after(succeeded, text(`"session_id":"`, `"session_id":"x`)))
	k.add("create_session/idempotent", "the same values again are a conflict", refuse(taken, "session-invalid"))
	k.add("create_session/idempotent", "the same values again move it to the front", reopening)
	k.add("create_session/idempotent-later", "the same values again make it younger", reopening)
	k.add("create_session/refused-opens-nothing", "a conflict replaces the session", after(failed("session-invalid"), func(r *request) {
		closing("session_id")(r)
		r.send()
	}))
	k.add("create_session/either-credentials", "the corpid is the app_key of a token that it got", refuse(func(r *request) bool {
		t := r.ledger.tokens[r.token()]
		return t.issued != nil && t.issued[len(t.issued)-1].by != t.app
	}, "app-key-wrong"))
	k.add("create_session/user-not-found", "only getsession knows the users", after(failed("user-not-found"), welcome))
	k.add("create_session/at-once", "one in five is lost", after(everyNth(5, succeeded), undone))
	k.add("create_session/one-wins", "all of them are told that they won", after(failed("session-invalid"), welcome))
	k.add("model/sequences", "a user has two sessions at most", after(succeeded, func(r *request) {
		if its := r.its("user_id"); len(its) > 2 {
			r.call("close_session", r.token(), its[0].values)
		}
	}), "create_session")

	const full = "sessions-too-many"
	k.all("create_session/"+full, "a close makes no room", only("close_session", after(succeeded, func(r *request) {
		ghost := r.values()
		ghost["session_id"], ghost["user_id"] = alias(), alias()
		r.call("create_session", r.token(), ghost)
	})), "create_session", "close_session")
	// once refuses to open further sessions after an app was full, as when says.
	once := func(when condition) fault {
		return func(r *request) {
			refuse(when, full)(r)
			if r.error() == full {
				r.ledger.kept["full "+r.value("app_key")], r.ledger.kept["full"] = "yes", "yes"
			}
		}
	}
	k.add("create_session/"+full, "closed sessions count", once(func(r *request) bool {
		return r.ledger.kept["full "+r.value("app_key")] != "" && !taken(r)
	}))
	k.add("create_session/"+full, "the limit is that of all apps", once(func(r *request) bool { return r.ledger.kept["full"] != "" && len(r.its()) == 0 }))
}

// closed are the faults of how they are closed.
func (k *kit) closed() {
	k.add("close_session/success", "every close is refused", after(succeeded, refusal("session-invalid")))
	k.add("close_session/success", "success is a string", after(succeeded, text(`"success":true`, `"success":"true"`)))
	k.add("close_session/gone", "a close does not close", after(succeeded, redone))
	k.add("close_session/gone", "a session may be closed twice", after(failed("session-invalid"), welcome))
	k.add("close_session/one-wins", "all of them are told that they won", after(failed("session-invalid"), welcome))
	k.add("close_session/id-free", "an id is used up", refuse(func(r *request) bool {
		return len(r.session().like(r.ledger.ended, "session_id")) > 0
	}, "session-invalid"), "create_session")
	k.add("close_session/id-free", "an id stays its first user's", refuse(func(r *request) bool {
		return len(r.session().like(r.ledger.ended, "session_id")) > len(r.session().like(r.ledger.ended, "session_id", "user_id"))
	}, "session-invalid"), "create_session")
	k.add("close_session/refused-closes-nothing", "a refused close closes", after(failed("session-invalid"), closing("session_id")))
	k.add("close_session/leaves-others", "all of the user's sessions are closed", after(succeeded, closing("user_id")))
	k.add("close_session/leaves-others", "all of the app's sessions are closed", after(succeeded, closing()))
	k.add("model/sequences", "closing an older session closes the younger one too", func(r *request) {
		its := r.its("user_id")
		r.send()
		if succeeded(r) && len(its) == 2 && its[0].text("session_id") == r.value("session_id") {
			r.call("close_session", r.token(), its[1].values)
		}
	}, "close_session")
}
