package mockserver

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
)

// DefaultApp is the app that there is where no other is asked for.
var DefaultApp = AppState{
	Name:   "default",
	CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret",
	AppKey: "dingmockapp", AppSecret: "dingmockappsecret",
}

// State is the JSON shape of apps at rest: a state file, a snapshot, a restore.
type State struct {
	Apps []AppState `json:"apps"`
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
	Auto       bool           `json:"auto,omitempty"`      // made by its first token call; may be evicted
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
	lines := map[string]int{}
	if err := locate(data, lines, reflect.TypeFor[State]()); err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	if string(bytes.TrimSpace(data)) == "null" {
		return nil, fmt.Errorf("%s:%d: has to be an object, not null", name, lines[""])
	}
	var s State
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		line, text := explainJSON(data, lines, err)
		return nil, fmt.Errorf("%s:%d: %s", name, line, text)
	}
	doc, err := dingmock.Load()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := s.validate(doc); err != nil {
		at := err.pointer
		for at != "" && lines[at] == 0 {
			at = at[:max(strings.LastIndexByte(at, '/'), 0)]
		}
		return nil, fmt.Errorf("%s:%d: %w", name, max(lines[at], 1), err)
	}
	return &s, nil
}

// fieldError is what is wrong with one field of a state.
type fieldError struct {
	pointer string // JSON pointer
	text    string
}

func (e *fieldError) Error() string { return strings.TrimPrefix(e.pointer, "/") + ": " + e.text }

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
				return &fieldError{at + "/" + id.field, fmt.Sprintf("%q is that of %s already; it has to be unique", id.value, by[1:])}
			}
			owner[id.space+id.value] = at
		}
		for j, t := range a.Tokens {
			if owner["token"+t.Token] != "" {
				return &fieldError{fmt.Sprintf("%s/tokens/%d/token", at, j), "is the token of another app, or stands here twice"}
			}
			owner["token"+t.Token] = at
		}
	}
	return nil
}

// validate checks an app by itself.
func (a *AppState) validate(doc *dingmock.Document) *fieldError {
	for _, f := range []struct{ name, value string }{
		{"name", a.Name}, {"corpid", a.CorpID}, {"corpsecret", a.CorpSecret}, {"appkey", a.AppKey}, {"appsecret", a.AppSecret},
	} {
		if a.Auto && strings.HasSuffix(f.name, "secret") {
			continue // the first call chose it
		}
		if f.value != "" && !urlSafe.MatchString(f.value) {
			return &fieldError{"/" + f.name, "has to be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~"}
		}
	}
	for _, f := range []struct {
		name, value string
		asked       bool // whether the app is asked for by it
	}{{"name", a.Name, true}, {"appkey", a.AppKey, true}, {"corpid", a.CorpID, a.Name == "" && a.AppKey == ""}} {
		if f.asked && (f.value == NoApp || f.value == "." || f.value == "..") { // these mean something else in a path
			return &fieldError{"/" + f.name, fmt.Sprintf("%q is taken: choose another", f.value)}
		}
	}
	switch {
	case (a.AppKey == "") != (a.AppSecret == ""):
		return &fieldError{"/appkey", "appkey and appsecret go together: give both or neither"}
	case (a.CorpID == "") != (a.CorpSecret == ""):
		return &fieldError{"/corpid", "corpid and corpsecret go together: give both or neither"}
	case a.AppKey == "" && a.CorpID == "":
		return &fieldError{"/appkey", "has to be there with appsecret, or else corpid with corpsecret"}
	case a.Clock != nil && time.Duration(a.Clock.Offset).Abs() > maxOffset:
		return &fieldError{"/clock/offset", "has to be at most 200 years (1752000h)"}
	case a.Clock != nil && a.Clock.At != nil && !a.Clock.Frozen:
		return &fieldError{"/clock/at", "goes with frozen"}
	case a.Clock != nil && a.Clock.At != nil && (a.Clock.At.Year() < 1970 || a.Clock.At.Year() > 2200):
		return &fieldError{"/clock/at", "has to be in the years 1970 to 2200"}
	case a.QPS != nil && *a.QPS < 0:
		return &fieldError{"/qps", "has to be 0 or more"}
	case len(a.Rules) > maxRules:
		return &fieldError{"/rules", fmt.Sprintf("are %d: at most %d are allowed", len(a.Rules), maxRules)}
	case len(a.Tokens) > tokensApart:
		return &fieldError{"/tokens", fmt.Sprintf("are %d: at most %d are allowed", len(a.Tokens), tokensApart)}
	case a.TokenLife != 0 && checkTokenLife(time.Duration(a.TokenLife)) != nil:
		return &fieldError{"/token_life", checkTokenLife(time.Duration(a.TokenLife)).Error()}
	}
	for i, u := range a.Users {
		if n := utf8.RuneCountInString(u); n < 1 || n > 128 {
			return &fieldError{fmt.Sprintf("/users/%d", i), "has to be 1 to 128 characters"}
		}
	}
	for i, t := range a.Tokens {
		if !tokenShape.MatchString(t.Token) {
			return &fieldError{fmt.Sprintf("/tokens/%d/token", i), "has to be 32 characters of 0-9 and a-f"}
		}
		if !(t.ExpiresIn > 0 && t.ExpiresIn <= longestLife.Seconds()) {
			return &fieldError{fmt.Sprintf("/tokens/%d/expires_in", i), fmt.Sprintf("has to be seconds, above 0 and at most %.0f", longestLife.Seconds())}
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
				return &fieldError{at + f.name, fmt.Sprintf("has to be %d to 128 characters", f.least)}
			}
		}
		switch {
		case x.AppKey != "" && x.AppKey != a.AppKey:
			return &fieldError{at + "app_key", "has to be the appkey of the app that it stands in"}
		case x.CreateTime < 0 || time.UnixMilli(x.CreateTime).After(lastInstant):
			return &fieldError{at + "create_time", "has to be milliseconds since 1970, up to the year 9999"}
		case open[x.SessionID]:
			return &fieldError{at + "session_id", fmt.Sprintf("%.40q is open already", x.SessionID)}
		}
		open[x.SessionID] = true
	}
	for i := range a.Rules {
		if err := a.Rules[i].validate(doc, false); err != nil {
			err.pointer = fmt.Sprintf("/rules/%d%s", i, err.pointer)
			return err
		}
	}
	return nil
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

// restore takes over clock, tokens and sessions. The caller holds the lock.
func (a *app) restore(s AppState) {
	a.clock.restore(s.Clock)
	now := a.clock.now()
	for _, t := range s.Tokens {
		a.keep(token{t.Token, now.Add(time.Duration(math.Round(t.ExpiresIn * float64(time.Second)))), t.Apart})
	}
	for _, x := range s.Sessions {
		created := now
		if x.CreateTime != 0 {
			created = time.UnixMilli(x.CreateTime)
		}
		a.sessions.open(Session{x.SessionID, a.appKey, x.UserID, x.ChatID, created.UnixMilli()}, a.ends(created))
	}
	a.sessions.sweep(now)
	for _, r := range s.Rules {
		r, _ = a.rules.add(r, now) // at most as many as there may be: validate has counted them
		a.store.tellSeed(a.name, r)
	}
}

// identity is what of an app neither its calls nor its clock change. The caller holds the lock.
func (a *app) identity() AppState {
	s := AppState{
		Name: a.name, CorpID: a.corpID, CorpSecret: a.corpSecret, AppKey: a.appKey, AppSecret: a.appSecret,
		Users: slices.Clone(a.users), QPS: a.qps, TokenLife: Duration(a.life), Auto: a.auto,
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
		if left := t.expires.Sub(now); left > 0 {
			s.Tokens = append(s.Tokens, TokenState{t.value, left.Seconds(), t.apart})
		}
	}
	a.sessions.sweep(now)
	for x := range a.sessions.all() {
		s.Sessions = append(s.Sessions, SessionState(x))
	}
	return s
}

// locate notes the line of each value by its JSON pointer, and checks that fields and kinds are those of a type: to the
// letter, where encoding/json takes a name in any case. The error begins with the line.
func locate(data []byte, lines map[string]int, root reflect.Type) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	line := func() int { return lineAt(data, dec.InputOffset()) }
	var value func(pointer string, depth int, t reflect.Type) error
	value = func(pointer string, depth int, t reflect.Type) error {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		if lines[pointer] == 0 {
			lines[pointer] = line()
		}
		if wrong := misfit(tok, t); wrong != "" {
			return fmt.Errorf("%d: %s", line(), strings.TrimPrefix(strings.TrimPrefix(pointer+": ", "/"), ": ")+wrong)
		}
		open, ok := tok.(json.Delim)
		if !ok {
			return nil
		}
		if depth > 64 {
			return fmt.Errorf("%d: is nested too deep", line())
		}
		for i := 0; dec.More(); i++ {
			at, inner := pointer+"/"+strconv.Itoa(i), element(t)
			if open == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				at = fmt.Sprintf("%s/%v", pointer, key)
				if lines[at] != 0 {
					return fmt.Errorf("%d: %s: stands here twice", line(), at[1:])
				}
				lines[at] = line()
				if inner, ok = fieldOf(t, key.(string)); !ok {
					return fmt.Errorf("%d: %s: there is no such field", line(), at[1:])
				}
			}
			if err := value(at, depth+1, inner); err != nil {
				return err
			}
		}
		_, err = dec.Token()
		return err
	}
	err := value("", 0, root)
	if err == nil {
		if _, err = dec.Token(); err == io.EOF {
			return nil
		}
		return fmt.Errorf("%d: there is text after the JSON object", line())
	}
	var syntax *json.SyntaxError
	switch {
	case err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &syntax):
		return err
	case errors.As(err, &syntax):
		return fmt.Errorf("%d: is not JSON: %w", lineAt(data, syntax.Offset), err)
	case err == io.EOF && len(bytes.TrimSpace(data)) == 0:
		return errors.New("1: is empty: write {\"apps\":[…]}")
	}
	return fmt.Errorf("%d: is not JSON: it ends too early", line())
}

// fieldOf returns the type of a struct's field by its name in JSON; nil for what may be anything.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	t = plainType(t)
	if t == nil || t.Kind() != reflect.Struct {
		return nil, true
	}
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); tag == name {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

// element returns the type of a slice's elements; nil for what may be anything.
func element(t reflect.Type) reflect.Type {
	if t = plainType(t); t != nil && t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return nil
}

// plainType returns the type that a pointer is to, and nil for JSON of any kind.
func plainType(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() {
		return nil
	}
	return t
}

// misfit says why a JSON token cannot begin a value of a type; "" where it can. null is no value, and fits.
func misfit(tok json.Token, t reflect.Type) string {
	if t = plainType(t); t == nil || tok == nil {
		return ""
	}
	kind := t.Kind()
	switch t {
	case reflect.TypeFor[Duration]():
		text, ok := tok.(string)
		if _, err := time.ParseDuration(text); !ok || err != nil {
			found, _ := json.Marshal(tok)
			return (&durationError{found}).Error()
		}
		return ""
	case reflect.TypeFor[time.Time]():
		text, ok := tok.(string)
		if _, err := time.Parse(time.RFC3339, text); !ok || err != nil {
			return "has to be a time such as \"2026-09-03T00:01:02Z\""
		}
		return ""
	}
	fits, found := false, ""
	switch x := tok.(type) {
	case json.Delim:
		fits, found = kind == reflect.Struct, "an object"
		if x == '[' {
			fits, found = kind == reflect.Slice, "an array"
		}
	case string:
		fits, found = kind == reflect.String, "a string"
	case bool:
		fits, found = kind == reflect.Bool, "a bool"
	case json.Number:
		_, whole := strconv.ParseInt(x.String(), 10, 64)
		_, natural := strconv.ParseUint(x.String(), 10, 64)
		fits = kind == reflect.Float64 || whole == nil && (kind == reflect.Int || kind == reflect.Int64) || natural == nil && kind == reflect.Uint64
		found = "the number " + x.String()
	}
	if fits {
		return ""
	}
	return fmt.Sprintf("has to be %s, not %s", article(kind.String()), found)
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

// explainJSON turns the error of a Decoder into a line and a text that names the field.
func explainJSON(data []byte, lines map[string]int, err error) (int, string) {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		text := fmt.Sprintf("has to be %s, not %s", article(wrong.Type.Kind().String()), article(wrong.Value))
		if wrong.Field != "" {
			text = wrong.Field + ": " + text
		}
		return lineAt(data, wrong.Offset), text
	}
	var duration *durationError
	if errors.As(err, &duration) {
		return lineAt(data, int64(max(bytes.Index(data, duration.data), 0))), duration.Error()
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	if field, ok := strings.CutPrefix(text, "unknown field "); ok {
		field = strings.Trim(field, `"`)
		line, at := 1, field
		for pointer, n := range lines {
			if strings.HasSuffix(pointer, "/"+field) && (line == 1 || n < line) {
				line, at = n, pointer[1:]
			}
		}
		return line, at + ": there is no such field"
	}
	return 1, text
}

func article(kind string) string {
	switch kind {
	case "slice", "array":
		return "an array"
	case "struct", "map", "ptr", "object":
		return "an object"
	case "int64", "int", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}
