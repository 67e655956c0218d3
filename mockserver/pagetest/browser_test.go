package pagetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// browser is a page in a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// answers are what the browser wrongly reports as errors: the rejection of a wrong value or of a missing control
// token, a red verdict, and a server that is gone.
var answers = regexp.MustCompile(`status of (400|401|409)|ERR_(CONNECTION|EMPTY|INCOMPLETE)`)

// chromium is the browser in which all pages are opened, once one is. It is nil if the machine has none.
var chromium = sync.OnceValues(func() (context.Context, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox)
		ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, _ = chromedp.NewContext(ctx)
		quit = func() error { return chromedp.Cancel(ctx) }
		return ctx, chromedp.Do(ctx)
	}
	return nil, nil
})

// quit ends the browser, if one has been started, and waits until its process and its profile are gone.
var quit = func() error { return nil }

func TestMain(m *testing.M) {
	code := m.Run()
	if err := quit(); err != nil {
		fmt.Fprintln(os.Stderr, "the browser does not end:", err)
		code = 1
	}
	os.Exit(code)
}

// browse opens a page with its own profile. The test fails if the browser reports anything there except such
// answers.
func browse(t *testing.T, url string) *browser {
	t.Helper()
	parent, err := chromium()
	if err != nil {
		t.Fatalf("the browser does not start: %v", err)
	}
	if parent == nil {
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
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext(), chromedp.WithListener(listener))
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

// shows waits until the text of the first element that the selector matches contains what is wanted.
func (b *browser) shows(selector, want string) {
	b.t.Helper()
	b.until(`(selector, want) => (document.querySelector(selector)?.innerText ?? '').includes(want)`, selector, want)
}

// until waits until a function of the page is true.
func (b *browser) until(function string, args ...any) {
	b.t.Helper()
	err := chromedp.Do(b.ctx, chromedp.PollFunction[chromedp.Void](
		function, chromedp.WithPollingArgs(args...), chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(time.Minute),
	))
	if err != nil {
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 4000)`))
		b.t.Fatalf("%s %q does not come true: %v; the page shows:\n%s", function, args, err, text)
	}
}

// value evaluates an expression in the page.
func value[T any](b *browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// trace records the tasks of the page's main thread until its result is called, which returns the longest
// processor time of a task, in milliseconds, and the number of tasks.
func (b *browser) trace() func() (longest float64, tasks int) {
	b.t.Helper()
	type event struct {
		Name string
		Tid  int
		Tdur float64
		Args struct{ Name string }
	}
	var mu sync.Mutex
	var events []event
	complete := make(chan struct{})
	ctx, cancel := context.WithCancel(b.ctx)
	ended := sync.OnceFunc(func() { close(complete) })
	err := chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, value := range e.Value {
				var x event
				if json.Unmarshal(value, &x) == nil {
					events = append(events, x)
				}
			}
		case *tracing.EventTracingComplete:
			ended()
		}
	})
	if err != nil {
		cancel()
		b.t.Fatal(err)
	}
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{IncludedCategories: []string{"__metadata", "disabled-by-default-devtools.timeline"}, ExcludedCategories: []string{"*"}}})
		return err
	}))
	return func() (longest float64, tasks int) {
		b.t.Helper()
		defer cancel()
		b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, tracing.End, cdp.Empty{})
			return err
		}))
		select {
		case <-complete:
		case <-b.ctx.Done():
			b.t.Fatal("the trace has no end")
		}
		mu.Lock()
		defer mu.Unlock()
		main := map[int]bool{}
		for _, e := range events {
			main[e.Tid] = main[e.Tid] || e.Name == "thread_name" && e.Args.Name == "CrRendererMain"
		}
		for _, e := range events {
			if e.Name == "RunTask" && main[e.Tid] {
				longest, tasks = max(longest, e.Tdur/1000), tasks+1
			}
		}
		return longest, tasks
	}
}

// speaking sets the language of the browser.
func speaking(language string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0", AcceptLanguage: language})
		return err
	})
}

// picture saves a picture of the page in the directory that the environment names, for people who want to see it.
func (b *browser) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("DINGMOCK_TEST_PICTURES")
	if dir == "" {
		return
	}
	data, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
