package clock_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/clock"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestClock(t *testing.T) {
	t.Parallel()
	type step struct {
		do   string // advance, freeze, resume, or wall: real time moves
		by   time.Duration
		want time.Duration // by the app's clock, since start
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"real time", []step{{"wall", 5, 5}, {"wall", 7, 12}}},
		{"advance", []step{{"advance", 100, 100}, {"wall", 5, 105}, {"advance", 0, 105}, {"advance", 20, 125}}},
		{"freeze", []step{{"freeze", 0, 0}, {"wall", 50, 0}, {"freeze", 0, 0}, {"wall", 1, 0}}},
		{"resume", []step{{"wall", 3, 3}, {"freeze", 0, 3}, {"wall", 50, 3}, {"resume", 0, 3}, {"wall", 4, 7}}},
		{"resume without freeze", []step{{"advance", 9, 9}, {"resume", 0, 9}, {"wall", 1, 10}}},
		{"advance while frozen", []step{{"freeze", 0, 0}, {"wall", 50, 0}, {"advance", 10, 10}, {"wall", 50, 10}, {"resume", 0, 10}, {"wall", 1, 11}}},
		{"advance after a freeze", []step{{"freeze", 0, 0}, {"wall", 50, 0}, {"resume", 0, 0}, {"advance", 5, 5}, {"wall", 1, 6}}},
		{"real time goes back", []step{{"wall", 10, 10}, {"wall", -8, 10}, {"wall", 7, 10}, {"wall", 2, 11}}},
		{"advance while real time is back", []step{{"wall", 10, 10}, {"wall", -8, 10}, {"advance", 5, 15}, {"wall", 8, 15}, {"wall", 1, 16}}},
		{"freeze while real time is back", []step{{"wall", 10, 10}, {"wall", -8, 10}, {"freeze", 0, 10}, {"resume", 0, 10}, {"wall", 1, 11}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			real := start
			c := clock.New(func() time.Time { return real })
			for i, x := range test.steps {
				var err error
				switch x.do {
				case "wall":
					real = real.Add(x.by * time.Second)
				case "advance":
					err = c.Advance(x.by * time.Second)
				case "freeze":
					c.Freeze()
				case "resume":
					c.Resume()
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := c.Now().Sub(start); got != x.want*time.Second {
					t.Fatalf("step %d, %s %d: the clock is at %s, want %s", i, x.do, x.by, got, x.want*time.Second)
				}
			}
		})
	}
}

func TestAdvanceRefuses(t *testing.T) {
	t.Parallel()
	late := time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC)
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		name string
		now  time.Time
		by   []time.Duration
		want string // the error of the last step
	}{
		{"negative", start, []time.Duration{-1}, "by: -1ns is negative: a clock never goes back"},
		{"beyond 9999", late, []time.Duration{2 * year}, "by: 17520h0m0s leads beyond the year 9999"},
		{"to the last second of 9999", late, []time.Duration{2*year - time.Second}, ""},
		{"beyond 9999 by parts", late, []time.Duration{year, year - time.Second, time.Second}, "by: 1s leads beyond the year 9999"},
		{"200 years", start, []time.Duration{200 * year}, ""},
		{"200 years by parts", start, []time.Duration{100 * year, 100 * year, 1}, "by: 1ns leads more than 200 years (1752000h) from real time"},
		{"the longest duration", start, []time.Duration{1<<63 - 1}, "by: 2562047h47m16.854775807s leads more than 200 years (1752000h) from real time"},
		{"the longest duration after another", start, []time.Duration{200 * year, 1<<63 - 1}, "by: 2562047h47m16.854775807s leads more than 200 years (1752000h) from real time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := clock.New(func() time.Time { return test.now })
			for i, by := range test.by {
				before := c.Now()
				err := c.Advance(by)
				if last := i == len(test.by)-1; !last && err == nil {
					continue
				}
				if err == nil != (test.want == "") || err != nil && err.Error() != test.want {
					t.Fatalf("Advance: %v, want %q", err, test.want)
				}
				if after := c.Now(); err != nil && !after.Equal(before) {
					t.Errorf("a refused Advance moved the clock by %s", after.Sub(before))
				}
			}
		})
	}
}

// A clock with a restored state continues like the one that the state came from.
func TestState(t *testing.T) {
	t.Parallel()
	at := start.Add(time.Hour)
	for _, test := range []struct {
		name string
		do   func(*clock.Clock) error
		want *api.ClockState
	}{
		{"real time", func(*clock.Clock) error { return nil }, nil},
		{"moved", func(c *clock.Clock) error { return c.Advance(time.Hour) }, &api.ClockState{Offset: api.Duration(time.Hour)}},
		{"frozen", func(c *clock.Clock) error { c.Freeze(); return c.Advance(time.Hour) }, &api.ClockState{Offset: api.Duration(time.Hour), Frozen: true, At: &at}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			real := start
			c, again := clock.New(func() time.Time { return real }), clock.New(func() time.Time { return real })
			if err := test.do(&c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.State()); diff != "" {
				t.Errorf("state (-want +got)\n%s", diff)
			}
			again.Restore(c.State())
			real = real.Add(time.Minute)
			if want, got := c.Now(), again.Now(); !got.Equal(want) {
				t.Errorf("restored, it tells %s, want %s", got, want)
			}
		})
	}
}
