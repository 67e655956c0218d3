package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/control"
)

// allOf is all that a fake tells of itself, by path. What of the journal of all apps is only its count is left out: the few
// calls that a power to judge is checked by are numbered there, and forgotten.
func allOf(t *testing.T, base string) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, path := range []string{
		"/state", "/apps", "/rules", "/journal", "/verdict", "/verdict?app=default",
		"/apps/_/journal", "/apps/default/journal", "/apps/_/verdict", "/apps/default/verdict",
	} {
		all[path] = get(t, base+"/_mock"+path)
	}
	delete(all["/journal"], "last")
	return all
}

// A fake that others use is after each verify what it was before, also after one that was interrupted.
func TestVerifyLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	server := startServe(t, nil, "--max-sessions", "40")
	fake, err := control.New(server.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(ctx context.Context, args ...string) (code int, out string) {
		var stdout, stderr bytes.Buffer
		args = append([]string{"verify", "--url", server.url, "--target-max-sessions", "40", "--timeout", "1m"}, args...)
		code = run(ctx, args, lookup(nil), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	same := func(when string, before map[string]map[string]any) {
		t.Helper()
		if diff := cmp.Diff(before, allOf(t, server.url)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", when, diff)
		}
	}

	unused := allOf(t, server.url)
	if fmt.Sprint(unused["/verdict"]["reasons"]) != "[no call came]" {
		t.Fatalf("the verdict of a new fake: %v", unused["/verdict"])
	}
	if code, out := verify(untilLate(t), "--budget", "10"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	same("after verify alone", unused)

	if _, err := fake.App("default").Freeze(t.Context()); err != nil { // so that it tells the same at all times
		t.Fatal(err)
	}
	for _, call := range []string{"/gettoken?appkey=default&appsecret=default-secret&colour=red", "/topapi/nothing", "/gettoken?appkey=nobody"} {
		get(t, server.url+call)
	}
	used := allOf(t, server.url)
	if code, out := verify(untilLate(t), "--budget", "0"); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	same("after verify beside an app's calls", used)

	ctx, interrupt := context.WithCancel(untilLate(t))
	defer interrupt()
	ended := make(chan string, 1)
	go func() {
		code, out := verify(ctx, "--budget", "100000", "--run", "^generated/|^model/|^gettoken/")
		ended <- fmt.Sprint(code) + "\n" + out
	}()
	lines := strings.Count(server.stderr.String(), "\n")
	if !server.stderr.waitForLines(lines + 500) {
		t.Fatal("verify makes no calls")
	}
	interrupt()
	if out := soon(t, ended, "the end of verify"); !strings.HasPrefix(out, fmt.Sprint(exitUnchecked)+"\n") || !strings.Contains(out, "the run was interrupted") {
		t.Errorf("interrupted: exit code and output:\n%s", out)
	}
	same("after an interrupted verify", used)
}

// Only a dingmock gets the mark.
func TestMarkGoesToDingmocksAlone(t *testing.T) {
	t.Parallel()
	one, two := startServe(t, nil, "--quiet"), startServe(t, nil, "--quiet")
	server := httptest.NewServer(http.NotFoundHandler())
	closes(t, server)
	stranger := server.URL
	for _, x := range []struct {
		name, api string
		want      []bool // of a call to one, to two, to the stranger
	}{
		{"one URL", one.url, []bool{true, false, false}},
		{"two dingmocks", two.url, []bool{true, true, false}},
		{"the newer host is another's", stranger, []bool{true, false, false}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			client, err := clientFor("")
			if err != nil {
				t.Fatal(err)
			}
			powers, ok := powersAt(t.Context(), one.url, x.api, "", client)
			if !ok {
				t.Fatal("no power to mark")
			}
			var got []bool
			for _, base := range []string{one.url, two.url, stranger} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/gettoken", nil)
				if err != nil {
					t.Fatal(err)
				}
				powers.Mark(req)
				got = append(got, len(req.Header) > 0)
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("marked (-want +got):\n%s", diff)
			}
		})
	}
	client, err := clientFor("")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, ok := powersAt(ctx, stranger, one.url, "", client); ok {
		t.Error("a stranger has powers")
	}
}

// The control token is for the dingmock at the URL: who answers at the other host does not see it, nor the mark.
func TestControlTokenGoesToOneHost(t *testing.T) {
	t.Parallel()
	const token = "let-me-in-0123456789"
	guarded, two := startServe(t, nil, "--quiet", "--control-token", token), startServe(t, nil, "--quiet", "--control-token", "another-0123456789")
	var seen atomic.Pointer[[]string]
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		_ = r.Header.Write(&b)
		all := []string{r.RequestURI, b.String()}
		if before := seen.Load(); before != nil {
			all = append(all, *before...)
		}
		seen.Store(&all)
		http.NotFound(w, r)
	}))
	closes(t, stranger)
	client, err := clientFor("")
	if err != nil {
		t.Fatal(err)
	}
	for other, want := range map[string]bool{stranger.URL: false, two.url: true} {
		powers, ok := powersAt(t.Context(), guarded.url, other, token, client)
		if !ok {
			t.Fatal("no power to mark")
		}
		req := httptest.NewRequest(http.MethodGet, other+"/v1.0/oauth2/accessToken", nil)
		powers.Mark(req)
		if got := len(req.Header) > 0; got != want {
			t.Errorf("%s: marked is %t, want %t", other, got, want)
		}
	}
	if asked := seen.Load(); asked == nil || strings.Contains(strings.Join(*asked, "\n"), token) {
		t.Errorf("the other host has seen %q", asked)
	}
}
