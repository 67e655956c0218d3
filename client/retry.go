package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"time"
)

const (
	defaultTries = 3
	firstPause   = 500 * time.Millisecond // doubled with each further try
	doublings    = 5                      // the maximum, so that a pause without a named end stays below maxPause
	maxPause     = 30 * time.Second       // the client does not wait for a throttle that lasts longer
)

// china is the time zone of the times in the platform's texts.
var china = time.FixedZone("CST", 8*60*60)

// throttleEnd finds the end of a throttle, in the wordings of 2018 and of 2026.
var throttleEnd = regexp.MustCompile(`(?:限制|处罚)将在 ?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ?结束`)

// until returns the end of the throttle that a message reports, or the zero time if it names none.
func until(message string) time.Time {
	found := throttleEnd.FindStringSubmatch(message)
	if found == nil {
		return time.Time{}
	}
	at, err := time.ParseInLocation(time.DateTime, found[1], china)
	if err != nil {
		return time.Time{}
	}
	return at
}

// again reports whether a refused call may go out again unchanged: it was not run, or running it twice has the same effect as
// running it once.
func (q *call) again(e *Error) bool {
	return errors.Is(e, ErrThrottled) || errors.Is(e, ErrBusy) && q.idempotent
}

// pause waits before the next try of a refused call. It returns the refusal at once if there must not be one: the call may not go
// out again, its tries are used up, or the wait would be too long or last beyond ctx's deadline.
func (c *Client) pause(ctx context.Context, q *call, refused *Error, try int) error {
	if try >= c.options.Tries || !q.again(refused) {
		return refused
	}
	spread := firstPause << min(try-1, doublings)
	wait := spread / 2
	if !refused.Until.IsZero() {
		// The clocks may differ: if the throttle has ended by ours, wait as if the platform named no end.
		wait = max(wait, refused.Until.Sub(c.options.Now()))
	}
	if wait > maxPause { // checked before the addition, which could overflow
		return refused
	}
	wait += c.jitter(spread)
	if deadline, ok := ctx.Deadline(); wait > maxPause || ok && time.Until(deadline) <= wait {
		return refused
	}
	if q.givesToken { // other callers wait for the token too
		c.cache.pausing(refused, time.Now().Add(wait))
		defer c.cache.pausing(nil, time.Time{})
	}
	c.options.Log.LogAttrs(ctx, slog.LevelDebug, "trying again", slog.String("operation", refused.Operation), slog.Int("try", try+1), slog.Duration("pause", wait))
	if err := c.options.Sleep(ctx, wait); err != nil {
		return fmt.Errorf("%w (waiting to try again: %w)", refused, c.scrub(err))
	}
	return nil
}

// jitter returns a random part of d, so that callers that were refused together do not retry together.
func jitter(d time.Duration) time.Duration { return rand.N(d) }

// sleep waits in real time.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
