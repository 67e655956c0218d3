package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// A release builds the image of copies of what .goreleaser.yaml lists: all that the program is made of has to be there,
// and nothing of it may be left out by .dockerignore.
func TestReleaseHasAllSource(t *testing.T) {
	t.Parallel()
	needs(t, "go")
	data, err := os.ReadFile("../../.goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var release struct {
		Dockers []struct {
			ExtraFiles []string `yaml:"extra_files"`
		} `yaml:"dockers_v2"`
	}
	if err := yaml.Unmarshal(data, &release); err != nil {
		t.Fatal(err)
	}
	ignore, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles", "../../cmd/dingmock")
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"go.mod", "go.sum"}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			Dir                 string
			GoFiles, EmbedFiles []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if dir, err := filepath.Rel(root, p.Dir); err == nil && !strings.HasPrefix(dir, "..") {
			for _, f := range append(p.GoFiles, p.EmbedFiles...) {
				files = append(files, filepath.Join(dir, f))
			}
		}
	}
	if len(files) < 20 {
		t.Fatalf("the program is made of %v", files)
	}
	for _, file := range files {
		if !slices.ContainsFunc(release.Dockers[0].ExtraFiles, func(e string) bool { return file == e || strings.HasPrefix(file, e+"/") }) {
			t.Errorf(".goreleaser.yaml: extra_files leave out %s", file)
		}
		if !allowed(string(ignore), file) {
			t.Errorf(".dockerignore leaves out %s", file)
		}
	}
	if allowed(string(ignore), "README.md") || allowed(string(ignore), "cmd/dingmock/main_test.go") {
		t.Error(".dockerignore lets in what the program is not made of")
	}
}

// allowed reads a .dockerignore as Docker does: the last line that fits counts, for a file or a folder above it.
func allowed(ignore, file string) bool {
	in := true
	for line := range strings.Lines(ignore) {
		pattern, let := strings.CutPrefix(strings.TrimSpace(line), "!")
		if pattern == "" || strings.HasPrefix(pattern, "#") {
			continue
		}
		expr := regexp.QuoteMeta(pattern)
		expr = strings.ReplaceAll(expr, `\*\*/`, "(.*/)?")
		expr = strings.ReplaceAll(expr, `\*`, "[^/]*")
		if regexp.MustCompile("^" + expr + "(/.*)?$").MatchString(file) {
			in = let
		}
	}
	return in
}
