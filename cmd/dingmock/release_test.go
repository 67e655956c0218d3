package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// release is what the image of a release is made of.
type release struct {
	Dockers []struct {
		Images     []string
		Tags       []string
		ExtraFiles []string `yaml:"extra_files"`
	} `yaml:"dockers_v2"`
}

func readRelease(t *testing.T) (r release) {
	t.Helper()
	data, err := os.ReadFile("../../.goreleaser.yaml")
	if err == nil {
		err = yaml.Unmarshal(data, &r)
	}
	if err != nil || len(r.Dockers) != 1 {
		t.Fatalf(".goreleaser.yaml: %v, %d images", err, len(r.Dockers))
	}
	return r
}

// An image has the tags of SemVer.
func TestReleaseTags(t *testing.T) {
	t.Parallel()
	type version struct {
		Version             string
		Major, Minor, Patch uint64
		Prerelease          string
	}
	for _, x := range []struct {
		version version
		want    []string
	}{
		{version{"1.2.3", 1, 2, 3, ""}, []string{"v1.2.3", "v1.2", "v1", "latest"}},
		{version{"0.3.1", 0, 3, 1, ""}, []string{"v0.3.1", "v0.3", "latest"}},
		{version{"1.3.0-rc.1", 1, 3, 0, "rc.1"}, []string{"v1.3.0-rc.1"}},
	} {
		var got []string
		for _, text := range readRelease(t).Dockers[0].Tags {
			var tag strings.Builder
			if err := template.Must(template.New("").Parse(text)).Execute(&tag, x.version); err != nil {
				t.Fatal(err)
			}
			if tag.Len() > 0 {
				got = append(got, tag.String())
			}
		}
		if diff := cmp.Diff(x.want, got); diff != "" {
			t.Errorf("tags of %s (-want +got):\n%s", x.version.Version, diff)
		}
	}
}

// A release builds the image of copies of what .goreleaser.yaml lists: all that the program is made of has to be there,
// and nothing of it may be left out by .dockerignore.
func TestReleaseHasAllSource(t *testing.T) {
	t.Parallel()
	needs(t, "go")
	release := readRelease(t)
	ignore, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := bounded(t, "go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles", "../../cmd/dingmock")
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
	for _, file := range []string{"README.md", "cmd/dingmock/main_test.go", "cmd/dingmock/npm/dingmock.cjs", "mockserver/pagetest/go.mod", "mockserver/testcontainer/go.mod"} {
		if allowed(string(ignore), file) {
			t.Errorf(".dockerignore lets in %s, which the program is not made of", file)
		}
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
