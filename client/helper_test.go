package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	testToken = "82ad1e1b28b2357dbf090b9a2582319c"
	okToken   = `{"errcode":0,"access_token":"` + testToken + `","errmsg":"ok","expires_in":7200}`
	okNew     = `{"expireIn":7200,"accessToken":"` + testToken + `"}`
	okNone    = `{"errcode":0,"errmsg":"ok","result":{"session":null},"request_id":"16l4ew3d47pdp"}`
	okCreate  = `{"errcode":0,"errmsg":"ok","result":{"session_id":"s-1"},"request_id":"16l4ew3d47pdp"}`
	okClose   = `{"errcode":0,"errmsg":"ok","success":true,"request_id":"16l4ew3d47pdp"}`
	badToken  = `{"errcode":88,"sub_code":"40014","sub_msg":"不合法的access_token","errmsg":"ding talk error[subcode=40014,submsg=不合法的access_token]","request_id":"16l4ew3d47pdp"}`
)

// testOptions are complete credentials. The secrets need escaping in a query, in JSON and in HTML.
func testOptions() Options {
	return Options{Sleep: noPause, AppKey: "dingapp", AppSecret: `app s3cr&t="<x>/y`, CorpID: "dingcorp", CorpSecret: `corp%s3cr+t\z`}
}

// noPause is a Sleep that does not.
func noPause(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// serve starts a server under a base path that is not empty, and returns a client of it. Requests outside the base path
// fail the test; paths reach the handler without it.
func serve(t *testing.T, options Options, handler http.HandlerFunc) *Client {
	t.Helper()
	const base = "/fake/base"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, base+"/") {
			t.Errorf("%s %s is outside the base path", r.Method, r.URL.Path)
		}
		http.StripPrefix(base, handler).ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	options.BaseURL = srv.URL + base + "/"
	c, err := New(&options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// answer writes a reply of the errcode dialects.
func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_, _ = io.WriteString(w, body)
}

// transport is an http.RoundTripper without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond makes the response that a transport returns.
func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// offline returns a client whose calls go to f.
func offline(t *testing.T, options Options, f transport) *Client {
	t.Helper()
	options.HTTPClient = &http.Client{Transport: f}
	c, err := New(&options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// counts is how often each path was called.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[path]++
	return c.n[path]
}

func (c *counts) of(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[path]
}

// midnight is the time at the start of every test whose clock does not say otherwise.
var midnight = time.Date(2026, 9, 3, 0, 0, 0, 0, time.UTC)

// nth returns the n-th token of a test.
func nth(n int) string { return fmt.Sprintf("%032x", n) }

// tokenReply is gettoken's answer.
func tokenReply(token string, life int) string {
	return fmt.Sprintf(`{"errcode":0,"access_token":%q,"errmsg":"ok","expires_in":%d}`, token, life)
}
