package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// The very first call of an app that is made on first use can be made to fail.
func TestPrepareFirstCall(t *testing.T) {
	t.Parallel()
	addr := listen(t, fake(t, mockserver.Options{}))
	ask := func(line, body string) answer { return send(t, addr, request(line, mediaOf(body), body)) }

	if got := ask("POST /_mock/apps/mock-x/rules", `{"match":{"operation":"gettoken"},"when":{"times":1},"effect":{"fault":"app-throttled"}}`); got.status != http.StatusCreated {
		t.Fatalf("the rule: HTTP %d %s", got.status, got.body)
	}
	for _, step := range []struct {
		name, line string
		errcode    int
	}{
		{"the very first", "GET /gettoken?appkey=mock-x&appsecret=any", 90018},
		{"the next", "GET /gettoken?appkey=mock-x&appsecret=any", 0},
		{"the same secret by the corpid", "GET /gettoken?corpid=mock-x&corpsecret=any", 0},
		{"another secret", "GET /gettoken?appkey=mock-x&appsecret=other", 40096},
	} {
		if got := ask(step.line, ""); code(t, got) != step.errcode {
			t.Errorf("%s: %s, want errcode %d", step.name, got.body, step.errcode)
		}
	}
}

// A change makes the app; reading, deleting and rejected calls do not.
func TestPrepareByOperation(t *testing.T) {
	t.Parallel()
	makes := map[string]bool{
		"update_app": true, "reset_app": true, "advance_clock": true, "freeze_clock": true, "resume_clock": true, "add_rule": true,
		"wait_journal": true, "put_app_state": true,
	}
	for _, options := range []struct {
		name string
		mockserver.Options
		app  string
		auto bool // a change makes that app
	}{
		{"an auto key", mockserver.Options{}, "mock-a", true},
		{"another name", mockserver.Options{}, "team-a", false},
		{"no auto apps", mockserver.Options{NoAutoApps: true}, "mock-a", false},
	} {
		t.Run(options.name, func(t *testing.T) {
			t.Parallel()
			for _, op := range controlDocument(t, listen(t, fake(t, mockserver.Options{}))).Operations() {
				if !strings.Contains(op.Path, "{app}") {
					continue
				}
				s := fake(t, options.Options)
				body := valid[op.ID]
				if op.ID == "put_app_state" {
					body = `{"apps":[{"appkey":"` + options.app + `","appsecret":"x"}]}`
				}
				got := send(t, listen(t, s), request(op.Method+" "+concrete(op.Path, options.app), mediaOf(body), body))
				there := exists(t, s, options.app)
				refused := http.StatusNotFound
				if options.auto {
					switch op.ID {
					case "get_app_verdict", "expect_journal":
						refused = http.StatusConflict // no call came from it
					case "list_journal":
						refused = http.StatusOK
					}
				}
				if want := makes[op.ID] && options.auto; there != want || !want && got.status != refused {
					t.Errorf("%s: HTTP %d %s; the app is there: %v, want %v", op.ID, got.status, got.body, there, want)
				}
			}
		})
	}
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	for _, refused := range []struct{ line, body string }{
		{"POST /_mock/apps/mock-a/rules", `{"effect":{"fault":"bored"}}`},
		{"POST /_mock/apps/mock-a/clock/advance", `{"by":"-1s"}`},
		{"DELETE /_mock/apps/mock-a/rules/r1", ``},
		{"POST /_mock/apps/mock-a/journal/wait", `{"timeout":"1h"}`},
		{"PUT /_mock/apps/mock-a/state", `{"apps":[{"appkey":"mock-b","appsecret":"x"}]}`},
		{"GET /gettoken?appkey=mock-a", ``},
	} {
		send(t, addr, request(refused.line, mediaOf(refused.body), refused.body))
		if len(s.Apps()) != 1 {
			t.Errorf("%s has made an app: %v", refused.line, s.Apps()[1:])
		}
	}
}

// The journal of an app that has not called yet is empty, and reading it makes no app.
func TestJournalBeforeFirstCall(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for _, test := range []struct {
		body   string
		status int
		ok     bool
	}{
		{`{"at_most":0}`, 200, true},
		{`{"match":{"operation":"gettoken"},"at_most":3}`, 200, true},
		{`{}`, 409, false},
		{`{"at_least":2}`, 409, false},
	} {
		var counted mockserver.MatchResult
		status := steer(t, s, "POST", "/apps/mock-new/journal/expect", test.body, &counted)
		if status != test.status || counted.OK != test.ok || counted.Found != 0 || counted.Last != 0 || counted.Entries == nil {
			t.Errorf("%s: HTTP %d, %+v", test.body, status, counted)
		}
	}
	var list struct {
		Entries       []mockserver.Entry
		Life          string
		Last, Dropped int64
	}
	if status := steer(t, s, "GET", "/apps/mock-new/journal", "", &list); status != http.StatusOK || list.Entries == nil || len(list.Entries) != 0 || list.Last != 0 || list.Life == "" {
		t.Errorf("the list: HTTP %d, %+v", status, list)
	}
	if apps := s.Apps(); len(apps) != 1 {
		t.Errorf("an app was made: %v", apps[1:])
	}
	if status := steer(t, fake(t, mockserver.Options{NoJournal: true}), "POST", "/apps/mock-new/journal/expect", `{"at_most":0}`, nil); status != http.StatusConflict {
		t.Errorf("without a journal: HTTP %d", status)
	}
	for _, path := range []string{"POST /apps/mock-new/journal/expect", "GET /apps/mock-new/journal", "POST /apps/shop/journal/expect"} {
		method, path, _ := strings.Cut(path, " ")
		if status := steer(t, fake(t, mockserver.Options{NoAutoApps: true}), method, path, "", nil); status != http.StatusNotFound {
			t.Errorf("without auto apps, %s: HTTP %d", path, status)
		}
	}
}

// If first token calls with different secrets come at once, exactly one wins.
func TestPrepareSecretRace(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for round := range 50 {
		app := fmt.Sprintf("mock-%d", round)
		if got := do(s, "POST http://localhost/_mock/apps/"+app+"/clock/freeze", "", ""); got.status != http.StatusOK {
			t.Fatalf("HTTP %d %s", got.status, got.body)
		}
		var calls sync.WaitGroup
		codes := make([]int, 8)
		for i := range codes {
			calls.Go(func() {
				codes[i] = code(t, do(s, fmt.Sprintf("GET /gettoken?appkey=%s&appsecret=s%d", app, i), "", ""))
			})
		}
		calls.Wait()
		won := 0
		for i, c := range codes {
			if again := code(t, do(s, fmt.Sprintf("GET /gettoken?appkey=%s&appsecret=s%d", app, i), "", "")); again != c {
				t.Errorf("%s: the secret s%d had %d and then %d", app, i, c, again)
			}
			if c == 0 {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%s: %d of the secrets are good, want 1: %d", app, won, codes)
		}
	}
}

// A call that is rejected for what it lacks leaves the secret open; a token call in the newer dialect sets it.
func TestPrepareOpenSecret(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "PATCH http://localhost/_mock/apps/mock-o", jsonType, `{"qps":5}`)
	five := 5
	open := mockserver.AppState{Name: "mock-o", CorpID: "mock-o", AppKey: "mock-o", QPS: &five, Auto: true, Open: true}
	prepared := func() mockserver.AppState {
		t.Helper()
		a := state(t, s, "mock-o")
		if len(a.Rules) == 0 {
			a.Rules = nil
		}
		a.Tokens = nil
		return a
	}
	for _, line := range []string{"GET /gettoken?appkey=mock-o", "DELETE /gettoken?appkey=mock-o&appsecret=x", "GET /gettoken?appkey=mock-o&appsecret="} {
		do(s, line, "", "")
		if diff := cmp.Diff(open, prepared()); diff != "" {
			t.Errorf("after %s (-want +got)\n%s", line, diff)
		}
	}

	// A snapshot restores to the same.
	snap := do(s, "GET http://localhost/_mock/apps/mock-o/state", "", "")
	if got := do(s, "PUT http://localhost/_mock/apps/mock-o/state", jsonType, snap.body); got.status != http.StatusOK {
		t.Fatalf("restore: HTTP %d %s", got.status, got.body)
	}
	if diff := cmp.Diff(open, prepared()); diff != "" {
		t.Errorf("restored (-want +got)\n%s", diff)
	}
	if _, err := mockserver.ReadState("s.json", []byte(snap.body)); err != nil {
		t.Errorf("a snapshot is no state file: %v", err)
	}

	if got := do(s, "POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"mock-o","appSecret":"first 密"}`); got.status != http.StatusOK {
		t.Errorf("accessToken: HTTP %d %s", got.status, got.body)
	}
	closed := open
	closed.Open, closed.AppSecret, closed.CorpSecret = false, "first 密", "first 密"
	if diff := cmp.Diff(closed, prepared()); diff != "" {
		t.Errorf("after its token call (-want +got)\n%s", diff)
	}
	do(s, "POST http://localhost/_mock/apps/mock-o/reset", "", "")
	if got := code(t, do(s, "GET /gettoken?appkey=mock-o&appsecret=other", "", "")); got != 40096 {
		t.Errorf("after a reset another secret is answered %d, want 40096", got)
	}
}

func TestPrepareStateOfOpenApp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, app, want string }{
		{"one id is enough", `{"appkey":"mock-a","auto":true,"open":true}`, ""},
		{"by the corpid", `{"corpid":"mock-a","auto":true,"open":true}`, ""},
		{"not auto", `{"appkey":"mock-a","open":true}`, "open: goes with auto"},
		{"with a secret", `{"appkey":"mock-a","appsecret":"x","auto":true,"open":true}`, "open: goes without secrets"},
		{"no id", `{"auto":true,"open":true}`, "appkey: has to be there"},
	} {
		state, err := mockserver.ReadState("s.json", []byte(`{"apps":[`+test.app+`]}`))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
			continue
		}
		if err == nil {
			if a := state.Apps[0]; a.AppKey != "mock-a" || a.CorpID != "mock-a" || a.AppSecret != "" || !a.Open {
				text, _ := json.Marshal(a)
				t.Errorf("%s: read as %s", test.name, text)
			}
		}
	}
}

// At the limit, a prepared app replaces the auto-app unused for longest, and is itself one.
func TestPrepareAtTheCap(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{MaxApps: 2})
	names := func() (list []string) {
		for _, a := range s.Apps() {
			list = append(list, a.Name)
		}
		return list
	}
	for _, app := range []string{"mock-a", "mock-b"} {
		do(s, "POST http://localhost/_mock/apps/"+app+"/clock/freeze", "", "")
	}
	if diff := cmp.Diff([]string{"default", "mock-b"}, names()); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
	full := fake(t, mockserver.Options{MaxApps: 1})
	if got := do(full, "POST http://localhost/_mock/apps/mock-a/clock/freeze", "", ""); got.status != http.StatusConflict || !strings.Contains(got.body, "(option max-apps)") {
		t.Errorf("with no room: HTTP %d %s", got.status, got.body)
	}
}

// A client may wait for an app's calls before its first call.
func TestPrepareWait(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	waited := make(chan answer, 1)
	go func() {
		waited <- send(t, addr, request("POST /_mock/apps/mock-w/journal/wait", jsonType, `{"match":{"operation":"gettoken"},"timeout":"60s"}`))
	}()
	for !exists(t, s, "mock-w") {
		runtime.Gosched()
	}
	do(s, "GET /gettoken?appkey=mock-w&appsecret=x", "", "")
	if got := <-waited; got.status != http.StatusOK {
		t.Errorf("HTTP %d %s", got.status, got.body)
	}
}
