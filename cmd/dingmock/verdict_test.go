package main

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/junit"
)

// offSpec starts a fake that has had calls which were off-spec, of two apps and of none.
func offSpec(t *testing.T, args ...string) string {
	t.Helper()
	c := startServe(t, nil, args...)
	for _, call := range []string{
		"/gettoken?appkey=mock-a&appsecret=s3cret&x=1", "/gettoken?appkey=mock-a&appsecret=s3cret&x=2",
		"/gettoken?appkey=mock-b&appsecret=s3cret&appkey=mock-b", "/no/such/path",
	} {
		resp, err := http.Get(c.url + call)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	return c.url
}

const (
	rowA       = "mock-a: 2 × gettoken: undeclared-parameter at /query/x: found an undeclared parameter, expected no such parameter\n"
	rowB       = "mock-b: 1 × gettoken: repeated-parameter at /query/appkey: found a repeated parameter, expected one value\n"
	rowUnknown = "_: 1 × unknown-path at /path: found /no/such/path, expected a path that DingTalk has\n"
	keyA       = "gettoken undeclared-parameter /query/x\n"
	keyB       = "gettoken repeated-parameter /query/appkey\n"
	keyUnknown = "- unknown-path /no/such/path\n"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	off := offSpec(t)
	clean := startServe(t, nil).url
	other := httptest.NewServer(http.NotFoundHandler())
	closes(t, other)
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "known")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, x := range []struct {
		name string
		args []string
		code int
		want []string // in stdout, or in stderr if nothing was judged
	}{
		{"no call", []string{"--url", clean}, 1, []string{"no call came: does the program call the fake? (--allow-no-calls lets it pass)\ncalls: 0, no call came\n"}},
		{"no call, let pass", []string{"--url", clean, "--allow-no-calls"}, 0, []string{"calls: 0, none off-spec\n"}},
		{"no call of an app", []string{"--url", off, "--app", "default"}, 1, []string{"no call came from default: "}},
		{"no call of an app that is made on first use", []string{"--url", off, "--app", "mock-b", "--app", "mock-shop*", "--baseline", file(keyB)}, 1, []string{"no call came from mock-shop*: ", "known: " + rowB}},
		{"several apps", []string{"--url", off, "--app", "mock-a", "--app", "mock-b"}, 1, []string{"off-spec: " + rowA, "off-spec: " + rowB, "calls: 3, off-spec in 2 ways\n"}},
		{"a pattern", []string{"--url", off, "--app", "mock-*"}, 1, []string{"calls: 3, off-spec in 2 ways\n"}},
		{"off-spec", []string{"--url", off}, 1, []string{"off-spec: " + rowA + "  first: curl \"$DINGMOCK_URL\"'/gettoken?appkey=mock-a&appsecret='\"$APPSECRET\"'&x=1' -w '\\n'\n", "off-spec: " + rowB, "off-spec: " + rowUnknown, "calls: 4, off-spec in 3 ways\n"}},
		{"one app", []string{"--url", off, "--app", "mock-b"}, 1, []string{"off-spec: " + rowB}},
		{"the calls of no app", []string{"--url", off, "--app", "_"}, 1, []string{"off-spec: " + rowUnknown}},
		{"an unknown path is let pass", []string{"--url", off, "--app", "_", "--allow-unknown", "/x", "--allow-unknown", "/no/*"}, 0, []string{"note: " + rowUnknown, "calls: 0, none off-spec; note: 1\n"}},
		{"a pattern that is no path", []string{"--url", off, "--allow-unknown", "no/*"}, exitUsage, []string{"--allow-unknown: "}},
		{"annotations", []string{"--url", off, "--github", "--app", "mock-b"}, 1, []string{"::error title=off-spec call::mock-b: 1 × gettoken: repeated-parameter"}},
		{"all known", []string{"--url", off, "--baseline", file("# why\n\n" + keyA + keyB + keyUnknown)}, 0, []string{"known: " + rowA, "known: " + rowB}},
		{"one known", []string{"--url", off, "--baseline", file(keyA)}, 1, []string{"known: " + rowA, "off-spec: " + rowB}},
		{"known and gone", []string{"--url", off, "--baseline", file(keyA + keyB + keyUnknown + "getsession body /body")}, 0, []string{"no longer occurs: getsession body /body\n"}},
		{"known and gone, exact", []string{"--url", off, "--exact", "--baseline", file(keyA + keyB + "getsession body /body")}, 1, []string{"no longer occurs: getsession body /body\n"}},
		{"an unknown path is known", []string{"--url", off, "--app", "_", "--baseline", file(keyUnknown)}, 0, []string{"known: " + rowUnknown}},
		{"bad baseline", []string{"--url", off, "--baseline", file(keyA + "getsession\n")}, exitUsage, []string{":2: ", "OPERATION RULE POINTER"}},
		{"no baseline", []string{"--url", off, "--baseline", "no-such-file"}, exitUsage, []string{"--baseline: ", "no-such-file"}},
		{"exact alone", []string{"--url", off, "--exact"}, exitUsage, []string{"--exact: goes with --baseline"}},
		{"no such app", []string{"--url", off, "--app", "nobody"}, exitUsage, []string{`--app: there is no app "nobody"`}},
		{"a pattern of no app", []string{"--url", off, "--app", "no*"}, exitUsage, []string{`--app: there is no app "no*"`}},
		{"nothing answers", []string{"--url", nobody}, exitUsage, []string{"no dingmock answers", "connection refused"}},
		{"no dingmock", []string{"--url", other.URL}, exitUsage, []string{"no dingmock answers"}},
		{"bad URL", []string{"--url", "localhost"}, exitUsage, []string{"--url: "}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := tryRun(t, nil, append([]string{"verdict"}, x.args...)...)
			if code != x.code {
				t.Errorf("exit code %d, want %d", code, x.code)
			}
			for _, want := range x.want {
				if !strings.Contains(stdout, want) && !strings.Contains(stderr, want) {
					t.Errorf("no %q in stdout:\n%s\nstderr:\n%s", want, stdout, stderr)
				}
			}
			if x.code > 0 && strings.Count(stderr, "\n") != 1 {
				t.Errorf("stderr is not one line: %q", stderr)
			}
			if strings.Contains(stdout+stderr, "s3cret") {
				t.Errorf("a secret is shown:\n%s%s", stdout, stderr)
			}
		})
	}
}

// verdictText is a fake's verdict as text.
func verdictText(t *testing.T, base string) (status int, contentType, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/_mock/verdict", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(body)
}

// Without a dingmock at hand, curl gives the same text and the same result.
func TestVerdictText(t *testing.T) {
	t.Parallel()
	c := startServe(t, nil)
	post(t, c.url+"/_mock/apps", `{"name":"ignored","appkey":"ignored","appsecret":"x","corpid":"ignored","corpsecret":"x","judge":false}`)
	post(t, c.url+"/_mock/apps/mock-a/rules", `{"match":{"operation":"getsession"},"effect":{"fault":"app-throttled"}}`)
	for _, path := range []string{
		"", "/gettoken?appkey=mock-a&appsecret=x", "/user/get?appkey=mock-a", "/gettoken?appkey=mock-a&appsecret=x&y=1",
		"/gettoken?appkey=ignored&appsecret=x&y=1", "/no/such/path", "/gettoken?appkey=mock-a&appsecret=x&z=1",
	} {
		if path != "" {
			get(t, c.url+path)
		}
		status, contentType, body := verdictText(t, c.url)
		code, stdout, _ := tryRun(t, nil, "verdict", "--url", c.url)
		if diff := cmp.Diff(strings.Replace(stdout, "--allow-no-calls", "allow_no_calls=true", 1), body); diff != "" {
			t.Errorf("after %q (-verdict +curl):\n%s", path, diff)
		}
		if (code == 0) != (status == http.StatusOK) || contentType != "text/plain; charset=utf-8" {
			t.Errorf("after %q: exit code %d, HTTP %d %s", path, code, status, contentType)
		}
	}
}

// A baseline that is written makes the same calls pass.
func TestVerdictWriteBaseline(t *testing.T) {
	t.Parallel()
	url, name := offSpec(t), filepath.Join(t.TempDir(), "known")
	if code, _, stderr := tryRun(t, nil, "verdict", "--url", url, "--write-baseline", name); code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("# known violations: operation, rule, pointer\n"+keyUnknown+keyB+keyA, string(data)); diff != "" {
		t.Errorf("baseline (-want +got)\n%s", diff)
	}
	if code, _, stderr := tryRun(t, nil, "verdict", "--url", url, "--exact", "--baseline", name); code != 0 {
		t.Errorf("with its own baseline: exit code %d, %s", code, stderr)
	}
}

func TestVerdictJUnit(t *testing.T) {
	t.Parallel()
	url, name := offSpec(t), filepath.Join(t.TempDir(), "verdict.xml")
	known := filepath.Join(t.TempDir(), "known")
	if err := os.WriteFile(known, []byte(keyB), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := tryRun(t, nil, "verdict", "--url", url, "--baseline", known, "--junit", name); code != exitFailed {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var report junit.Report
	if err := xml.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range report.Suites[0].Cases {
		outcome := "pass"
		switch {
		case x.Failure != nil:
			outcome = "fail"
		case x.Skipped != nil:
			outcome = "skip"
		}
		got = append(got, outcome+" "+x.Name)
	}
	want := []string{
		"fail _ - unknown-path /no/such/path",
		"fail mock-a gettoken undeclared-parameter /query/x",
		"skip mock-b gettoken repeated-parameter /query/appkey",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cases (-want +got)\n%s", diff)
	}
	if s := report.Suites[0]; s.Tests != 3 || s.Failures != 2 || s.Skipped != 1 {
		t.Errorf("counts: %d, %d failed, %d skipped", s.Tests, s.Failures, s.Skipped)
	}
}

func TestVerdictControlToken(t *testing.T) {
	t.Parallel()
	url := offSpec(t, "--control-token", "let-me-in")
	code, _, stderr := tryRun(t, nil, "verdict", "--url", url)
	if code != exitUsage || !strings.Contains(stderr, "(option control-token)") {
		t.Errorf("without: exit code %d, %s", code, stderr)
	}
	if code, stdout, _ := tryRun(t, map[string]string{"DINGMOCK_CONTROL_TOKEN": "let-me-in\n"}, "verdict", "--url", url); code != exitFailed || !strings.Contains(stdout, rowA) {
		t.Errorf("with: exit code %d, %s", code, stdout)
	}
}
