package client

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
)

const (
	busy      = `{"errcode":-1,"errmsg":"系统繁忙","request_id":"16l4ew3d47pdp"}`
	throttled = `{"errcode":88,"sub_code":"90018","sub_msg":"次数过多, 限制将在 2026-09-03 08:00:01 结束.","errmsg":"ding talk error[subcode=90018,submsg=次数过多, 限制将在 2026-09-03 08:00:01 结束.]","request_id":"16l4ew3d47pdp"}`
	forever   = `{"errcode":90002,"errmsg":"暂时禁用了, 处罚将在 2026-09-03 08:05:00 结束."}`
	unnamed   = `{"errcode":90006,"errmsg":"请求被暂时禁用了"}`
	quota     = `{"errcode":88,"sub_code":"90020","sub_msg":"x","errmsg":"ding talk error[subcode=90020,submsg=x]","request_id":"16l4ew3d47pdp"}`
)

// TestTries answers a call again and again with one refusal. The clock stands at 2026-09-03 00:00:00 UTC, which is
// 08:00:00 in China.
func TestTries(t *testing.T) {
	t.Parallel()
	const half = 500 * time.Millisecond
	for _, tt := range []struct {
		name, reply string
		tries       int
		of          string // which calls: once, that are not to be run twice; again, the others; "": all
		want        []time.Duration
	}{
		{"busy", busy, 0, "again", []time.Duration{half / 2, half}},
		{"busy, not to be run twice", busy, 0, "once", nil},
		{"throttled until a time", throttled, 0, "", []time.Duration{time.Second, time.Second}},
		{"throttled", unnamed, 0, "", []time.Duration{half / 2, half}},
		{"throttled for minutes", forever, 0, "", nil},
		{"quota", quota, 0, "", nil},
		{"throttled, one try", throttled, 1, "", nil},
		{"throttled, two tries", throttled, 2, "", []time.Duration{time.Second}},
		{"throttled, five tries", unnamed, 5, "", []time.Duration{half / 2, half, 2 * half, 4 * half}},
	} {
		for id, op := range operations {
			if once := op.by == "CloseSession"; tt.of != "" && once != (tt.of == "once") {
				continue
			}
			t.Run(tt.name+"/"+id, func(t *testing.T) {
				t.Parallel()
				var n counts
				var pauses []time.Duration
				options := testOptions()
				options.Now, options.Tries = manual.New(midnight).Now, tt.tries
				options.Sleep = func(_ context.Context, d time.Duration) error {
					pauses = append(pauses, d)
					return nil
				}
				c := offline(t, options, func(r *http.Request) (*http.Response, error) {
					n.add(r.URL.Path)
					if r.URL.Path != op.path {
						return respond(200, okToken), nil
					}
					return respond(200, tt.reply), nil
				})
				c.jitter = func(time.Duration) time.Duration { return 0 }
				_, err := methods[op.by].call(t.Context(), c)
				if _, ok := errors.AsType[*Error](err); !ok {
					t.Fatalf("error %v, want an *Error", err)
				}
				if diff := cmp.Diff(tt.want, pauses); diff != "" {
					t.Errorf("pauses (-want +got)\n%s", diff)
				}
				if got := n.of(op.path); got != len(tt.want)+1 {
					t.Errorf("%d calls went out, want %d", got, len(tt.want)+1)
				}
			})
		}
	}
}

// A try that succeeds is a success, also with another token in between.
func TestTriesInTheEnd(t *testing.T) {
	t.Parallel()
	var n counts
	c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/gettoken" {
			return respond(200, tokenReply(nth(n.add(r.URL.Path)), 7200)), nil
		}
		switch n.add(r.URL.Path) {
		case 1:
			return respond(200, throttled), nil
		case 2:
			return respond(200, badToken), nil
		}
		if got := r.URL.Query().Get("access_token"); got != nth(2) {
			t.Errorf("the last try has the token %s, want the second", got)
		}
		return respond(200, okNone), nil
	})
	if _, _, err := c.GetSession(t.Context(), "u"); err != nil {
		t.Error(err)
	}
	if got := n.of("/topapi/v2/user/getsession"); got != 3 {
		t.Errorf("%d calls of getsession, want 3", got)
	}
}

// A pause is in real time, ends with the context, and does not start if the deadline comes first.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		deadline time.Duration // 0: none
		cancel   time.Duration // 0: never
		calls    int
		least    time.Duration
		most     time.Duration
	}{
		{"no deadline", 0, 0, 3, 2 * time.Second, 3500 * time.Millisecond},
		{"a deadline that does", time.Minute, 0, 3, 2 * time.Second, 3500 * time.Millisecond},
		{"a deadline within the pause", 900 * time.Millisecond, 0, 1, 0, 0},
		{"a context that ends in the pause", 0, 400 * time.Millisecond, 1, 400 * time.Millisecond, 400 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n counts
				options := testOptions()
				options.Sleep, options.Now = nil, manual.New(midnight).Now
				c := offline(t, options, func(r *http.Request) (*http.Response, error) {
					n.add(r.URL.Path)
					return respond(200, throttled), nil
				})
				c.cache.held = &held{Token: Token{Value: testToken, Expires: options.Now().Add(time.Hour)}, renewAt: options.Now().Add(time.Hour)}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.deadline > 0 {
					var end context.CancelFunc
					ctx, end = context.WithTimeout(ctx, tt.deadline)
					defer end()
				}
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				began := time.Now()
				err := c.CloseSession(ctx, SessionParams{SessionID: "s", UserID: "u"})
				took := time.Since(began)
				if !errors.Is(err, ErrThrottled) {
					t.Errorf("error %v, want ErrThrottled", err)
				}
				if got := n.of("/topapi/v2/im/close_session"); got != tt.calls {
					t.Errorf("%d calls, want %d", got, tt.calls)
				}
				if took < tt.least || took > tt.most {
					t.Errorf("it took %s, want %s to %s", took, tt.least, tt.most)
				}
			})
		})
	}
}

// A thousand callers who need a token that is throttled wait for the tries of one of them.
func TestNoStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n counts
		options := testOptions()
		options.Sleep, options.Now = nil, time.Now
		c := offline(t, options, func(r *http.Request) (*http.Response, error) {
			n.add(r.URL.Path)
			return respond(200, unnamed), nil
		})
		var group sync.WaitGroup
		var refused atomic.Int32
		for range 1000 {
			group.Go(func() {
				if _, _, err := c.GetSession(t.Context(), "u"); errors.Is(err, ErrThrottled) {
					refused.Add(1)
				}
			})
		}
		group.Wait()
		if got := n.of("/gettoken"); got != 3 || refused.Load() != 1000 {
			t.Errorf("%d calls of gettoken for %d refusals, want 3 for 1000", got, refused.Load())
		}
	})
}

// A thousand callers whose own calls are throttled send each at most three, and come back spread over time.
func TestSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		at := map[time.Time]int{}
		options := testOptions()
		options.Sleep, options.Now = nil, time.Now
		began := time.Now()
		c := offline(t, options, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/gettoken" {
				return respond(200, okToken), nil
			}
			mu.Lock()
			defer mu.Unlock()
			at[time.Now().Truncate(10*time.Millisecond)]++
			return respond(200, unnamed), nil
		})
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() { _, _, _ = c.GetSession(t.Context(), "u") })
		}
		group.Wait()
		total := 0
		for when, n := range at {
			total += n
			if when.After(began.Add(10*time.Millisecond)) && n > 100 {
				t.Errorf("%d calls come back together after %s", n, when.Sub(began))
			}
		}
		if total != 3000 {
			t.Errorf("%d calls went out, want 3000", total)
		}
	})
}

func TestUntil(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"": {},
		"限制将在 2026-09-03 00:01:03 结束.":                   time.Date(2026, 9, 2, 16, 1, 3, 0, time.UTC),
		"x, 处罚将在 2019-02-13 20:40:05 结束.":                time.Date(2019, 2, 13, 12, 40, 5, 0, time.UTC),
		"限制将在2026-09-03 00:01:03结束":                      time.Date(2026, 9, 2, 16, 1, 3, 0, time.UTC),
		"限制将在 2026-13-03 00:01:03 结束.":                   {},
		"从 2026-09-03 00:01:02 到 2026-09-03 00:01:02 请求": {},
	} {
		if got := until(text); !got.Equal(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// If a context ends during a pause, the error shows that and the refusal that caused the pause.
func TestCancelledInPause(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	options := testOptions()
	options.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	c := offline(t, options, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/gettoken" {
			return respond(200, okToken), nil
		}
		return respond(200, unnamed), nil
	})
	err := c.CloseSession(ctx, SessionParams{})
	var refused *Error
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrThrottled) || !errors.As(err, &refused) {
		t.Errorf("error %v, want context.Canceled and ErrThrottled", err)
	}
}

// The client does not wait for a throttle that ends in thousands of years: the pause must not overflow to none.
func TestPauseFarAway(t *testing.T) {
	t.Parallel()
	var n counts
	options := testOptions()
	options.Now = manual.New(midnight).Now
	c := offline(t, options, func(r *http.Request) (*http.Response, error) {
		n.add(r.URL.Path)
		return respond(200, `{"errcode":90002,"errmsg":"处罚将在 9999-12-31 23:59:59 结束."}`), nil
	})
	if _, err := c.Token(t.Context()); !errors.Is(err, ErrThrottled) {
		t.Errorf("Token: error %v, want ErrThrottled", err)
	}
	if got := n.of("/gettoken"); got != 1 {
		t.Errorf("%d calls of gettoken, want 1", got)
	}
}

// Pauses stop growing before they are too long, so that a call with many tries gets all of them.
func TestManyTries(t *testing.T) {
	t.Parallel()
	var n counts
	options := testOptions()
	options.Tries = 50
	options.Sleep = func(_ context.Context, d time.Duration) error {
		if d <= 0 || d > maxPause {
			t.Errorf("a pause of %s", d)
		}
		return nil
	}
	c := offline(t, options, func(r *http.Request) (*http.Response, error) {
		if n.add(r.URL.Path); r.URL.Path == "/gettoken" {
			return respond(200, okToken), nil
		}
		return respond(200, unnamed), nil
	})
	if err := c.CloseSession(t.Context(), SessionParams{}); !errors.Is(err, ErrThrottled) {
		t.Errorf("error %v, want ErrThrottled", err)
	}
	if got := n.of("/topapi/v2/im/close_session"); got != 50 {
		t.Errorf("%d calls, want 50", got)
	}
}

// TestCallsAtMost checks that tries and the one try with another token add up, and do not multiply.
func TestCallsAtMost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		tries         int
		replies       []string // the last of them again and again
		calls, tokens int
		want          error
	}{
		{"the token last", 0, []string{throttled, throttled, badToken, throttled}, 4, 2, ErrThrottled},
		{"the token first", 0, []string{badToken, throttled}, 3, 2, ErrThrottled},
		{"the token between", 0, []string{throttled, badToken, throttled}, 3, 2, ErrThrottled},
		{"the token twice", 0, []string{badToken, throttled, badToken}, 3, 2, ErrInvalidToken},
		{"one try", 1, []string{badToken, throttled}, 2, 2, ErrThrottled},
		{"one try, the token twice", 1, []string{badToken}, 2, 2, ErrInvalidToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var n counts
			options := testOptions()
			options.Now, options.Tries = manual.New(midnight).Now, tt.tries
			c := offline(t, options, func(r *http.Request) (*http.Response, error) {
				i := n.add(r.URL.Path)
				if r.URL.Path == "/gettoken" {
					return respond(200, tokenReply(nth(i), 7200)), nil
				}
				return respond(200, tt.replies[min(i, len(tt.replies))-1]), nil
			})
			if err := c.CloseSession(t.Context(), SessionParams{}); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			got := []int{n.of("/topapi/v2/im/close_session"), n.of("/gettoken")}
			if diff := cmp.Diff([]int{tt.calls, tt.tokens}, got); diff != "" {
				t.Errorf("calls of close_session and gettoken (-want +got)\n%s", diff)
			}
		})
	}
}
