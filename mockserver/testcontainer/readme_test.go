package testcontainer_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/internal/docs"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shell runs a line, which must succeed, and returns what it printed.
func shell(t *testing.T, line string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-ec", line).Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSpace(string(out))
}

// The image, built as the README says, runs as the README says, except for its name and the port, which may be in
// use.
func TestReadmeDocker(t *testing.T) {
	t.Parallel()
	img := image(t)
	const port, name = " -p 8080:8080 ", " dingmock"
	run := regexp.MustCompile(`(?m)^docker run .*`).FindString(strings.Join(docs.Blocks(readme(t), "sh"), ""))
	if !strings.Contains(run, port) || !strings.HasSuffix(run, name) {
		t.Fatalf("the README runs the image by %q", run)
	}
	run = strings.Replace(strings.TrimSuffix(run, name)+" "+img, port, " -p 127.0.0.1::8080 ", 1)
	id := shell(t, run)
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "-f", id).Run() })
	shell(t, "docker exec "+id+" /dingmock ready --wait 30s")
	at := "http://" + shell(t, "docker port "+id+" 8080")
	if reply := get(t, http.DefaultClient, at+"/gettoken?appkey=mock-readme&appsecret=any"); reply["errcode"] != 0.0 {
		t.Errorf("gettoken: %v", reply)
	}
	shell(t, "docker exec "+id+" /dingmock verdict")
}

// The Go programs of docs/go.md that start a container compile unchanged, and their tests pass.
func TestReadmeGo(t *testing.T) {
	t.Parallel()
	img := image(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	docs.RunGo(t, root, 2, func(program string) (string, bool) {
		return strings.ReplaceAll(program, `(ctx, "dingmock")`, `(ctx, "`+img+`")`), strings.Contains(program, "/testcontainer\"")
	})
}
