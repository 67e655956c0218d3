package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/control"
)

// held is an http.RoundTripper that checks each exchange against control.yaml, and counts exchanges by operation.
type held struct {
	t   *testing.T
	doc *dingmock.Document

	mu   sync.Mutex
	made map[string]int
}

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	op := h.doc.Match(r.Method, r.URL.Path)
	q := h.doc.CheckRequest(op, r, sent)
	for _, v := range q.Violations {
		h.t.Errorf("request: %s", v)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if op != nil {
		h.mu.Lock()
		h.made[op.ID]++
		h.mu.Unlock()
	}
	if resp.Header.Get("Content-Type") == "text/event-stream" {
		return resp, nil
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(got))
	if !strings.HasSuffix(resp.Header.Get("Content-Type"), "json") {
		return resp, err // text has no schema
	}
	for _, v := range q.CheckResponse(resp.StatusCode, resp.Header, got) {
		h.t.Errorf("reply: %s", v)
	}
	return resp, err
}

// start starts a fake, and makes a client of its control API.
func start(t *testing.T, o mockserver.Options) (*control.Client, *held, string) {
	t.Helper()
	fake, err := mockserver.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)
	t.Cleanup(func() { _ = fake.Close() }) // ends streams, for which srv.Close waits
	plain, err := control.New(srv.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	source, err := plain.ControlAPI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := dingmock.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	h := &held{t: t, doc: doc, made: map[string]int{}}
	c, err := control.New(srv.URL, &control.Options{Token: o.ControlToken, HTTPClient: &http.Client{Transport: h}})
	if err != nil {
		t.Fatal(err)
	}
	return c, h, srv.URL
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The numbers in a call are read as they were sent, from a journal and from its stream.
func TestNumbers(t *testing.T) {
	t.Parallel()
	c, _, base := start(t, mockserver.Options{})
	resp, err := http.Post(base+"/custom", "application/json", strings.NewReader(`{"id":1234567890123456789}`))
	ok(t, err)
	_ = resp.Body.Close()
	calls := c.App(mockserver.NoApp)
	want := map[string]any{"id": json.Number("1234567890123456789")}
	if diff := cmp.Diff(want, must(calls.Entry(t.Context(), 1))(t).Parameters); diff != "" {
		t.Errorf("an entry (-want +got)\n%s", diff)
	}
	for e, err := range calls.Stream(t.Context(), 0) {
		ok(t, err)
		if diff := cmp.Diff(want, e.Parameters); diff != "" {
			t.Errorf("the stream (-want +got)\n%s", diff)
		}
		break
	}
	counted := must(calls.Expect(t.Context(), mockserver.ExpectRequest{Match: mockserver.Match{Parameters: map[string]mockserver.Condition{"id": mockserver.Equals("1234567890123456789")}}}))(t)
	if !counted.OK {
		t.Errorf("nearest %+v", counted.Nearest)
	}
}

// gettoken makes the call that the journal then holds.
func gettoken(t *testing.T, base string, a mockserver.AppState, more string) string {
	t.Helper()
	resp, err := http.Get(base + "/gettoken?appkey=" + a.AppKey + "&appsecret=" + a.AppSecret + more)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestTour makes every call of the control API once, and checks each against control.yaml.
func TestTour(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 3, 0, 1, 2, 0, time.UTC)
	c, h, base := start(t, mockserver.Options{
		Now: func() time.Time { return now }, Version: "v1.2.3", ControlToken: "let-me-in", CA: func() ([]byte, error) { return []byte("PEM"), nil },
	})
	ctx := t.Context()

	if got := must(c.Version(ctx))(t); got != "v1.2.3" {
		t.Errorf("version %q", got)
	}
	ok(t, c.Live(ctx))
	ok(t, c.Ready(ctx))
	if got := string(must(c.CA(ctx))(t)); got != "PEM" {
		t.Errorf("certificate %q", got)
	}
	if got := must(c.OpenAPI(ctx))(t); !bytes.Equal(got, dingmock.Source()) {
		t.Error("openapi.yaml is another")
	}
	_ = must(c.ControlAPI(ctx))(t)

	a := must(c.NewApp(ctx, mockserver.AppState{Name: "orders"}))(t)
	made := a.Made()
	if a.Name() != "orders" || made.AppKey == "" || made.AppSecret == "" || made.CorpID == "" || made.CorpSecret == "" {
		t.Errorf("made %+v", made)
	}
	var names []string
	for _, x := range must(c.Apps(ctx))(t) {
		names = append(names, x.Name)
	}
	if diff := cmp.Diff([]string{"default", "orders"}, names); diff != "" {
		t.Errorf("apps (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(made, must(a.Get(ctx))(t)); diff != "" {
		t.Errorf("app (-want +got)\n%s", diff)
	}
	changed := made
	for _, x := range []struct {
		name   string
		change control.Change
		set    func()
	}{
		{"all", control.Change{Users: []string{"u-1"}, QPS: new(5), TokenLife: time.Minute, Judge: new(false)}, func() {
			changed.Users, changed.QPS, changed.TokenLife, changed.Judge = []string{"u-1"}, new(5), mockserver.Duration(time.Minute), new(false)
		}},
		{"nothing", control.Change{}, func() {}},
		{"no limit", control.Change{QPS: new(0)}, func() { changed.QPS = new(0) }},
		{"no user", control.Change{Users: []string{}}, func() { changed.Users = []string{} }},
		{"any user", control.Change{AnyUser: true}, func() { changed.Users = nil }},
		{"judged", control.Change{Judge: new(true)}, func() { changed.Judge = nil }},
	} {
		ok(t, a.Update(ctx, x.change))
		x.set()
		if diff := cmp.Diff(changed, must(a.Get(ctx))(t)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", x.name, diff)
		}
	}
	if err := a.Update(ctx, control.Change{Users: []string{"u-1"}, AnyUser: true}); err == nil || !strings.Contains(err.Error(), "Users and AnyUser") {
		t.Errorf("both ways: %v", err)
	}
	ok(t, a.Update(ctx, control.Change{TokenLife: 2 * time.Hour})) // as the calls below expect

	rule := must(a.Rules().Add(ctx, mockserver.Rule{Match: mockserver.RuleMatch{Operation: "gettoken"}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.Effect{Fault: "system-busy"}}))(t)
	if got := gettoken(t, base, made, ""); got != `{"errcode":-1,"errmsg":"系统繁忙"}` {
		t.Errorf("with a rule gettoken answers %s", got)
	}
	if got := must(a.Rules().Get(ctx, rule.ID))(t); got.Matched != 1 || got.Fired != 1 || !got.UsedUp {
		t.Errorf("the rule has matched %d and fired %d times", got.Matched, got.Fired)
	}
	stub := mockserver.Rule{
		Priority: 2,
		Match: mockserver.RuleMatch{
			Path: "/topapi/*", Host: "*.dingtalk.com", Headers: map[string]mockserver.Condition{"X-Env": mockserver.Pattern("^a"), "X-None": mockserver.Absent()},
			Parameters: map[string]mockserver.Condition{"/msg/text": mockserver.Contains("<hi>"), "n": mockserver.Equals("12")},
		},
		Effect: mockserver.Effect{Reply: &mockserver.FixedReply{Template: true, Headers: map[string]string{"X-A": "{{query.n}}"}, Body: []byte(`{"n":"{{body.n}}"}`)}},
	}
	rule = must(a.Rules().Add(ctx, stub))(t)
	stub.ID = rule.ID
	if diff := cmp.Diff(stub, rule); diff != "" {
		t.Errorf("the rule that was added (-want +got)\n%s", diff)
	}
	hidden := must(a.Rules().Add(ctx, stub))(t)
	if got := must(a.Rules().All(ctx))(t); len(got) != 2 || hidden.ShadowedBy != rule.ID || got[1].ShadowedBy != rule.ID {
		t.Errorf("rules %+v", got)
	}
	ok(t, a.Rules().Delete(ctx, rule.ID))
	ok(t, a.Rules().DeleteAll(ctx))
	forAll := must(c.Rules().Add(ctx, mockserver.Rule{Match: mockserver.RuleMatch{Path: "/nowhere"}, Effect: mockserver.Effect{Status: 503}}))(t)
	_ = must(c.Rules().Get(ctx, forAll.ID))(t)
	if got := must(c.Rules().All(ctx))(t); len(got) != 1 {
		t.Errorf("rules for all %+v", got)
	}
	ok(t, c.Rules().Delete(ctx, forAll.ID))
	ok(t, c.Rules().DeleteAll(ctx))

	gettoken(t, base, made, "&x=1")
	if got := must(a.Tokens(ctx))(t); len(got) != 1 || got[0].ExpiresIn != 7200 {
		t.Errorf("tokens %+v", got)
	}
	if got := must(a.Sessions(ctx))(t); len(got) != 0 {
		t.Errorf("sessions %+v", got)
	}
	if got := must(a.Clock(ctx))(t); !got.Now.Equal(now) || got.Expired != nil {
		t.Errorf("clock %+v", got)
	}
	want := api.Clock{Now: now.Add(2 * time.Hour), Offset: mockserver.Duration(2 * time.Hour), Expired: &mockserver.Expired{Tokens: 1}}
	if diff := cmp.Diff(want, must(a.Advance(ctx, 2*time.Hour))(t)); diff != "" {
		t.Errorf("advanced (-want +got)\n%s", diff)
	}
	if got := must(a.Freeze(ctx))(t); !got.Frozen {
		t.Errorf("frozen %+v", got)
	}
	if got := must(a.Resume(ctx))(t); got.Frozen {
		t.Errorf("resumed %+v", got)
	}
	gettoken(t, base, made, "")
	if got := must(a.ExpireTokens(ctx))(t); got.Tokens != 1 {
		t.Errorf("expired %+v", got)
	}

	off := true
	j := must(a.Journal(ctx, control.Filter{Operation: "gettoken", Errcode: "0", Violations: &off, Since: 1, Limit: 5}))(t)
	if len(j.Entries) != 1 || j.Entries[0].N != 2 || j.Last != 3 || j.Dropped != 0 {
		t.Errorf("journal %+v", j)
	}
	if got := must(a.Entry(ctx, 2))(t); len(got.Violations) != 1 || got.Operation != "gettoken" || strings.Contains(got.Curl, made.AppSecret) {
		t.Errorf("entry %+v", got)
	}
	if got := must(a.Wait(ctx, mockserver.WaitRequest{Match: mockserver.Match{Operation: "gettoken"}, AtLeast: 3}))(t); !got.OK || got.Found != 3 {
		t.Errorf("wait %+v", got)
	}
	most := 1
	if got := must(a.Expect(ctx, mockserver.ExpectRequest{Match: mockserver.Match{Operation: "gettoken"}, AtMost: &most}))(t); got.OK || got.Found != 3 {
		t.Errorf("expect %+v", got)
	}
	for e, err := range a.Stream(ctx, 1) {
		ok(t, err)
		if e.N != 2 {
			t.Errorf("the stream begins with %d", e.N)
		}
		break
	}
	all := must(c.Journal(ctx, control.Filter{Limit: 1}))(t)
	if len(all.Entries) != 1 || all.Entries[0].App != "orders" || all.Last <= all.Entries[0].N-1 || all.Next == "" {
		t.Errorf("journal of all %+v", all)
	}
	for e, err := range c.Stream(ctx, 0) {
		ok(t, err)
		if e.ID != control.EventID(all.Life, 1) {
			t.Errorf("the stream of all begins with %s", e.ID)
		}
		break
	}
	verdict := must(a.Verdict(ctx, nil))(t)
	if verdict.OK || len(verdict.Violations) != 1 || verdict.Violations[0].Count != 1 {
		t.Errorf("verdict %+v", verdict)
	}
	if got := must(c.Verdict(ctx, nil))(t); got.OK {
		t.Errorf("verdict of all %+v", got)
	}
	ok(t, a.ClearVerdict(ctx))
	if got := must(a.Verdict(ctx, &mockserver.VerdictOptions{AllowNoCalls: true, AllowUnknown: []string{"/x", "/y*"}}))(t); !got.OK || got.Calls != 0 {
		t.Errorf("cleared verdict %+v", got)
	}
	if got := must(c.Verdict(ctx, &mockserver.VerdictOptions{Apps: []string{"orders", "mock-*"}}))(t); got.OK || len(got.Reasons) != 2 {
		t.Errorf("verdict of two %+v", got)
	}

	state := must(a.State(ctx))(t)
	ok(t, a.PutState(ctx, state))
	if diff := cmp.Diff(state, must(a.State(ctx))(t)); diff != "" {
		t.Errorf("restored state (-want +got)\n%s", diff)
	}
	_ = must(c.Rules().Add(ctx, stub))(t)
	whole := must(c.State(ctx))(t)
	ok(t, c.PutState(ctx, whole))
	if diff := cmp.Diff(whole, must(c.State(ctx))(t), cmpopts.IgnoreFields(mockserver.AppState{}, "Tokens")); diff != "" || len(whole.Rules) != 1 {
		t.Errorf("restored states (-want +got)\n%s", diff)
	}
	ok(t, a.Reset(ctx))
	ok(t, a.Delete(ctx))
	var p *control.Problem
	if _, err := a.Get(ctx); !errors.As(err, &p) || p.Status != http.StatusNotFound || p.Field != "/path/app" {
		t.Errorf("after its deletion: %v", err)
	}

	var never []string
	for _, op := range h.doc.Operations() {
		if h.made[op.ID] == 0 && op.ID != "ui" { // the page is for browsers
			never = append(never, op.ID)
		}
	}
	if len(never) > 0 {
		t.Errorf("the client makes no call of %q", never)
	}
	if len(h.made) != len(h.doc.Operations())-1 {
		t.Errorf("calls made: %v", slices.Sorted(maps.Keys(h.made)))
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "localhost:8080", "ftp://x", "http://", "http://user:pw@x", "http://x?y", "http://x#y", "http://x:y"} {
		if _, err := control.New(base, nil); err == nil || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: error %v", base, err)
		}
	}
}

// A server that is no dingmock, or that denies access, causes an error that says so and shows no token.
func TestRefusals(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json/_mock/version":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"name":"other","version":"1"}`)
		case "/problem/_mock/version":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, `{`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(other.Close)
	_, _, guarded := start(t, mockserver.Options{ControlToken: "let-me-in"})
	for _, tt := range []struct{ name, base, want string }{
		{"no dingmock", other.URL, "is not an answer of a dingmock"},
		{"JSON of another", other.URL + "/json", "is not an answer of a dingmock"},
		{"a broken problem", other.URL + "/problem", "cannot be read"},
		{"a wrong token", guarded, "HTTP 401"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := must(control.New(tt.base, &control.Options{Token: "wrong-token"}))(t)
			_, err := c.Version(t.Context())
			if tt.base == guarded {
				_, err = c.Apps(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "wrong-token") {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// A stream ends with its context, with its app, and with the server.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, a *control.App, fake *mockserver.Server, cancel context.CancelFunc)
		want error
	}{
		{"context", func(_ *testing.T, _ *control.App, _ *mockserver.Server, cancel context.CancelFunc) { cancel() }, context.Canceled},
		{"deleted", func(t *testing.T, a *control.App, _ *mockserver.Server, _ context.CancelFunc) {
			ok(t, a.Delete(context.WithoutCancel(t.Context())))
		}, nil},
		{"reset", func(t *testing.T, a *control.App, _ *mockserver.Server, _ context.CancelFunc) {
			ok(t, a.Reset(t.Context()))
		}, nil},
		{"server", func(t *testing.T, _ *control.App, fake *mockserver.Server, _ context.CancelFunc) { ok(t, fake.Close()) }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake, err := mockserver.New(nil)
			ok(t, err)
			srv := httptest.NewServer(fake)
			t.Cleanup(srv.Close)
			t.Cleanup(func() { _ = fake.Close() })
			c := must(control.New(srv.URL, nil))(t)
			a := must(c.NewApp(t.Context(), mockserver.AppState{}))(t)
			gettoken(t, srv.URL, a.Made(), "")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var last error
			n := 0
			for e, err := range a.Stream(ctx, 0) {
				if last = err; err == nil && e.N == 1 {
					n++
					tt.end(t, a, fake, cancel)
				}
			}
			if n != 1 || !errors.Is(last, tt.want) {
				t.Errorf("%d entries, then %v, want 1 and %v", n, last, tt.want)
			}
		})
	}
}

// Lists are complete, however many pages they have, and a journal can be read backwards.
func TestPages(t *testing.T) {
	t.Parallel()
	app := mockserver.AppState{Name: "many", AppKey: "many", AppSecret: "x"}
	for i := range 2500 {
		app.Sessions = append(app.Sessions, mockserver.SessionState{SessionID: fmt.Sprint(i), UserID: "u"})
	}
	apps := []mockserver.AppState{app}
	for i := range 1200 {
		apps = append(apps, mockserver.AppState{AppKey: fmt.Sprint("app", i), AppSecret: "x"})
	}
	c, h, base := start(t, mockserver.Options{Apps: apps})
	sessions := must(c.App("many").Sessions(t.Context()))(t)
	if len(sessions) != 2500 || sessions[0].SessionID != "0" || sessions[2499].SessionID != "2499" {
		t.Errorf("%d sessions", len(sessions))
	}
	if got := must(c.Apps(t.Context()))(t); len(got) != 1201 || got[1200].Name != "app1199" {
		t.Errorf("%d apps", len(got))
	}
	if h.made["list_sessions"] != 3 || h.made["list_apps"] != 2 {
		t.Errorf("pages asked for: %v", h.made)
	}
	for range 5 {
		gettoken(t, base, app, "")
	}
	var numbers []int64
	for f, more := (control.Filter{Limit: 2}), true; more; more = f.Cursor != "" {
		j := must(c.App("many").Journal(t.Context(), f))(t)
		for _, e := range slices.Backward(j.Entries) {
			numbers = append(numbers, e.N)
		}
		f.Cursor = j.Next
	}
	if diff := cmp.Diff([]int64{5, 4, 3, 2, 1}, numbers); diff != "" {
		t.Errorf("journal (-want +got)\n%s", diff)
	}
}

// A stream that continues after an event misses no call, even if the app was made again meanwhile.
func TestStreamAfter(t *testing.T) {
	t.Parallel()
	c, _, base := start(t, mockserver.Options{})
	a := c.App("mock-s")
	app := mockserver.AppState{AppKey: "mock-s", AppSecret: "x"}
	first := func(id string) control.Event {
		t.Helper()
		for e, err := range a.StreamAfter(t.Context(), id) {
			ok(t, err)
			return e
		}
		t.Fatal("the stream has ended")
		return control.Event{}
	}
	gettoken(t, base, app, "")
	gettoken(t, base, app, "")
	j := must(a.Journal(t.Context(), control.Filter{}))(t)
	second := first(control.EventID(j.Life, 1))
	if second.N != 2 || second.ID != control.EventID(j.Life, 2) {
		t.Errorf("the second call is %d of the id %s", second.N, second.ID)
	}
	ok(t, a.Delete(t.Context()))
	gettoken(t, base, app, "")
	if e := first(second.ID); e.N != 1 || strings.HasPrefix(e.ID, j.Life+"-") {
		t.Errorf("made anew, it goes on with %d of the id %s", e.N, e.ID)
	}
	none := c.App("nobody")
	for _, err := range none.StreamAfter(t.Context(), second.ID) {
		var p *control.Problem
		if !errors.As(err, &p) || p.Status != http.StatusNotFound {
			t.Errorf("of no app: %v", err)
		}
	}
}

// The stream of all apps continues after an event, and starts over with another server.
func TestWholeStreamAfter(t *testing.T) {
	t.Parallel()
	old := "none-1"
	for _, name := range []string{"the first server", "the second"} {
		c, _, base := start(t, mockserver.Options{})
		for _, key := range []string{"mock-a", "mock-b", "mock-a"} {
			gettoken(t, base, mockserver.AppState{AppKey: key, AppSecret: "x"}, "")
		}
		life := must(c.Journal(t.Context(), control.Filter{}))(t).Life
		for id, want := range map[string]int64{control.EventID(life, 2): 3, old: 1} {
			for e, err := range c.StreamAfter(t.Context(), id) {
				ok(t, err)
				if e.ID != control.EventID(life, want) {
					t.Errorf("%s: after %q comes %s, want the call %d", name, id, e.ID, want)
				}
				break
			}
		}
		old = control.EventID(life, 2)
	}
}

// A token with a file's white space is accepted; one that cannot be sent is rejected and not shown.
func TestToken(t *testing.T) {
	t.Parallel()
	_, _, base := start(t, mockserver.Options{ControlToken: "let-me-in"})
	c := must(control.New(base, &control.Options{Token: "let-me-in\n"}))(t)
	_ = must(c.Apps(t.Context()))(t)
	for _, token := range []string{" ", "let-me\nin"} {
		if _, err := control.New(base, &control.Options{Token: token}); err == nil || strings.Contains(err.Error(), "let-me") {
			t.Errorf("%q: error %v", token, err)
		}
	}
}

// A test can prepare the first call of an app that does not exist yet.
func TestPrepare(t *testing.T) {
	t.Parallel()
	c, _, base := start(t, mockserver.Options{})
	a := c.App("mock-first")
	_ = must(a.Rules().Add(t.Context(), mockserver.Rule{When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.Effect{Fault: "app-throttled"}}))(t)
	if got := must(a.Get(t.Context()))(t); !got.Open || !got.Auto || got.AppSecret != "" {
		t.Errorf("prepared %+v", got)
	}
	app := mockserver.AppState{AppKey: "mock-first", AppSecret: "x"}
	for _, want := range []string{`"errcode":90018`, `"errcode":0`} {
		if got := gettoken(t, base, app, ""); !strings.Contains(got, want) {
			t.Errorf("gettoken answers %s, want %s", got, want)
		}
	}
}
