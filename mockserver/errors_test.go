package mockserver_test

import (
	"errors"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// errors.Is finds the errors that a test may want to tell apart, both in process and by the control API.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := fake(t, mockserver.Options{MaxApps: 1})
	c, err := control.Of(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	nobody := c.App("nobody")
	named := func(name string) mockserver.AppState {
		return mockserver.AppState{Name: name, AppKey: name, AppSecret: "x"}
	}
	two := []mockserver.AppState{named("a"), named("a")}
	for _, x := range []struct {
		name string
		err  func() error
		want error
	}{
		{"get", func() error { _, err := nobody.Get(ctx); return err }, mockserver.ErrNoApp},
		{"advance", func() error { _, err := nobody.Advance(ctx, 1); return err }, mockserver.ErrNoApp},
		{"delete", func() error { return nobody.Delete(ctx) }, mockserver.ErrNoApp},
		{"journal", func() error { _, err := nobody.Journal(ctx, control.Filter{}); return err }, mockserver.ErrNoApp},
		{"verdict of an app", func() error { _, err := nobody.Verdict(ctx, nil); return err }, mockserver.ErrNoApp},
		{"verdict", func() error { _, err := c.Verdict(ctx, &mockserver.VerdictOptions{Apps: []string{"no*"}}); return err }, mockserver.ErrNoApp},
		{"verdict of the server", func() error { _, err := s.Verdict(&mockserver.VerdictOptions{Apps: []string{"no*"}}); return err }, mockserver.ErrNoApp},
		{"one app too many", func() error { _, err := c.NewApp(ctx, named("a")); return err }, mockserver.ErrAppLimit},
		{"a prepared one too many", func() error { _, err := c.App("mock-a").Freeze(ctx); return err }, mockserver.ErrAppLimit},
		{"a state of too many", func() error { return c.PutState(ctx, mockserver.State{Apps: []mockserver.AppState{named("a")}}) }, mockserver.ErrAppLimit},
		{"options of too many", func() error {
			_, err := mockserver.New(&mockserver.Options{MaxApps: 1, Apps: []mockserver.AppState{named("a"), named("b")}})
			return err
		}, mockserver.ErrAppLimit},
		{"a name that is taken", func() error { _, err := c.NewApp(ctx, named("default")); return err }, mockserver.ErrTaken},
		{"a state with one name twice", func() error { return c.PutState(ctx, mockserver.State{Apps: two}) }, mockserver.ErrTaken},
		{"options with one name twice", func() error { _, err := mockserver.New(&mockserver.Options{Apps: two}); return err }, mockserver.ErrTaken},
		{"a file with one name twice", func() error {
			_, err := mockserver.ReadState("f", []byte(`{"apps":[{"appkey":"a","appsecret":"x"},{"appkey":"a","appsecret":"x"}]}`))
			return err
		}, mockserver.ErrTaken},
		{"another error", func() error { _, err := c.App("default").Advance(ctx, -1); return err }, nil},
	} {
		err := x.err()
		if err == nil {
			t.Errorf("%s: no error", x.name)
		}
		for _, code := range []error{mockserver.ErrNoApp, mockserver.ErrAppLimit, mockserver.ErrTaken} {
			if is := code == x.want; errors.Is(err, code) != is { //nolint:errorlint // they are the codes themselves
				t.Errorf("%s: %v: is it %q: want %t", x.name, err, code, is)
			}
		}
	}
}
