package main

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	backlog  = 1 << 20     // the most that waits to be written, in bytes
	patience = time.Second // how long close waits while nobody reads the rest
	portion  = 64 << 10    // the most that is written at once, in bytes
)

// errUnread says that nobody reads the last lines.
var errUnread = fmt.Errorf("nobody has read it within %s", patience)

// logWriter is a stream of lines that holds nobody up, whether or not it is read: one goroutine writes what the others hand over.
// If too many lines wait, or a write fails, lines are dropped and counted; a line says how many as soon as writing works again.
// The remaining lines keep their order.
type logWriter struct {
	to   io.Writer
	tell func(w io.Writer, dropped int) // writes that line; nil if none is to be written
	done chan bool                      // closed at the end
	torn bool                           // whether a write has failed within a line

	mu      sync.Mutex
	more    *sync.Cond
	waiting []byte // lines
	dropped int    // the number of lines dropped after those that wait
	written int64  // the number of bytes written
	closed  bool
	failure error // the error of the first write that failed
}

func newLogWriter(to io.Writer, tell func(w io.Writer, dropped int)) *logWriter {
	w := &logWriter{to: to, tell: tell, done: make(chan bool)}
	w.more = sync.NewCond(&w.mu)
	go w.run()
	return w
}

// tellDropped writes the line about dropped lines to a log for people.
func tellDropped(w io.Writer, dropped int) { _, _ = fmt.Fprintln(w, "dingmock:", droppedText(dropped)) }

func droppedText(n int) string {
	return fmt.Sprintf("%d log lines dropped: nobody reads them, or they cannot be written", n)
}

// Write takes lines or drops them. It never waits for them to be written, and never fails.
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

// result takes the lines that are the result of a command, however many, after those that wait. Nothing is written after them.
func (w *logWriter) result(lines []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.waiting = append(w.waiting, lines...)
		w.more.Signal()
	}
	return len(lines), nil
}

// close waits until all lines taken are written, for as long as somebody reads them. Otherwise it returns why they are not.
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
	lost := 0 // lines dropped, but not told yet
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

// take waits for lines or dropped lines, and returns the lines and the number dropped after them. It reuses the memory of last.
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

// write writes lines and returns how many of them it could not write completely.
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

// part writes a part of the lines, and returns how much of it was written.
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

// told writes how many lines were lost, and returns how many still need to be told.
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
