package mockserver_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

// session calls create_session or close_session of the default app and returns the errcode.
func session(t testing.TB, s *mockserver.Server, call, id, chat, user string) int {
	t.Helper()
	body, err := json.Marshal(map[string]string{"session_id": id, "app_key": "dingmockapp", "chatid": chat, "user_id": user})
	if err != nil {
		t.Fatal(err)
	}
	return code(t, topapi(s, call, live, string(body)))
}

// latest returns the session that getsession answers for a user; nil for null.
func latest(t testing.TB, s *mockserver.Server, user string) *mockserver.SessionState {
	t.Helper()
	a := topapi(s, getsession, live, fmt.Sprintf(`{"userid":%q}`, user))
	var reply struct {
		Errcode int
		Result  struct{ Session *mockserver.SessionState }
	}
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil || reply.Errcode != 0 {
		t.Fatalf("getsession: %s", a.body)
	}
	return reply.Result.Session
}

// ids returns the ids of the default app's open sessions, in order of creation.
func ids(t testing.TB, s *mockserver.Server) []string {
	t.Helper()
	var list []string
	for _, x := range state(t, s, "default").Sessions {
		list = append(list, x.SessionID)
	}
	return list
}

func TestSessionSteps(t *testing.T) {
	t.Parallel()
	type step struct {
		call           string
		id, chat, user string
		want           int
	}
	for _, test := range []struct {
		name   string
		steps  []step
		open   []string          // ids in order of creation
		latest map[string]string // user → id, "" for null
	}{
		{"none", nil, nil, map[string]string{"u": ""}},
		{
			"create", []step{{create, "a", "c", "u", 0}},
			[]string{"a"}, map[string]string{"u": "a", "v": ""},
		},
		{
			"create the same again", []step{{create, "a", "c", "u", 0}, {create, "b", "c", "u", 0}, {create, "a", "c", "u", 0}},
			[]string{"a", "b"}, map[string]string{"u": "b"},
		},
		{
			"create with another chat", []step{{create, "a", "c", "u", 0}, {create, "a", "d", "u", 34001}},
			[]string{"a"}, map[string]string{"u": "a"},
		},
		{
			"create with another user", []step{{create, "a", "c", "u", 0}, {create, "a", "c", "v", 34001}},
			[]string{"a"}, map[string]string{"u": "a", "v": ""},
		},
		{
			"close", []step{{create, "a", "c", "u", 0}, {closing, "a", "c", "u", 0}},
			nil, map[string]string{"u": ""},
		},
		{
			"close twice", []step{{create, "a", "c", "u", 0}, {closing, "a", "c", "u", 0}, {closing, "a", "c", "u", 34001}},
			nil, map[string]string{"u": ""},
		},
		{
			"close with other values", []step{{create, "a", "c", "u", 0}, {closing, "a", "", "u", 34001}, {closing, "a", "c", "v", 34001}},
			[]string{"a"}, map[string]string{"u": "a"},
		},
		{
			"close frees the id", []step{{create, "a", "c", "u", 0}, {closing, "a", "c", "u", 0}, {create, "a", "d", "v", 0}},
			[]string{"a"}, map[string]string{"u": "", "v": "a"},
		},
		{
			"close the latest", []step{{create, "a", "c", "u", 0}, {create, "b", "c", "u", 0}, {create, "x", "c", "v", 0}, {closing, "b", "c", "u", 0}},
			[]string{"a", "x"}, map[string]string{"u": "a", "v": "x"},
		},
		{
			"close the first", []step{{create, "a", "c", "u", 0}, {create, "b", "c", "u", 0}, {closing, "a", "c", "u", 0}},
			[]string{"b"}, map[string]string{"u": "b"},
		},
		{
			"close the one between", []step{{create, "a", "", "u", 0}, {create, "b", "", "u", 0}, {create, "d", "", "u", 0}, {closing, "b", "", "u", 0}, {closing, "d", "", "u", 0}},
			[]string{"a"}, map[string]string{"u": "a"},
		},
		{
			"created again is the latest", []step{{create, "a", "", "u", 0}, {create, "b", "", "u", 0}, {closing, "a", "", "u", 0}, {create, "a", "", "u", 0}},
			[]string{"b", "a"}, map[string]string{"u": "a"},
		},
		{
			"ids are told apart by case and space", []step{{create, "a", "", "u", 0}, {create, "A", "", "u", 0}, {create, "a ", "", "u", 0}},
			[]string{"a", "A", "a "}, map[string]string{"u": "a ", "U": ""},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{})
			for i, x := range test.steps {
				if got := session(t, s, x.call, x.id, x.chat, x.user); got != x.want {
					t.Fatalf("step %d: %s %s answers %d, want %d", i, x.call, x.id, got, x.want)
				}
			}
			if diff := cmp.Diff(test.open, ids(t, s)); diff != "" {
				t.Errorf("open sessions (-want +got)\n%s", diff)
			}
			for user, id := range test.latest {
				got := latest(t, s, user)
				if id == "" && got != nil || id != "" && (got == nil || got.SessionID != id) {
					t.Errorf("the latest session of %s is %+v, want %q", user, got, id)
				}
			}
		})
	}
}

// TestSessionOrder creates sessions at one instant, and one after Now has gone back: the order of creation
// decides.
func TestSessionOrder(t *testing.T) {
	t.Parallel()
	clock := manual.New(start)
	s := fake(t, mockserver.Options{Now: clock.Now})
	session(t, s, create, "a", "", "u")
	session(t, s, create, "b", "", "u")
	clock.Advance(-time.Hour)
	session(t, s, create, "c", "", "u")
	want := mockserver.SessionState{SessionID: "c", AppKey: "dingmockapp", UserID: "u", CreateTime: start.UnixMilli()}
	if diff := cmp.Diff(&want, latest(t, s, "u")); diff != "" {
		t.Errorf("the session that was created last (-want +got)\n%s", diff)
	}
}

func TestSessionTimeIsTheAppsClock(t *testing.T) {
	t.Parallel()
	clock := manual.New(start)
	s := fake(t, mockserver.Options{Now: clock.Now})
	session(t, s, create, "a", "", "u")
	advance(t, s, "default", time.Hour)
	clock.Advance(2*time.Second + 345*time.Millisecond)
	session(t, s, create, "a", "", "u") // changes no order
	session(t, s, create, "b", "", "v")
	got := map[string]int64{"u": latest(t, s, "u").CreateTime, "v": latest(t, s, "v").CreateTime}
	want := map[string]int64{"u": start.UnixMilli(), "v": start.Add(time.Hour+2*time.Second).UnixMilli() + 345}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("create_time (-want +got)\n%s", diff)
	}
}

func TestSessionTTL(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{SessionTTL: time.Hour})
	session(t, s, create, "a", "", "u")
	advance(t, s, "default", 30*time.Minute)
	session(t, s, create, "b", "", "u")
	session(t, s, create, "a", "", "u") // the same again does not make it newer
	if due := advance(t, s, "default", 30*time.Minute-time.Nanosecond); due.Sessions != 0 {
		t.Errorf("%d sessions ended early", due.Sessions)
	}
	if due := advance(t, s, "default", time.Nanosecond); due.Sessions != 1 {
		t.Errorf("%d sessions ended an hour after the first creation, want 1", due.Sessions)
	}
	if diff := cmp.Diff([]string{"b"}, ids(t, s)); diff != "" {
		t.Errorf("open sessions (-want +got)\n%s", diff)
	}
	if got := session(t, s, closing, "a", "", "u"); got != 34001 {
		t.Errorf("closing a session that has ended answers %d, want 34001", got)
	}
	if got := session(t, s, create, "a", "other", "v"); got != 0 {
		t.Errorf("the id of a session that has ended is not free: %d", got)
	}
	if due := advance(t, s, "default", time.Hour-time.Second); due.Sessions != 1 {
		t.Errorf("%d sessions ended, want b", due.Sessions)
	}
	if latest(t, s, "u") != nil || latest(t, s, "v") == nil {
		t.Error("want b ended and the second a open")
	}
}

func TestMaxSessions(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{MaxSessions: 2})
	for _, x := range []struct {
		call, id string
		want     int
	}{
		{create, "a", 0}, {create, "b", 0}, {create, "c", 1002}, {create, "b", 0},
		{closing, "a", 0}, {create, "c", 0}, {create, "a", 1002},
	} {
		if got := session(t, s, x.call, x.id, "", "u"); got != x.want {
			t.Fatalf("%s %s answers %d, want %d", x.call, x.id, got, x.want)
		}
	}
	other := token(t, s, "appkey=mock-a&appsecret=s")
	if a := topapi(s, create, other, `{"session_id":"c","app_key":"mock-a","user_id":"u"}`); code(t, a) != 0 {
		t.Errorf("the limit of one app binds another: %s", a.body)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		users []string
		user  string
		want  int
	}{
		{"no list", nil, "anybody", 0},
		{"empty list", []string{}, "anybody", 60121},
		{"in the list", []string{"u", "v"}, "v", 0},
		{"not in the list", []string{"u", "v"}, "w", 60121},
		{"in other capitals", []string{"u"}, "U", 60121},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := liveApp()
			a.Users = test.users
			s := fake(t, mockserver.Options{Apps: []mockserver.AppState{a}})
			if got := code(t, topapi(s, getsession, live, fmt.Sprintf(`{"userid":%q}`, test.user))); got != test.want {
				t.Errorf("getsession answers %d, want %d", got, test.want)
			}
			if got := session(t, s, create, "a", "", test.user); got != test.want {
				t.Errorf("create_session answers %d, want %d", got, test.want)
			}
			closed := 34001 // close_session checks only the session, not the user
			if test.want == 0 {
				closed = 0
			}
			if got := session(t, s, closing, "a", "", test.user); got != closed {
				t.Errorf("close_session answers %d, want %d", got, closed)
			}
		})
	}
}
