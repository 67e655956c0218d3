// Package journal keeps what happened to apps: a ring of the latest records of each app, and one of all apps
// together, both of which can be queried; how often calls broke the document; and the causes that error replies
// gave. What it keeps holds no secret and no token.
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
	bytesOfOne  = 4 << 20              // of one app's journal
	timesOfAll  = 10                   // the journal of all apps keeps this many times the records of one app's
	bytesOfAll  = 16 << 20             // of the journal of all apps
	bytesOfApps = 256<<20 - bytesOfAll // of all apps' own journals together
)

// Record is one thing that a journal keeps, of any kind. It does not change once it is in a journal.
type Record interface {
	// AppName returns the name of the app that the record belongs to.
	AppName() string
	// SetNumber sets the record's number in its app's journal. It is called before the record can be found there.
	SetNumber(n int64)
	// Subject returns what a match looks at.
	Subject() *match.Subject
	// Weight returns about how many bytes the record holds.
	Weight() int
}

// Item is a record with its number.
type Item struct {
	N int64 // the record's number in this journal
	Record
}

// Journals holds the journals of the apps of one server, and the one of all apps. It is safe for concurrent use.
// All share one lock, which is taken last: it is held to add records and to copy a list of them, never to look
// into one.
type Journals struct {
	kept int // records in each journal
	all  *Journal

	mu    sync.Mutex
	bytes int      // of the apps' own journals
	apps  heaviest // the apps' own journals that are not empty
}

// New makes the journals of a server, each of which keeps kept records; 0 means none.
func New(kept int) *Journals {
	s := &Journals{kept: kept}
	s.all = s.Make()
	s.all.limit, s.all.size = kept*timesOfAll, bytesOfAll
	return s
}

// Make makes the journal of one app. Until something is added, nothing refers to it.
func (s *Journals) Make() *Journal {
	return &Journal{life: NewLife(), limit: s.kept, size: bytesOfOne, journals: s, at: -1}
}

// All returns the journal of all apps, in the order of events. Whatever is added to an app's journal is also added
// to it.
func (s *Journals) All() *Journal { return s.all }

// Forget removes the records of one app from the journal of all apps.
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

// NewLife returns a name for a new life, which is a sequence of numbers: each life counts from 1 and has another
// name.
func NewLife() string { return strconv.FormatUint(rand.Uint64(), 36) }

// Journal is a ring of the latest records of one app, or of all apps.
type Journal struct {
	life     string // the sequence that its numbers belong to
	limit    int    // in records; 0: off
	size     int    // in bytes
	journals *Journals

	// The rest is guarded by the lock of the journals.
	items   []Item // oldest first
	last    int64  // the number of the latest record, kept or not
	lost    int64  // the number of the latest record that was dropped for lack of room
	cleared int64  // the number of the latest record at the last Clear: earlier ones do not count as lost
	bytes   int
	at      int           // its index in the heap; -1: not in the heap
	ended   bool          // its app is gone: records that still come in are not kept
	changed chan struct{} // closed when the next record comes; nil while nobody waits
}

// Life returns the name of the sequence that the journal's numbers belong to.
func (j *Journal) Life() string { return j.life }

// On reports whether the journal keeps anything.
func (j *Journal) On() bool { return j.limit > 0 }

// OfAll reports whether this is the journal of all apps.
func (j *Journal) OfAll() bool { return j == j.journals.all }

// Add numbers the record, stores it in this journal and in that of all apps, and wakes those who wait.
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
	beyond := j.last - int64(j.limit) // a forgotten record still counts among the last ones
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

// makeRoom drops the oldest records of whichever app holds most until weight more bytes fit. So an app that holds
// less than its share is never starved by others.
func (s *Journals) makeRoom(weight int) {
	for len(s.apps) > 0 && s.bytes+weight > bytesOfApps {
		s.apps[0].drop()
	}
}

// drop removes the oldest record. Its place is reused when append has to grow, so the array stays within twice the
// limit.
func (j *Journal) drop() {
	oldest := j.items[0]
	j.items[0] = Item{}
	j.items = j.items[1:]
	j.lost = oldest.N
	j.grow(-oldest.Weight())
}

// grow adds by to the number of bytes that the journal holds.
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

// heaviest is a heap of journals; the first holds the most bytes.
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

// Clear removes all records; the numbers go on.
func (j *Journal) Clear() {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	j.clear()
}

func (j *Journal) clear() {
	j.items, j.cleared = nil, j.last
	j.grow(-j.bytes)
}

// End is Clear for a journal whose app is gone: records that still come in are not kept.
func (j *Journal) End() {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	j.clear()
	j.ended = true
}

// Get returns the record of that number, nil if it is no longer kept, and the number of the latest record.
func (j *Journal) Get(n int64) (r Record, last int64) {
	j.journals.mu.Lock()
	defer j.journals.mu.Unlock()
	if i, found := j.find(n); found {
		r = j.items[i].Record
	}
	return r, j.last
}

// find returns the index of the first record of that number or a later one, and whether it has that number.
func (j *Journal) find(n int64) (place int, found bool) {
	return slices.BinarySearchFunc(j.items, n, func(x Item, n int64) int { return cmp.Compare(x.N, n) })
}

// Tail is what a journal holds after a number.
type Tail struct {
	Items   []Item          // oldest first
	Dropped int64           // how many of the requested records are lost
	Last    int64           // the number of the latest record, kept or not
	More    <-chan struct{} // closed when another record comes
}

// Since returns what the journal holds after that number.
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

// Page is the part of a Tail that matches.
type Page struct {
	Tail
	Next int64 // matching records before this number were cut off; 0: none were
}

// List returns the last limit records that match, after the number since and, unless before is 0, before the
// number before. A limit of 0 means all.
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

// EventID returns the id of a record in a stream.
func (j *Journal) EventID(n int64) string { return j.life + "-" + strconv.FormatInt(n, 10) }

// AfterEvent returns the number after which a stream continues whose last event had that id. It is 0, so that
// nothing is lost, if the id is not of this life.
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
