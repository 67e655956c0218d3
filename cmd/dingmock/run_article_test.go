package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The PHP of the article runs letter for letter, the host too, under run: twice in a row, and in a fake of its own each time.
func TestArticleUnderRun(t *testing.T) {
	t.Parallel()
	needs(t, "php")
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"article.php": article(t)})
	for range 2 {
		r := runs(t, "--strict", "--state", "../../examples/article.json", "--no-auto-apps", "--refuse-undeclared", "--",
			"php", "-d", "display_errors=1", "-d", "error_reporting=E_ALL", "-d", "html_errors=0", filepath.Join(dir, "article.php"))
		// A warning would stand before the last line.
		if diff := cmp.Diff(`[true,null,"your_session_id"]`, r.stdout); diff != "" || r.code != 0 || !strings.Contains(r.stderr, "calls: 4, none off-spec") {
			t.Errorf("exit code %d, stderr %q, stdout (-want +got):\n%s", r.code, r.stderr, diff)
		}
	}
}
