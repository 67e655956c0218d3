package dingmock_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dingmock/dingmock"

// house lists the packages by floor: each room may import rooms on the floors below it, and none next to it or above.
// A room is a package, or with /... a tree of them.
type house struct {
	name   string
	all    bool       // every package of the repository has to have a room; else those below the name
	floors [][]string // the lowest first
}

var houses = []house{
	{"the module", true, [][]string{
		{"internal/...", "catalogue/paths"},
		{"."},
		{"mockserver/...", "contract/...", "client/..."},
		{"internal/powers"},
		{"cmd/...", "examples/...", "catalogue/generate", "bench/..."},
	}},
	{"mockserver", false, [][]string{
		{"mockserver/internal/jsonvalue", "mockserver/internal/strictjson", "mockserver/internal/tokenlife", "mockserver/internal/page"},
		{"mockserver/api"},
		{"mockserver/internal/field"},
		{"mockserver/internal/clock", "mockserver/internal/match", "mockserver/internal/template"},
		{"mockserver/internal/journal", "mockserver/internal/rules", "mockserver/internal/world"},
		{"mockserver", "mockserver/control", "mockserver/impersonate"},
		{"mockserver/mocktest", "mockserver/pagetest", "mockserver/testcontainer"},
	}},
}

// only are those that may import less of the module than their floors let them.
var only = map[string][]string{
	"client":                 {"client/internal/wire"},
	"client/internal/wire":   {},
	"mockserver/control":     {"mockserver/api"},
	"mockserver/impersonate": {"internal/hosts", "internal/serverlog"},
}

// find returns the room of a package and its floor, or "" if the house has none for it. A room of its own comes before a tree.
func (h *house) find(pkg string) (room string, floor int) {
	for i, rooms := range h.floors {
		for _, r := range rooms {
			tree, isTree := strings.CutSuffix(r, "/...")
			if pkg == r {
				return r, i
			}
			if isTree && (pkg == tree || strings.HasPrefix(pkg, tree+"/")) {
				room, floor = r, i
			}
		}
	}
	return room, floor
}

// wrong says what is wrong with an import; "" for nothing.
func (h *house) wrong(from, to string) string {
	room, floor := h.find(from)
	other, below := h.find(to)
	switch {
	case room == "" || other == "" || room == other:
		return ""
	case below > floor:
		return from + " imports " + to + ", which stands above it"
	case below == floor:
		return from + " imports " + to + ", which stands beside it"
	}
	return ""
}

// imports returns the packages of this repository, those of nested modules too, and what of it each imports on whatever system,
// tests aside.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch base := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (base == "testdata" || len(base) > 1 && (base[0] == '.' || base[0] == '_')):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		list := all[pkg]
		for _, spec := range file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			if rest, ok := strings.CutPrefix(imported+"/", module+"/"); ok && !slices.Contains(list, path.Clean(rest)) {
				list = append(list, path.Clean(rest))
			}
		}
		all[pkg] = list
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFloors checks that no package imports one above or next to it, and that each has a room.
func TestFloors(t *testing.T) {
	t.Parallel()
	all := imports(t)
	if len(all) < 20 {
		t.Fatalf("only %d packages are looked at", len(all))
	}
	for _, h := range houses {
		for floor, rooms := range slices.Backward(h.floors) {
			t.Logf("%s, floor %d: %s", h.name, floor, strings.Join(rooms, " · "))
			for _, r := range rooms {
				if _, there := all[r]; !there && !strings.HasSuffix(r, "/...") {
					t.Errorf("there is no package %s any more", r)
				}
			}
		}
	}
	for pkg, list := range all {
		for _, h := range houses {
			if room, _ := h.find(pkg); room == "" && (h.all || strings.HasPrefix(pkg, h.name+"/")) {
				t.Errorf("%s has no room in %s: give it one in houses", pkg, h.name)
			}
			for _, imported := range list {
				if wrong := h.wrong(pkg, imported); wrong != "" {
					t.Error(wrong)
				}
			}
		}
		for _, imported := range list {
			if may, bound := only[pkg]; bound && !slices.Contains(may, imported) {
				t.Errorf("%s imports %s: it may import only %q of this module", pkg, imported, may)
			}
		}
	}
}

// Who uses dingmock does not get what only the tests and the containers of a few need: testcontainers-go and Docker's client are
// required by the nested module alone, and mocktest, which is for tests, by no package.
func TestFewRequirements(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, heavy := range []string{"github.com/testcontainers/", "github.com/moby/", "github.com/docker/"} {
			if strings.Contains(string(text), heavy) {
				t.Errorf("%s names %s: it belongs into mockserver/testcontainer/go.mod", name, heavy)
			}
		}
	}
	for pkg, list := range imports(t) {
		if slices.Contains(list, "mockserver/mocktest") {
			t.Errorf("%s imports mockserver/mocktest, which is for tests", pkg)
		}
	}
}

// The check itself tells up, sideways and down apart.
func TestFloorsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ from, to, want string }{
		{"mockserver/api", "mockserver", "mockserver/api imports mockserver, which stands above it"},
		{"mockserver/internal/match", "mockserver/internal/clock", "mockserver/internal/match imports mockserver/internal/clock, which stands beside it"},
		{"mockserver/internal/journal", "mockserver/internal/rules", "mockserver/internal/journal imports mockserver/internal/rules, which stands beside it"},
		{"mockserver/internal/journal", "mockserver/internal/match", ""},
		{"mockserver", "mockserver/internal/clock", ""},
		{"contract", "client", "contract imports client, which stands beside it"},
		{"contract", "internal/junit", ""},
		{".", "mockserver/api", ". imports mockserver/api, which stands above it"},
		{"internal/shell", "internal/redact", ""},
		{"cmd/dingmock", "contract", ""},
	} {
		got := ""
		for _, h := range houses {
			if wrong := h.wrong(test.from, test.to); wrong != "" {
				got = wrong
			}
		}
		if got != test.want {
			t.Errorf("%s → %s: %q, want %q", test.from, test.to, got, test.want)
		}
	}
}
