package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// article is the PHP of the article that the session calls are known from, which is not part of this project:
// DINGMOCK_ARTICLE names its file. Where it does not, a program of ours makes the same calls. What it ends with is
// printed, in one line.
func article(t *testing.T) string {
	t.Helper()
	name := os.Getenv("DINGMOCK_ARTICLE")
	if name == "" {
		name = "../../testdata/sessions.php"
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	program := strings.Join(regexp.MustCompile(`(?s)<\?php\s.*?\?>\n?`).FindAllString(string(text), -1), "")
	if n := strings.Count(program, "'https://oapi.dingtalk.com/"); n != 4 {
		t.Fatalf("%s: its PHP names the platform %d times, want 4", name, n)
	}
	return program + "<?php echo json_encode([$success, $session, $session_id]);\n"
}

// The article's PHP runs as it stands against a server started from examples/article.json, the host aside, and ends with
// a closed session: twice in a row.
func TestArticle(t *testing.T) {
	t.Parallel()
	needs(t, "php")
	var c commands
	args := []string{"serve", "--state", "../../examples/article.json", "--no-auto-apps", "--refuse-undeclared"}
	if _, err := parse(&c, args, lookup(nil), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	fake, err := c.Serve.fake(slog.New(slog.DiscardHandler), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	srv := httptest.NewServer(fake)
	closes(t, srv)
	program := strings.ReplaceAll(article(t), "https://oapi.dingtalk.com", srv.URL)
	file := filepath.Join(t.TempDir(), "article.php")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		php := bounded(t, "php", "-d", "display_errors=1", "-d", "error_reporting=E_ALL", "-d", "html_errors=0", file)
		var out, errs bytes.Buffer
		php.Stdout, php.Stderr = &out, &errs
		err := php.Run()
		// A warning would stand before the last line.
		if diff := cmp.Diff(`[true,null,"your_session_id"]`, out.String()); diff != "" || errs.Len() > 0 || err != nil {
			t.Errorf("%v, stderr %q, stdout (-want +got):\n%s", err, errs.String(), diff)
		}
		for _, app := range fake.Apps() {
			if len(app.Sessions) > 0 {
				t.Errorf("app %s has open sessions: %+v", app.Name, app.Sessions)
			}
		}
	}
	if v, err := fake.Verdict(nil); err != nil || len(v.Violations) > 0 {
		t.Errorf("the article's calls are off-spec: %v, error %v", v.Violations, err)
	}
}
