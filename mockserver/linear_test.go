package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver"
)

// TestLinear checks that the time to read a state grows with its size: 32 times the size takes less than 60 times as
// long, while a quadratic way would take up to 1024. One of several tries must show it, since other load may disturb any
// of them.
func TestLinear(t *testing.T) {
	t.Parallel()
	began := start.UnixMilli()
	sessionsOf := func(n int, created func(i int) int64) []mockserver.AppState {
		a := liveApp()
		for i := range n {
			a.Sessions = append(a.Sessions, mockserver.SessionState{SessionID: fmt.Sprint("s-", i), UserID: fmt.Sprint("u-", i%100), CreateTime: created(i)})
		}
		return []mockserver.AppState{a}
	}
	appsOf := func(n int) []mockserver.AppState {
		var list []mockserver.AppState
		for i := range n {
			list = append(list, mockserver.AppState{Name: fmt.Sprint("a-", i), CorpID: fmt.Sprint("c-", i), CorpSecret: "s", AppKey: fmt.Sprint("k-", i), AppSecret: "s"})
		}
		return list
	}
	text := func(apps []mockserver.AppState) string {
		data, err := json.MarshalIndent(mockserver.State{Apps: apps}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	put := func(s *mockserver.Server, state string) {
		if got := do(s, "PUT http://localhost/_mock/state", jsonType, state); got.status != http.StatusOK {
			t.Fatalf("%d %.200s", got.status, got.body)
		}
	}
	read := func(data string) *mockserver.State {
		state, err := mockserver.ReadState("f", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return state
	}
	for _, x := range []struct {
		name string
		size int                // the larger
		make func(n int) func() // what is timed
	}{
		{"a state with sessions is read", 16_000, func(n int) func() {
			data := text(sessionsOf(n, func(i int) int64 { return began - int64(n) + int64(i) }))
			return func() { read(data) }
		}},
		{"a mistake at its end is told", 16_000, func(n int) func() {
			data := text(append(sessionsOf(n, func(int) int64 { return began }), mockserver.AppState{Name: "x"}))
			return func() {
				if _, err := mockserver.ReadState("f", []byte(data)); err == nil {
					t.Error("is read")
				}
			}
		}},
		{"sessions that end, the youngest first", 32_000, func(n int) func() {
			apps := sessionsOf(n, func(i int) int64 { return began - int64(i) })
			return func() { fake(t, mockserver.Options{Apps: apps, SessionTTL: 24 * time.Hour}) }
		}},
		{"a state is put", 8000, func(n int) func() {
			data, s := text(sessionsOf(n, func(i int) int64 { return began + int64(i) })), fake(t, mockserver.Options{})
			return func() { put(s, data) }
		}},
		{"all apps are replaced", 8000, func(n int) func() {
			s := fake(t, mockserver.Options{Apps: appsOf(n), MaxApps: 10_000})
			data := text(appsOf(n))
			return func() { put(s, data) }
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			took := func(n int) time.Duration {
				do := x.make(n)
				began := time.Now()
				do()
				return time.Since(began)
			}
			var seen []string
			for range 12 {
				short := min(took(x.size/32), took(x.size/32), took(x.size/32))
				long := took(x.size)
				if long < 60*short {
					return
				}
				seen = append(seen, fmt.Sprintf("%s and %s", short, long))
			}
			t.Errorf("%d and %d take %s", x.size/32, x.size, strings.Join(seen, "; "))
		})
	}
}
