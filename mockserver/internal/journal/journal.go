// Package journal keeps what happened to apps: a ring of the latest records of each app, and of all apps together, with the
// questions that are asked of it; how often calls broke the document; and what error replies said of their cause. What is kept
// holds no secret and no token.
package journal

import (
	"cmp"
	"container/heap"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dingmock/dingmock/mockserver/internal/match"
)

const (
	bytesOfOne  = 4 << 20              // of one app
	timesOfAll  = 10                   // as many as of one app, records of all apps are kept in their order
	bytesOfAll  = 16 << 20             // of these
	bytesOfApps = 256<<20 - bytesOfAll // of all apps' own journals together
)

// Record is one thing that a journal keeps, of whatever kind. It does not change once it is in a journal.
type Record interface {
	// AppName is the name of the app that it is told of.
	AppName() string
	// SetNumber tells it its number in its app's journal, before anybody can find it there.
	SetNumber(n int64)
	// Subject is what a match looks at.
	Subject() *match.Subject
	// Weight is about how many bytes it holds.
	Weight() int
}

// Item is a record in its place.
type Item struct {
	N int64 // its number in this journal
	Record
}

// Journals are those of the apps of one server, and the one of all of them. Any number of goroutines may use them. They have one
// lock, which is taken last: it is held to put records in and to copy a list of them, never to look into one.
type Journals struct {
	kept int // records in each journal
	all  *Journal

	mu    sync.Mutex
	bytes int      // of the apps' own
	apps  heaviest // the apps' own that hold something
}

// New makes the journals of a server, each of which keeps so many records; none keeps any where that is 0.
func New(kept int) *Journals {
	s := &Journals{kept: kept}
	s.all = s.Make()
	s.all.limit, s.all.size = kept*timesOfAll, bytesOfAll
	return s
}

// Make makes the journal of one app. It is in nobody's way until something is added to it.
func (s *Journals) Make() *Journal {
	return &Journal{life: NewLife(), limit: s.kept, size: bytesOfOne, journals: s, at: -1}
}

// All is the journal of all apps, in the order in which things happened. What is added to an app's is in it as well.
func (s *Journals) All() *Journal { return s.all }

// Forget forgets what the journal of all apps keeps of one.
func (s *Journals) Forget(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.items = slices.DeleteFunc(s.all.items, func(x Item) bool {
		gone := x.AppName() == app
		if gone {
			s.all.grow(-x.Weight())
		}
		return gone
	})
}

// NewLife names a life: what counts from 1 in it counts from 1 again in the next, of another name.
func NewLife() string { return strconv.FormatUint(rand.Uint64(), 36) }

// Journal is a ring of the latest records of one app, or of all apps.
type Journal struct {
	life     string // what its numbers count in
	limit    int    // in records, of the latest; 0: off
	size     int    // in bytes
	journals *Journals

	// The rest is guarded by the lock of the journals.
	items   []Item // oldest first
	last    int64  // the number of the latest, kept or not
	lost    int64  // the number of the latest that is not kept for want of room
	cleared int64  // the number of the latest when all was forgotten: what came before is not lost, but over
	bytes   int
	at      int           // its place in the heap; -1: it is not in
	ended   bool          // its app is no more: what still comes in is not kept
	changed chan struct{} // closed at the next record; nil while nobody waits
}

// Life is what its numbers count in.
func (j *Journal) Life() string { return j.life }

// On reports whether it keeps anything.
func (j *Journal) On() bool { return j.limit > 0 }

// OfAll reports whether it is the journal of all apps.
func (j *Journal) OfAll() bool { return j == j.journals.all }

// Add numbers the record, keeps it, in the journal of all apps too, and wakes whoever waits.
func (j *Journal) Add(r Record) {
	s := j.journals
	s.mu.Lock()
	defer s.mu.Unlock()
	r.SetNumber(j.last + 1)
	j.keep(r)
	s.all.keep(r)
}

func (j *Journal) keep(r Record) {
	j.last++
	if j.limit == 0 || j.ended {
		j.lost = j.last
		return
	}
	weight := r.Weight()
	beyond := j.last - int64(j.limit) // what was forgotten keeps its place among the last
	for len(j.items) > 0 && (j.items[0].N <= beyond || j.bytes+weight > j.size) {
		j.drop()
	}
	j.lost = max(j.lost, beyond)
	if !j.OfAll() {
		j.journals.makeRoom(weight)
	}
	j.items = append(j.items, Item{j.last, r})
	j.grow(weight)
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// makeRoom has the app that holds most give up its oldest records, until so many bytes fit in: an app that holds less than its
// share is never starved by others.
func (s *Journals) makeRoom(weight int) {
	for len(s.apps) > 0 && s.bytes+weight > bytesOfApps {
		s.apps[0].drop()
	}
}

// drop drops the oldest record. Its place is reused when append has to grow: the array stays within twice the limit.
func (j *Journal) drop() {
	oldest := j.items[0]
	j.items[0] = Item{}
	j.items = j.items[1:]
	j.lost = oldest.N
	j.grow(-oldest.Weight())
}

// grow notes that it holds so many bytes more.
func (j *Journal) grow(by int) {
	j.bytes += by
	if j.OfAll() {
		return
	}
	s := j.journals
	s.bytes += by
	switch {
	case j.at >= 0 && j.bytes == 0:
		heap.Remove(&s.apps, j.at)
	case j.at >= 0:
		heap.Fix(&s.apps, j.at)
	case j.bytes > 0:
		heap.Push(&s.apps, j)
	}
}

// heaviest is a heap of journals, the one that holds most bytes first.
type heaviest []*Journal

func (h heaviest) Len() int           { return len(h) }
func (h heaviest) Less(a, b int) bool { return h[a].bytes > h[b].bytes }
func (h heaviest) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].at, h[b].at = a, b
}

func (h *heaviest) Push(x any) {
	j, _ := x.(*Journal)
	j.at = len(*h)
	*h = append(*h, j)
}

func (h *heaviest) Pop() any {
	end := len(*h) - 1
	j := (*h)[end]
	j.at = -1
	(*h)[end] = nil
	*h = (*h)[:end]
	return j
}

// Clear forgets all records; the count goes on.
func (j *Journal) Clear() {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	j.clear()
}

func (j *Journal) clear() {
	j.items, j.cleared = nil, j.last
	j.grow(-j.bytes)
}

// End is Clear for a journal whose app is no more: what still comes in is not kept.
func (j *Journal) End() {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	j.clear()
	j.ended = true
}

// Get returns the record of that number, if it is still there, and the number of the latest.
func (j *Journal) Get(n int64) (r Record, last int64) {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	if i, found := j.find(n); found {
		r = j.items[i].Record
	}
	return r, j.last
}

// find returns the place of the first record of that number or a later one, and whether it has that number.
func (j *Journal) find(n int64) (place int, found bool) {
	return slices.BinarySearchFunc(j.items, n, func(x Item, n int64) int { return cmp.Compare(x.N, n) })
}

// Tail is what a journal has after some number.
type Tail struct {
	Items   []Item          // oldest first
	Dropped int64           // how many of those asked for have been lost
	Last    int64           // the number of the latest, kept or not
	More    <-chan struct{} // closed when there is another one
}

// Since returns what there is after that number.
func (j *Journal) Since(n int64) Tail {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	n = min(n, j.last)
	first, _ := j.find(n + 1)
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return Tail{Items: slices.Clone(j.items[first:]), Dropped: max(0, j.lost-max(n, j.cleared)), Last: j.last, More: j.changed}
}

// Page is those of a tail that match.
type Page struct {
	Tail
	Next int64 // what comes before that number was cut off; 0: nothing was
}

// List returns the last records after a number that match: limit of them at most, or all for 0, and only those before another
// number, unless that is 0.
func (j *Journal) List(m match.Matcher, since, before int64, limit int) Page {
	p := Page{Tail: j.Since(since)}
	var items []Item
	for _, x := range slices.Backward(p.Items) {
		if before > 0 && x.N >= before || !m.Matches(x.Subject()) {
			continue
		}
		if limit > 0 && len(items) == limit {
			p.Next = items[limit-1].N
			break
		}
		items = append(items, x)
	}
	slices.Reverse(items)
	p.Items = items
	return p
}

// EventID names a record in a stream.
func (j *Journal) EventID(n int64) string { return j.life + "-" + strconv.FormatInt(n, 10) }

// AfterEvent returns the number after which a stream goes on whose last event had that id. It is 0, so that nothing is lost,
// where that is none of this life.
func (j *Journal) AfterEvent(id string) int64 {
	life, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(number, 10, 64)
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	if err != nil || life != j.life || n < 0 || n > j.last {
		return 0
	}
	return n
}
