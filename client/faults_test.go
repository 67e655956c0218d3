package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// faultCall is one call of a client, and what it says of itself.
type faultCall struct {
	name, path string
	token      bool   // whether it needs one
	again      bool   // whether it may be run twice
	plain      string // what it gets if nothing is wrong; the fake has no such answer to the other calls
	do         func(context.Context, *client.Client) error
}

var faultCalls = []faultCall{
	{"Token", "/gettoken", false, true, "success", func(ctx context.Context, c *client.Client) error {
		_, err := c.Token(ctx)
		return err
	}},
	{"AccessToken", "/v1.0/oauth2/accessToken", false, true, "success", func(ctx context.Context, c *client.Client) error {
		_, err := c.AccessToken(ctx)
		return err
	}},
	{"GetSession", "/topapi/v2/user/getsession", true, true, "success", func(ctx context.Context, c *client.Client) error {
		_, _, err := c.GetSession(ctx, "u-1")
		return err
	}},
	{"CreateSession", "/topapi/v2/im/create_session", true, true, "success", func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateSession(ctx, client.SessionParams{SessionID: "s-2", UserID: "u-1"})
		return err
	}},
	{"CloseSession", "/topapi/v2/im/close_session", true, false, "success", func(ctx context.Context, c *client.Client) error {
		return c.CloseSession(ctx, client.SessionParams{SessionID: "s-1", UserID: "u-1"})
	}},
	{"Call", "/topapi/v2/user/get", true, false, "refused", func(ctx context.Context, c *client.Client) error {
		return c.Call(ctx, "POST", "/topapi/v2/user/get", map[string]string{"userid": "u-1"}, nil)
	}},
	{"Call of a version", "/v1.0/contact/users/me", true, false, "refused", func(ctx context.Context, c *client.Client) error {
		return c.Call(ctx, "GET", "/v1.0/contact/users/me", nil, nil)
	}},
}

// How often a call goes out.
const (
	once    = iota
	renewed // once more with another token, if it has one
	retried // up to three times
	ifBusy  // up to three times if it may be run twice
)

// outcome returns how a caller would describe an error.
func outcome(err error) string {
	var refused *client.Error
	var broken *client.ReplyError
	var lost *url.Error
	switch {
	case err == nil:
		return "success"
	case errors.Is(err, client.ErrBlocked):
		return "blocked"
	case errors.As(err, &broken):
		return "no reply of the platform"
	case errors.As(err, &lost) && lost.Timeout():
		return "time-out"
	case errors.As(err, &lost):
		return "no reply"
	case errors.As(err, &refused):
		for name, kind := range map[string]error{
			"busy": client.ErrBusy, "token": client.ErrInvalidToken, "permission": client.ErrNoPermission, "address": client.ErrIPNotAllowed,
			"throttled": client.ErrThrottled, "quota": client.ErrQuotaExhausted,
		} {
			if errors.Is(err, kind) {
				return name
			}
		}
		return "refused"
	}
	return err.Error()
}

// TestFaults makes each call of a fake whose rule has each fault, over a socket.
func TestFaults(t *testing.T) {
	t.Parallel()
	second := mockserver.Duration(time.Second)
	type fault struct {
		effect mockserver.Effect
		want   string
		sent   int
		short  bool // with a client that does not wait for long
	}
	faults := map[string]fault{
		"errcode":       {mockserver.Effect{Errcode: 12345}, "refused", once, false},
		"status 500":    {mockserver.Effect{Status: 500}, "no reply of the platform", once, false},
		"status 429":    {mockserver.Effect{Status: 429}, "no reply of the platform", once, false},
		"latency":       {mockserver.Effect{Latency: 600 * second}, "time-out", once, true},
		"short latency": {mockserver.Effect{Latency: mockserver.Duration(time.Millisecond)}, "", once, false},
		"hang":          {mockserver.Effect{Hang: true}, "time-out", once, true},
		"reset":         {mockserver.Effect{Reset: true}, "no reply", once, false},
		"empty":         {mockserver.Effect{Empty: true}, "no reply", once, false},
		"truncate":      {mockserver.Effect{Truncate: true}, "no reply of the platform", once, false},
		"slow":          {mockserver.Effect{Slow: 60 * second}, "no reply of the platform", once, true},
		"malformed":     {mockserver.Effect{Malformed: true}, "no reply of the platform", once, false},
		"reply":         {mockserver.Effect{Reply: &mockserver.FixedReply{Body: json.RawMessage(`"<html></html>"`)}}, "blocked", once, false},
	}
	named := map[string]fault{
		"system-busy": {want: "busy", sent: ifBusy}, "token-expired": {want: "token", sent: renewed}, "no-permission": {want: "permission"},
		"ip-not-allowed": {want: "address"}, "app-throttled": {want: "throttled", sent: retried}, "api-throttled": {want: "throttled", sent: retried},
		"quota-exhausted": {want: "quota"}, "ip-blocked": {want: "blocked"}, "ip-blocked-json": {want: "blocked"},
	}
	for _, name := range mockserver.Faults() {
		f, ok := named[name]
		if !ok {
			t.Errorf("the table lacks the fault %s", name)
		}
		f.effect = mockserver.Effect{Fault: name}
		faults[name] = f
	}
	for name, f := range faults {
		for _, call := range faultCalls {
			t.Run(name+"/"+call.name, func(t *testing.T) {
				t.Parallel()
				w := newFaulty(t, call.path, f.effect)
				var impatientOf string
				if f.short {
					impatientOf = call.path
				}
				err := call.do(t.Context(), w.client(t, impatientOf))
				want, tries := f.want, 1
				switch {
				case f.sent == renewed && call.token:
					tries = 2
				case f.sent == retried, f.sent == ifBusy && call.again:
					tries = 3
				}
				if want == "" {
					want = call.plain
				}
				if got := outcome(err); got != want {
					t.Errorf("the caller gets %s: %v, want %s", got, err, want)
				}
				if got := w.count(call.path); got != tries {
					t.Errorf("%d calls went out, want %d", got, tries)
				}
				pauses := w.pauses()
				if want := tries - 1; f.sent == renewed && len(pauses) != 0 || f.sent != renewed && len(pauses) != want {
					t.Errorf("pauses %v for %d calls", pauses, tries)
				}
				for _, d := range pauses {
					if d < 250*time.Millisecond || d > 2500*time.Millisecond {
						t.Errorf("a pause of %s", d)
					}
				}
			})
		}
	}
}

// faulty is a fake with a rule, and a clock that moves by the pauses of its clients.
type faulty struct {
	url  string
	seen chan struct{} // gets one for each call of the path that has the fault
	*manual.Clock

	mu    sync.Mutex
	calls map[string]int
	slept []time.Duration
}

func (w *faulty) count(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[path]
}

func (w *faulty) pauses() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.slept)
}

func newFaulty(t *testing.T, path string, effect mockserver.Effect) *faulty {
	t.Helper()
	w := &faulty{Clock: manual.New(time.Date(2026, 9, 3, 0, 1, 2, 3e6, time.UTC)), calls: map[string]int{}, seen: make(chan struct{}, 16)}
	app := mockserver.DefaultApp()
	app.Sessions = []mockserver.SessionState{{SessionID: "s-1", UserID: "u-1"}}
	fake, err := mockserver.New(&mockserver.Options{Apps: []mockserver.AppState{app}, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.calls[r.URL.Path]++
		w.mu.Unlock()
		if r.URL.Path == path && effect.Slow == 0 {
			w.seen <- struct{}{}
		}
		fake.ServeHTTP(rw, r)
	}))
	srv.Config.SetKeepAlivesEnabled(false) // on a connection that was used net/http itself sends a GET once more
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(func() { _ = fake.Close() })
	w.url = srv.URL
	c, err := control.New(srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.App("default").Rules().Add(t.Context(), mockserver.Rule{Match: mockserver.RuleMatch{Path: path}, Effect: effect}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *faulty) client(t *testing.T, impatientOf string) *client.Client {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	h := &http.Client{Transport: transport, Timeout: time.Minute}
	if impatientOf != "" {
		h.Transport = impatient{transport, impatientOf, w.seen}
	}
	c, err := client.New(&client.Options{
		BaseURL: w.url, AppKey: mockserver.DefaultApp().AppKey, AppSecret: mockserver.DefaultApp().AppSecret, HTTPClient: h, Now: w.Now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.slept = append(w.slept, d)
			w.Advance(d)
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// impatient gives up on a call of one path, as if its time were over: as soon as it is seen, or else once its reply begins.
type impatient struct {
	base http.RoundTripper
	path string
	seen chan struct{} // gets one for each such call that is seen
}

func (i impatient) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != i.path {
		return i.base.RoundTrip(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	go func() {
		select {
		case <-i.seen:
			cancel(context.DeadlineExceeded)
		case <-ctx.Done():
		}
	}()
	resp, err := i.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	cancel(context.DeadlineExceeded)
	return resp, nil
}
