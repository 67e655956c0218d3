// Package capture looks at bodies while they pass: it keeps a copy of the beginning, and changes neither a byte nor when it comes.
package capture

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"sync"
)

// Body is a body that is read through. Its methods may be called by several goroutines.
type Body struct {
	from   io.ReadCloser
	length int64 // -1: not known
	most   int
	done   func(Copy)

	mu   sync.Mutex
	copy bytes.Buffer
	n    int64
	over bool
	end  bool // read to its end
}

// Copy is what is known of a body that has passed.
type Copy struct {
	Bytes  []byte // its beginning
	Cut    bool   // there is more
	Whole  bool   // it was read to its end
	Closed bool   // nobody read it to its end
	Err    error  // by which it broke off
}

// New has a body of that length, -1 where it is not known, read through, and keeps so many bytes of it. done, if any, is called
// once: before the last byte is handed on where that is known, else when the body ends, breaks off or is closed.
func New(from io.ReadCloser, length int64, most int, done func(Copy)) *Body {
	return &Body{from: from, length: length, most: most, done: done}
}

// Read hands on what comes.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	b.mu.Lock()
	b.copy.Write(p[:min(n, max(0, b.most-b.copy.Len()))])
	b.n += int64(n)
	last := b.n == b.length
	b.mu.Unlock()
	switch {
	case err != nil && err != io.EOF:
		b.finish(err, false)
	case err == io.EOF, last:
		b.finish(nil, false)
	}
	return n, err
}

// Close closes the body.
func (b *Body) Close() error {
	b.finish(nil, true)
	return b.from.Close()
}

func (b *Body) finish(err error, closed bool) {
	b.mu.Lock()
	over := b.over
	b.over = true
	b.end = b.end || !over && err == nil && !closed
	b.mu.Unlock()
	if !over && b.done != nil {
		c := b.Copy()
		c.Err, c.Closed = err, closed
		b.done(c)
	}
}

// Copy returns what has passed so far.
func (b *Body) Copy() Copy {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Copy{Bytes: bytes.Clone(b.copy.Bytes()), Cut: b.n > int64(b.copy.Len()), Whole: b.end}
}

// mostPlain bounds what an encoded body may come to.
const mostPlain = 64 << 20

// Decode returns what a body is without its Content-Encoding: gzip, x-gzip, deflate, identity or none. It is false for any other,
// and for a body that is not encoded so.
func Decode(encoding string, body []byte) ([]byte, bool) {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, true
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // zlib by the standard, and the bare format by some
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(r, mostPlain))
	return plain, err == nil && len(plain) < mostPlain
}
