package mockserver

import "time"

// throttle counts an app's calls of each API in one-second windows of its clock. The app's lock guards it.
type throttle struct {
	second time.Time
	calls  map[string]int
}

// throttleLimit is how many calls of one API the app may make a second; 0: no limit.
func (c *call) throttleLimit() int {
	if c.app == nil {
		return 0
	}
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	return c.app.limit()
}

// limit is the app's own, else the server's. The caller holds the lock.
func (a *app) limit() int {
	if a.qps != nil {
		return *a.qps
	}
	return a.store.qps
}

// throttled counts the call, whoever is going to answer it, and returns the error where it is one too many.
func (c *call) throttled() error {
	if c.app == nil || !c.app.exceeds(c.api()) {
		return nil
	}
	return c.fault("app-throttled", "the app made more calls of "+c.api()+" in this second, by its clock, than it may (--qps)")
}

// api names what calls are counted by: the operation, the call of DingTalk, else the path.
func (c *call) api() string {
	if id := c.operationID(); id != "" {
		return id
	}
	return c.Path
}

func (a *app) exceeds(api string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	limit := a.limit()
	if limit == 0 {
		return false
	}
	second := a.clock.now().Truncate(time.Second)
	if !second.Equal(a.throttle.second) || a.throttle.calls == nil {
		a.throttle = throttle{second: second, calls: map[string]int{}}
	}
	a.throttle.calls[api]++
	return a.throttle.calls[api] > limit
}
