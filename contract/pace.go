package contract

import (
	"net/http"
	"sync"
	"time"
)

// liveInterval keeps the calls of the real platform at four a second.
const liveInterval = 250 * time.Millisecond

// paced lets one request through per interval.
type paced struct {
	base  http.RoundTripper
	every time.Duration

	mu   sync.Mutex
	next time.Time
}

func (p *paced) RoundTrip(req *http.Request) (*http.Response, error) {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.every)
	p.mu.Unlock()
	if wait := at.Sub(now); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-timer.C:
		}
	}
	return p.base.RoundTrip(req)
}
