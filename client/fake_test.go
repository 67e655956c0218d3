package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// checked is an http.RoundTripper that checks each exchange against the document, and counts exchanges by path.
type checked struct {
	t     testing.TB
	doc   *dingmock.Document
	base  http.RoundTripper
	known atomic.Bool // whether paths outside the document are off-spec too

	mu sync.Mutex
	n  map[string]int
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := c.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(got))
	if err != nil {
		return nil, err
	}
	q := c.doc.CheckRequest(c.doc.Match(r.Method, r.URL.Path), r, sent)
	for _, v := range q.Violations {
		if v.Kind != dingmock.KindUnknownPath || c.known.Load() {
			c.t.Errorf("request: %s", v)
		}
	}
	for _, v := range q.CheckResponse(resp.StatusCode, resp.Header, got) {
		c.t.Errorf("reply: %s", v)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[r.URL.Path]++
	return resp, nil
}

func (c *checked) count(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[path]
}

// world is a fake with one app, its clock, and what goes between it and its clients.
type world struct {
	fake *mockserver.Server
	wire *checked
	url  string
	*manual.Clock
}

func newWorld(t *testing.T, app mockserver.AppState) *world {
	t.Helper()
	w := &world{Clock: manual.New(time.Date(2026, 9, 3, 0, 1, 2, 3e6, time.UTC))}
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	app.Name, app.AppKey, app.AppSecret, app.CorpID, app.CorpSecret = "default", "dingapp", "appsecret", "dingcorp", "corpsecret"
	w.fake, err = mockserver.New(&mockserver.Options{Apps: []mockserver.AppState{app}, Now: w.Now, MaxSessions: 2000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.fake.Close() })
	srv := httptest.NewServer(w.fake)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	w.wire = &checked{t: t, doc: doc, base: srv.Client().Transport, n: map[string]int{}}
	w.wire.known.Store(true)
	return w
}

func (w *world) client(t *testing.T, change func(*client.Options)) *client.Client {
	t.Helper()
	o := client.Options{
		BaseURL: w.url, AppKey: "dingapp", AppSecret: "appsecret",
		HTTPClient: &http.Client{Transport: w.wire}, Now: w.Now,
	}
	if change != nil {
		change(&o)
	}
	c, err := client.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFakeSessions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*client.Options){
		"app": nil,
		"corp": func(o *client.Options) {
			o.CorpID, o.CorpSecret, o.AppKey, o.AppSecret = "dingcorp", "corpsecret", "", ""
		},
		"newer": func(o *client.Options) { o.PreferAccessToken = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mockserver.AppState{})
			c := w.client(t, change)
			ctx := t.Context()

			none := func() {
				t.Helper()
				if s, ok, err := c.GetSession(ctx, "manager4220"); ok || err != nil {
					t.Fatalf("GetSession: %v, %t, %v, want none", s, ok, err)
				}
			}
			none()
			params := client.SessionParams{SessionID: "会话<1>&", UserID: "manager4220", ChatID: "chat \"1\"", AppKey: "dingapp"}
			for range 2 { // the second time changes nothing
				id, err := c.CreateSession(ctx, params)
				if err != nil || id != params.SessionID {
					t.Fatalf("CreateSession: %q, %v, want %q", id, err, params.SessionID)
				}
			}
			got, ok, err := c.GetSession(ctx, "manager4220")
			if err != nil || !ok {
				t.Fatalf("GetSession: %t, %v, want a session", ok, err)
			}
			want := client.Session{
				SessionID: params.SessionID, UserID: params.UserID, ChatID: params.ChatID, AppKey: "dingapp",
				CreateTime: time.Date(2026, 9, 3, 0, 1, 2, 3e6, time.UTC),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("session (-want +got):\n%s", diff)
			}

			other := params
			other.ChatID = ""
			if _, err := c.CreateSession(ctx, other); !errors.Is(err, client.ErrInvalidSession) {
				t.Errorf("CreateSession with other values: error %v, want ErrInvalidSession", err)
			}
			if err := c.CloseSession(ctx, other); !errors.Is(err, client.ErrInvalidSession) {
				t.Errorf("CloseSession with other values: error %v, want ErrInvalidSession", err)
			}
			if err := c.CloseSession(ctx, params); err != nil {
				t.Fatal(err)
			}
			none()
			if err := c.CloseSession(ctx, params); !errors.Is(err, client.ErrInvalidSession) {
				t.Errorf("CloseSession once more: error %v, want ErrInvalidSession", err)
			}
			if v, err := w.fake.Verdict(nil); err != nil || len(v.Violations) != 0 {
				t.Errorf("the fake found violations: %v, error %v", v.Violations, err)
			}
			if got := w.wire.count("/gettoken") + w.wire.count("/v1.0/oauth2/accessToken"); got != 1 {
				t.Errorf("%d token calls, want 1", got)
			}
		})
	}
}

func TestFakeRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.AppState{Users: []string{"ann"}})
	ctx := t.Context()
	wrong := func(o *client.Options) { o.AppSecret = "wrong" }
	wrongCorp := func(o *client.Options) { o.AppKey, o.AppSecret, o.CorpID, o.CorpSecret = "", "", "dingcorp", "wrong" }
	session := func(change func(*client.SessionParams)) client.SessionParams {
		s := client.SessionParams{SessionID: "s-1", UserID: "ann"}
		change(&s)
		return s
	}
	tests := []struct {
		name    string
		options func(*client.Options)
		call    func(*client.Client) error
		kind    error
		want    client.Error
	}{
		{"wrong appsecret", wrong, func(c *client.Client) error { _, err := c.Token(ctx); return err }, client.ErrWrongCredentials,
			client.Error{Operation: "gettoken", HTTPStatus: 200, Errcode: 40096, Message: "不合法的appKey或appSecret"}},
		{"wrong corpsecret", wrongCorp, func(c *client.Client) error { _, err := c.Token(ctx); return err }, client.ErrWrongCredentials,
			client.Error{Operation: "gettoken", HTTPStatus: 200, Errcode: 40089, Message: "不合法的corpid或corpsecret"}},
		{"wrong secret, newer call", wrong, func(c *client.Client) error { _, err := c.AccessToken(ctx); return err }, client.ErrWrongCredentials,
			client.Error{Operation: "accessToken", HTTPStatus: 400, Code: "invalidClientIdOrSecret", Message: "无效的clientId或者clientSecret"}},
		{"no such user", nil, func(c *client.Client) error { _, _, err := c.GetSession(ctx, "bob"); return err }, client.ErrUserNotFound,
			client.Error{Operation: "getsession", HTTPStatus: 200, Errcode: 60121, Message: "找不到该用户"}},
		{"another app's key", nil, func(c *client.Client) error {
			_, err := c.CreateSession(ctx, session(func(s *client.SessionParams) { s.AppKey = "other" }))
			return err
		}, client.ErrWrongCredentials,
			client.Error{Operation: "create_session", HTTPStatus: 200, Errcode: 40096, Message: "不合法的appKey或appSecret"}},
		{"no such session", nil, func(c *client.Client) error {
			return c.CloseSession(ctx, session(func(*client.SessionParams) {}))
		}, client.ErrInvalidSession,
			client.Error{Operation: "close_session", HTTPStatus: 200, Errcode: 34001, Message: "无效的会话id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.call(w.client(t, tt.options))
			var got *client.Error
			if !errors.As(err, &got) || !errors.Is(err, tt.kind) {
				t.Fatalf("error %v is not %v", err, tt.kind)
			}
			if (got.RequestID == "") != (got.Operation == "gettoken") {
				t.Errorf("request id %q", got.RequestID)
			}
			tt.want.RequestID = got.RequestID
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("off-spec", func(t *testing.T) {
		t.Parallel()
		// The client sends parameters that the document does not allow unchanged: it leaves it to the platform to refuse them.
		fake, err := mockserver.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(fake)
		defer srv.Close()
		c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: "mock-off", AppSecret: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.GetSession(ctx, ""); message(err) == "" || !errors.Is(err, client.ErrInvalidParameter) || !strings.Contains(err.Error(), "缺少参数 userid") {
			t.Errorf("GetSession of nobody: error %v", err)
		}
		if _, _, err := c.GetSession(ctx, strings.Repeat("u", 129)); !errors.Is(err, client.ErrInvalidParameter) || !strings.Contains(err.Error(), "不合法的参数 userid") {
			t.Errorf("GetSession of too long a name: error %v", err)
		}
	})
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFakeCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.AppState{})
	w.wire.known.Store(false)
	c := w.client(t, nil)
	ctx := t.Context()
	var out struct {
		Result struct {
			SessionID string `json:"session_id"`
		} `json:"result"`
	}
	in := map[string]string{"session_id": "s-1", "app_key": "dingapp", "user_id": "u"}
	if err := c.Call(ctx, http.MethodPost, "/topapi/v2/im/create_session", in, &out); err != nil || out.Result.SessionID != "s-1" {
		t.Errorf("Call: %+v, %v", out, err)
	}
	for _, path := range []string{"/topapi/v2/user/notexist", "/user/notexist", "/v1.0/notexist"} {
		if err := c.Call(ctx, http.MethodPost, path, in, &out); !errors.Is(err, client.ErrUnknownAPI) {
			t.Errorf("%s: error %v, want ErrUnknownAPI", path, err)
		}
	}
}

// TestFakeExpiry lets the server's clock and the client's go together and apart.
func TestFakeExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.AppState{})
	c := w.client(t, nil)
	ctx := t.Context()
	params := client.SessionParams{SessionID: "s-1", UserID: "u"}
	get := func(tokens int) client.Token {
		t.Helper()
		if _, _, err := c.GetSession(ctx, "u"); err != nil {
			t.Fatal(err)
		}
		token, err := c.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.wire.count("/gettoken"); got != tokens {
			t.Errorf("%d calls of gettoken, want %d", got, tokens)
		}
		return token
	}
	first := get(1)
	w.Advance(6600*time.Second - 1)
	if again := get(1); again != first {
		t.Error("another token before the first is due")
	}
	w.Advance(600*time.Second + 1) // both clocks: the client knows
	second := get(2)
	if second.Value == first.Value {
		t.Error("an expired token came again")
	}
	at, err := control.Of(w.fake, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := at.App("default").Advance(t.Context(), 7200*time.Second); err != nil { // only the server's clock: it refuses the token
		t.Fatal(err)
	}
	if _, err := c.CreateSession(ctx, params); err != nil {
		t.Fatal(err)
	}
	if third := get(3); third.Value == second.Value {
		t.Error("a refused token came again")
	}
	if got := w.wire.count("/topapi/v2/im/create_session"); got != 2 {
		t.Errorf("create_session went out %d times, want 2", got)
	}
}

// TestFakeConcurrently has 250 goroutines share a client: one token, and no session lost.
func TestFakeConcurrently(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mockserver.AppState{})
	c := w.client(t, func(o *client.Options) {
		o.HTTPClient = &http.Client{Transport: w.wire}
	})
	w.wire.base = &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}
	var group sync.WaitGroup
	for i := range 250 {
		group.Go(func() {
			if err := roundTrip(t.Context(), c, i); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := w.wire.count("/gettoken"); got != 1 {
		t.Errorf("%d calls of gettoken, want 1", got)
	}
	w.wire.base.(*http.Transport).CloseIdleConnections()
}

func roundTrip(ctx context.Context, c *client.Client, i int) error {
	params := client.SessionParams{SessionID: fmt.Sprint("s-", i), UserID: fmt.Sprint("u-", i)}
	if _, err := c.CreateSession(ctx, params); err != nil {
		return err
	}
	s, ok, err := c.GetSession(ctx, params.UserID)
	if err != nil {
		return err
	}
	if !ok || s.SessionID != params.SessionID {
		return fmt.Errorf("user %s has session %q, want %q", params.UserID, s.SessionID, params.SessionID)
	}
	return c.CloseSession(ctx, params)
}
