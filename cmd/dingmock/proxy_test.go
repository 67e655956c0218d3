package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// startProxy runs proxy on a free port. It returns its URL, what it writes on stderr, and a func that ends it and returns
// its exit code and stdout.
func startProxy(t *testing.T, args ...string) (url string, stderr *output, end func() (int, string)) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stdout, stderr := newOutput(), newOutput()
	exit := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"proxy", "--addr", "127.0.0.1:0"}, args...), lookup(nil), stdout, stderr)
		stdout.end()
		stderr.end()
		exit <- code
	}()
	t.Cleanup(stop)
	if !stdout.waitFor("  http://") || !stdout.waitFor("\n\n") {
		t.Fatalf("proxy ended at once: %s", stderr)
	}
	for line := range strings.Lines(stdout.String()) {
		if rest, ok := strings.CutPrefix(line, "  http://"); ok {
			url = "http://" + strings.TrimSpace(rest)
		}
	}
	return url, stderr, func() (int, string) {
		stop()
		return soon(t, exit, "the end of proxy"), stdout.String()
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/topapi/v2/user/getsession" {
			_, _ = io.Copy(io.Discard, r.Body) // a body that is not read is not judged
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{ \"errcode\": 0 }\n")
			return
		}
		fake.ServeHTTP(w, r)
	}))
	closes(t, upstream)
	record := filepath.Join(t.TempDir(), "record.jsonl")
	url, stderr, end := startProxy(t, "--upstream", upstream.URL, "--record", record, "--strict")

	get := func(base, address string) (string, http.Header) {
		resp, err := http.Get(base + address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body), resp.Header
	}
	const good = "/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret"
	direct, straight := get(upstream.URL, good)
	through, passed := get(url, good)
	if direct != through {
		t.Errorf("the body is not passed on as it is:\n-want %s\n+got  %s", direct, through)
	}
	for name := range straight {
		if name != "Date" && passed.Get(name) != straight.Get(name) {
			t.Errorf("the header %s is %q, want %q", name, passed.Get(name), straight.Get(name))
		}
	}
	get(url, good+"&more=1")
	if !stderr.waitFor("off-spec request: gettoken: undeclared-parameter at /query/more") {
		t.Errorf("stderr: %s", stderr)
	}
	resp, err := http.Post(url+"/topapi/v2/user/getsession?access_token=0123456789abcdef", "application/json", strings.NewReader(`{"userid":"u"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if !stderr.waitFor("off-spec reply: getsession: reply-body at /body/errmsg") {
		t.Errorf("stderr: %s", stderr)
	}

	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"dingmockappsecret", "0123456789abcdef", strings.Split(strings.Split(direct, `token":"`)[1], `"`)[0]} {
		if bytes.Contains(data, []byte(secret)) || strings.Contains(stderr.String(), secret) {
			t.Errorf("the secret %s is shown:\n%s\n%s", secret, data, stderr)
		}
	}
	var lines []contract.Record
	for scanner := bufio.NewScanner(bytes.NewReader(data)); scanner.Scan(); {
		var line contract.Record
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%v in %s", err, scanner.Text())
		}
		lines = append(lines, line)
	}
	if len(lines) != 3 || lines[0].Operation != "gettoken" || lines[0].Status != 200 || len(lines[1].Violations) != 1 || len(lines[2].Broken) == 0 || lines[2].Body != `{"userid":"u"}` {
		t.Errorf("the record:\n%s", data)
	}
	if code, stdout := end(); code != exitFailed || !strings.Contains(stdout, "3 exchanges, 1 off-spec requests, 1 off-spec replies") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	if n := strings.Count(stderr.String(), "off-spec request"); n != 1 {
		t.Errorf("%d calls are off-spec, want that with more=1 alone:\n%s", n, stderr)
	}
}

// TestProxyCarriesTheSuite runs the whole suite through a proxy: it changes nothing that a case would notice.
func TestProxyCarriesTheSuite(t *testing.T) {
	t.Parallel()
	server := startServe(t, nil, "--quiet")
	url, _, end := startProxy(t, "--upstream", server.url, "--quiet")
	if code, stdout, stderr := tryRun(t, nil, "verify", "--url", url, "--budget", "10", "--timeout", "1m"); code != exitOK {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, stdout := end(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

func TestProxyUpstreamDown(t *testing.T) {
	t.Parallel()
	url, stderr, end := startProxy(t, "--upstream", nobody)
	resp, err := http.Get(url + "/gettoken?appkey=k&appsecret=s")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), "refused") {
		t.Errorf("HTTP %d %s", resp.StatusCode, body)
	}
	if code, stdout := end(); code != exitOK || !strings.Contains(stderr.String(), "no reply") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if code, _, stderr := tryRun(t, nil, "proxy", "--upstream", "nowhere"); code != exitUsage || !strings.Contains(stderr, "--upstream") {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}
