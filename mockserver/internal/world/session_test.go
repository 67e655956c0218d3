package world

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/page"
)

// A page of 100,000 sessions reads only few of them, wherever it begins and whatever was closed.
func TestPageOfManySessions(t *testing.T) {
	t.Parallel()
	const many, limit = 100_000, 100
	var s Sessions
	s.init()
	for i := range many {
		s.open(api.SessionState{SessionID: strconv.Itoa(i), UserID: "u"}, time.Time{})
	}
	for i := 1; i < many; i += 3 {
		s.close(strconv.Itoa(i))
	}
	looked, seen := 0, 0
	there := func(p place) bool {
		looked++
		return p.there()
	}
	for _, newest := range []bool{false, true} {
		looked, seen = 0, 0
		for after, more := int64(0), true; more; more = after != 0 {
			before := looked
			var list []place
			list, after = page.Of(s.order, place.number, there, after, limit, newest)
			if seen += len(list); looked-before > 2*limit {
				t.Fatalf("a page of %d looked at %d", len(list), looked-before)
			}
		}
		if seen != len(s.byID) {
			t.Errorf("newest %v: the pages hold %d, want %d", newest, seen, len(s.byID))
		}
	}
	// Closed sessions soon leave no trace.
	for id := range maps.Clone(s.byID) {
		s.close(id)
	}
	if len(s.order) > 64 {
		t.Errorf("%d places are kept of no session", len(s.order))
	}
}
