package mockserver_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

func TestStateRoundTrip(t *testing.T) {
	t.Parallel()
	real := manual.New(start)
	s := fake(t, mockserver.Options{Now: real.Now})
	mockA := token(t, s, "appkey=mock-a&appsecret=s")
	token(t, s, "corpid=mock-b&corpsecret=%20odd%20secret") // a secret that no state file may hold
	session(t, s, create, "s-1", "c <&>", "用户")
	real.Advance(1234567891 * time.Nanosecond)
	session(t, s, create, "s-2", "", "u")
	advance(t, s, "default", 90*time.Minute)
	if _, err := appOf(t, s, "mock-a").Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	real.Advance(3 * time.Second) // now the frozen clock is behind
	want := s.Apps()

	text, err := json.Marshal(mockserver.State{Apps: want[:2]})
	if err != nil {
		t.Fatal(err)
	}
	read, err := mockserver.ReadState("state.json", text)
	if err != nil {
		t.Fatalf("what Apps answers is no state: %v\n%s", err, text)
	}
	again := fake(t, mockserver.Options{Now: real.Now, Apps: read.Apps})
	if diff := cmp.Diff(want[:2], again.Apps()); diff != "" {
		t.Errorf("restored from %s (-want +got)\n%s", text, diff)
	}
	if !lives(t, again, live) || !lives(t, again, mockA) {
		t.Error("a restored token is dead")
	}
	if got := latest(t, again, "用户"); got == nil || got.ChatID != "c <&>" {
		t.Errorf("the restored session is %+v", got)
	}
	for _, x := range []*mockserver.Server{s, again} {
		if _, err := appOf(t, x, "mock-a").Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	real.Advance(time.Second)
	if diff := cmp.Diff(s.Apps()[:2], again.Apps()); diff != "" {
		t.Errorf("a second after Resume (-original +restored)\n%s", diff)
	}
}

// TestStateOfOddSecrets restores an app whose secret was chosen by its first call and may hold anything.
func TestStateOfOddSecrets(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{}})
	token(t, s, "corpid=mock-b&corpsecret=%20odd%2Fsecret%00")
	want := s.Apps()
	text, err := json.Marshal(mockserver.State{Apps: want})
	if err != nil {
		t.Fatal(err)
	}
	read, err := mockserver.ReadState("state.json", text)
	if err != nil {
		t.Fatalf("what Apps answers is no state: %v", err)
	}
	if diff := cmp.Diff(want, fake(t, mockserver.Options{Apps: read.Apps}).Apps()); diff != "" {
		t.Errorf("restored (-want +got)\n%s", diff)
	}
}

func TestStateDefaults(t *testing.T) {
	t.Parallel()
	read, err := mockserver.ReadState("f", []byte(`{"apps":[
		{"appkey":"k","appsecret":"s"},
		{"corpid":"c","corpsecret":"s","sessions":[{"session_id":"x","user_id":"u"}]},
		{"name":"n","appkey":"k2","appsecret":"s","corpid":"k","corpsecret":"s"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	s := fake(t, mockserver.Options{Apps: read.Apps})
	if diff := cmp.Diff([]string{"k", "c", "n"}, names(s)); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	k, c := state(t, s, "k"), state(t, s, "c")
	for what, x := range map[string]struct{ value, shape string }{
		"corpid":     {k.CorpID, `^ding[0-9a-f]{32}$`},
		"corpsecret": {k.CorpSecret, `^[A-Za-z0-9_-]{64}$`},
		"appkey":     {c.AppKey, `^ding[a-z0-9]{16}$`},
		"appsecret":  {c.AppSecret, `^[A-Za-z0-9_-]{64}$`},
	} {
		if !regexp.MustCompile(x.shape).MatchString(x.value) {
			t.Errorf("%s is made up as %q, want the platform's shape %s", what, x.value, x.shape)
		}
	}
	want := []mockserver.SessionState{{SessionID: "x", AppKey: c.AppKey, UserID: "u", CreateTime: start.UnixMilli()}}
	if diff := cmp.Diff(want, c.Sessions); diff != "" {
		t.Errorf("sessions (-want +got)\n%s", diff)
	}
}

func TestReadStateErrors(t *testing.T) {
	t.Parallel()
	app := func(fields string) string {
		return "{\"apps\": [\n{\"appkey\": \"k\", \"appsecret\": \"s\",\n" + fields + "\n}\n]}"
	}
	long := strings.Repeat("x", 129)
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", `f:1: is empty: write {"apps":[…]}`},
		{"space", " \n ", `f:1: is empty: write {"apps":[…]}`},
		{"not JSON", "apps:\n- x", `f:1: is not JSON: invalid character 'a' looking for beginning of value`},
		{"broken on line 3", "{\n\"apps\":\n[}", `f:3: is not JSON: invalid character '}' looking for beginning of value`},
		{"ends early", "{\"apps\":\n[{", `f:2: is not JSON: it ends too early`},
		{"text after", "{\"apps\":[]}\nx", `f:2: there is text after the JSON object`},
		{"not an object", "[]", `f:1: has to be an object, not an array`},
		{"apps is no array", "{\"apps\":\n7}", `f:2: apps: has to be an array, not the number 7`},
		{"unknown field", "{\"apps\":[],\n\"app\":1}", `f:2: app: there is no such field; did you mean apps?`},
		{"unknown field of an app", app(`"appid": "x"`), `f:3: apps/0/appid: there is no such field`},
		{"wrong kind", app(`"name": 7`), `f:3: apps/0/name: has to be a string, not the number 7`},
		{"name", app(`"name": "a b"`), `f:3: apps/0/name: has to be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~`},
		{"name that is taken", app(`"name": "_"`), `f:3: apps/0/name: "_" is taken: choose another`},
		{"secret in Chinese", app(`"corpid": "c", "corpsecret": "密"`), `f:3: apps/0/corpsecret: has to be 1 to 128 of the characters A-Z a-z 0-9 - . _ ~`},
		{"corpid alone", app(`"corpid": "c"`), `f:3: apps/0/corpid: corpid and corpsecret go together: give both or neither`},
		{"corpsecret alone", app(`"corpsecret": "c"`), `f:2: apps/0/corpid: corpid and corpsecret go together: give both or neither`},
		{"no ids", "{\"apps\": [\n{}]}", `f:2: apps/0/appkey: has to be there with appsecret, or else corpid with corpsecret`},
		{"two of one appkey", "{\"apps\": [{\"appkey\":\"k\",\"appsecret\":\"s\"},\n{\"appkey\":\"k\",\"appsecret\":\"s\",\"name\":\"n\"}]}", `f:2: apps/1/appkey: "k" is that of apps/0 already; it has to be unique`},
		{"two of one corpid", "{\"apps\": [{\"corpid\":\"k\",\"corpsecret\":\"s\"},\n{\"corpid\":\"k\",\"corpsecret\":\"s\",\"name\":\"n\"}]}", `f:2: apps/1/corpid: "k" is that of apps/0 already; it has to be unique`},
		{"a name that is another's appkey", "{\"apps\": [{\"appkey\":\"k\",\"appsecret\":\"s\",\"name\":\"n\"},\n{\"appkey\":\"j\",\"appsecret\":\"s\",\"name\":\"k\"}]}", `f:2: apps/1/name: "k" is that of apps/0 already; it has to be unique`},
		{"an empty user", app(`"users": ["u", ""]`), `f:3: apps/0/users/1: has to be 1 to 128 characters`},
		{"clock", app(`"clock": {"offset": "soon"}`), `f:3: apps/0/clock/offset: "soon" is no duration up to 292 years: write a duration such as "7200s"`},
		{"clock that is a number", app(`"clock": {"offset": 5}`), `f:3: apps/0/clock/offset: 5 is no duration up to 292 years: write a duration such as "7200s"`},
		{"clock too far", app(`"clock": {"offset": "1752001h"}`), `f:3: apps/0/clock/offset: has to be at most 200 years (1752000h)`},
		{"token", app(`"tokens": [{"token": "x", "expires_in": 1}]`), `f:3: apps/0/tokens/0/token: has to be 32 characters of 0-9 and a-f`},
		{"token in capitals", app(`"tokens": [{"token": "` + strings.ToUpper(live) + `", "expires_in": 1}]`), `f:3: apps/0/tokens/0/token: has to be 32 characters of 0-9 and a-f`},
		{"token that has expired", app(`"tokens": [{"token": "` + live + `", "expires_in": 0}]`), `f:3: apps/0/tokens/0/expires_in: has to be seconds, above 0 and at most 2592000`},
		{"token that lives too long", app(`"tokens": [{"token": "` + live + `", "expires_in": 2592000.1}]`), `f:3: apps/0/tokens/0/expires_in: has to be seconds, above 0 and at most 2592000`},
		{"one token twice", app(`"tokens": [{"token": "` + live + `", "expires_in": 1},` + "\n" + `{"token": "` + live + `", "expires_in": 1}]`), `f:4: apps/0/tokens/1/token: is the token of another app, or stands here twice`},
		{"too many tokens", app(`"tokens": [` + strings.Repeat(`{"token": "`+live+`", "expires_in": 1},`, 1000) + `{}]`), `f:3: apps/0/tokens: are 1001: at most 1000 are allowed`},
		{"a token life that is too short", app(`"token_life": "10ms"`), `f:3: apps/0/token_life: 10ms has to be 1s to 720h0m0s`},
		{"session without an id", app(`"sessions": [{"user_id": "u"}]`), `f:3: apps/0/sessions/0/session_id: has to be 1 to 128 characters`},
		{"session of a long user", app(`"sessions": [{"session_id": "s", "user_id": "` + long + `"}]`), `f:3: apps/0/sessions/0/user_id: has to be 1 to 128 characters`},
		{"session of a long chat", app(`"sessions": [{"session_id": "s", "user_id": "u", "chatid": "` + long + `"}]`), `f:3: apps/0/sessions/0/chatid: has to be 0 to 128 characters`},
		{"session of another app", app(`"sessions": [{"session_id": "s", "user_id": "u", "app_key": "x"}]`), `f:3: apps/0/sessions/0/app_key: has to be the appkey of the app that it stands in`},
		{"session before 1970", app(`"sessions": [{"session_id": "s", "user_id": "u", "create_time": -1}]`), `f:3: apps/0/sessions/0/create_time: has to be milliseconds since 1970, up to the year 9999`},
		{"session after 9999", app(`"sessions": [{"session_id": "s", "user_id": "u", "create_time": 253402300800000}]`), `f:3: apps/0/sessions/0/create_time: has to be milliseconds since 1970, up to the year 9999`},
		{"session with a fraction", app(`"sessions": [{"session_id": "s", "user_id": "u", "create_time": 1.5}]`), `f:3: apps/0/sessions/0/create_time: has to be a whole number, not the number 1.5`},
		{"one session twice", app(`"sessions": [{"session_id": "s", "user_id": "u"},` + "\n" + `{"session_id": "s", "user_id": "v"}]`), `f:4: apps/0/sessions/1/session_id: "s" is open already`},
		{"a key twice", app(`"name": "a",` + "\n" + `"name": "b"`), `f:4: apps/0/name: stands here twice`},
		{"nested deep", app(`"rules": [{"effect": {"reply": {"body": ` + strings.Repeat("[", 100_000)), `f:3: is nested too deep`},
		{"unknown field of a clock, where an app has one", app("\"name\": \"n\",\n\"clock\": {\"offset\": \"1h\",\n\"name\": \"y\"}"), `f:5: apps/0/clock/name: there is no such field`},
		{"a field in another case", app(`"APPKEY": "z"`), `f:3: apps/0/APPKEY: there is no such field; did you mean appkey?`},
		{"apps in another case", "{\"apps\":[],\n\"Apps\":[]}", `f:2: Apps: there is no such field; did you mean apps?`},
		{"clock that is a number, as is part of a key", "{\"apps\":[{\"appkey\":\"a5\",\"appsecret\":\"s\",\n\"clock\":{\"offset\":5}}]}", `f:2: apps/0/clock/offset: 5 is no duration up to 292 years: write a duration such as "7200s"`},
		{"clock at no time", app(`"clock": {"frozen": true, "at": "noon"}`), `f:3: apps/0/clock/at: has to be a time such as "2026-09-03T00:01:02Z"`},
		{"a kind of the second app", "{\"apps\":[{\"appkey\":\"a\",\"appsecret\":\"s\"},\n{\"appkey\":\"b\",\"appsecret\":true}]}", `f:2: apps/1/appsecret: has to be a string, not a bool`},
		{"a rule's effect", app(`"rules": [{"effect": {"hang": "yes"}}]`), `f:3: apps/0/rules/0/effect/hang: has to be true or false, not a string`},
		{"null", "null", `f:1: has to be an object, not null`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := mockserver.ReadState("f", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("ReadState\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestOptionsErrors(t *testing.T) {
	t.Parallel()
	many := make([]mockserver.AppState, 3)
	for i := range many {
		many[i] = mockserver.AppState{AppKey: fmt.Sprint("k", i), AppSecret: "s"}
	}
	for _, test := range []struct {
		name    string
		options mockserver.Options
		want    string
	}{
		{"MaxApps", mockserver.Options{MaxApps: -1}, "mockserver: Options: MaxApps: -1 is negative; it has to be 1 or more, or 0 for 10000"},
		{"MaxSessions", mockserver.Options{MaxSessions: -5}, "mockserver: Options: MaxSessions: -5 is negative; it has to be 1 or more, or 0 for 1000000"},
		{"Journal", mockserver.Options{Journal: -1}, "mockserver: Options: Journal: -1 is negative; it has to be 1 or more, or 0 for 1000"},
		{"SessionTTL", mockserver.Options{SessionTTL: -time.Second}, "mockserver: Options: SessionTTL: -1s is negative; it has to be more, or 0 for never"},
		{"more apps than MaxApps", mockserver.Options{Apps: many, MaxApps: 2}, "mockserver: Options: Apps: are 3, more than MaxApps, 2"},
		{"an app without ids", mockserver.Options{Apps: []mockserver.AppState{{Name: "x"}}}, "mockserver: Options: apps/0/appkey: has to be there with appsecret, or else corpid with corpsecret"},
		{"one app twice", mockserver.Options{Apps: []mockserver.AppState{mockserver.DefaultApp(), mockserver.DefaultApp()}}, `mockserver: Options: apps/1/name: "default" is that of apps/0 already; it has to be unique`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := mockserver.New(&test.options)
			if err == nil || err.Error() != test.want || s != nil {
				t.Errorf("New\n got %v\nwant %s", err, test.want)
			}
		})
	}
}

// TestOptionsAreReady checks nil and zero options, and that options are not changed.
func TestOptionsAreReady(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]*mockserver.Options{"nil": nil, "zero": {}} {
		s, err := mockserver.New(o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a := do(s, "GET /gettoken?"+corpPairQuery, "", "")
		if code(t, a) != 0 || a.header.Get("Dingmock-Version") != "dev" {
			t.Errorf("%s: %s, version %q", name, a.body, a.header.Get("Dingmock-Version"))
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	apps := []mockserver.AppState{{AppKey: "k", AppSecret: "s"}}
	o := mockserver.Options{Apps: apps}
	if _, err := mockserver.New(&o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]mockserver.AppState{{AppKey: "k", AppSecret: "s"}}, apps); diff != "" {
		t.Errorf("New changed the caller's apps (-want +got)\n%s", diff)
	}
}
