package control_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// of makes a client of a handler in this process.
func of(t *testing.T, h http.Handler) *control.Client {
	t.Helper()
	return must(control.Of(h, nil))(t)
}

// A fake in this process is controlled like one behind a socket.
func TestOf(t *testing.T) {
	t.Parallel()
	fake := must(mockserver.New(&mockserver.Options{ControlToken: "let-me-in"}))(t)
	c := must(control.Of(fake, &control.Options{Token: "let-me-in"}))(t)
	ctx := t.Context()
	a := must(c.NewApp(ctx, mockserver.AppState{Name: "mine"}))(t)
	_ = must(a.Rules().Add(ctx, mockserver.Rule{Effect: mockserver.Effect{Fault: "system-busy"}}))(t)
	if clock := must(a.Advance(ctx, 2*time.Hour))(t); time.Duration(clock.Offset) != 2*time.Hour || clock.Expired == nil {
		t.Errorf("moved by two hours the clock is %+v", clock)
	}
	if state := must(a.State(ctx))(t); state.Name != "mine" || len(state.Rules) != 1 {
		t.Errorf("the app is %+v", state)
	}
	ok(t, a.Delete(ctx)) // answered without a body
	var p *control.Problem
	if _, err := a.Get(ctx); !errors.As(err, &p) || p.Status != http.StatusNotFound {
		t.Errorf("of an app that is no more: %v", err)
	}
	if _, err := must(control.Of(fake, nil))(t).Apps(ctx); !errors.As(err, &p) || p.Status != http.StatusUnauthorized {
		t.Errorf("without the token: %v", err)
	}
	if _, err := control.Of(fake, &control.Options{Token: "let-me\nin"}); err == nil || strings.Contains(err.Error(), "let-me") {
		t.Errorf("with a token that cannot be sent: %v", err)
	}
}

// A stream is read while it is written, and a wait ends with its context.
func TestOfStream(t *testing.T) {
	t.Parallel()
	fake := must(mockserver.New(nil))(t)
	a := of(t, fake).App("default")
	call := func() {
		resp, err := (&http.Client{Transport: roundTrip(fake)}).Get("http://localhost/gettoken")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []int64
	var ended error
	all := of(t, fake)
	call()
	for e, err := range all.Stream(ctx, 0) {
		if err != nil {
			ended = err
			break
		}
		if got = append(got, e.N); len(got) == 3 {
			cancel()
			continue
		}
		call() // while the stream is open
	}
	if diff := cmp.Diff([]int64{1, 2, 3}, got); diff != "" || !errors.Is(ended, context.Canceled) {
		t.Errorf("the stream ended by %v; its calls (-want +got)\n%s", ended, diff)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := a.Wait(ctx, mockserver.WaitRequest{AtLeast: 1, Timeout: mockserver.Duration(time.Minute)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait ended by %v", err)
	}
	ok(t, fake.Close())
	for e, err := range a.Stream(t.Context(), 0) {
		t.Errorf("of a server that has ended comes %v, error %v", e, err)
	}
}

// roundTrip sends any request through the transport that control.Of uses.
func roundTrip(h http.Handler) http.RoundTripper { return control.HandlerTransport(h) }

// What a handler does, and what its client sees of it.
func TestHandler(t *testing.T) {
	t.Parallel()
	type seen struct {
		Status    int
		Body      string
		Err, Read string // a part of an error
	}
	for name, x := range map[string]struct {
		handler func(w http.ResponseWriter, r *http.Request)
		want    seen
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, seen{Status: 200}},
		"a status, no body": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNoContent)
			_, _ = w.Write(nil)
		}, seen{Status: 204}},
		"a body in parts": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
			_, _ = io.WriteString(w, " at "+r.Host+r.RequestURI)
		}, seen{Status: 200, Body: "sent at localhost/x?y=z"}},
		"broken off at once":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, seen{Err: "abort Handler"}},
		"a panic":             {func(http.ResponseWriter, *http.Request) { panic("oops") }, seen{Err: "the handler panicked: oops\n"}},
		"the goroutine's end": {func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, seen{Err: "ended its goroutine"}},
		"broken off in the body": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			panic(http.ErrAbortHandler)
		}, seen{Status: 200, Body: "half", Read: "abort Handler"}},
		"a hijack": {func(w http.ResponseWriter, _ *http.Request) {
			if _, _, err := http.NewResponseController(w).Hijack(); errors.Is(err, errors.ErrUnsupported) {
				w.WriteHeader(http.StatusTeapot)
			}
		}, seen{Status: 418}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &http.Client{Transport: roundTrip(http.HandlerFunc(x.handler))}
			var got seen
			resp, err := c.Post("http://localhost/x?y=z", "text/plain", strings.NewReader("sent"))
			if err == nil {
				body, failed := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				got.Status, got.Body = resp.StatusCode, string(body)
				if failed != nil {
					got.Read = part(failed, x.want.Read)
				}
			} else {
				got.Err = part(err, x.want.Err)
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// part returns the part of an error's text that is wanted, or all of it.
func part(err error, want string) string {
	if want != "" && strings.Contains(err.Error(), want) {
		return want
	}
	return err.Error()
}

// When the client goes away, the handler's context ends, and further writes of the handler fail.
func TestHandlerEnds(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(cancel context.CancelFunc, resp *http.Response){
		"the context ends":   func(cancel context.CancelFunc, _ *http.Response) { cancel() },
		"the body is closed": func(_ context.CancelFunc, resp *http.Response) { _ = resp.Body.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan error, 1)
			c := &http.Client{Transport: roundTrip(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = http.NewResponseController(w).Flush()
				<-r.Context().Done()
				_, err := io.WriteString(w, "late")
				ended <- err
			}))}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp, err := c.Do(must(http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/", nil))(t))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			leave(cancel, resp)
			if err := <-ended; err == nil {
				t.Error("what was written to nobody was taken")
			}
			if _, err := io.ReadAll(resp.Body); err == nil {
				t.Error("the reply is whole")
			}
		})
	}
}
