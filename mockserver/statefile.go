package mockserver

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/clock"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/strictjson"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// DefaultApp returns the app that exists if no other is configured.
func DefaultApp() AppState {
	return AppState{
		Name:   "default",
		CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret",
		AppKey: "dingmockapp", AppSecret: "dingmockappsecret",
	}
}

// ReadState reads a state; name is the file name for errors. An error names the file, the line and the field, and
// says what would be right. It is ErrTaken if two apps have the same name, id or token.
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
	if err := validateState(&s, doc); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, strictjson.Line(data, err.Pointer), err)
	}
	return &s, nil
}

// foundNumber matches the part of an error that shows a number, which may be a secret.
var foundNumber = regexp.MustCompile(`the number \S+`)

var urlSafe = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)

func validateState(s *State, doc *dingmock.Document) *api.FieldError {
	owner := map[string]string{} // kind and value → pointer
	for i := range s.Apps {
		at := "/apps/" + strconv.Itoa(i)
		a := &s.Apps[i]
		if err := validateApp(a, doc); err != nil {
			err.Pointer = at + err.Pointer
			return err
		}
		complete(a)
		for _, id := range []struct{ field, space, value string }{
			{"name", "name", a.Name}, {"appkey", "name", a.AppKey}, {"corpid", "corp", a.CorpID},
		} {
			if by := owner[id.space+id.value]; by != "" && by != at {
				return taken(at+"/"+id.field, fmt.Sprintf("%q is that of %s already; it has to be unique", id.value, by[1:]), "one that no other app has")
			}
			owner[id.space+id.value] = at
		}
		for j, t := range a.Tokens {
			if owner["token"+t.Token] != "" {
				return taken(fmt.Sprintf("%s/tokens/%d/token", at, j), "is the token of another app, or stands here twice", "one that no other token is")
			}
			owner["token"+t.Token] = at
		}
	}
	return rules.CheckAll(s.Rules, doc, true)
}

func taken(pointer, text, accepted string) *api.FieldError {
	err := field.Wrong(pointer, text, accepted)
	err.Code = api.ErrTaken
	return err
}

// validateApp checks an app by itself, without regard to others.
func validateApp(a *AppState, doc *dingmock.Document) *api.FieldError {
	for _, f := range []struct{ name, value string }{
		{"name", a.Name}, {"corpid", a.CorpID}, {"corpsecret", a.CorpSecret}, {"appkey", a.AppKey}, {"appsecret", a.AppSecret},
	} {
		if strings.HasSuffix(f.name, "secret") {
			if a.Open && f.value != "" {
				return field.Wrong("/open", "goes without secrets: the first token call chooses them", "true only without secrets")
			}
			if a.Auto {
				continue // the first call chose the secret
			}
		}
		if f.value != "" && !urlSafe.MatchString(f.value) {
			return field.Wrong("/"+f.name, "", "1 to 128 of the characters A-Z a-z 0-9 - . _ ~")
		}
	}
	for _, f := range []struct {
		name, value string
		asked       bool // whether the app is looked up by it
	}{{"name", a.Name, true}, {"appkey", a.AppKey, true}, {"corpid", a.CorpID, a.Name == "" && a.AppKey == ""}} {
		if f.asked && (f.value == NoApp || f.value == "." || f.value == "..") { // they mean something else in a path
			return field.Wrong("/"+f.name, fmt.Sprintf("%q is taken: choose another", f.value), "another name than _, . and ..")
		}
	}
	switch {
	case a.Open && !a.Auto:
		return field.Wrong("/open", "goes with auto", "true only beside auto")
	case !a.Open && (a.AppKey == "") != (a.AppSecret == ""):
		return field.Wrong("/appkey", "appkey and appsecret go together: give both or neither", "an appkey beside an appsecret, or neither")
	case !a.Open && (a.CorpID == "") != (a.CorpSecret == ""):
		return field.Wrong("/corpid", "corpid and corpsecret go together: give both or neither", "a corpid beside a corpsecret, or neither")
	case a.AppKey == "" && a.CorpID == "":
		return field.Wrong("/appkey", "has to be there with appsecret, or else corpid with corpsecret", "an appkey beside an appsecret, or else corpid and corpsecret")
	case a.Clock != nil && time.Duration(a.Clock.Offset).Abs() > clock.MaxOffset:
		return field.Wrong("/clock/offset", "", "at most 200 years (1752000h)")
	case a.Clock != nil && a.Clock.At != nil && !a.Clock.Frozen:
		return field.Wrong("/clock/at", "goes with frozen", "a time beside frozen, else nothing")
	case a.Clock != nil && a.Clock.At != nil && (a.Clock.At.Year() < 1970 || a.Clock.At.Year() > 2200):
		return field.Wrong("/clock/at", "", "a time in the years 1970 to 2200")
	case a.QPS != nil && *a.QPS < 0:
		return field.Wrong("/qps", "", "0 or more")
	case len(a.Tokens) > world.TokensApart:
		return field.Wrong("/tokens", fmt.Sprintf("are %d: at most %d are allowed", len(a.Tokens), world.TokensApart), fmt.Sprintf("at most %d tokens", world.TokensApart))
	case a.TokenLife != 0 && tokenlife.Check(time.Duration(a.TokenLife)) != nil:
		return field.Wrong("/token_life", tokenlife.Check(time.Duration(a.TokenLife)).Error(), tokenlife.Accepted)
	}
	for i, u := range a.Users {
		if n := utf8.RuneCountInString(u); n < 1 || n > 128 {
			return field.Wrong(fmt.Sprintf("/users/%d", i), "", "1 to 128 characters")
		}
	}
	for i, t := range a.Tokens {
		if !tokenShape.MatchString(t.Token) {
			return field.Wrong(fmt.Sprintf("/tokens/%d/token", i), "", "32 characters of 0-9 and a-f")
		}
		if !(t.ExpiresIn > 0 && t.ExpiresIn <= tokenlife.Longest.Seconds()) {
			return field.Wrong(fmt.Sprintf("/tokens/%d/expires_in", i), "", fmt.Sprintf("seconds, above 0 and at most %.0f", tokenlife.Longest.Seconds()))
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
				return field.Wrong(at+f.name, "", fmt.Sprintf("%d to 128 characters", f.least))
			}
		}
		switch {
		case x.AppKey != "" && x.AppKey != a.AppKey:
			return field.Wrong(at+"app_key", "", "the appkey of the app that it stands in")
		case x.CreateTime < 0 || time.UnixMilli(x.CreateTime).After(clock.LastInstant()):
			return field.Wrong(at+"create_time", "", "milliseconds since 1970, up to the year 9999")
		case open[x.SessionID]:
			return field.Wrong(at+"session_id", fmt.Sprintf("%.40q is open already", x.SessionID), "an id that no other open session of the app has")
		}
		open[x.SessionID] = true
	}
	return rules.CheckAll(a.Rules, doc, false)
}

var tokenShape = regexp.MustCompile(`^[0-9a-f]{32}$`)

// complete fills in what a valid app leaves out.
func complete(a *AppState) {
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
		a.CorpID, a.CorpSecret = "ding"+world.NewToken(), randomSecret()
	}
}

// randomAppKey returns an appkey in the platform's form: ding and 16 letters and digits.
func randomAppKey() string { return "ding" + strings.ToLower(rand.Text()[:16]) }

// randomSecret returns a secret in the platform's form: 64 characters of base64url.
func randomSecret() string {
	var b [48]byte
	_, _ = rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// restore takes clock, users, tokens, sessions and rules from a state, and keeps them for reset. The caller holds
// the lock.
func (a *tenant) restore(s AppState) {
	a.clock.Restore(s.Clock)
	now := a.clock.Now()
	a.world.Restore(&s, a.appKey, now)
	s.Rules = a.rules.Replace(s.Rules, now)
	for _, r := range s.Rules {
		a.tenants.tellSeed(a.name, r)
	}
	s.Clock = a.clock.State()
	a.made = s
}

// identity returns what neither the app's calls nor its clock change: its configuration, without tokens, sessions,
// rules and clock. The caller holds the lock.
func (a *tenant) identity() AppState {
	s := AppState{
		Name: a.name, CorpID: a.corpID, CorpSecret: a.corpSecret, AppKey: a.appKey, AppSecret: a.appSecret,
		Users: a.world.Users.List(), QPS: a.qps, TokenLife: Duration(a.world.TokenLife), Auto: a.auto, Open: a.open,
	}
	if a.ignored {
		s.Judge = new(bool)
	}
	return s
}

// state returns the app as it is now.
func (a *tenant) state() AppState {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock.Now()
	s := a.identity()
	s.Clock = a.clock.State()
	s.Rules = a.rules.All(now)
	a.world.Save(&s, now)
	return s
}
