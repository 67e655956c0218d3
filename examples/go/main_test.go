package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver/mocktest"
)

// run stands for the program under test: what it is told is where the platform is, and as whom to call.
func run(ctx context.Context, url, key, secret string, out io.Writer) error {
	c, err := client.New(&client.Options{BaseURL: url, AppKey: key, AppSecret: secret, Tries: 1})
	if err != nil {
		return err
	}
	return session(ctx, c, out)
}

// A fake of the test's own; at the end it checks that no call was off-spec.
func TestSession(t *testing.T) {
	t.Parallel()
	var out strings.Builder

	srv := mocktest.New(t, nil) // a fake with an app of its own; fails the test for calls that are off-spec
	err := run(t.Context(), srv.URL, srv.AppKey, srv.AppSecret, &out)

	if err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "before: no session\nopened: s-go\ncurrent: s-go\nafter: no session\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What the program makes of a platform that throttles, and of a token that has expired.
func TestSessionInTrouble(t *testing.T) {
	t.Parallel()
	srv := mocktest.New(t, nil)
	srv.Fault("create_session", "app-throttled") // the next such call fails
	if err := run(t.Context(), srv.URL, srv.AppKey, srv.AppSecret, io.Discard); !errors.Is(err, client.ErrThrottled) {
		t.Errorf("throttled: %v", err)
	}
	if _, err := srv.App.Advance(t.Context(), 2*time.Hour); err != nil { // the token has expired
		t.Fatal(err)
	}
	if err := run(t.Context(), srv.URL, srv.AppKey, srv.AppSecret, io.Discard); err != nil {
		t.Errorf("after two hours: %v", err)
	}
}

// What the client makes of a refusal.
func TestSessionClosedTwice(t *testing.T) {
	t.Parallel()
	srv, ctx := mocktest.New(t, nil), t.Context()
	baseURL, key, secret := srv.URL, srv.AppKey, srv.AppSecret

	c, err := client.New(&client.Options{BaseURL: baseURL, AppKey: key, AppSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	current, open, err := c.GetSession(ctx, "manager4220")

	if err != nil || open {
		t.Fatalf("before: %v %v %v", current, open, err)
	}
	s := client.SessionParams{SessionID: "s-1", UserID: "u-1"}
	if _, err := c.CreateSession(ctx, s); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseSession(ctx, s); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseSession(ctx, s); !errors.Is(err, client.ErrInvalidSession) {
		t.Errorf("closed twice: %v", err)
	}
}
