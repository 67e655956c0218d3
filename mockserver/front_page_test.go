package mockserver_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestFrontPage checks that a browser is redirected from / to the page, and that all others are answered as by the
// platform.
func TestFrontPage(t *testing.T) {
	t.Parallel()
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, test := range []struct {
		name, request, host, accept string
		leads                       bool
	}{
		{"a browser", "GET /", "127.0.0.1:8080", browser, true},
		{"a browser, by a name", "GET /", "dingmock.test", browser, true},
		{"a browser, with a query", "GET /?x=y", "localhost:8080", browser, true},
		{"a browser, in capitals", "GET /", "localhost", "TEXT/HTML", true},
		{"a browser, by a name of the platform", "GET /", "oapi.dingtalk.com", browser, false},
		{"a browser, by another one", "GET /", "API.dingtalk.io:443", browser, false},
		{"a browser, another path", "GET /index.html", "localhost", browser, false},
		{"a form", "POST /", "localhost", browser, false},
		{"a head", "HEAD /", "localhost", browser, false},
		{"curl", "GET /", "localhost", "*/*", false},
		{"none", "GET /", "localhost", "", false},
		{"JSON", "GET /", "localhost", "application/json, text/plain, */*", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{})
			addr := listen(t, s)
			ask := func(more string) answer {
				got := send(t, addr, test.request+" HTTP/1.1\r\nHost: "+test.host+"\r\nConnection: close\r\n"+more+"\r\n")
				got.header.Del("Date")
				return got
			}
			plain := ask("")
			if test.request == "GET /" {
				if diff := cmp.Diff(answer{200, plain.header, notFound}, plain, cmp.AllowUnexported(answer{})); diff != "" {
					t.Errorf("without Accept (-want +got)\n%s", diff)
				}
			}
			want := plain
			if test.leads {
				want.status, want.body, want.header = http.StatusFound, "", plain.header.Clone()
				want.header.Set("Location", "/_mock/ui/")
				want.header.Set("Content-Length", "0")
				want.header.Set("Dingmock-Explain", "a browser that asks for / is led to the page")
				want.header.Del("Content-Type")
			}
			more := ""
			if test.accept != "" {
				more = "Accept: " + test.accept + "\r\n"
			}
			if diff := cmp.Diff(want, ask(more), cmp.AllowUnexported(answer{})); diff != "" {
				t.Errorf("answer (-want +got)\n%s", diff)
			}
		})
	}
}

// TestFrontPageIsNoCall checks that a browser's visit is in the journal, counts as no call, and can be answered by
// a rule instead.
func TestFrontPageIsNoCall(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	const visit = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
	if got := send(t, addr, visit); got.status != http.StatusFound {
		t.Fatalf("HTTP %d", got.status)
	}
	var journal struct{ Entries []mockserver.Entry }
	steer(t, s, "GET", "/apps/_/journal", "", &journal)
	if len(journal.Entries) != 1 || journal.Entries[0].Reply.Status != http.StatusFound {
		t.Errorf("journal: %+v", journal.Entries)
	}
	var verdict mockserver.Verdict
	steer(t, s, "GET", "/verdict", "", &verdict)
	if verdict.Calls != 0 || len(verdict.Violations) != 0 {
		t.Errorf("%d calls are counted, and held against it is %v", verdict.Calls, verdict.Violations)
	}
	added(t, s, "/rules", `{"match":{"path":"/"},"effect":{"reply":{"body":"own","without_token":true}}}`)
	if got := send(t, addr, visit); got.status != http.StatusOK || got.body != "own" {
		t.Errorf("a rule answers %+v", got)
	}
}

// TestControlWithoutSlash checks that the page's address without the last slash redirects to it, and is no call of
// DingTalk.
func TestControlWithoutSlash(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	for _, test := range []struct {
		line     string
		status   int
		location string
	}{
		{"GET /_mock", http.StatusPermanentRedirect, "/_mock/ui/"},
		{"HEAD /_mock", http.StatusPermanentRedirect, "/_mock/ui/"},
		{"GET /_mock/ui", http.StatusPermanentRedirect, "/_mock/ui/"},
		{"GET /_mock/ui?app=x", http.StatusPermanentRedirect, "/_mock/ui/"},
		{"POST /_mock", http.StatusNotFound, ""},
		{"POST /_mock/ui", http.StatusNotFound, ""},
		{"GET /_mock/", http.StatusNotFound, ""},
	} {
		got := send(t, addr, request(test.line, "", ""))
		if got.status != test.status || got.header.Get("Location") != test.location {
			t.Errorf("%s: HTTP %d, Location %q, %s", test.line, got.status, got.header.Get("Location"), got.body)
		}
	}
	var journal struct{ Last int64 }
	steer(t, s, "GET", "/journal", "", &journal)
	var verdict mockserver.Verdict
	steer(t, s, "GET", "/verdict?allow_no_calls=true", "", &verdict)
	if journal.Last != 0 || verdict.Calls != 0 || !verdict.OK {
		t.Errorf("%d calls are in the journal; the verdict is %+v", journal.Last, verdict)
	}
}
