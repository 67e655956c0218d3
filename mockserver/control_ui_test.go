package mockserver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// browser is a page in a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// answers are what the browser takes for errors: no without a control token, and a red verdict.
var answers = regexp.MustCompile(`status of (401|409)`)

// browse opens a page. What the browser complains of beside such answers fails the test.
func browse(t *testing.T, url string) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("there is no Chromium")
	}
	var mu sync.Mutex
	var complaints []string
	listener := func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError && !answers.MatchString(e.Entry.Text) {
				complaints = append(complaints, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, e.ExceptionDetails.Text)
		}
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithListener(listener))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	b := &browser{t, ctx}
	b.do(chromedp.Navigate(url))
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(complaints) > 0 {
			t.Errorf("the browser complains: %q", complaints)
		}
	})
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// shows waits until the element's text holds what is wanted.
func (b *browser) shows(selector, want string) {
	b.t.Helper()
	err := chromedp.Do(b.ctx, chromedp.PollFunction[chromedp.Void](
		`(selector, want) => (document.querySelector(selector)?.innerText ?? '').includes(want)`,
		chromedp.WithPollingArgs(selector, want), chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Minute),
	))
	if err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		b.t.Fatalf("%s does not come to show %q: %v; the page shows:\n%s", selector, want, err, text)
	}
}

// The page of a person who works offline: calls come up as they are made, the next one can be made to fail, and the
// clock can be moved.
func TestPage(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(fake(t, mockserver.Options{Version: "v1.2.3", Apps: []mockserver.AppState{mockserver.DefaultApp}}))
	t.Cleanup(srv.Close)
	ask := func(target string) string {
		return send(t, srv.Listener.Addr().String(), request("GET "+target, "", "")).body
	}
	b := browse(t, srv.URL+"/_mock/ui/")
	b.shows("#version", "v1.2.3")
	b.shows("#live", "live")
	b.shows("#identity", "dingmockapp")
	b.shows("#operations", "POST /topapi/v2/im/create_session\tarticle")
	b.shows("#tokens", "the next gettoken issues one")

	ask("/gettoken?" + appPairQuery)
	b.shows("#journal tr", "gettoken documented")
	b.shows("#tokens", "s left")
	b.shows("#verdict", "all calls on spec")

	b.do(chromedp.SetValue("#operation", "gettoken"), chromedp.SetValue("#fault", "app-throttled"), chromedp.Click("#rule button"))
	b.shows("#rules", "app-throttled")
	if body := ask("/gettoken?" + appPairQuery); !strings.Contains(body, `"errcode":90018`) {
		t.Errorf("with the rule of the page gettoken answers %s", body)
	}
	b.shows("#journal tr", "90018")
	b.shows("#rules", "fired 1 of 1")

	b.do(chromedp.Click(`[data-by="2h"]`))
	b.shows("#due", "ended: 1 tokens, 0 sessions")
	b.shows("#clock", "offset 2h0m0s")
	b.shows("#tokens", "the next gettoken issues one")

	ask("/gettoken?x=1&" + appPairQuery)
	b.shows("#journal tr", "off-spec: undeclared-parameter at /query/x")
	b.shows("#verdict", "1 kind of off-spec call")
	b.do(chromedp.Click("#journal tr.call"))
	b.shows("#journal [data-detail]", "curl -X GET")

	// What a call holds is text on the page, whatever it is.
	b.do(chromedp.Evaluate[chromedp.Void](`choose('_')`))
	ask("/%3Cimg%20src=x%20onerror=alert(1)%3E")
	b.shows("#journal tr", "%3Cimg%20src=x")
	if images, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.images.length`)); err != nil || images != 0 {
		t.Errorf("a call has put %d images on the page, %v", images, err)
	}
}

// With a control token the page asks for it.
func TestPageControlToken(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(fake(t, mockserver.Options{ControlToken: "let-me-in"}))
	t.Cleanup(srv.Close)
	b := browse(t, srv.URL+"/_mock/ui/")
	b.shows("#problem", "the control API asks for its token")
	b.do(chromedp.SendKeys("#token", "let-me-in"), chromedp.Click("#login button"))
	b.shows("#identity", "dingmockapp")
	b.shows("#live", "live")
}

func TestPageHeader(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(fake(t, mockserver.Options{}))
	t.Cleanup(srv.Close)
	resp, err := http.Get(srv.URL + "/_mock/ui/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if diff := cmp.Diff("text/html; charset=utf-8", resp.Header.Get("Content-Type")); diff != "" {
		t.Errorf("Content-Type (-want +got)\n%s", diff)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'sha256-", "style-src 'sha256-", "connect-src 'self'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %s", policy, want)
		}
	}
}

// A page of another site that is open in the same browser cannot steer the fake.
func TestControlCrossOrigin(t *testing.T) {
	t.Parallel()
	addr := listen(t, fake(t, mockserver.Options{}))
	for _, test := range []struct {
		name   string
		header []string
		status int
	}{
		{"a program", nil, http.StatusOK},
		{"its own page", []string{"Sec-Fetch-Site: same-origin"}, http.StatusOK},
		{"another site's", []string{"Sec-Fetch-Site: cross-site", "Origin: https://site.example"}, http.StatusForbidden},
		{"another site's, in an old browser", []string{"Origin: https://site.example"}, http.StatusForbidden},
	} {
		got := send(t, addr, request("POST /_mock/apps/default/clock/freeze", "", "", test.header...))
		if got.status != test.status {
			t.Errorf("%s: HTTP %d %s, want %d", test.name, got.status, got.body, test.status)
		}
	}
}
