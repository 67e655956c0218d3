package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The PHP of the article that the session calls are known from runs as it stands against a server started from
// examples/article.json, the host aside, and ends with a closed session: twice in a row. The article is not part of
// this project: DINGMOCK_ARTICLE names the file.
func TestArticle(t *testing.T) {
	t.Parallel()
	name := os.Getenv("DINGMOCK_ARTICLE")
	if name == "" {
		t.Skip("DINGMOCK_ARTICLE does not name the article")
	}
	needs(t, "php")
	article, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}

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
	calls := 0
	srv := httptest.NewServer(fake)
	t.Cleanup(srv.Close)

	const host = "https://oapi.dingtalk.com"
	var program strings.Builder
	for _, block := range regexp.MustCompile(`(?s)<\?php\s.*?\?>\n?`).FindAllString(string(article), -1) {
		calls += strings.Count(block, host)
		program.WriteString(strings.ReplaceAll(block, host, srv.URL))
	}
	if calls != 4 {
		t.Fatalf("the article's PHP names the host %d times, want 4", calls)
	}
	program.WriteString("<?php echo json_encode([$success, $session, $session_id]);\n")
	file := filepath.Join(t.TempDir(), "article.php")
	if err := os.WriteFile(file, []byte(program.String()), 0o600); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		php := exec.CommandContext(t.Context(), "php", "-d", "display_errors=1", "-d", "error_reporting=E_ALL", "-d", "html_errors=0", file)
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
	if v := fake.Violations(); len(v) > 0 {
		t.Errorf("the article's calls are off-spec: %v", v)
	}
}
