package mockserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// pager reads a list page by page.
type pager struct {
	t     *testing.T
	s     *mockserver.Server
	path  string // with a query
	items string // the field that holds them
	next  string
}

// page returns the next page, and false after the last.
func (p *pager) page() (list []json.RawMessage, more bool) {
	p.t.Helper()
	path := p.path
	if p.next != "" {
		path += "&cursor=" + url.QueryEscape(p.next)
	}
	var reply map[string]json.RawMessage
	if status := steer(p.t, p.s, "GET", path, "", &reply); status != http.StatusOK {
		p.t.Fatalf("GET %s: HTTP %d %s", path, status, reply["detail"])
	}
	decode(p.t, string(reply[p.items]), &list)
	p.next = ""
	if reply["next"] != nil {
		decode(p.t, string(reply["next"]), &p.next)
	}
	return list, p.next != ""
}

// all returns the rest.
func (p *pager) all() (list []json.RawMessage) {
	for {
		items, more := p.page()
		if list = append(list, items...); !more {
			return list
		}
	}
}

// field returns one field of each item.
func field(t *testing.T, list []json.RawMessage, name string) []string {
	t.Helper()
	names := []string{}
	for _, item := range list {
		var x map[string]any
		decode(t, string(item), &x)
		names = append(names, fmt.Sprint(x[name]))
	}
	return names
}

// listed returns a fake with several items in every list.
func listed(t *testing.T) *mockserver.Server {
	t.Helper()
	a := mockserver.DefaultApp()
	for i := range 7 {
		a.Sessions = append(a.Sessions, mockserver.SessionState{SessionID: fmt.Sprint("s", i), UserID: "u", CreateTime: 1})
		a.Tokens = append(a.Tokens, mockserver.TokenState{Token: fmt.Sprintf("%032x", i), ExpiresIn: 7200})
		a.Rules = append(a.Rules, mockserver.Rule{Match: mockserver.RuleMatch{Path: "/x"}, Effect: mockserver.Effect{Status: 503}})
	}
	o := mockserver.Options{Apps: []mockserver.AppState{a}}
	for i := range 6 {
		o.Apps = append(o.Apps, mockserver.AppState{AppKey: fmt.Sprint("app", i), AppSecret: "x"})
	}
	s := fake(t, o)
	for range 7 {
		steer(t, s, "POST", "/rules", `{"match":{"path":"/x"},"effect":{"status":503}}`, nil)
		do(s, "GET /gettoken?"+appPairQuery, "", "")
	}
	return s
}

// All pages of a list together are the whole list, whatever the page size.
func TestListPages(t *testing.T) {
	t.Parallel()
	s := listed(t)
	for _, test := range []struct{ path, items, name string }{
		{"/apps", "apps", "name"},
		{"/apps/default/sessions", "sessions", "session_id"},
		{"/apps/default/tokens", "tokens", "token"},
		{"/apps/default/rules", "rules", "id"},
		{"/rules", "rules", "id"},
		{"/apps/default/journal", "entries", "n"},
		{"/journal", "entries", "all"},
	} {
		whole := field(t, (&pager{t: t, s: s, path: test.path + "?", items: test.items}).all(), test.name)
		if len(whole) != 7 {
			t.Errorf("%s has %q, want 7", test.path, whole)
		}
		for limit := 1; limit <= 8; limit++ {
			p := &pager{t: t, s: s, path: fmt.Sprintf("%s?limit=%d", test.path, limit), items: test.items}
			var got []string
			for {
				items, more := p.page()
				if len(items) > limit || more && len(items) < limit {
					t.Errorf("%s: a page of %d holds %d", test.path, limit, len(items))
				}
				if test.items == "entries" { // the journal is read backwards
					got = append(field(t, items, test.name), got...)
				} else {
					got = append(got, field(t, items, test.name)...)
				}
				if !more {
					break
				}
			}
			if diff := cmp.Diff(whole, got); diff != "" {
				t.Errorf("%s by %d (-want +got)\n%s", test.path, limit, diff)
			}
		}
	}
	for _, test := range []struct{ path, items, name string }{{"/apps", "apps", "name"}, {"/apps/default/sessions", "sessions", "session_id"}} {
		whole := field(t, (&pager{t: t, s: s, path: test.path + "?", items: test.items}).all(), test.name)
		slices.Reverse(whole)
		got := field(t, (&pager{t: t, s: s, path: test.path + "?order=newest&limit=2", items: test.items}).all(), test.name)
		if diff := cmp.Diff(whole, got); diff != "" {
			t.Errorf("%s, newest first (-want +got)\n%s", test.path, diff)
		}
	}
}

// An item that exists all the time is on exactly one page, whatever comes and goes meanwhile, and the pages end.
func TestListPagesUnderChange(t *testing.T) {
	t.Parallel()
	gone := func(s *mockserver.Server, path string) { steer(t, s, "DELETE", path, "", nil) }
	session := func(s *mockserver.Server, call, id string) {
		topapi(s, call, fmt.Sprintf("%032x", 6), `{"session_id":"`+id+`","app_key":"dingmockapp","user_id":"u","chatid":""}`)
	}
	for _, test := range []struct {
		path, items, name string
		between           func(s *mockserver.Server, n int)
		stays             []string
	}{
		{"/apps?limit=2", "apps", "name", func(s *mockserver.Server, n int) {
			gone(s, "/apps/app0")
			gone(s, fmt.Sprint("/apps/app", n))
			do(s, fmt.Sprintf("GET /gettoken?appkey=mock-%d&appsecret=x", n), "", "")
		}, []string{"default", "app5"}},
		{"/apps/default/sessions?limit=2", "sessions", "session_id", func(s *mockserver.Server, n int) {
			session(s, closing, "s0")
			if n < 5 {
				session(s, closing, fmt.Sprint("s", n))
				session(s, create, fmt.Sprint("new", n))
			}
		}, []string{"s5", "s6"}},
		{"/apps/default/sessions?limit=2&order=newest", "sessions", "session_id", func(s *mockserver.Server, n int) { session(s, create, fmt.Sprint("late", n)) }, []string{"s5", "s6"}},
		{"/apps/default/rules?limit=2", "rules", "id", func(s *mockserver.Server, n int) {
			gone(s, "/apps/default/rules/r1")
			gone(s, "/apps/default/rules/r2")
			if n == 1 {
				gone(s, "/apps/default/rules/r5")
			}
			steer(t, s, "POST", "/apps/default/rules", `{"effect":{"status":503}}`, nil)
		}, []string{"r3", "r4", "r6", "r7"}},
		{"/apps/default/journal?limit=2&operation=gettoken", "entries", "n", func(s *mockserver.Server, _ int) { do(s, "GET /gettoken?"+appPairQuery, "", "") }, []string{"1", "2", "3", "4", "5", "6", "7"}},
	} {
		s := listed(t)
		p := &pager{t: t, s: s, path: test.path, items: test.items}
		seen := map[string]int{}
		for n := 1; ; n++ {
			items, more := p.page()
			for _, name := range field(t, items, test.name) {
				seen[name]++
			}
			if !more {
				break
			}
			if n > 100 {
				t.Fatalf("%s has no end", test.path)
			}
			test.between(s, n)
		}
		for _, name := range test.stays {
			if seen[name] != 1 {
				t.Errorf("%s: %s was in %d pages: %v", test.path, name, seen[name], seen)
			}
		}
		for name, n := range seen {
			if n > 1 {
				t.Errorf("%s: %s was in %d pages", test.path, name, n)
			}
		}
	}
}

// A cursor works only in its own list and life.
func TestListCursors(t *testing.T) {
	t.Parallel()
	s := listed(t)
	p := &pager{t: t, s: s, path: "/apps/default/sessions?limit=2", items: "sessions"}
	p.page()
	of := func(path string) int {
		return steer(t, s, "GET", path+"cursor="+url.QueryEscape(p.next), "", nil)
	}
	for _, test := range []struct {
		path   string
		status int
	}{
		{"/apps/default/sessions?limit=2&", 200},
		{"/apps/default/sessions?limit=5&", 200},
		{"/apps/default/sessions?order=newest&", 400},
		{"/apps/app0/sessions?", 400},
		{"/apps/default/tokens?", 400},
		{"/apps/default/rules?", 400},
		{"/apps/default/journal?", 400},
		{"/apps?", 400},
		{"/rules?", 400},
	} {
		if got := of(test.path); got != test.status {
			t.Errorf("%s: HTTP %d, want %d", test.path, got, test.status)
		}
	}
	// A reset keeps the life, another state begins a new one.
	steer(t, s, "POST", "/apps/default/reset", "", nil)
	if got := of("/apps/default/sessions?limit=2&"); got != 200 {
		t.Errorf("after a reset: HTTP %d", got)
	}
	steer(t, s, "PUT", "/apps/default/state", `{"apps":[{"name":"default","appkey":"k","appsecret":"x"}]}`, nil)
	if got := of("/apps/default/sessions?limit=2&"); got != 400 {
		t.Errorf("after another state: HTTP %d", got)
	}
	for _, cursor := range []string{"x", "%20", "AAAA", "c2Vzc2lvbnM"} {
		var problem struct{ Field, Detail string }
		if got := steer(t, s, "GET", "/apps/default/sessions?cursor="+cursor, "", &problem); got != 400 || problem.Field != "/query/cursor" {
			t.Errorf("cursor %s: HTTP %d %+v", cursor, got, problem)
		}
	}
	for _, limit := range []string{"0", "10001", "-1", "x"} {
		if got := steer(t, s, "GET", "/apps/default/sessions?limit="+limit, "", nil); got != 400 {
			t.Errorf("limit %s: HTTP %d", limit, got)
		}
	}
}

// events reads a stream.
type events struct {
	t     *testing.T
	resp  *http.Response
	lines *bufio.Scanner
}

func streamOf(t *testing.T, base, query, lastID string) *events {
	t.Helper()
	return streamAt(t, base+"/_mock/apps/mock-s/journal/stream"+query, lastID)
}

func streamAt(t *testing.T, url, lastID string) *events {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &events{t, resp, bufio.NewScanner(resp.Body)}
}

// next returns the id of the next event.
func (e *events) next() (id string) {
	e.t.Helper()
	for e.lines.Scan() {
		line := e.lines.Text()
		if rest, ok := strings.CutPrefix(line, "id: "); ok {
			id = rest
		}
		if line == "" && id != "" {
			return id
		}
	}
	e.t.Fatal("the stream has ended")
	return ""
}

// A stream sends something at once, and its ids name the life that they belong to: after the app was made again, a
// client that continues loses no call.
func TestStreamLives(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	base := "http://" + listen(t, s)
	t.Cleanup(func() { _ = s.Close() })
	call := func() { do(s, "GET /gettoken?appkey=mock-s&appsecret=x", "", "") }
	call()
	call()

	quiet := streamOf(t, base, "", "")
	if got := quiet.resp.Header.Get("X-Accel-Buffering"); got != "no" {
		t.Errorf("X-Accel-Buffering %q", got)
	}
	if !quiet.lines.Scan() || !strings.HasPrefix(quiet.lines.Text(), ": ") {
		t.Errorf("the first line is %q", quiet.lines.Text())
	}
	call() // 3
	third := quiet.next()
	life, _, _ := strings.Cut(third, "-")
	var journal struct{ Life string }
	steer(t, s, "GET", "/apps/mock-s/journal", "", &journal)
	if third != life+"-3" || journal.Life != life {
		t.Errorf("the third call has the id %q, and the journal the life %q", third, journal.Life)
	}
	first := func(name, query, lastID, want string) {
		t.Helper()
		if got := streamOf(t, base, query, lastID).next(); got != want {
			t.Errorf("%s: the stream begins with %s, want %s", name, got, want)
		}
	}
	first("after the second", "", life+"-2", third)
	first("after the first, though it was asked from the second on", "?since=2", life+"-1", life+"-2")
	first("by number", "?since=1", "", life+"-2")
	first("after none", "", life+"-0", life+"-1")
	for _, malformed := range []string{"5", "x", "-2", life, life + "-", life + "-x", life + "-99", life + "--1", "other-2"} {
		first("after "+malformed, "", malformed, life+"-1")
	}

	steer(t, s, "POST", "/apps/mock-s/reset", "", nil)
	call()
	first("after a reset", "", third, life+"-4")
	var state json.RawMessage
	steer(t, s, "GET", "/apps/mock-s/state", "", &state)
	steer(t, s, "PUT", "/apps/mock-s/state", string(state), nil)
	call()
	first("after a restore, which leaves the journal", "", life+"-4", life+"-5")

	steer(t, s, "DELETE", "/apps/mock-s", "", nil)
	call()
	again := streamOf(t, base, "", life+"-5").next()
	if other, n, _ := strings.Cut(again, "-"); other == life || n != "1" {
		t.Errorf("made anew, the stream begins with %s", again)
	}
}

// The journal of all apps has their calls, and those of no app, in the order they were made. Nothing that happens
// to an app changes that, except a reset, which removes its calls.
func TestWholeJournal(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Journal: 2})
	base := "http://" + listen(t, s)
	calls := func(keys ...string) {
		for _, key := range keys {
			do(s, "GET /gettoken?appsecret=x&appkey="+key, "", "")
		}
	}
	type entries struct {
		Entries []struct {
			App string
			N   int64
		}
		Life          string
		Last, Dropped int64
		Next          string
	}
	of := func(query string) (list entries, names string) {
		t.Helper()
		steer(t, s, "GET", "/journal"+query, "", &list)
		for _, e := range list.Entries {
			names += fmt.Sprintf("%s/%d ", e.App, e.N)
		}
		return list, strings.TrimSpace(names)
	}
	is := func(when, query, want string) entries {
		t.Helper()
		list, got := of(query)
		if got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
		return list
	}
	calls("mock-a", "mock-b", "nobody", "mock-a")
	is("each app's", "", "mock-a/1 mock-b/1 _/1 mock-a/2")
	is("after a number", "?since=2", "_/1 mock-a/2")
	is("by code", "?errcode=0&limit=1", "mock-a/2")
	calls("mock-a", "mock-a")
	is("more than an app keeps", "?limit=3", "mock-a/2 mock-a/3 mock-a/4")
	page := is("the last", "?limit=2", "mock-a/3 mock-a/4")
	is("those before", "?limit=2&cursor="+page.Next, "_/1 mock-a/2")

	third := streamAt(t, base+"/_mock/journal/stream", page.Life+"-2").next()
	if third != page.Life+"-3" {
		t.Errorf("the stream goes on with %s, want the third of %s", third, page.Life)
	}
	steer(t, s, "DELETE", "/apps/mock-b", "", nil)
	is("after a deletion", "?limit=5", "mock-b/1 _/1 mock-a/2 mock-a/3 mock-a/4")
	steer(t, s, "POST", "/apps/mock-a/reset", "", nil)
	calls("mock-b")
	if list := is("after a reset", "", "mock-b/1 _/1 mock-b/1"); list.Last != 7 || list.Dropped != 0 {
		t.Errorf("after a reset: last %d, dropped %d", list.Last, list.Dropped)
	}
	stream := streamAt(t, base+"/_mock/journal/stream?since=1", "")
	for _, want := range []int{2, 3, 7} {
		if got := stream.next(); got != fmt.Sprint(page.Life, "-", want) {
			t.Errorf("after a reset the stream has %s, want the call %d", got, want)
		}
	}
	for range 8 {
		calls("mock-a", "mock-b")
	}
	if list, _ := of(""); len(list.Entries) != 17 || list.Last != 23 || list.Dropped != 3 {
		t.Errorf("%d calls are kept, last %d, dropped %d, want 17 beside 3 forgotten, 23, 3", len(list.Entries), list.Last, list.Dropped)
	}
	off := fake(t, mockserver.Options{NoJournal: true})
	if got := steer(t, off, "GET", "/journal/stream", "", nil); got != http.StatusConflict {
		t.Errorf("with no journal the stream is answered %d", got)
	}
}

// The call is in the journal of all apps, and in its stream, before its answer arrives.
func TestWholeJournalNeverRaces(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	for n := range 500 {
		send(t, addr, request(fmt.Sprintf("GET /gettoken?appsecret=x&appkey=mock-%d", n%7), "", ""))
		var list struct{ Last int }
		if steer(t, s, "GET", "/journal?limit=1", "", &list); list.Last != n+1 {
			t.Fatalf("after the answer to call %d the last is %d", n+1, list.Last)
		}
	}
}
