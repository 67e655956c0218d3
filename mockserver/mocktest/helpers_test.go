package mocktest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// recorder is a test that records what is reported to it, and ends on request.
type recorder struct {
	testing.TB // nil: only the methods below are used

	mu       sync.Mutex
	errors   []string
	logs     []string
	cleanups []func()
	out      bytes.Buffer
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return context.Background() }
func (r *recorder) Output() io.Writer        { return &r.out }

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) { r.say(&r.errors, fmt.Sprintf(format, args...)) }
func (r *recorder) Logf(format string, args ...any)   { r.say(&r.logs, fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.say(&r.errors, fmt.Sprint(args...))
	runtime.Goexit()
}

func (r *recorder) say(list *[]string, line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*list = append(*list, line)
}

// run is the test's function; when it returns, the test is over.
func (r *recorder) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.end()
		f()
	}()
	<-done
}

func (r *recorder) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}
