package mockserver

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// heavy is a record that claims a large weight, so that the memory of all journals is full without being used.
type heavy struct {
	app    string
	weight int
}

func (h heavy) AppName() string       { return h.app }
func (heavy) SetNumber(int64)         {}
func (heavy) Subject() *match.Subject { return &match.Subject{Path: "/heavy"} }
func (h heavy) Weight() int           { return h.weight }

// The calls of a fresh app are all kept, in its own journal and in that of all apps, even if 64 idle apps with
// full journals hold the memory of all journals.
func TestStarvedByItsOwnCallsAlone(t *testing.T) {
	t.Parallel()
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string, out any) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if s.ServeHTTP(w, r); json.Unmarshal(w.Body.Bytes(), out) != nil {
			t.Fatalf("%s %s is answered %s", method, path, w.Body)
		}
		return w.Code
	}
	for i := range 100 {
		name := fmt.Sprintf("mock-idle-%d", i)
		ask("GET", "/gettoken?appkey="+name+"&appsecret=s", "", &struct{}{})
		times, weight := 64, 64<<10
		if i >= 64 {
			times, weight = 1, 1<<20
		}
		for range times {
			s.tenants.app(name).journal.Add(heavy{name, weight})
		}
	}
	for range 6 {
		ask("GET", "/gettoken?appkey=mock-fresh&appsecret=s", "", &struct{}{})
	}
	var own, all struct {
		Entries []struct{ App string }
		Dropped int
	}
	ask("GET", "/_mock/apps/mock-fresh/journal", "", &own)
	if len(own.Entries) != 6 || own.Dropped != 0 {
		t.Errorf("of the 6 calls of a fresh app %d are kept, %d dropped", len(own.Entries), own.Dropped)
	}
	var counted MatchResult
	if status := ask("POST", "/_mock/apps/mock-fresh/journal/expect", `{"at_least":6,"at_most":6}`, &counted); status != 200 {
		t.Errorf("expect is answered %d: %s, found %d, dropped %d", status, counted.Expected, counted.Found, counted.Dropped)
	}
	ask("GET", "/_mock/journal", "", &all)
	fresh := 0
	for _, e := range all.Entries {
		if e.App == "mock-fresh" {
			fresh++
		}
	}
	if kept := s.tenants.journals.All().Since(0).Items; fresh != 6 || len(kept) < 16 {
		t.Errorf("of all apps %d records are kept, with %d calls of the fresh one", len(kept), fresh)
	}
}
