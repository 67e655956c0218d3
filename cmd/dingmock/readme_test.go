package main

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the first cells of a table of the README, which stands under a heading, without their backticks.
func rows(t *testing.T, heading string, cells int) [][]string {
	t.Helper()
	_, section, found := strings.Cut(readme(t), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the README has no heading %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var list [][]string
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|\n"), "|") {
			row = append(row, strings.Trim(cell, " `"))
		}
		list = append(list, row[:cells])
	}
	return list
}

func TestReadmeOperations(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	for _, op := range doc.Operations() {
		want = append(want, []string{op.Method + " " + op.Path, op.ID, op.Provenance})
	}
	got := rows(t, "Operations", 3)
	for _, list := range [][][]string{want, got} {
		slices.SortFunc(list, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the document and the README (-want +got):\n%s", diff)
	}
}

func TestReadmeKnobs(t *testing.T) {
	t.Parallel()
	var c commands
	parsed, err := parse(&c, []string{"serve"}, lookup(nil), io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	err = kong.Visit(parsed.Selected(), func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			want = append(want, []string{"--" + flag.Name, strings.Join(flag.Envs, ", "), flag.Default})
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rows(t, "Knobs of `dingmock serve`", 3)); diff != "" {
		t.Errorf("the flags and the README (-want +got):\n%s", diff)
	}
}

// The README's Go is taken from code that is compiled and run: all of it stands in examples/go.
func TestReadmeCode(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../examples/go/main_test.go")
	if err != nil {
		t.Fatal(err)
	}
	plain := func(text string) string { return regexp.MustCompile(`(?m)^[\t ]+`).ReplaceAllString(text, "") }
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) == 0 {
		t.Error("the README has no Go")
	}
	for _, block := range blocks {
		if !strings.Contains(plain(string(source)), plain(block[1])) {
			t.Errorf("examples/go/main_test.go does not have:\n%s", block[1])
		}
	}
}

func TestReadmeLength(t *testing.T) {
	t.Parallel()
	if n := strings.Count(readme(t), "\n"); n > 200 {
		t.Errorf("the README has %d lines, at most 200 are allowed", n)
	}
	n := 0
	for line := range strings.Lines(readme(t)) {
		if n++; utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 120 {
			t.Errorf("line %d of the README has more than 120 characters: %.40s…", n, line)
		}
	}
}

// The README's lines for the control API are pasted as they are, and each does what it says.
func TestReadmeControl(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	_, block, _ := strings.Cut(readme(t), "```sh\napi=")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("the README has no block of the control API")
	}
	base := startServe(t, nil).url
	script := "set -e\napi=" + strings.ReplaceAll(block, "http://127.0.0.1:8080", base)
	if strings.Count(script, base) != 1 {
		t.Errorf("the address stands in the block more than once:\n%s", block)
	}
	// A call of the app between the rules and the wait.
	script = strings.ReplaceAll(script, "\ncurl ", "\ncurl -sS --fail-with-body --noproxy '*' ")
	lines := strings.Split(strings.TrimSpace(script), "\n")
	call := "curl -sS --noproxy '*' '" + base + "/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret'"
	lines = slices.Insert(lines, len(lines)-1, call, call)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.Join(lines, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"id":"r1"`, `"id":"r4"`, `"offset":"2h0m0s"`, `"errcode":90018`, `"expires_in":2}`, `"ok":true`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output has no %s:\n%s", want, out)
		}
	}
}
