package pagetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver"
)

const (
	page         = "/_mock/ui/"
	appPairQuery = "appkey=dingmockapp&appsecret=dingmockappsecret"
	live         = "82ad1e1b28b2357dbf090b9a2582319c" // the token that liveApp has from the start
)

func liveApp() mockserver.AppState {
	a := mockserver.DefaultApp()
	a.Tokens = []mockserver.TokenState{{Token: live, ExpiresIn: 7200}}
	return a
}

// fake makes a server whose real time stands still, and which has liveApp if the options name no apps.
func fake(t *testing.T, o mockserver.Options) *mockserver.Server {
	t.Helper()
	o.Now = func() time.Time { return time.Date(2026, 9, 3, 0, 1, 2, 0, time.UTC) }
	if o.Apps == nil {
		o.Apps = []mockserver.AppState{liveApp()}
	}
	s, err := mockserver.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// listen serves a fake and returns the address of its page.
func listen(t *testing.T, s *mockserver.Server) string {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return srv.URL + page
}

// call makes a call in process. The line is a method and a target.
func call(s *mockserver.Server, line string) {
	method, target, _ := strings.Cut(line, " ")
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, http.NoBody))
}

// get makes a call and returns the body of the answer.
func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
