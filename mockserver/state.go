package mockserver

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/internal/strictjson"
)

// DefaultApp is the app that there is where no other is asked for.
var DefaultApp = AppState{
	Name:   "default",
	CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret",
	AppKey: "dingmockapp", AppSecret: "dingmockappsecret",
}

// State is the JSON shape of apps at rest: a state file, a snapshot, a restore.
type State struct {
	Apps  []AppState `json:"apps"`
	Rules []Rule     `json:"rules,omitzero"` // for every app, in the order they are asked; nil leaves those that there are
}

// AppState is one app with all that belongs to it. All but one id and its secret is optional: what is left
// out is made up. The name, ids and secrets are 1 to 128 of the characters A-Z, a-z, 0-9 and -._~ so that they
// may stand in a URL as they are.
type AppState struct {
	Name       string         `json:"name,omitempty"`   // default: the appkey, else the corpid. Unique, also among appkeys
	CorpID     string         `json:"corpid,omitempty"` // unique
	CorpSecret string         `json:"corpsecret,omitempty"`
	AppKey     string         `json:"appkey,omitempty"` // unique
	AppSecret  string         `json:"appsecret,omitempty"`
	Users      []string       `json:"users,omitzero"`      // the users that exist; absent: every user does
	QPS        *int           `json:"qps,omitempty"`       // calls a second of each kind; 0: no limit; absent: the server's
	TokenLife  Duration       `json:"token_life,omitzero"` // how long a token lives, 1s to 720h; absent: the server's
	Judge      *bool          `json:"judge,omitempty"`     // whether off-spec calls make the verdict red; absent: they do
	Auto       bool           `json:"auto,omitempty"`      // made on first use; may be evicted
	Open       bool           `json:"open,omitempty"`      // of an auto app without secrets: the first token call chooses them
	Clock      *ClockState    `json:"clock,omitempty"`
	Tokens     []TokenState   `json:"tokens,omitempty"`   // at most 1000; the last that is not apart is the one that gettoken renews
	Sessions   []SessionState `json:"sessions,omitempty"` // open ones, in the order of their creation
	Rules      []Rule         `json:"rules,omitempty"`    // in the order they are asked
}

// ClockState is how an app's clock differs from real time.
type ClockState struct {
	Offset Duration   `json:"offset"` // may be negative after a clock was frozen for a while
	Frozen bool       `json:"frozen"`
	At     *time.Time `json:"at,omitempty"` // where it is frozen; default: now, with the offset
}

// TokenState is one live access token.
type TokenState struct {
	Token     string  `json:"token"`           // 32 characters of 0-9 and a-f
	ExpiresIn float64 `json:"expires_in"`      // seconds left by the app's clock, until a token call renews it: above 0, at most 30 days
	Apart     bool    `json:"apart,omitempty"` // given by a rule with a life of its own: no token call renews it
}

// SessionState is one open session.
type SessionState struct {
	SessionID  string `json:"session_id"`
	AppKey     string `json:"app_key,omitempty"` // default: the app's appkey, the only one allowed
	UserID     string `json:"user_id"`
	ChatID     string `json:"chatid"`
	CreateTime int64  `json:"create_time,omitempty"` // Unix milliseconds; default: now, by the app's clock
}

// ReadState reads a state. The error names the file, the line, the field, and what would have been right.
func ReadState(name string, data []byte) (*State, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, fmt.Errorf("%s:1: is empty: write {\"apps\":[…]}", name)
	}
	var s State
	if err := strictjson.Read(data, &s); err != nil {
		var wrong *strictjson.Error
		if errors.As(err, &wrong) && redact.Mentions(wrong.Pointer) {
			wrong.Text = foundNumber.ReplaceAllString(wrong.Text, "a number")
		}
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	doc, err := dingmock.Load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := s.validate(doc); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, strictjson.Line(data, err.pointer), err)
	}
	return &s, nil
}

// foundNumber is the part of an error that shows a number, which may be a secret.
var foundNumber = regexp.MustCompile(`the number \S+`)

// fieldError is what is wrong with one field of a state.
type fieldError struct {
	pointer  string // JSON pointer
	text     string // "" says that it has to be what is accepted
	accepted string // what the field takes
}

func (e *fieldError) Error() string {
	text := e.text
	if text == "" {
		text = "has to be " + e.accepted
	}
	return strings.TrimPrefix(e.pointer, "/") + ": " + text
}

var urlSafe = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)

func (s *State) validate(doc *dingmock.Document) *fieldError {
	owner := map[string]string{} // kind and value → pointer
	for i := range s.Apps {
		at := "/apps/" + strconv.Itoa(i)
		a := &s.Apps[i]
		if err := a.validate(doc); err != nil {
			err.pointer = at + err.pointer
			return err
		}
		a.complete()
		for _, id := range []struct{ field, space, value string }{
			{"name", "name", a.Name}, {"appkey", "name", a.AppKey}, {"corpid", "corp", a.CorpID},
		} {
			if by := owner[id.space+id.value]; by != "" && by != at {
				return &fieldError{at + "/" + id.field, fmt.Sprintf("%q is that of %s already; it has to be unique", id.value, by[1:]), "one that no other app has"}
			}
			owner[id.space+id.value] = at
		}
		for j, t := range a.Tokens {
			if owner["token"+t.Token] != "" {
				return &fieldError{fmt.Sprintf("%s/tokens/%d/token", at, j), "is the token of another app, or stands here twice", "one that no other token is"}
			}
			owner["token"+t.Token] = at
		}
	}
	return validateRules(s.Rules, doc, true)
}

// validateRules checks the rules of an app, or those for every app.
func validateRules(list []Rule, doc *dingmock.Document, forAll bool) *fieldError {
	if len(list) > maxRules {
		return &fieldError{"/rules", fmt.Sprintf("are %d: at most %d are allowed", len(list), maxRules), fmt.Sprintf("at most %d rules", maxRules)}
	}
	for i := range list {
		if err := list[i].validate(doc, forAll); err != nil {
			err.pointer = fmt.Sprintf("/rules/%d%s", i, err.pointer)
			return err
		}
	}
	return nil
}

// validate checks an app by itself.
func (a *AppState) validate(doc *dingmock.Document) *fieldError {
	for _, f := range []struct{ name, value string }{
		{"name", a.Name}, {"corpid", a.CorpID}, {"corpsecret", a.CorpSecret}, {"appkey", a.AppKey}, {"appsecret", a.AppSecret},
	} {
		if strings.HasSuffix(f.name, "secret") {
			if a.Open && f.value != "" {
				return &fieldError{"/open", "goes without secrets: the first token call chooses them", "true only without secrets"}
			}
			if a.Auto {
				continue // the first call chose it
			}
		}
		if f.value != "" && !urlSafe.MatchString(f.value) {
			return &fieldError{"/" + f.name, "", "1 to 128 of the characters A-Z a-z 0-9 - . _ ~"}
		}
	}
	for _, f := range []struct {
		name, value string
		asked       bool // whether the app is asked for by it
	}{{"name", a.Name, true}, {"appkey", a.AppKey, true}, {"corpid", a.CorpID, a.Name == "" && a.AppKey == ""}} {
		if f.asked && (f.value == NoApp || f.value == "." || f.value == "..") { // these mean something else in a path
			return &fieldError{"/" + f.name, fmt.Sprintf("%q is taken: choose another", f.value), "another name than _, . and .."}
		}
	}
	switch {
	case a.Open && !a.Auto:
		return &fieldError{"/open", "goes with auto", "true only beside auto"}
	case !a.Open && (a.AppKey == "") != (a.AppSecret == ""):
		return &fieldError{"/appkey", "appkey and appsecret go together: give both or neither", "an appkey beside an appsecret, or neither"}
	case !a.Open && (a.CorpID == "") != (a.CorpSecret == ""):
		return &fieldError{"/corpid", "corpid and corpsecret go together: give both or neither", "a corpid beside a corpsecret, or neither"}
	case a.AppKey == "" && a.CorpID == "":
		return &fieldError{"/appkey", "has to be there with appsecret, or else corpid with corpsecret", "an appkey beside an appsecret, or else corpid and corpsecret"}
	case a.Clock != nil && time.Duration(a.Clock.Offset).Abs() > maxOffset:
		return &fieldError{"/clock/offset", "", "at most 200 years (1752000h)"}
	case a.Clock != nil && a.Clock.At != nil && !a.Clock.Frozen:
		return &fieldError{"/clock/at", "goes with frozen", "a time beside frozen, else nothing"}
	case a.Clock != nil && a.Clock.At != nil && (a.Clock.At.Year() < 1970 || a.Clock.At.Year() > 2200):
		return &fieldError{"/clock/at", "", "a time in the years 1970 to 2200"}
	case a.QPS != nil && *a.QPS < 0:
		return &fieldError{"/qps", "", "0 or more"}
	case len(a.Tokens) > tokensApart:
		return &fieldError{"/tokens", fmt.Sprintf("are %d: at most %d are allowed", len(a.Tokens), tokensApart), fmt.Sprintf("at most %d tokens", tokensApart)}
	case a.TokenLife != 0 && checkTokenLife(time.Duration(a.TokenLife)) != nil:
		return &fieldError{"/token_life", checkTokenLife(time.Duration(a.TokenLife)).Error(), acceptedLife}
	}
	for i, u := range a.Users {
		if n := utf8.RuneCountInString(u); n < 1 || n > 128 {
			return &fieldError{fmt.Sprintf("/users/%d", i), "", "1 to 128 characters"}
		}
	}
	for i, t := range a.Tokens {
		if !tokenShape.MatchString(t.Token) {
			return &fieldError{fmt.Sprintf("/tokens/%d/token", i), "", "32 characters of 0-9 and a-f"}
		}
		if !(t.ExpiresIn > 0 && t.ExpiresIn <= longestLife.Seconds()) {
			return &fieldError{fmt.Sprintf("/tokens/%d/expires_in", i), "", fmt.Sprintf("seconds, above 0 and at most %.0f", longestLife.Seconds())}
		}
	}
	open := map[string]bool{}
	for i, x := range a.Sessions {
		at := fmt.Sprintf("/sessions/%d/", i)
		for _, f := range []struct {
			name, value string
			least       int
		}{{"session_id", x.SessionID, 1}, {"user_id", x.UserID, 1}, {"chatid", x.ChatID, 0}} {
			if n := utf8.RuneCountInString(f.value); n < f.least || n > 128 {
				return &fieldError{at + f.name, "", fmt.Sprintf("%d to 128 characters", f.least)}
			}
		}
		switch {
		case x.AppKey != "" && x.AppKey != a.AppKey:
			return &fieldError{at + "app_key", "", "the appkey of the app that it stands in"}
		case x.CreateTime < 0 || time.UnixMilli(x.CreateTime).After(lastInstant):
			return &fieldError{at + "create_time", "", "milliseconds since 1970, up to the year 9999"}
		case open[x.SessionID]:
			return &fieldError{at + "session_id", fmt.Sprintf("%.40q is open already", x.SessionID), "an id that no other open session of the app has"}
		}
		open[x.SessionID] = true
	}
	return validateRules(a.Rules, doc, false)
}

var tokenShape = regexp.MustCompile(`^[0-9a-f]{32}$`)

// complete makes up what a valid app leaves out.
func (a *AppState) complete() {
	if a.Name == "" {
		a.Name = a.AppKey
	}
	if a.Name == "" {
		a.Name = a.CorpID
	}
	if a.Open {
		a.AppKey, a.CorpID = cmp.Or(a.AppKey, a.CorpID), cmp.Or(a.CorpID, a.AppKey)
	}
	if a.AppKey == "" {
		a.AppKey, a.AppSecret = randomAppKey(), randomSecret()
	}
	if a.CorpID == "" {
		a.CorpID, a.CorpSecret = "ding"+newToken(), randomSecret()
	}
}

// randomAppKey is of the platform's shape: ding and 16 letters and digits.
func randomAppKey() string { return "ding" + strings.ToLower(rand.Text()[:16]) }

// randomSecret is of the platform's shape: 64 characters of base64url.
func randomSecret() string {
	var b [48]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// restore takes over users, clock, tokens, sessions and rules, and notes them for reset. The caller holds the lock.
func (a *app) restore(s AppState) {
	a.users = newUsers(s.Users)
	a.clock.restore(s.Clock)
	now := a.clock.now()
	for _, t := range s.Tokens {
		a.keep(token{value: t.Token, expires: now.Add(time.Duration(math.Round(t.ExpiresIn * float64(time.Second)))), apart: t.Apart})
	}
	for _, x := range s.Sessions {
		created := now
		if x.CreateTime != 0 {
			created = time.UnixMilli(x.CreateTime)
		}
		a.sessions.open(Session{x.SessionID, a.appKey, x.UserID, x.ChatID, created.UnixMilli()}, a.ends(created))
	}
	a.sessions.sweep(now)
	s.Rules = a.rules.replace(s.Rules, now)
	for _, r := range s.Rules {
		a.store.tellSeed(a.name, r)
	}
	s.Clock = a.clock.state()
	a.made = s
}

// identity is what of an app neither its calls nor its clock change. The caller holds the lock.
func (a *app) identity() AppState {
	s := AppState{
		Name: a.name, CorpID: a.corpID, CorpSecret: a.corpSecret, AppKey: a.appKey, AppSecret: a.appSecret,
		Users: slices.Clone(a.users.list), QPS: a.qps, TokenLife: Duration(a.tokenLife), Auto: a.auto, Open: a.open,
	}
	if a.lenient {
		s.Judge = new(bool)
	}
	return s
}

// state is the app at this moment.
func (a *app) state() AppState {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.now()
	s := a.identity()
	s.Clock = a.clock.state()
	s.Rules = a.rules.all(now)
	for _, t := range a.tokens {
		if now.Before(t.expires) {
			s.Tokens = append(s.Tokens, t.state(now))
		}
	}
	a.sessions.sweep(now)
	if n := a.sessions.len(); n > 0 {
		s.Sessions = make([]SessionState, 0, n)
	}
	for x := range a.sessions.all() {
		s.Sessions = append(s.Sessions, SessionState(x))
	}
	return s
}

func (t token) state(now time.Time) TokenState {
	return TokenState{t.value, t.expires.Sub(now).Seconds(), t.apart}
}
