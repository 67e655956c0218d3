package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// handlerTransport calls a handler in process.
type handlerTransport struct {
	handler http.Handler
	major   int // of the version of HTTP that the handler is told; 0: 1
}

func (t handlerTransport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	name, minor := protocol(t.major)
	in.Proto, in.ProtoMajor, in.ProtoMinor = name, max(1, t.major), minor
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.URL.Scheme, in.URL.Host = "", ""
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.ContentLength < 0 || in.ContentLength == 0 && in.Body != http.NoBody {
		in.ContentLength = -1
		if in.ProtoMajor == 1 {
			in.TransferEncoding = []string{"chunked"}
		}
	}
	w := &responseWriter{header: http.Header{}}
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		t.handler.ServeHTTP(w, in)
	}()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case broken := <-done:
		if broken != nil {
			return nil, fmt.Errorf("the handler panicked (%v): %w", broken, io.ErrUnexpectedEOF)
		}
	}
	resp = w.response(req)
	resp.Proto, resp.ProtoMajor, resp.ProtoMinor = in.Proto, in.ProtoMajor, in.ProtoMinor
	return resp, nil
}

// responseWriter keeps what a handler answers.
type responseWriter struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *responseWriter) response(req *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if w.sent.Get("Content-Type") == "" && len(body) > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(body))
	}
	length := int64(len(body))
	if req.Method == http.MethodHead {
		length, body = -1, nil
		if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Header: w.sent, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: length, Request: req,
	}
}
