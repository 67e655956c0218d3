package contract

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
)

// Driver makes a client under test that makes its calls as the app of the credentials, through that http.Client and no other, to
// these base URLs. It is used for one case. The cases that need no raw requests are then run through it.
type Driver func(config DriverConfig) (Client, error)

// DriverConfig is what a Driver needs to make a client.
type DriverConfig struct {
	URL, APIURL string
	HTTPClient  *http.Client
	App         App // at least one pair
}

// Client makes the calls of the document.
type Client interface {
	// Do makes a call of an operation, by the name that the document has for it, and returns what the client understood of the body of
	// a success, as that body: of gettoken {"access_token":…,"expires_in":…}. What the cases of the operation look at has to be there,
	// or the case is an error that names it: tokens and their lives, result.session_id, result.session (null for none),
	// auth_org_scopes and auth_user_field, result.count. The rest may be left out.
	// Params are those of the document; the credentials and the token are the client's own affair. A token call is made whatever the
	// client has kept, and its token used in the calls after it.
	//
	// It returns an error reply of the platform as a *Refusal, and [ErrNoCall] for an operation that the client does not have, whose
	// cases are then unsupported. Calls may overlap.
	Do(ctx context.Context, operation string, params map[string]any) (json.RawMessage, error)
}

// ErrNoCall is what a Client returns for an operation that it does not have.
var ErrNoCall = errors.New("the client has no such call")

// issued is an access token as it was issued.
type issued struct {
	value string
	life  time.Duration
}

// session is one session. createTime is zero when it is asked for.
type session struct {
	id, appKey, user, chat string
	createTime             time.Time
}

// same reports whether two sessions have the same values, whenever they were created.
func (s session) same(t session) bool {
	return s.id == t.id && s.appKey == t.appKey && s.user == t.user && s.chat == t.chat
}

// Refusal is an error reply of the platform, as a client understood it.
type Refusal struct {
	Errcode int    // in the errcode dialects
	SubCode string // under errcode 88
	Code    string // under /v1.0/
	Message string
}

func (r *Refusal) Error() string {
	if r.Code != "" {
		return r.Code + ": " + r.Message
	}
	if r.SubCode != "" {
		return fmt.Sprintf("errcode %d/%s: %s", r.Errcode, r.SubCode, r.Message)
	}
	return fmt.Sprintf("errcode %d: %s", r.Errcode, r.Message)
}

// is reports whether the refusal is that error of the document.
func (r *Refusal) is(e *dingmock.ErrorReply) bool {
	return r.Errcode == e.Errcode && r.SubCode == e.SubCode && r.Code == e.Code
}

// party is an app that makes calls in a case, through the driver. Its methods end the case if a call does not
// do what they say.
type party struct {
	c      *trial
	app    App
	client Client
}

// party makes the app of the case, or another, a party.
func (c *trial) party(app App) *party {
	p := &party{c: c, app: app}
	if c.runner.options.Driver == nil {
		p.client = &rawClient{c: c, app: app}
		return p
	}
	apiURL := c.runner.target.APIURL
	if apiURL == "" {
		apiURL = c.runner.target.URL
	}
	client, err := c.runner.options.Driver(DriverConfig{URL: c.runner.target.URL, APIURL: apiURL, HTTPClient: c.client, App: app})
	if err != nil {
		c.halt(Errored, "the driver cannot make a client: %v", err)
	}
	if client == nil {
		c.halt(Errored, "the driver returned neither a client nor an error")
	}
	p.client = client
	return p
}

// do makes a call and returns the body of its success. Values are name, value, ….
func (p *party) do(operation string, values ...any) (map[string]any, error) {
	params := map[string]any{}
	for i := 0; i < len(values); i += 2 {
		params[values[i].(string)] = values[i+1]
	}
	data, err := p.client.Do(p.c.ctx, operation, params)
	if errors.Is(err, ErrNoCall) {
		p.c.halt(Unsupported, "the client has no call %s", operation)
	}
	var body map[string]any
	if err == nil {
		if wrong := decodeJSON(data, &body); wrong != nil {
			p.c.halt(Errored, "the driver's Do(%s) returned what is no JSON object: %v: %s", operation, wrong, p.c.shown(string(data), 60))
		}
	}
	return body, err
}

// field is a part of what a call returned, by a path such as result.session. The raw client's bodies have it, since they were held to
// the document.
func (p *party) field(operation string, body map[string]any, err error, path ...string) any {
	var value any = body
	for _, name := range path {
		m, _ := value.(map[string]any)
		part, there := m[name]
		if err == nil && !there {
			p.c.halt(Errored, "the driver's Do(%s) returned no %s, which the case looks at", operation, strings.Join(path, "."))
		}
		value = part
	}
	return value
}

// settle ends the case if an error is none of the platform's refusals, or a reply was not the document's.
func (p *party) settle(err error, want string) *Refusal {
	list := p.c.rec.exchanges()
	if len(list) > 0 {
		x := list[len(list)-1]
		if x.Err != nil {
			p.c.noAnswer(x, "a reply")
		}
		p.c.conform(x, want)
	}
	var refusal *Refusal
	if err != nil && !errors.As(err, &refusal) {
		p.c.fail(nil, "an error of the client that is no answer of the platform", "the client reports what is no answer of the platform: %s", p.c.rec.redact.text(plain(err)))
	}
	return refusal
}

func (p *party) must(err error, what string) {
	if refusal := p.settle(err, aSuccess); refusal != nil {
		f := Finding{Operation: what, Pointer: "/body", Kind: KindRefused, Found: refusal.Error(), Expected: "a success"}
		p.c.breaks(nil, f, fmt.Sprintf("%s:\n-want a success\n+got  %s", what, refusal))
	}
}

// told ends the case if a call that was made at once with others, and had to succeed, was refused.
func (p *party) told(err error, what string) {
	var refusal *Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal):
		f := Finding{Operation: what, Pointer: "/body", Kind: KindRefused, Found: refusal.Error(), Expected: aSuccess}
		p.c.breaks(nil, f, fmt.Sprintf("%s, one of %d calls at once:\n-want a success\n+got  %s", what, crowd, refusal))
	default:
		p.c.fail(nil, "one of the calls at once failed", "%s, one of %d calls at once: %s", what, crowd, p.c.rec.redact.text(plain(err)))
	}
}

// refused ends the case if err is not just this refusal.
func (p *party) refused(err error, name string) {
	e := p.c.doc.ErrorReply(name)
	switch refusal := p.settle(err, name); {
	case refusal == nil:
		p.c.breaks(nil, p.finding(KindAccepted, "a success", e), fmt.Sprintf("-want the error %s\n+got  a success", wanted(e)))
	case !refusal.is(e):
		p.c.breaks(nil, p.finding(KindError, refusal.Error(), e), fmt.Sprintf("-want the error %s\n+got  %s", wanted(e), refusal))
	}
}

// finding is of the last call, which had to be refused.
func (p *party) finding(kind, found string, e *dingmock.ErrorReply) Finding {
	f := Finding{Operation: p.c.Operation, Pointer: "/body", Kind: kind, Found: found, Expected: "the error " + e.Name, wants: e.Name}
	if list := p.c.rec.exchanges(); len(list) > 0 {
		f.Operation = list[len(list)-1].operation()
	}
	return f
}

func wanted(e *dingmock.ErrorReply) string {
	return (&Refusal{Errcode: e.Errcode, SubCode: e.SubCode, Code: e.Code, Message: e.Text}).Error() + " (" + e.Name + ")"
}

// gettoken and accessToken get a token by either call.
func (p *party) gettoken() (issued, error) {
	return p.tokenBy("gettoken", "access_token", "expires_in")
}

func (p *party) accessToken() (issued, error) {
	return p.tokenBy("accessToken", "accessToken", "expireIn")
}

func (p *party) tokenBy(operation, value, life string) (issued, error) {
	body, err := p.do(operation)
	token, _ := p.field(operation, body, err, value).(string)
	seconds, _ := p.field(operation, body, err, life).(float64)
	return issued{token, time.Duration(seconds) * time.Second}, err
}

func (p *party) token() issued {
	t, err := p.gettoken()
	p.must(err, "gettoken")
	return t
}

func (p *party) newToken() issued {
	t, err := p.accessToken()
	p.must(err, "accessToken")
	return t
}

// createSession returns the id that the platform answers, and getSession nil if the user has no open session.
func (p *party) createSession(s session) (id string, err error) {
	body, err := p.do("create_session", s.values()...)
	id, _ = p.field("create_session", body, err, "result", "session_id").(string)
	return id, err
}

func (p *party) getSession(user string) (*session, error) {
	body, err := p.do("getsession", "userid", user)
	return sessionOf(p.field("getsession", body, err, "result", "session")), err
}

func (p *party) closeSession(s session) error {
	_, err := p.do("close_session", s.values()...)
	return err
}

// session makes the values of a session of the app, with an id that nobody else has.
func (p *party) session(user string) session {
	return session{id: p.c.id("s"), appKey: p.app.AppKey, user: user, chat: p.c.id("chat")}
}

func (p *party) create(s session) {
	id, err := p.createSession(s)
	p.must(err, "create_session")
	p.c.equal(nil, "result.session_id", id, s.id)
}

func (p *party) close(s session) {
	p.must(p.closeSession(s), "close_session")
}

// opened makes a session and opens it.
func (p *party) opened(user string) session {
	s := p.session(user)
	p.create(s)
	return s
}

func (p *party) get(user string) *session {
	s, err := p.getSession(user)
	p.must(err, "getsession")
	return s
}

// open returns the user's most recent open session, which there has to be.
func (p *party) open(user string) *session {
	s := p.get(user)
	if s == nil {
		end := &stop{outcome: Fail, finding: p.other(nil, "the user's open session that was created last"), diff: fmt.Sprintf("the open session of %s:\n-want one\n+got  none", user)}
		for _, w := range changesOf(p.c.rec.exchanges()) {
			if w.ok && w.operation == "create_session" && w.user == user {
				end.want = &w.session
			}
		}
		end.end()
	}
	return s
}

// has ends the case if the user's most recent open session is not this one; nil is none.
func (p *party) has(user string, want *session) {
	got := p.get(user)
	if (got == nil) != (want == nil) || got != nil && !got.same(*want) {
		expected := "none"
		if want != nil {
			expected = "the user's open session that was created last"
		}
		f := p.other(got, expected)
		if got != nil && want != nil && got.id == want.id {
			f.Found, f.Expected = "another value than it was created with", "the values that it was created with"
			for _, field := range []struct{ name, got, want string }{{"app_key", got.appKey, want.appKey}, {"user_id", got.user, want.user}, {"chatid", got.chat, want.chat}} {
				if field.got != field.want {
					f.Pointer += "/" + field.name
					break
				}
			}
		}
		end := &stop{outcome: Fail, finding: f, diff: fmt.Sprintf("the open session of %s:\n-want %s\n+got  %s", user, want.text(), got.text())}
		if end.want = want; want != nil {
			end.want = &session{id: want.id, appKey: want.appKey, user: want.user, chat: want.chat}
		}
		end.end()
	}
}

// other is a finding of a session that is not the one that it has to be.
func (p *party) other(got *session, expected string) Finding {
	found := "none"
	if got != nil {
		found = "another session"
	}
	return Finding{Operation: "getsession", Pointer: "/body/result/session", Kind: KindValue, Found: found, Expected: expected}
}

func (s *session) text() string {
	if s == nil {
		return "none"
	}
	return string(encodeObject([]pair{{"session_id", s.id}, {"app_key", s.appKey}, {"user_id", s.user}, {"chatid", s.chat}}))
}

// rawClient is the client that is made of the document.
type rawClient struct {
	c   *trial
	app App

	mu    sync.Mutex
	value string // the token
}

// errNonconforming is returned of a reply that is none of the document's, of which party says more.
var errNonconforming = errors.New("a reply that the document does not allow")

// Do makes a call with the app's credentials, or with its token, which it gets first if there is none yet.
func (r *rawClient) Do(ctx context.Context, operation string, params map[string]any) (json.RawMessage, error) {
	op := r.c.op(operation)
	q := newCall(op)
	if name := tokenOf(op); name != "" {
		if r.token() == "" {
			if _, err := r.Do(ctx, "gettoken", nil); err != nil {
				return nil, err
			}
		}
		q.set(name, r.token())
	} else if credentials := recipeOf(op).params; credentials != nil {
		q.setAll(credentials(r.c, r.app))
	}
	for _, p := range op.Parameters {
		if value, ok := params[p.Name]; ok {
			q.set(p.Name, value)
		}
	}
	x := r.c.answerIn(ctx, q)
	switch {
	case x.Error == nil && !r.c.readable(x):
		return nil, errNonconforming
	case x.Error != nil:
		var body struct{ Errmsg, Message string }
		_ = decodeJSON(x.Body, &body)
		return nil, &Refusal{Errcode: x.Error.Errcode, SubCode: x.Error.SubCode, Code: x.Error.Code, Message: body.Errmsg + body.Message}
	}
	if tokenOf(op) == "" {
		var body struct {
			Old string `json:"access_token"`
			New string `json:"accessToken"`
		}
		_ = decodeJSON(x.Body, &body)
		r.mu.Lock()
		r.value = cmp.Or(body.Old, body.New, r.value)
		r.mu.Unlock()
	}
	return x.Body, nil
}

func (r *rawClient) token() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.value
}

// sessionOf reads the session of getsession's answer; nil if it is null.
func sessionOf(value any) *session {
	m, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	created, _ := m["create_time"].(float64)
	return &session{
		id: text("session_id"), appKey: text("app_key"), user: text("user_id"), chat: text("chatid"),
		createTime: time.UnixMilli(int64(created)),
	}
}

// values are the session's as the calls take them; an empty chatid is left out.
func (s session) values() []any {
	list := []any{"session_id", s.id, "app_key", s.appKey, "user_id", s.user}
	if s.chat != "" {
		list = append(list, "chatid", s.chat)
	}
	return list
}
