package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/docs"
	"github.com/dingmock/dingmock/mockserver"
)

// readmes are the README in its languages.
var readmes = []struct{ file, knobs string }{
	{"README.md", "Knobs of `dingmock serve`"},
	{"README.zh-CN.md", "`dingmock serve` 的参数"},
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rows are the first cells of a table of a document, which stands under a heading, without their backticks.
func rows(t *testing.T, file, heading string, cells int) [][]string {
	t.Helper()
	_, section, found := strings.Cut("\n"+readText(t, file), "# "+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", file, heading)
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

func blocks(text, language string) []string { return docs.Blocks(text, language) }

// The README says the same in both languages: the same commands and programs, links, names and values.
func TestReadmeLanguages(t *testing.T) {
	t.Parallel()
	of := func(file string) map[string][]string {
		text := readText(t, file)
		said := map[string][]string{"sh": blocks(text, "sh"), "go": blocks(text, "go")}
		for what, pattern := range map[string]string{
			"links": `\]\(([^)]*)\)`, "code": "`[^`\n]+`",
		} {
			prose := regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, "")
			for _, m := range regexp.MustCompile(pattern).FindAllString(prose, -1) {
				if !strings.Contains(m, "README") {
					said[what] = append(said[what], m)
				}
			}
			slices.Sort(said[what])
			said[what] = slices.Compact(said[what])
		}
		return said
	}
	if diff := cmp.Diff(of(readmes[0].file), of(readmes[1].file)); diff != "" {
		t.Errorf("English and Chinese (-en +zh):\n%s", diff)
	}
}

// docs/calls.md lists the calls of the document.
func TestCallsListed(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	var want [][]string
	for _, op := range doc.Operations() {
		want = append(want, []string{op.Method + " " + op.Path, op.ID, op.Provenance})
	}
	got := rows(t, "docs/calls.md", "Calls", 3)
	for _, list := range [][][]string{want, got} {
		slices.SortFunc(list, func(a, b []string) int { return strings.Compare(a[1], b[1]) })
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the document and docs/calls.md (-want +got):\n%s", diff)
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
	for _, r := range readmes {
		if diff := cmp.Diff(want, rows(t, r.file, r.knobs, 3)); diff != "" {
			t.Errorf("the flags and %s (-want +got):\n%s", r.file, diff)
		}
	}
}

// The README says how many faults there are.
func TestReadmeFaults(t *testing.T) {
	t.Parallel()
	if n := len(mockserver.Faults()) + len(mockserver.TLSFaults()); n != 12 {
		t.Errorf("there are %d faults, and README.md and README.zh-CN.md say twelve", n)
	}
}

func TestReadmeLength(t *testing.T) {
	t.Parallel()
	for _, r := range readmes {
		text := readText(t, r.file)
		if n := strings.Count(text, "\n"); n > 200 {
			t.Errorf("%s has %d lines, at most 200 are allowed", r.file, n)
		}
		n := 0
		for line := range strings.Lines(text) {
			if n++; utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 120 {
				t.Errorf("%s:%d: has more than 120 characters: %.40s…", r.file, n, line)
			}
		}
	}
}
