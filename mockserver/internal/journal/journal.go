// Package journal keeps what was called: a ring of the latest exchanges of each app, and of all apps together, with the questions
// that are asked of it; how often calls broke the document; and what error replies said of their cause. What is kept holds no
// secret and no token.
package journal

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dingmock/dingmock/mockserver/api"
)

const (
	journalBytes = 4 << 20   // of one app
	wholeTimes   = 10        // as many as of one app, exchanges of all apps are kept in their order
	wholeBytes   = 16 << 20  // of these
	journalsSize = 256 << 20 // of all apps together
)

// NewLife names a life: what counts from 1 in it counts from 1 again in the next, of another name.
func NewLife() string { return strconv.FormatUint(rand.Uint64(), 36) }

// Journal is a ring of the latest exchanges of one app, or of all apps in the order of their calls.
type Journal struct {
	life  string        // what its numbers count in
	limit int           // in entries; 0: off
	size  int           // in bytes
	total *atomic.Int64 // bytes of all journals together
	whole *Journal      // that of all apps, which takes the entries too; nil: this is it

	mu      sync.Mutex
	entries []*Call // oldest first
	last    int64   // the number of the latest call, kept or not
	cleared int64   // the number of the latest call when all was Forgotten: what came before is not lost, but over
	bytes   int
	ended   bool          // its app is no more: what still comes in is not kept
	changed chan struct{} // closed at the next entry; nil while nobody waits
}

func New(limit int, whole *Journal) *Journal {
	return &Journal{life: NewLife(), limit: limit, size: journalBytes, total: whole.total, whole: whole}
}

// NewWhole makes the journal of all apps, each of which keeps so many entries.
func NewWhole(limit int) *Journal {
	return &Journal{life: NewLife(), limit: limit * wholeTimes, size: wholeBytes, total: new(atomic.Int64)}
}

// Life is what its numbers count in.
func (j *Journal) Life() string { return j.life }

// On reports whether it keeps anything.
func (j *Journal) On() bool { return j.limit > 0 }

// Add numbers the entry, keeps it and wakes whoever waits, and then does so with those who wait for calls of all apps.
func (j *Journal) Add(e *Call) {
	j.keep(e)
	if j.whole != nil {
		j.whole.keep(e)
	}
}

func (j *Journal) keep(e *Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last++
	if j.whole != nil {
		e.N = j.last
	}
	if j.limit == 0 || j.ended {
		return
	}
	for len(j.entries) > 0 && (len(j.entries) >= j.limit || j.bytes+e.weight > j.size || j.total.Load() > journalsSize) {
		j.shift()
	}
	j.entries = append(j.entries, e)
	j.bytes += e.weight
	j.total.Add(int64(e.weight))
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// shift drops the oldest entry. Its place is reused when append has to grow: the array stays within twice the limit.
func (j *Journal) shift() {
	j.bytes -= j.entries[0].weight
	j.total.Add(-int64(j.entries[0].weight))
	j.entries[0] = nil
	j.entries = j.entries[1:]
}

// Clear forgets all entries; the count goes on. end is for a journal whose app is no more: what still comes in is not kept.
func (j *Journal) Clear(end bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total.Add(-int64(j.bytes))
	j.entries, j.bytes, j.cleared, j.ended = nil, 0, j.last, end
}

// Forgotten is in the place of an entry of the whole whose app was reset, so that the numbers of the others stay.
var Forgotten = &Call{}

// Forget forgets the entries of an app in the journal of all.
func (j *Journal) Forget(app string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, e := range j.entries {
		if e.App == app {
			j.bytes -= e.weight
			j.total.Add(-int64(e.weight))
			j.entries[i] = Forgotten
		}
	}
}

// Get returns the entry of that number, if it is still there.
func (j *Journal) Get(n int64) (*Call, int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.N == n {
			return e, j.last
		}
	}
	return nil, j.last
}

// Since returns the entries after that number, the last of which has the number of the latest call, how many have been lost, the number of the latest call,
// and a channel that is closed when there is another one.
func (j *Journal) Since(n int64) (entries []*Call, dropped, last int64, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = min(n, j.last)
	first := j.last - int64(len(j.entries)) + 1
	if len(j.entries) > 0 {
		entries = slices.Clone(j.entries[max(0, min(n+1-first, int64(len(j.entries)))):])
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return entries, max(0, first-1-max(n, j.cleared)), j.last, j.changed
}

// EventID names an entry in a stream.
func (j *Journal) EventID(n int64) string { return j.life + "-" + strconv.FormatInt(n, 10) }

// AfterEvent returns the number after which a stream goes on whose last event had that id. It is 0, so that no call is lost,
// where that is none of this life.
func (j *Journal) AfterEvent(id string) int64 {
	life, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil || life != j.life || n < 0 || n > j.last {
		return 0
	}
	return n
}

// Shown returns an entry, which has that number here, with its curl line.
func (j *Journal) Shown(e *Call, n int64) *api.Entry {
	shown := e.Shown()
	if j.whole == nil {
		shown.All = n
	}
	return shown
}
