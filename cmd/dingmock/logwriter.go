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
	patience = time.Second // how long the end waits while nothing of the rest is read
	portion  = 64 << 10    // how many bytes are written at once
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
	written int64  // how many bytes are
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

// result takes the lines that a command is run for, however many they are, after those that wait. It is the last that
// is written.
func (w *logWriter) result(lines []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.waiting = append(w.waiting, lines...)
		w.more.Signal()
	}
	return len(lines), nil
}

// close waits for what was taken to be written, as long as somebody reads. It returns why not all is.
func (w *logWriter) close() error {
	w.mu.Lock()
	w.closed = true
	w.more.Signal()
	before := w.written
	w.mu.Unlock()
	still := time.NewTicker(patience)
	defer still.Stop()
	for {
		select {
		case <-w.done:
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.failure
		case <-still.C:
		}
		w.mu.Lock()
		now := w.written
		w.mu.Unlock()
		if now == before {
			return errUnread
		}
		before = now
	}
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
	if w.torn && len(lines) > 0 {
		if _, err := w.part(newline); err != nil {
			return bytes.Count(lines, newline)
		}
	}
	for len(lines) > 0 {
		n, err := w.part(lines[:min(len(lines), portion)])
		lines = lines[n:]
		if err != nil {
			return bytes.Count(lines, newline)
		}
	}
	return 0
}

// part writes some of the lines, and returns how much of them it could.
func (w *logWriter) part(part []byte) (int, error) {
	n, err := w.to.Write(part)
	if n > 0 {
		w.torn = part[n-1] != '\n'
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written += int64(n)
	if err != nil && w.failure == nil {
		w.failure = err
	}
	return n, err
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
