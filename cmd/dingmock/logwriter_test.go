package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// gate is a writer that waits until it is opened, and may fail.
type gate struct {
	open  chan bool
	began chan bool // gets one when a write begins

	mu   sync.Mutex
	text bytes.Buffer
	room int // how much it takes until it fails; -1: all
}

func newGate() *gate { return &gate{open: make(chan bool), began: make(chan bool, 100), room: -1} }

func (g *gate) Write(p []byte) (int, error) {
	g.began <- true
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.room < 0 || len(p) <= g.room {
		g.room = max(g.room-len(p), -1)
		return g.text.Write(p)
	}
	n, _ := g.text.Write(p[:g.room])
	g.room = 0
	return n, syscall.ENOSPC
}

func (g *gate) grow(room int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.room = room
}

// What is not read is kept up to a limit, in order, and the rest is counted.
func TestLogWriterBacklog(t *testing.T) {
	t.Parallel()
	g := newGate()
	w := newLogWriter(g, tellDropped)
	say := func(i int) { _, _ = fmt.Fprintf(w, "%08d\n", i) }
	say(0)
	soon(t, g.began, "the first write") // and what comes now waits
	const kept = backlog / 9
	for i := range kept + 1000 {
		say(i + 1)
	}
	close(g.open)
	soon(t, g.began, "the second write")
	soon(t, g.began, "the third write")
	say(99_999_999)
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	say(7) // too late, and nobody waits for it
	var want strings.Builder
	for i := range kept + 1 {
		fmt.Fprintf(&want, "%08d\n", i)
	}
	want.WriteString("dingmock: 1000 log lines dropped: nobody reads them, or they cannot be written\n99999999\n")
	if got := g.text.String(); got != want.String() {
		t.Errorf("%d bytes, want %d, which end in\n%s", len(got), want.Len(), got[max(0, len(got)-200):])
	}
}

// The end does not wait for ever.
func TestLogWriterUnread(t *testing.T) {
	t.Parallel()
	g := newGate()
	w := newLogWriter(g, tellDropped)
	_, _ = fmt.Fprintln(w, "a")
	if err := w.close(); !errors.Is(err, errUnread) {
		t.Errorf("close: %v", err)
	}
	close(g.open)
	soon(t, w.done, "the end")
}

// A write that fails loses its lines, and the next ones are whole.
func TestLogWriterFails(t *testing.T) {
	t.Parallel()
	g := newGate()
	g.room = 7
	close(g.open)
	w := newLogWriter(g, tellDropped)
	say := func(text string) {
		_, _ = fmt.Fprintln(w, text)
		soon(t, g.began, "a write of "+text)
	}
	say("one")
	say("two 2")
	soon(t, g.began, "that it failed")
	g.grow(-1)
	say("three")
	if err := w.close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("close: %v", err)
	}
	want := "one\ntwo\ndingmock: 1 log lines dropped: nobody reads them, or they cannot be written\nthree\n"
	if diff := cmp.Diff(want, g.text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkCallLine is what the line of a call costs the call.
func BenchmarkCallLine(b *testing.B) {
	for _, format := range []string{"text", "json"} {
		b.Run(format, func(b *testing.B) {
			w := newLogWriter(devNull(b), tellDropped)
			serve := serveCommand{LogFormat: format}
			say := serve.calls(slog.New(serve.logHandler(w, false)), w)
			line := mockserver.CallLine{Method: "POST", Operation: "create_session", App: "default", Code: "0"}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					say(line)
				}
			})
			_ = w.close()
		})
	}
}

// What a command is run for is written whole, however long it is, to whoever reads it.
func TestLogWriterResult(t *testing.T) {
	t.Parallel()
	g := newGate()
	close(g.open)
	go func() {
		for range g.began {
		}
	}()
	w := newLogWriter(g, tellDropped)
	_, _ = fmt.Fprintln(w, "first")
	long := strings.Repeat("a verdict of many lines\n", 3*backlog/24)
	_, _ = w.result([]byte(long))
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if got := g.text.String(); got != "first\n"+long {
		t.Errorf("%d bytes are written, want %d", len(got), len(long)+6)
	}
}

// If the newline that ends a torn line cannot be written, it does not count as another line.
func TestLogWriterTorn(t *testing.T) {
	t.Parallel()
	g := newGate()
	close(g.open)
	go func() {
		for range g.began {
		}
	}()
	g.grow(3)
	w := newLogWriter(g, nil)
	lost := w.write([]byte("torn\n")) + w.write([]byte("two\n")) + w.write([]byte("three\n"))
	if lost != 3 {
		t.Errorf("%d lines are lost, want 3", lost)
	}
	_ = w.close()
}
