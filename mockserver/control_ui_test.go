package mockserver_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// Each text of the page has a Chinese version.
func TestPageTexts(t *testing.T) {
	t.Parallel()
	page := do(fake(t, mockserver.Options{}), "GET http://localhost/_mock/ui/", "", "").body
	for _, use := range regexp.MustCompile(`(?:\bt\(|\[|tag\(|: \[)'([^']*[a-z][^']*)'|data-t(?: \w+)*>([^<]+)<|data-label="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		text := use[1] + use[2] + use[3]
		if !strings.Contains(page, "'"+text+"': '") && (use[1] == "" || strings.Contains(text, " ")) {
			t.Errorf("%q has no Chinese", text)
		}
	}
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

// A page of another site, open in the same browser, cannot control the fake.
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
