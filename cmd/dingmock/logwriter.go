package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	backlog  = 1 << 20     // how many bytes of lines wait for whoever reads them
	patience = time.Second // how long the end waits for the last of them
)

// errUnread says that what was written at last is not read.
var errUnread = fmt.Errorf("nobody has read it within %s", patience)

// logWriter is a stream of lines that holds nobody up, be it read or not: one goroutine writes what the others hand over.
// Lines are dropped and counted where too many wait or a write fails, and a line says how many they were as soon as
// writing works. The others keep their order.
type logWriter struct {
	to   io.Writer
	tell func(w io.Writer, dropped int) // writes that line; nil: none is written
	done chan bool                      // closed at the end
	torn bool                           // whether a write has failed within a line

	mu      sync.Mutex
	more    *sync.Cond
	waiting []byte // lines
	dropped int    // how many came after those that wait
	closed  bool
	failure error // of the first write that failed
}

func newLogWriter(to io.Writer, tell func(w io.Writer, dropped int)) *logWriter {
	w := &logWriter{to: to, tell: tell, done: make(chan bool)}
	w.more = sync.NewCond(&w.mu)
	go w.run()
	return w
}

// tellDropped is the line of a log for people.
func tellDropped(w io.Writer, dropped int) { _, _ = fmt.Fprintln(w, "dingmock:", droppedText(dropped)) }

func droppedText(n int) string {
	return fmt.Sprintf("%d log lines dropped: nobody reads them, or they cannot be written", n)
}

// Write takes lines, or drops them. It does not wait for them to be written, and never fails.
func (w *logWriter) Write(lines []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
	case w.dropped > 0 || len(w.waiting)+len(lines) > backlog:
		w.dropped += bytes.Count(lines, newline)
	default:
		w.waiting = append(w.waiting, lines...)
	}
	w.more.Signal()
	return len(lines), nil
}

// close waits for what was taken to be written, but not for ever. It returns why not all is.
func (w *logWriter) close() error {
	w.mu.Lock()
	w.closed = true
	w.more.Signal()
	w.mu.Unlock()
	over := time.NewTimer(patience)
	defer over.Stop()
	select {
	case <-w.done:
	case <-over.C:
		return errUnread
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

// run writes until the end.
func (w *logWriter) run() {
	defer close(w.done)
	var lines []byte
	lost := 0 // dropped, and not told yet
	for {
		var dropped int
		var ok bool
		if lines, dropped, ok = w.take(lines); !ok {
			return
		}
		lost = w.told(lost)
		lost += w.write(lines) + dropped
		lost = w.told(lost)
	}
}

// take waits for lines, and for how many were dropped after them. It gives the memory of the last ones back.
func (w *logWriter) take(last []byte) (lines []byte, dropped int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 && w.dropped == 0 && !w.closed {
		w.more.Wait()
	}
	if len(w.waiting) == 0 && w.dropped == 0 {
		return nil, 0, false
	}
	lines, w.waiting = w.waiting, last[:0]
	dropped, w.dropped = w.dropped, 0
	return lines, dropped, true
}

var newline = []byte("\n")

// write returns how many lines it has not written to their ends.
func (w *logWriter) write(lines []byte) (lost int) {
	if w.torn {
		lines = append([]byte("\n"), lines...)
	}
	n, err := w.to.Write(lines)
	if n > 0 {
		w.torn = lines[n-1] != '\n'
	}
	if err == nil {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failure == nil {
		w.failure = err
	}
	return bytes.Count(lines[n:], newline)
}

// told says how many lines were lost, and returns how many are still to be told.
func (w *logWriter) told(lost int) int {
	if lost == 0 || w.tell == nil {
		return 0
	}
	var line bytes.Buffer
	w.tell(&line, lost)
	if w.write(line.Bytes()) > 0 {
		return lost
	}
	return 0
}
