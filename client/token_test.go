package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
)

func TestSingleFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n counts
		release := make(chan struct{})
		c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
			n.add(r.URL.Path)
			if r.URL.Path == "/gettoken" {
				<-release
				return respond(200, okToken), nil
			}
			return respond(200, okNone), nil
		})
		var group sync.WaitGroup
		var failed atomic.Int32
		for range 1000 {
			group.Go(func() {
				if _, _, err := c.GetSession(t.Context(), "u"); err != nil {
					failed.Add(1)
				}
			})
		}
		synctest.Wait() // all 1,000 stand still: one in the call, the others for it
		if got := n.of("/gettoken"); got != 1 {
			t.Errorf("%d calls of gettoken, want 1", got)
		}
		close(release)
		group.Wait()
		if got := failed.Load(); got != 0 {
			t.Errorf("%d of 1,000 callers failed", got)
		}
		if got := n.of("/gettoken"); got != 1 {
			t.Errorf("%d calls of gettoken in the end, want 1", got)
		}
		if got := n.of("/topapi/v2/user/getsession"); got != 1000 {
			t.Errorf("%d calls of getsession, want 1000", got)
		}
	})
}

func TestFlightOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n counts
		release := make(chan struct{})
		c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
			n.add(r.URL.Path)
			select {
			case <-release:
				return respond(200, okToken), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})
		call := func(ctx context.Context) (chan error, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() {
				token, err := c.Token(ctx)
				if err == nil && token.Value != testToken {
					err = errors.New("another token")
				}
				done <- err
			}()
			return done, cancel
		}
		first, cancelFirst := call(t.Context())
		synctest.Wait()
		second, cancelSecond := call(t.Context())
		third, cancelThird := call(t.Context())
		defer cancelThird()

		cancelFirst()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that gave up got %v, want context.Canceled", err)
		}
		cancelSecond()
		if err := <-second; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiter that gave up got %v, want context.Canceled", err)
		}
		synctest.Wait()
		close(release)
		if err := <-third; err != nil {
			t.Errorf("the waiter that stayed got %v", err)
		}
		if got := n.of("/gettoken"); got != 1 {
			t.Errorf("%d calls of gettoken, want 1", got)
		}
	})
}

func TestCancelledBeforeTheFlight(t *testing.T) {
	t.Parallel()
	c := offline(t, testOptions(), func(*http.Request) (*http.Response, error) {
		t.Error("a call was made")
		return respond(200, okToken), nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Token: error %v, want context.Canceled", err)
	}
}

func TestFlightEnds(t *testing.T) {
	t.Parallel()
	hang := func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	tests := []struct {
		name    string
		handle  transport
		timeout time.Duration // of the HTTP client
		want    time.Duration
	}{
		{"the HTTP client's timeout", hang, 5 * time.Second, 5 * time.Second},
		{"the flight's own", hang, 0, flightTimeout},
		{"the transport ends the goroutine", func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil }, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				options := testOptions()
				options.HTTPClient = &http.Client{Transport: tt.handle, Timeout: tt.timeout}
				c, err := New(&options)
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				if _, err := c.Token(t.Context()); err == nil {
					t.Error("Token succeeded")
				}
				if got := time.Since(start); got != tt.want {
					t.Errorf("Token waited %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestRenewal moves the client's clock from the moment that it got a token, and tells which token is used then and
// which soon after.
func TestRenewal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		life       int
		after      time.Duration
		now, later int
	}{
		{"new", 7200, 0, 1, 1},
		{"before 10 minutes are left", 7200, 6600*time.Second - 1, 1, 1},
		{"10 minutes are left", 7200, 6600 * time.Second, 1, 2},
		{"about to expire", 7200, 7200*time.Second - 1, 1, 2},
		{"expired", 7200, 7200 * time.Second, 2, 2},
		{"short life, before a tenth is left", 600, 540*time.Second - 1, 1, 1},
		{"short life, a tenth is left", 600, 540 * time.Second, 1, 2},
		{"short life, expired", 600, 600 * time.Second, 2, 2},
		{"a second, a tenth is left", 1, 900 * time.Millisecond, 1, 2},
		{"a life that is not believed", 1 << 40, 7200 * time.Second, 2, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n counts
				clock := manual.New(midnight)
				options := testOptions()
				options.Now = clock.Now
				c := offline(t, options, func(r *http.Request) (*http.Response, error) {
					i := n.add(r.URL.Path)
					if r.URL.Path == "/gettoken" {
						return respond(200, tokenReply(nth(i), tt.life)), nil
					}
					return respond(200, okNone), nil
				})
				first, err := c.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want := Token{Value: nth(1), Expires: clock.Now().Add(time.Duration(min(tt.life, 7200)) * time.Second)}
				if first != want {
					t.Errorf("the first token expires at %s, want %s", first.Expires, want.Expires)
				}
				clock.Advance(tt.after)
				for _, want := range []int{tt.now, tt.later} {
					token, err := c.Token(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if token.Value != nth(want) {
						t.Errorf("token %s, want %s", token.Value, nth(want))
					}
					synctest.Wait()
				}
				if got := n.of("/gettoken"); got != tt.later {
					t.Errorf("%d calls of gettoken, want %d", got, tt.later)
				}
			})
		})
	}
}

func TestRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n counts
		clock := manual.New(midnight)
		options := testOptions()
		options.Now, options.Tries = clock.Now, 1
		c := offline(t, options, func(r *http.Request) (*http.Response, error) {
			switch n.add(r.URL.Path) {
			case 1:
				return respond(200, okToken), nil
			case 4:
				return respond(200, tokenReply(nth(4), 7200)), nil
			}
			return respond(200, `{"errcode":-1,"errmsg":"系统繁忙"}`), nil
		})
		steps := []struct {
			advance time.Duration
			token   string // "": ErrBusy
			calls   int
		}{
			{0, testToken, 1},
			{6600 * time.Second, testToken, 2}, // fails, and nobody notices
			{60*time.Second - 1, testToken, 2}, // not asked again at once
			{1, testToken, 3},                  // but a minute later
			{60 * time.Second, testToken, 4},   // and that succeeds
			{0, nth(4), 4},                     //
			{7200*time.Second - 1, nth(4), 5},  // fails again
			{1, "", 6},                         // and now there is no token
		}
		for i, s := range steps {
			clock.Advance(s.advance)
			token, err := c.Token(t.Context())
			synctest.Wait()
			if token.Value != s.token || (s.token == "") != errors.Is(err, ErrBusy) {
				t.Errorf("step %d: token %q, error %v, want token %q", i, token.Value, err, s.token)
			}
			if got := n.of("/gettoken"); got != s.calls {
				t.Errorf("step %d: %d calls of gettoken, want %d", i, got, s.calls)
			}
		}
	})
}

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, body string
		status           int
		tokens, calls    int // that go out, whether or not the second answer is the same
		want             error
	}{
		{"plain 40014", "/user/get", `{"errcode":40014,"errmsg":"不合法的access_token"}`, 200, 2, 2, ErrInvalidToken},
		{"88 and 40014", "/topapi/x", badToken, 200, 2, 2, ErrInvalidToken},
		{"88 and 40014 in the text alone", "/topapi/x", `{"errcode":88,"errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]"}`, 200, 2, 2, ErrInvalidToken},
		{"88 and 40000", "/topapi/x", `{"errcode":88,"sub_code":"40000","errmsg":"x"}`, 200, 2, 2, ErrInvalidToken},
		{"InvalidAuthentication", "/v1.0/x", `{"code":"InvalidAuthentication","requestid":"x","message":"不合法的access_token"}`, 400, 2, 2, ErrInvalidToken},
		{"no permission", "/topapi/x", `{"errcode":88,"sub_code":"60011","errmsg":"x"}`, 200, 1, 1, ErrNoPermission},
		{"a parameter", "/topapi/x", `{"errcode":40035,"errmsg":"缺少参数 access_token"}`, 200, 1, 1, ErrInvalidParameter},
		{"own token", "/robot/send?access_token=r", `{"errcode":40014,"errmsg":"x"}`, 200, 0, 1, ErrInvalidToken},
	}
	for _, tt := range tests {
		for _, always := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/always=%t", tt.name, always), func(t *testing.T) {
				t.Parallel()
				var n counts
				c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
					if i := n.add(r.URL.Path); r.URL.Path == "/gettoken" {
						answer(w, tokenReply(nth(i), 7200))
						return
					} else if i == 1 || always {
						w.WriteHeader(tt.status)
						answer(w, tt.body)
						return
					}
					if got := r.URL.Query().Get(tokenField) + r.Header.Get(tokenHeader); got != nth(2) {
						t.Errorf("the second call has the token %s, want %s", got, nth(2))
					}
					answer(w, `{"errcode":0}`)
				})
				err := c.Call(t.Context(), "POST", tt.path, nil, nil)
				if fails := always || tt.calls == 1; fails != errors.Is(err, tt.want) || !fails && err != nil {
					t.Errorf("Call: error %v", err)
				}
				path, _, _ := strings.Cut(tt.path, "?")
				got := map[string]int{"tokens": n.of("/gettoken"), "calls": n.of(path)}
				if diff := cmp.Diff(map[string]int{"tokens": tt.tokens, "calls": tt.calls}, got); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestTokenRefusedToMany checks that a token refused to a thousand callers at once costs one call for another, even if the
// platform gives the same token again.
func TestTokenRefusedToMany(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{false, true} {
		t.Run(fmt.Sprintf("same=%t", same), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n counts
				gate := make(chan struct{})
				c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
					i := n.add(r.URL.Path)
					if r.URL.Path == "/gettoken" {
						if same {
							i = 1
						}
						return respond(200, tokenReply(nth(i), 7200)), nil
					}
					if i <= 1000 {
						<-gate
						return respond(200, badToken), nil
					}
					return respond(200, okClose), nil
				})
				var group sync.WaitGroup
				for range 1000 {
					group.Go(func() {
						if err := c.CloseSession(t.Context(), SessionParams{}); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				close(gate)
				group.Wait()
				if got := n.of("/gettoken"); got != 2 {
					t.Errorf("%d calls of gettoken, want 2", got)
				}
			})
		})
	}
}

func TestFlightFails(t *testing.T) {
	t.Parallel()
	var n counts
	c := serve(t, testOptions(), func(w http.ResponseWriter, r *http.Request) {
		if n.add(r.URL.Path) == 1 {
			answer(w, `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`)
			return
		}
		answer(w, okToken)
	})
	_, _, err := c.GetSession(t.Context(), "u")
	var refused *Error
	if !errors.Is(err, ErrWrongCredentials) || !errors.As(err, &refused) || refused.Operation != "gettoken" {
		t.Errorf("GetSession: error %v, want that of gettoken", err)
	}
	if _, err := c.Token(t.Context()); err != nil {
		t.Errorf("a failure was kept: %v", err)
	}
}

// If the call for a token pauses beyond the deadline of a caller that waits for it, that caller gets the reason at once; a caller
// that has the time waits on, and gets the token.
func TestDeadlineWithinSharedPause(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		var n counts
		options := testOptions()
		options.Sleep, options.Now = nil, manual.New(midnight).Now
		c := offline(t, options, func(r *http.Request) (*http.Response, error) {
			<-time.After(100 * ms)
			if n.add(r.URL.Path) == 1 {
				return respond(200, throttled), nil // a pause of a second or more
			}
			return respond(200, okToken), nil
		})
		began := time.Now()
		var group sync.WaitGroup
		for _, w := range []struct {
			name        string
			comes, has  time.Duration
			goes        time.Duration // 0: when the token is there
			throttled   bool
			interrupted bool
		}{
			{"begins the call", 0, 900 * ms, 100 * ms, true, false},
			{"waits when the pause begins", 50 * ms, 800 * ms, 100 * ms, true, false},
			{"comes into the pause", 200 * ms, 500 * ms, 200 * ms, true, false},
			{"has no time for the call itself", 50 * ms, 20 * ms, 70 * ms, false, true},
			{"has the time", 50 * ms, time.Minute, 0, false, false},
			{"has the time, comes into the pause", 200 * ms, time.Hour, 0, false, false},
		} {
			group.Go(func() {
				<-time.After(w.comes)
				ctx, cancel := context.WithTimeout(t.Context(), w.has)
				defer cancel()
				_, err := c.Token(ctx)
				if errors.Is(err, ErrThrottled) != w.throttled || errors.Is(err, context.DeadlineExceeded) != w.interrupted || err != nil && !w.throttled && !w.interrupted {
					t.Errorf("%s: error %v", w.name, err)
				}
				if got := time.Since(began); w.goes > 0 && got != w.goes {
					t.Errorf("%s: goes after %s, want %s", w.name, got, w.goes)
				}
			})
		}
		group.Wait()
		if got := n.of("/gettoken"); got != 2 {
			t.Errorf("%d calls of gettoken, want 2", got)
		}
	})
}

// A token's life counts from just before the try that gave it, not from before earlier tries that did not.
func TestLifeAfterPauses(t *testing.T) {
	t.Parallel()
	var n counts
	clock := manual.New(midnight)
	options := testOptions()
	options.Now = clock.Now
	options.Sleep = func(_ context.Context, d time.Duration) error {
		clock.Advance(d)
		return nil
	}
	c := offline(t, options, func(r *http.Request) (*http.Response, error) {
		if n.add(r.URL.Path) < 3 {
			return respond(200, unnamed), nil
		}
		return respond(200, okToken), nil
	})
	token, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := clock.Now().Add(7200 * time.Second); !token.Expires.Equal(want) {
		t.Errorf("the token expires at %s, want %s", token.Expires, want)
	}
}
