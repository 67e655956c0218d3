package capture_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dingmock/dingmock/internal/capture"
)

var errBroken = errors.New("broken")

func TestBody(t *testing.T) {
	t.Parallel()
	broken := io.MultiReader(strings.NewReader("abc"), readerFunc(func([]byte) (int, error) { return 0, errBroken }))
	for _, x := range []struct {
		name   string
		from   io.Reader
		length int64
		read   int // so much of it, then it is closed; -1: all
		want   capture.Copy
	}{
		{"whole", strings.NewReader("abc"), 3, -1, capture.Copy{Bytes: []byte("abc"), Whole: true}},
		{"whole, of no known length", strings.NewReader("abc"), -1, -1, capture.Copy{Bytes: []byte("abc"), Whole: true}},
		{"long", strings.NewReader("abcdefgh"), 8, -1, capture.Copy{Bytes: []byte("abcde"), Cut: true, Whole: true}},
		{"empty", strings.NewReader(""), 0, -1, capture.Copy{Whole: true}},
		{"closed", strings.NewReader("abcdefgh"), 8, 2, capture.Copy{Bytes: []byte("ab"), Closed: true}},
		{"broken", broken, 9, -1, capture.Copy{Bytes: []byte("abc"), Err: errBroken}},
	} {
		var got []capture.Copy
		b := capture.New(io.NopCloser(x.from), x.length, 5, func(c capture.Copy) { got = append(got, c) })
		if x.read < 0 {
			_, _ = io.ReadAll(b)
		} else {
			_, _ = io.ReadFull(b, make([]byte, x.read))
		}
		_ = b.Close()
		if diff := cmp.Diff([]capture.Copy{x.want}, got, cmpopts.EquateErrors(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestDecode(t *testing.T) {
	t.Parallel()
	encoded := func(to func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		w := to(&b)
		_, _ = io.WriteString(w, "text")
		_ = w.Close()
		return b.Bytes()
	}
	zip := encoded(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	for _, x := range []struct {
		encoding string
		body     []byte
		want     string
		ok       bool
	}{
		{"", []byte("text"), "text", true}, {"identity", []byte("text"), "text", true},
		{"gzip", zip, "text", true}, {"X-GZIP", zip, "text", true}, {"gzip", zip[:len(zip)-2], "", false}, {"gzip", []byte("text"), "", false},
		{"deflate", encoded(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }), "text", true},
		{"deflate", encoded(func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 1); return f }), "text", true},
		{"br", []byte("text"), "", false}, {"gzip, br", zip, "", false},
	} {
		if got, ok := capture.Decode(x.encoding, x.body); ok != x.ok || ok && string(got) != x.want {
			t.Errorf("%q: %q, %t", x.encoding, got, ok)
		}
	}
}
