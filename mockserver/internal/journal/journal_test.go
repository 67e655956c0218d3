package journal

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// note is a record that is no call.
type note struct {
	app, text string
	n         int64
	weight    int
}

func (r *note) AppName() string         { return r.app }
func (r *note) SetNumber(n int64)       { r.n = n }
func (r *note) Subject() *match.Subject { return &match.Subject{Operation: r.text} }
func (r *note) Weight() int             { return r.weight }

// numbers returns the numbers of the items, in this journal and in their app's.
func numbers(items []Item) (here, own []int64) {
	for _, x := range items {
		here = append(here, x.N)
		switch r := x.Record.(type) {
		case *note:
			own = append(own, r.n)
		case *Call:
			own = append(own, r.N)
		}
	}
	return here, own
}

// Records of several kinds are numbered in one sequence, and the number of requested ones that are lost is
// reported; those that were cleared do not count.
func TestSince(t *testing.T) {
	t.Parallel()
	type want struct {
		Numbers       []int64
		Dropped, Last int64
	}
	s := New(3)
	a, b := s.Make(), s.Make()
	add := func(j *Journal, app string, times int) {
		for i := range times {
			if i%2 == 0 {
				j.Add(&note{app: app, weight: 10})
			} else {
				j.Add(&Call{Entry: api.Entry{App: app}, weight: 10})
			}
		}
	}
	for _, step := range []struct {
		name          string
		do            func()
		since         int64
		a, b, all     want
		allOwnNumbers []int64
	}{
		{"nothing", func() {}, 0, want{}, want{}, want{}, nil},
		{"some", func() { add(a, "a", 2); add(b, "b", 1) }, 0, want{[]int64{1, 2}, 0, 2}, want{[]int64{1}, 0, 1}, want{[]int64{1, 2, 3}, 0, 3}, []int64{1, 2, 1}},
		{"more than are kept", func() { add(a, "a", 3) }, 0, want{[]int64{3, 4, 5}, 2, 5}, want{[]int64{1}, 0, 1}, want{[]int64{1, 2, 3, 4, 5, 6}, 0, 6}, []int64{1, 2, 1, 3, 4, 5}},
		{"after a number", func() {}, 4, want{[]int64{5}, 0, 5}, want{nil, 0, 1}, want{[]int64{5, 6}, 0, 6}, []int64{4, 5}},
		{"after more than there are", func() {}, 99, want{nil, 0, 5}, want{nil, 0, 1}, want{nil, 0, 6}, nil},
		{"cleared", func() { a.Clear() }, 1, want{nil, 0, 5}, want{nil, 0, 1}, want{[]int64{2, 3, 4, 5, 6}, 0, 6}, []int64{2, 1, 3, 4, 5}},
		{"forgotten", func() { s.Forget("a") }, 0, want{nil, 0, 5}, want{[]int64{1}, 0, 1}, want{[]int64{3}, 0, 6}, []int64{1}},
		{"again", func() { add(a, "a", 4) }, 0, want{[]int64{7, 8, 9}, 1, 9}, want{[]int64{1}, 0, 1}, want{[]int64{3, 7, 8, 9, 10}, 0, 10}, []int64{1, 6, 7, 8, 9}},
		{"ended", func() { a.End(); add(a, "a", 2) }, 0, want{nil, 2, 11}, want{[]int64{1}, 0, 1}, want{[]int64{3, 7, 8, 9, 10, 11, 12}, 0, 12}, []int64{1, 6, 7, 8, 9, 10, 11}},
	} {
		step.do()
		var own []int64
		look := func(j *Journal) want {
			tail := j.Since(step.since)
			w := want{Dropped: tail.Dropped, Last: tail.Last}
			w.Numbers, own = numbers(tail.Items)
			return w
		}
		for _, x := range []struct {
			of        string
			want, got want
		}{{"a", step.a, look(a)}, {"b", step.b, look(b)}, {"all", step.all, look(s.All())}} {
			if diff := cmp.Diff(x.want, x.got); diff != "" {
				t.Errorf("%s: of %s (-want +got)\n%s", step.name, x.of, diff)
			}
		}
		if diff := cmp.Diff(step.allOwnNumbers, own); diff != "" {
			t.Errorf("%s: numbers in the app's journal (-want +got)\n%s", step.name, diff)
		}
		check(t, s)
	}
	if r, last := b.Get(1); r == nil || last != 1 {
		t.Errorf("Get: %v, %d", r, last)
	}
	if r, last := a.Get(3); r != nil || last != 11 {
		t.Errorf("Get of what is lost: %v, %d", r, last)
	}
}

// Removed records keep their place: the journal of all apps never reaches back beyond its limit of latest ones.
func TestForgottenKeepsItsPlace(t *testing.T) {
	t.Parallel()
	s := New(1)
	for _, app := range []string{"a", "b"} {
		s.Forget("a")
		j := s.Make()
		for range 8 {
			j.Add(&note{app: app, weight: 1})
		}
	}
	tail := s.All().Since(0)
	if here, _ := numbers(tail.Items); len(here) != 8 || here[0] != 9 || tail.Dropped != 6 || tail.Last != 16 {
		t.Errorf("the numbers %d are kept, %d dropped, the latest is %d", here, tail.Dropped, tail.Last)
	}
	check(t, s)
}

// A journal that is off numbers the records that come, and counts them as lost.
func TestOff(t *testing.T) {
	t.Parallel()
	s := New(0)
	j := s.Make()
	x := &note{weight: 1}
	j.Add(&note{weight: 1})
	j.Add(x)
	if tail := j.Since(1); j.On() || s.All().On() || len(tail.Items) != 0 || tail.Dropped != 1 || tail.Last != 2 || x.n != 2 {
		t.Errorf("it has %+v, the number %d", tail, x.n)
	}
	check(t, s)
}

// An app that holds little loses nothing when the memory of all apps is full: those that hold most give up their
// oldest records.
func TestHeaviestGivesUp(t *testing.T) {
	t.Parallel()
	const (
		idle  = 70
		chunk = 64 << 10
		light = 1 << 10
	)
	s := New(1000)
	fill := func(app string, times, weight int) *Journal {
		j := s.Make()
		for range times {
			j.Add(&note{app: app, weight: weight})
		}
		return j
	}
	small := fill("small", 3, light)
	var list []*Journal
	for i := range idle {
		list = append(list, fill("idle"+strconv.Itoa(i), bytesOfOne/chunk, chunk))
		check(t, s)
	}
	fresh := fill("fresh", 6, light)
	check(t, s)
	for name, x := range map[string]struct {
		j    *Journal
		want int
	}{"small": {small, 3}, "fresh": {fresh, 6}} {
		if tail := x.j.Since(0); len(tail.Items) != x.want || tail.Dropped != 0 {
			t.Errorf("of the %d records of %s %d are kept, %d dropped", x.want, name, len(tail.Items), tail.Dropped)
		}
	}
	share := bytesOfApps / idle
	for i, j := range list {
		tail := j.Since(0)
		if held := len(tail.Items) * chunk; held < share-2*chunk || held > share+2*chunk || tail.Dropped != bytesOfOne/chunk-int64(len(tail.Items)) {
			t.Errorf("idle%d holds %d bytes, %d records dropped; its share is %d", i, held, tail.Dropped, share)
		}
	}
	if tail := s.All().Since(0); len(tail.Items) != 6+(bytesOfAll-6*light)/chunk {
		t.Errorf("of all %d records are kept", len(tail.Items))
	}
}

// The sums stay right while goroutines add, read, clear, end and forget at once.
func TestJournalsConcurrently(t *testing.T) {
	t.Parallel()
	s := New(100)
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			draw := rand.New(rand.NewPCG(7, uint64(i)))
			app := "a" + strconv.Itoa(i%8)
			j := s.Make()
			for n := range 300 {
				j.Add(&note{app: app, weight: draw.IntN(bytesOfOne / 2)})
				switch draw.IntN(40) {
				case 0:
					j.Clear()
				case 1:
					s.Forget(app)
				case 2:
					j.End()
					j = s.Make()
				}
				if tail := j.Since(0); tail.Last > int64(n+1) {
					t.Errorf("the latest is %d after %d", tail.Last, n+1)
				}
				s.All().List(nil, 0, 0, 1)
			}
		})
	}
	group.Wait()
	check(t, s)
}

// check compares the sums, the limits and the heap with what is kept.
func check(t *testing.T, s *Journals) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := func(j *Journal) (n int) {
		for _, x := range j.items {
			n += x.Weight()
		}
		return n
	}
	all := 0
	for i, j := range s.apps {
		all += j.bytes
		if held := sum(j); held != j.bytes || j.bytes == 0 || j.bytes > bytesOfOne || j.at != i || i > 0 && s.apps[(i-1)/2].bytes < j.bytes {
			t.Errorf("a journal holds %d bytes, and says %d; it is in place %d, and says %d", held, j.bytes, i, j.at)
		}
	}
	if all != s.bytes || all > bytesOfApps {
		t.Errorf("the apps' journals hold %d bytes, and say %d", all, s.bytes)
	}
	if held := sum(s.all); held != s.all.bytes || held > bytesOfAll {
		t.Errorf("the journal of all holds %d bytes, and says %d", held, s.all.bytes)
	}
}

// A page has the last records that match, and says where the rest continues.
func TestList(t *testing.T) {
	t.Parallel()
	j := New(10).Make()
	for _, text := range []string{"x", "y", "x", "x", "y", "x"} {
		j.Add(&note{text: text, weight: 1})
	}
	x := match.Entries(&api.Match{Operation: "x"})
	for _, test := range []struct {
		since, before int64
		limit         int
		want          []int64
		next          int64
	}{
		{0, 0, 0, []int64{1, 3, 4, 6}, 0},
		{0, 0, 2, []int64{4, 6}, 4},
		{0, 4, 2, []int64{1, 3}, 0},
		{0, 4, 1, []int64{3}, 3},
		{2, 0, 3, []int64{3, 4, 6}, 0},
		{6, 0, 3, nil, 0},
	} {
		p := j.List(x, test.since, test.before, test.limit)
		got, _ := numbers(p.Items)
		if diff := cmp.Diff(test.want, got); diff != "" || p.Next != test.next || p.Last != 6 {
			t.Errorf("%+v: next %d, last %d (-want +got)\n%s", test, p.Next, p.Last, diff)
		}
	}
}

// One wait can be answered by records of any kind, and counts each once.
func TestWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := New(10).Make()
		done := make(chan Result, 1)
		go func() {
			done <- j.Wait(t.Context(), api.WaitRequest{Match: api.Match{Operation: "x"}, AtLeast: 2, Timeout: api.Duration(time.Minute)})
		}()
		for _, r := range []Record{&note{text: "x"}, &note{text: "y"}, &Call{Entry: api.Entry{Operation: "x"}}} {
			synctest.Wait()
			if len(done) > 0 {
				t.Fatal("it is answered too early")
			}
			j.Add(r)
		}
		if r := <-done; !r.OK || r.Found != 2 || len(r.Records) != 2 || r.Last != 3 || r.Dropped != 0 {
			t.Errorf("it is answered %+v", r)
		}
		late := j.Wait(t.Context(), api.WaitRequest{Match: api.Match{Operation: "z"}, AtLeast: 1, Timeout: api.Duration(time.Second)})
		if late.OK || late.Found != 0 || len(late.Nearest) != 3 || late.Expected != "at least 1 within 1s" {
			t.Errorf("in vain it is answered %+v", late)
		}
	})
}

// A stream continues only after an event of the same life.
func TestAfterEvent(t *testing.T) {
	t.Parallel()
	j := New(10).Make()
	for range 3 {
		j.Add(&note{weight: 1})
	}
	for id, want := range map[string]int64{
		j.EventID(2): 2, j.EventID(3): 3, j.EventID(4): 0, j.EventID(-1): 0, j.Life(): 0, j.Life() + "-x": 0, NewLife() + "-2": 0, "": 0,
	} {
		if got := j.AfterEvent(id); got != want {
			t.Errorf("%q: it goes on after %d, want %d", id, got, want)
		}
	}
}
