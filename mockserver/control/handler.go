package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
)

// handlerTransport sends requests to a handler in this process. As in a server, the handler runs in its own
// goroutine, under a context that ends with the request, and its reply is read while it is written. There is no
// connection to hijack.
type handlerTransport struct{ handler http.Handler }

// RoundTrip returns as soon as the handler begins its reply.
func (t handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	r := req.Clone(ctx)
	r.RequestURI, r.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:0"
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	from, to := io.Pipe()
	context.AfterFunc(ctx, func() { _ = to.CloseWithError(context.Cause(ctx)) })
	w := &handlerReply{request: req, header: http.Header{}, from: from, to: to, cancel: cancel, begun: make(chan *http.Response, 1)}
	go w.serve(t.handler, r)
	var reply *http.Response
	select {
	case reply = <-w.begun:
	case <-ctx.Done():
		select {
		case reply = <-w.begun: // the handler has ended since
		default:
		}
	}
	switch {
	case req.Context().Err() != nil: // even if the handler has noticed and answered
		return nil, context.Cause(req.Context())
	case reply == nil:
		return nil, context.Cause(ctx)
	}
	return reply, nil
}

// handlerReply is the reply to one request: the handler writes it and the client reads it.
type handlerReply struct {
	request *http.Request
	header  http.Header
	started bool
	from    *io.PipeReader
	to      *io.PipeWriter
	cancel  context.CancelCauseFunc
	begun   chan *http.Response
}

// serve runs the handler. A panic ends its reply but not the process.
func (w *handlerReply) serve(handler http.Handler, r *http.Request) {
	err := errors.New("the handler ended its goroutine")
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = http.ErrAbortHandler
		default:
			err = fmt.Errorf("the handler panicked: %v\n%s", v, debug.Stack())
		}
		if err == nil {
			w.WriteHeader(http.StatusOK)
		}
		_ = r.Body.Close()
		_ = w.to.CloseWithError(err) // nil ends a complete reply
		w.cancel(err)
	}()
	handler.ServeHTTP(w, r)
	err = nil
}

func (w *handlerReply) Header() http.Header { return w.header }

// WriteHeader begins the reply, unless it has begun. Interim replies are dropped.
func (w *handlerReply) WriteHeader(status int) {
	if w.started || status < http.StatusOK {
		return
	}
	w.started = true
	header := w.header.Clone()
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	w.begun <- &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: w.body(), ContentLength: length, Request: w.request,
	}
}

func (w *handlerReply) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.request.Method == http.MethodHead {
		return len(data), nil
	}
	return w.to.Write(data)
}

func (w *handlerReply) Flush() { w.WriteHeader(http.StatusOK) }

// body returns what the client reads. Closing it ends the handler's context.
func (w *handlerReply) body() io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{w.from, closer(func() error {
		w.cancel(context.Canceled)
		return w.from.Close()
	})}
}

type closer func() error

func (c closer) Close() error { return c() }
