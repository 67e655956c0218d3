package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
)

// Driver makes clients of the platform: a Go client under test, through which the cases that need no raw requests
// are then run.
type Driver interface {
	// Client returns a client that makes its calls as the app of the credentials, through that http.Client and no
	// other, to these base URLs. It is used for one case.
	Client(config DriverConfig) (Client, error)
}

// DriverConfig is what a Driver needs to make a client.
type DriverConfig struct {
	URL, APIURL string
	HTTPClient  *http.Client
	App         App // at least one pair
}

// Client makes the calls of the document. An error reply of the platform is returned as a *Refusal.
type Client interface {
	// Gettoken calls gettoken, whatever the client has kept, and uses the token in the calls after it.
	Gettoken(ctx context.Context) (Token, error)
	// AccessToken is the same by the newer call. It needs the app pair.
	AccessToken(ctx context.Context) (Token, error)
	// GetSession returns nil where the user has no open session.
	GetSession(ctx context.Context, userID string) (*Session, error)
	// CreateSession returns the id that the platform answers.
	CreateSession(ctx context.Context, s Session) (string, error)
	CloseSession(ctx context.Context, s Session) error
}

// Token is an access token as it was issued.
type Token struct {
	Value string
	Life  time.Duration
}

// Session is one session. CreateTime is zero when it is asked for.
type Session struct {
	SessionID, AppKey, UserID, ChatID string
	CreateTime                        time.Time
}

// same reports whether two sessions have the same values, whenever they were created.
func (s Session) same(t Session) bool {
	return s.SessionID == t.SessionID && s.AppKey == t.AppKey && s.UserID == t.UserID && s.ChatID == t.ChatID
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

// party is an app that makes calls in a case, through the driver. Its methods end the case where a call does not
// do what they say.
type party struct {
	c   *Trial
	app App
	Client
}

// party makes the app of the case, or another, a party.
func (c *Trial) party(app App) *party {
	p := &party{c: c, app: app}
	if c.runner.options.Driver == nil {
		p.Client = &rawClient{c: c, app: app}
		return p
	}
	apiURL := c.runner.target.APIURL
	if apiURL == "" {
		apiURL = c.runner.target.URL
	}
	client, err := c.runner.options.Driver.Client(DriverConfig{URL: c.runner.target.URL, APIURL: apiURL, HTTPClient: c.client, App: app})
	if err != nil {
		c.halt(Errored, "the driver cannot make a client: %v", err)
	}
	p.Client = client
	return p
}

// settle ends the case where an error is none of the platform's refusals, or a reply was not the document's.
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

// told ends the case where a call that was made at once with others, and had to succeed, was refused.
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

// refused ends the case where err is not just this refusal.
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

func (p *party) token() Token {
	t, err := p.Gettoken(p.c.ctx)
	p.must(err, "gettoken")
	return t
}

func (p *party) newToken() Token {
	t, err := p.AccessToken(p.c.ctx)
	p.must(err, "accessToken")
	return t
}

// session makes the values of a session of the app, with an id that nobody else has.
func (p *party) session(user string) Session {
	return Session{SessionID: p.c.id("s"), AppKey: p.app.AppKey, UserID: user, ChatID: p.c.id("chat")}
}

func (p *party) create(s Session) {
	id, err := p.CreateSession(p.c.ctx, s)
	p.must(err, "create_session")
	p.c.equal(nil, "result.session_id", id, s.SessionID)
}

func (p *party) close(s Session) {
	p.must(p.CloseSession(p.c.ctx, s), "close_session")
}

// opened makes a session and opens it.
func (p *party) opened(user string) Session {
	s := p.session(user)
	p.create(s)
	return s
}

func (p *party) get(user string) *Session {
	s, err := p.GetSession(p.c.ctx, user)
	p.must(err, "getsession")
	return s
}

// open returns the user's most recent open session, which there has to be.
func (p *party) open(user string) *Session {
	s := p.get(user)
	if s == nil {
		end := &stop{outcome: Fail, finding: p.other(nil, "the user's open session that was created last"), diff: fmt.Sprintf("the open session of %s:\n-want one\n+got  none", user)}
		for _, w := range changesOf(p.c.rec.exchanges()) {
			if w.ok && w.operation == "create_session" && w.UserID == user {
				end.want = &w.Session
			}
		}
		end.end()
	}
	return s
}

// has ends the case where the user's most recent open session is not this one; nil is none.
func (p *party) has(user string, want *Session) {
	got := p.get(user)
	if (got == nil) != (want == nil) || got != nil && !got.same(*want) {
		expected := "none"
		if want != nil {
			expected = "the user's open session that was created last"
		}
		f := p.other(got, expected)
		if got != nil && want != nil && got.SessionID == want.SessionID {
			f.Found, f.Expected = "another value than it was created with", "the values that it was created with"
			for _, field := range []struct{ name, got, want string }{{"app_key", got.AppKey, want.AppKey}, {"user_id", got.UserID, want.UserID}, {"chatid", got.ChatID, want.ChatID}} {
				if field.got != field.want {
					f.Pointer += "/" + field.name
					break
				}
			}
		}
		end := &stop{outcome: Fail, finding: f, diff: fmt.Sprintf("the open session of %s:\n-want %s\n+got  %s", user, want.text(), got.text())}
		if end.want = want; want != nil {
			end.want = &Session{SessionID: want.SessionID, AppKey: want.AppKey, UserID: want.UserID, ChatID: want.ChatID}
		}
		end.end()
	}
}

// other is a finding of a session that is not the one that it has to be.
func (p *party) other(got *Session, expected string) Finding {
	found := "none"
	if got != nil {
		found = "another session"
	}
	return Finding{Operation: "getsession", Pointer: "/body/result/session", Kind: KindValue, Found: found, Expected: expected}
}

func (s *Session) text() string {
	if s == nil {
		return "none"
	}
	return string(encodeObject([]pair{{"session_id", s.SessionID}, {"app_key", s.AppKey}, {"user_id", s.UserID}, {"chatid", s.ChatID}}))
}

// rawClient is the driver that is made of the document.
type rawClient struct {
	c     *Trial
	app   App
	value string // the token
}

// errNonconforming is returned of a reply that is none of the document's, of which party says more.
var errNonconforming = errors.New("a reply that the document does not allow")

func (r *rawClient) call(q *call) (map[string]any, error) {
	x := r.c.answer(q)
	body := map[string]any{}
	switch {
	case x.Error == nil && !r.c.readable(x):
		return nil, errNonconforming
	case x.Error == nil:
		return r.c.success(x), nil
	}
	_ = decodeJSON(x.Body, &body)
	refusal := &Refusal{Errcode: x.Error.Errcode, SubCode: x.Error.SubCode, Code: x.Error.Code}
	refusal.Message, _ = body["errmsg"].(string)
	if x.Error.Code != "" {
		refusal.Message, _ = body["message"].(string)
	}
	return nil, refusal
}

func (r *rawClient) Gettoken(context.Context) (Token, error) {
	body, err := r.call(r.c.call("gettoken", firstPair(r.app)...))
	return r.keep(body, "access_token", "expires_in"), err
}

func (r *rawClient) AccessToken(context.Context) (Token, error) {
	body, err := r.call(r.c.call("accessToken", "appKey", r.app.AppKey, "appSecret", r.app.AppSecret))
	return r.keep(body, "accessToken", "expireIn"), err
}

func (r *rawClient) keep(body map[string]any, value, life string) Token {
	token, _ := body[value].(string)
	seconds, _ := body[life].(float64)
	if token != "" {
		r.value = token
	}
	return Token{Value: token, Life: time.Duration(seconds) * time.Second}
}

// session calls a session operation with the token, which it gets where there is none yet.
func (r *rawClient) session(operation string, values ...any) (map[string]any, error) {
	if r.value == "" {
		if _, err := r.Gettoken(r.c.ctx); err != nil {
			return nil, err
		}
	}
	q := r.c.call(operation, values...)
	q.set(tokenOf(q.op), r.value)
	return r.call(q)
}

func (r *rawClient) GetSession(_ context.Context, user string) (*Session, error) {
	body, err := r.session("getsession", "userid", user)
	if err != nil {
		return nil, err
	}
	result, _ := body["result"].(map[string]any)
	return sessionOf(result["session"]), nil
}

// sessionOf reads the session of getsession's answer; nil where it is null.
func sessionOf(value any) *Session {
	m, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	created, _ := m["create_time"].(float64)
	return &Session{
		SessionID: text("session_id"), AppKey: text("app_key"), UserID: text("user_id"), ChatID: text("chatid"),
		CreateTime: time.UnixMilli(int64(created)),
	}
}

func (r *rawClient) CreateSession(_ context.Context, s Session) (string, error) {
	body, err := r.session("create_session", s.values()...)
	if err != nil {
		return "", err
	}
	result, _ := body["result"].(map[string]any)
	id, _ := result["session_id"].(string)
	return id, nil
}

func (r *rawClient) CloseSession(_ context.Context, s Session) error {
	_, err := r.session("close_session", s.values()...)
	return err
}

// values are the session's as the calls take them; an empty chatid is left out.
func (s Session) values() []any {
	list := []any{"session_id", s.SessionID, "app_key", s.AppKey, "user_id", s.UserID}
	if s.ChatID != "" {
		list = append(list, "chatid", s.ChatID)
	}
	return list
}
