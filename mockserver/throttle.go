package mockserver

import (
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// maxCounted is how many APIs are counted separately in one window: any path that a rule answers is one, and the
// window of a frozen clock has no end.
const maxCounted = 10_000

// throttle counts an app's calls of each API in one-second windows of its clock; calls of APIs beyond maxCounted
// are counted as one API. The app's lock guards it.
type throttle struct {
	second time.Time
	calls  map[string]int
}

// throttleLimit returns how many calls of one API the app may make per second; 0: no limit.
func (c *call) throttleLimit() int {
	if c.app == nil {
		return 0
	}
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	return c.app.limit()
}

// limit returns the app's own limit, or else the server's. The caller holds the lock.
func (a *tenant) limit() int {
	if a.qps != nil {
		return *a.qps
	}
	return a.tenants.qps
}

// throttled counts the call, no matter what will answer it, and returns the error if it exceeds the limit.
func (c *call) throttled() *world.Failure {
	if c.app == nil || !c.app.exceeds(c.api()) {
		return nil
	}
	return c.fault("app-throttled", "the app made more calls of "+c.api()+" in this second, by its clock, than it may (option qps)")
}

// api returns the name that calls are counted by: the operation, DingTalk's call, or else the path.
func (c *call) api() string {
	if id := c.operationID(); id != "" {
		return id
	}
	return c.Path
}

func (a *tenant) exceeds(api string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := a.limit()
	if limit == 0 {
		return false
	}
	second := a.clock.Now().Truncate(time.Second)
	if !second.Equal(a.throttle.second) || a.throttle.calls == nil {
		a.throttle = throttle{second: second, calls: map[string]int{}}
	}
	if _, there := a.throttle.calls[api]; !there && len(a.throttle.calls) >= maxCounted {
		api = ""
	}
	a.throttle.calls[api]++
	return a.throttle.calls[api] > limit
}
