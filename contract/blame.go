package contract

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// examined is how the case ended, with what a second look finds. Where that is not its own operation, which it accused, its rule is
// not broken, but cannot be checked.
func (c *trial) examined(b *stop) (fault *stop) {
	calls := len(c.rec.exchanges())
	if b.x == nil && calls > 0 {
		b.x = c.rec.exchanges()[calls-1]
	}
	var f Finding
	var shown string
	ok := false
	end := catch(func() { f, shown, ok = c.blame(b) })
	switch {
	case end != nil && (end.stack != "" || end.outcome == Fail || end.outcome == Blocked):
		return end
	case end != nil || !ok: // a call of the second look was not answered: nothing can be said
		return nil
	}
	if b.finding.Operation == c.Operation && f.Operation != c.Operation {
		b.outcome = Blocked
	}
	b.finding, b.diff = f, strings.TrimPrefix(b.diff+"\na second look: "+shown, "\n")
	return nil
}

// blame looks a second time, if the reply that ended the case may be right and an earlier call's doing wrong: a token that
// several calls refuse was issued wrong, a session that is not open was not opened, or ended by another call. It returns what is
// found so, and in a sentence what showed it; false if the reply itself is to blame, and if a call of the second look is not
// answered, for then nothing can be said.
func (c *trial) blame(b *stop) (f Finding, shown string, ok bool) {
	x := b.x
	if x == nil || x.Parsed == nil || x.Parsed.Family == nil || x.Response == nil || c.ctx.Err() != nil {
		return f, "", false
	}
	s := &suspicion{c: c, x: x, want: b.want, changes: changesOf(c.rec.exchanges())}
	switch {
	case s.shared():
		return sameToken(s.issuer().operation(), "the other app's"), "two apps were given this token", true
	case b.finding.Kind == KindRefused && x.Error != nil && x.Error.Name == x.Parsed.Family.Answers["token-bad"]:
		return s.token(refusedToken, goodToken, true)
	case b.finding.Kind == KindRefused && x.Error == nil && x.Parsed.Token != "":
		return s.outlived()
	case b.finding.Kind == KindAccepted && x.Parsed.Token != "" && b.finding.wants == x.Parsed.Family.Answers["token-bad"]:
		return s.token("a token that calls accept beyond its life", "one that is refused from 7200 s after the last token call on", false)
	case b.finding.Kind == KindAccepted && x.operation() == "close_session" && s.closedBefore(s.of(x)),
		b.finding.Kind == KindRefused && x.Error != nil && x.Error.Name == "sessions-too-many":
		return s.stillOpen()
	case x.Error != nil && x.Error.Name != "session-invalid":
		return f, "", false
	case b.finding.Kind == KindRefused && x.operation() == "close_session":
		return s.lost(s.of(x))
	case b.finding.Kind == KindRefused && x.operation() == "create_session":
		return s.stays(s.of(x), s.changes[:len(s.changes)-1])
	case b.finding.Kind == KindValue && x.operation() == "getsession":
		return s.shown()
	}
	return f, "", false
}

// suspicion is what is known when a case has ended.
type suspicion struct {
	c       *trial
	x       *Exchange // whose reply ended it
	want    *session  // that getsession had to answer; nil: none, or it is not known
	changes []change  // the case's calls that open or close sessions, by time
}

// change is a call that opens or closes a session.
type change struct {
	session
	operation string
	ok        bool
	at        int // how many of the case's exchanges there were before
}

func changesOf(list []*Exchange) []change {
	var changes []change
	for i, x := range list {
		if op := x.operation(); x.Response != nil && (op == "create_session" || op == "close_session") {
			changes = append(changes, change{
				operation: op, ok: x.isSuccess(), at: i,
				session: session{
					id: x.Parsed.Value("session_id"), appKey: x.Parsed.Value("app_key"), user: x.Parsed.Value("user_id"), chat: x.Parsed.Value("chatid"),
				},
			})
		}
	}
	return changes
}

// token asks another call with the same token: if it refuses, or accepts, it too, the call that issued the token is to blame.
func (s *suspicion) token(found, expected string, refused bool) (f Finding, shown string, ok bool) {
	issued := s.issuer()
	if issued == nil {
		return f, "", false
	}
	issuer := issued.operation()
	bad := s.x.Parsed.Family.Answers["token-bad"]
	if !refused && s.issuedAgain(bad) {
		return sameToken(issuer, "the expired one"), "it was refused before, and " + issuer + " issued it again", true
	}
	for _, op := range s.c.doc.Operations() {
		name := tokenOf(op)
		if name == "" || op.ID == s.x.operation() || op.Family != s.x.Parsed.Family {
			continue
		}
		other := s.ask(newCall(op, name, s.x.Parsed.Token).off(dingmock.KindMissingParameter)) // which changes nothing
		if other.Error == nil || (other.Error.Name == bad) != refused {
			return f, "", false
		}
		does := map[bool]string{true: "refuses", false: "accepts"}[refused]
		f = Finding{Operation: issuer, Pointer: pointerOfToken(issuer), Kind: KindState, Found: found, Expected: expected}
		return f, fmt.Sprintf("%s %s this token, which %s issued, as well", op.ID, does, issuer), true
	}
	return f, "", false
}

// outlived asks for another token, and makes the call again with it: if it succeeds then, the first token was not good any more.
func (s *suspicion) outlived() (f Finding, shown string, ok bool) {
	issuer := s.issuer()
	if issuer == nil {
		return f, "", false
	}
	m := tokenReply.FindSubmatch(s.again(issuer, "").Body)
	if m == nil || string(m[1]) == s.x.Parsed.Token || !s.again(s.x, string(m[1])).isSuccess() {
		return f, "", false
	}
	op := issuer.operation()
	f = Finding{Operation: op, Pointer: pointerOfToken(op), Kind: KindState, Found: refusedToken, Expected: goodToken}
	return f, "the same call succeeds with the token of another call of " + op, true
}

// again makes a call of the case a second time, with another token if one is given.
func (s *suspicion) again(x *Exchange, token string) *Exchange {
	address, sent := *x.Request.URL, string(x.Sent)
	if token != "" {
		address.RawQuery = strings.ReplaceAll(address.RawQuery, x.Parsed.Token, token)
		sent = strings.ReplaceAll(sent, x.Parsed.Token, token)
	}
	req := x.Request.Clone(s.c.ctx)
	req.URL, req.Body, req.ContentLength = &address, io.NopCloser(strings.NewReader(sent)), int64(len(sent))
	keep := &Exchange{}
	resp, err := s.c.client.Do(req.WithContext(context.WithValue(s.c.ctx, keepKey{}, keep)))
	if err != nil {
		s.c.halt(Errored, "the second look is not answered: %v", plain(err))
	}
	_ = resp.Body.Close()
	return keep
}

const (
	refusedToken = "a token that calls refuse"
	goodToken    = "one that is good for every call, for 7200 s from the last token call on"
)

// before are the case's exchanges before the one that ended it.
func (s *suspicion) before() []*Exchange {
	list := s.c.rec.exchanges()
	return list[:max(0, slices.IndexFunc(list, func(x *Exchange) bool { return x.Request == s.x.Request }))]
}

// issuedAgain reports whether the token was issued after it had been refused with that error.
func (s *suspicion) issuedAgain(bad string) bool {
	refused := false
	for _, x := range s.before() {
		if x.Error != nil && x.Error.Name == bad && x.Parsed.Token == s.x.Parsed.Token {
			refused = true
		}
		if refused && issues(x.Body, s.x.Parsed.Token) {
			return true
		}
	}
	return false
}

// shared reports whether two apps were given the token of the call that ended the case.
func (s *suspicion) shared() bool {
	first := ""
	for _, x := range s.before() {
		id := cmp.Or(x.Parsed.Value("appkey"), x.Parsed.Value("appKey"))
		if s.x.Parsed.Token == "" || id == "" || !issues(x.Body, s.x.Parsed.Token) {
			continue
		}
		if first != "" && id != first {
			return true
		}
		first = id
	}
	return false
}

// issuer is the call that answered the token last; nil if no call of the case did.
func (s *suspicion) issuer() *Exchange {
	for _, x := range slices.Backward(s.before()) {
		if op := x.Parsed.Operation; op != nil && tokenOf(op) == "" && issues(x.Body, s.x.Parsed.Token) {
			return x
		}
	}
	return nil
}

// of is the call that ended the case, as a change.
func (s *suspicion) of(x *Exchange) change { return changesOf([]*Exchange{x})[0] }

// lost finds why a session is not open that has to be: by taking its app through the same calls again, under other ids, until
// after one of them it is gone.
func (s *suspicion) lost(w change) (f Finding, shown string, ok bool) {
	if s.open(w) {
		return f, "", false
	}
	lost := Finding{Operation: "create_session", Kind: KindState, Found: "a success, and a session that is not open after it", Expected: "a session that is open until it is closed"}
	const rounds, most = 10, 40 // what is lost now and then is lost in one of some rounds
	changes := slices.DeleteFunc(slices.Clone(s.changes), func(o change) bool { return o.appKey != w.appKey })
	created := func(o change) bool { return o.session == w.session && o.operation == "create_session" && o.ok }
	n := slices.IndexFunc(changes, created)
	if n < 0 {
		return f, "", false
	}
	if changes[n].at >= s.c.moved && !slices.ContainsFunc(changes[n:], func(o change) bool { return !created(o) }) {
		return lost, "create_session opens the same id for another user, so it was not open", true
	}
	if n >= most {
		changes = changes[n:]
	}
	changes = changes[:min(len(changes), most)]
	for range rounds {
		names := map[string]string{"": ""}
		again := func(o change) change {
			for _, value := range []*string{&o.id, &o.user, &o.chat} {
				if _, known := names[*value]; !known {
					names[*value] = s.c.id("again")
				}
				*value = names[*value]
			}
			return o
		}
		mine, there := again(w), false
		defer func() { // sessions are not left
			for _, o := range changes {
				if o = again(o); o.operation == "create_session" && o.ok {
					o.operation = "close_session"
					s.make(o)
				}
			}
		}()
		for _, o := range changes {
			o, wanted := again(o), o.ok
			if s.make(o).isSuccess() != wanted { // it does not go the same way
				break
			}
			opens := wanted && o.operation == "create_session"
			if o.session == mine.session && wanted {
				there = opens
			}
			if there && !s.open(mine) || opens && !s.open(o) {
				f = Finding{Operation: o.operation, Kind: KindState, Found: "a session that is open before the call, and not after it", Expected: "a session that stays open"}
				if opens {
					f = lost
				}
				return f, "the same calls again, under other ids: after this one, create_session opens the same id for another user, so it was not open", true
			}
		}
	}
	return f, "", false
}

// taken reports whether an id cannot be used for another user.
func (s *suspicion) taken(w change) bool {
	w.operation, w.user, w.chat = "create_session", s.c.id("nobody"), ""
	x := s.make(w)
	if x.isSuccess() { // nobody's session is not left
		w.operation = "close_session"
		s.make(w)
	}
	return x.Error != nil && x.Error.Name == "session-invalid"
}

// open reports whether a session is open: its id is taken, or it can be closed, at a server that lets any id be used twice.
func (s *suspicion) open(w change) bool {
	if s.taken(w) {
		return true
	}
	w.operation = "close_session"
	return s.make(w).isSuccess()
}

// ask makes a call of the second look, and ends that if it is not answered.
func (s *suspicion) ask(q *call) *Exchange {
	x := s.c.try(q)
	if x.Err != nil {
		s.c.halt(Errored, "the second look is not answered: %v", plain(x.Err))
	}
	return x
}

func (s *suspicion) make(w change) *Exchange {
	op := s.c.op(w.operation)
	return s.ask(newCall(op, append(w.values(), tokenOf(op), s.x.Parsed.Token)...))
}

const (
	foundOpen    = "a success, and a session that stays open"
	expectedGone = "a session that is gone"
)

// stays finds why an id cannot be used: it was closed, and is still open, or a call that was refused has opened it.
func (s *suspicion) stays(w change, changes []change) (f Finding, shown string, ok bool) {
	for _, o := range slices.Backward(changes) {
		if o.id != w.id || o.appKey != w.appKey {
			continue
		}
		if o.ok == (o.operation == "create_session") {
			return f, "", false
		}
		f = Finding{Operation: o.operation, Kind: KindState, Found: foundOpen, Expected: expectedGone}
		if !o.ok {
			f.Found, f.Expected = "an error, and a session that is open after it", "a refused call that changes nothing"
		}
		ok = s.taken(o)
		o.operation = "close_session"
		return f, "its id cannot be used for another user, and close_session closes it, so it was open", ok && s.make(o).isSuccess()
	}
	return f, "", false
}

// closedBefore reports whether a session was closed before.
func (s *suspicion) closedBefore(w change) bool {
	n := 0
	for _, o := range s.changes {
		if o.session == w.session && o.operation == "close_session" && o.ok {
			n++
		}
	}
	return n > 1
}

// stillOpen finds whether the last session that was closed is open.
func (s *suspicion) stillOpen() (f Finding, shown string, ok bool) {
	for _, o := range slices.Backward(s.changes) {
		if o.operation == "close_session" && o.ok {
			f = Finding{Operation: o.operation, Kind: KindState, Found: foundOpen, Expected: expectedGone}
			return f, "create_session does not open the closed id for another user, so it is open", s.taken(o)
		}
	}
	return f, "", false
}

// shown finds why getsession answers another session than it has to, or none, or one although there is none.
func (s *suspicion) shown() (f Finding, shown string, ok bool) {
	got := s.x.session()
	if got != nil && (s.want == nil || got.id != s.want.id) && got.user == s.x.Parsed.Value("userid") {
		its := slices.DeleteFunc(slices.Clone(s.changes), func(o change) bool { return !o.same(*got) })
		if f, shown, ok = s.stays(change{session: *got}, its); ok {
			return f, shown, ok
		}
	}
	if s.want == nil || got != nil && got.id == s.want.id {
		return f, "", false
	}
	if f, shown, ok = s.lost(change{session: *s.want}); ok {
		return f, shown, ok
	}
	return s.moved()
}

// moved finds the call after which another session than before is answered.
func (s *suspicion) moved() (f Finding, shown string, ok bool) {
	user, between := s.x.Parsed.Value("userid"), map[string]bool{}
	for _, x := range slices.Backward(s.before()) {
		if x.Response == nil || x.Parsed.Token != s.x.Parsed.Token {
			continue
		}
		for _, w := range changesOf([]*Exchange{x}) {
			between[w.operation] = true
		}
		if x.operation() != "getsession" || x.Parsed.Value("userid") != user {
			continue
		}
		if before := x.session(); before == nil || before.id != s.want.id || len(between) != 1 {
			return f, "", false
		}
		get := s.c.op("getsession")
		if now := s.ask(newCall(get, tokenOf(get), x.Parsed.Token, "userid", user)).session(); now != nil && now.id == s.want.id {
			return f, "", false // it says the one now and the other then
		}
		for op := range between {
			f = Finding{Operation: op, Kind: KindState, Found: "another session is the latest after the call", Expected: "a call that leaves it as it is"}
		}
		return f, "before it, getsession answered the session that it has to", true
	}
	return f, "", false
}

// session is the session that getsession answers; nil for none.
func (x *Exchange) session() *session {
	var body struct{ Result struct{ Session any } }
	_ = decodeJSON(x.Body, &body)
	return sessionOf(body.Result.Session)
}

// issues reports whether a reply answers that token.
func issues(body []byte, token string) bool {
	return slices.ContainsFunc(tokenReply.FindAllSubmatch(body, -1), func(m [][]byte) bool { return string(m[1]) == token })
}
