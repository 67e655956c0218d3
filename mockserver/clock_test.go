package mockserver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

func TestAdvanceCountsWhatFellDue(t *testing.T) {
	t.Parallel()
	a := mockserver.DefaultApp()
	a.Tokens = []mockserver.TokenState{{Token: expiredToken, ExpiresIn: 10}, {Token: otherToken, ExpiresIn: 20}, {Token: live, ExpiresIn: 7200}}
	real := manual.New(start)
	s := fake(t, mockserver.Options{Now: real.Now, Apps: []mockserver.AppState{a}, SessionTTL: 30 * time.Second})
	session(t, s, create, "a", "", "u")
	session(t, s, create, "b", "", "u")
	real.Advance(10 * time.Second) // the first token ends by itself, not by an advance
	var got []mockserver.Expired
	for _, by := range []time.Duration{9, 1, 9, 1, 7180} {
		got = append(got, advance(t, s, "default", by*time.Second))
	}
	want := []mockserver.Expired{{}, {Tokens: 1}, {}, {Sessions: 2}, {Tokens: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what fell due (-want +got)\n%s", diff)
	}
}
