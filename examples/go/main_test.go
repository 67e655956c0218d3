package main

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver"
)

// The fake in process, an app of the test's own, and at the end the check that no call was off-spec.
func TestSession(t *testing.T) {
	t.Parallel()

	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(fake)
	defer srv.Close()

	// the program under test, with srv.URL in place of https://oapi.dingtalk.com
	c, err := client.New(client.Options{BaseURL: srv.URL, AppKey: "mock-orders", AppSecret: "any"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := session(t.Context(), c, &out); err != nil {
		t.Fatal(err)
	}

	for _, v := range fake.Violations() {
		t.Errorf("off-spec: %v", v)
	}
	if got, want := out.String(), "before: no session\nopened: s-go\ncurrent: s-go\nafter: no session\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What the client makes of a refusal.
func TestSessionClosedTwice(t *testing.T) {
	t.Parallel()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(fake)
	defer srv.Close()
	baseURL, ctx := srv.URL, t.Context()

	c, err := client.New(client.Options{BaseURL: baseURL, AppKey: "dingmockapp", AppSecret: "dingmockappsecret"})
	if err != nil {
		t.Fatal(err)
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
