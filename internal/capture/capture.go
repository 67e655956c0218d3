// Package capture copies the beginning of a body while the body passes through. It changes no byte and delays none.
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

// Body passes a body through and keeps a copy of its beginning. It is safe for concurrent use.
type Body struct {
	from   io.ReadCloser
	length int64 // -1 if unknown
	most   int
	done   func(Copy)

	mu   sync.Mutex
	copy bytes.Buffer
	n    int64
	over bool
	end  bool // whether it was read to its end
}

// Copy is what is known of a body that has passed.
type Copy struct {
	Bytes  []byte // its beginning
	Cut    bool   // whether the body is longer than Bytes
	Whole  bool   // whether it was read to its end
	Closed bool   // whether it was closed before it was read to its end
	Err    error  // the error with which it broke off
}

// New returns a Body that passes from through and keeps a copy of its first most bytes. length is the length of the body, -1 if
// unknown. done, unless nil, is called once: before the last byte is handed on if the length is known, or else when the body
// ends, breaks off or is closed.
func New(from io.ReadCloser, length int64, most int, done func(Copy)) *Body {
	return &Body{from: from, length: length, most: most, done: done}
}

// Read reads from the body and copies what it read.
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

// mostPlain limits the length of a decoded body, in bytes.
const mostPlain = 64 << 20

// Decode removes the Content-Encoding of a body: gzip, x-gzip, deflate, identity or none. It returns false for any other
// encoding, for a body that is not encoded as it says, and for one that decodes to 64 MiB or more.
func Decode(encoding string, body []byte) ([]byte, bool) {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, true
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // zlib according to the standard; some send the bare format
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
