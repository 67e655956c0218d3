package main

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

// githubFiles are the YAML files of .github by their names there.
func githubFiles(t *testing.T) map[string][]byte {
	t.Helper()
	const root = "../../.github"
	files := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(filepath.ToSlash(path), root+"/")] = data
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func under(files map[string][]byte, folder string) []string {
	names := slices.Sorted(maps.Keys(files))
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, folder+"/") })
}

// The forms have what GitHub asks of them, and the one about the live platform stands first.
func TestIssueForms(t *testing.T) {
	t.Parallel()
	files := githubFiles(t)
	names := under(files, "ISSUE_TEMPLATE")
	want := []string{"ISSUE_TEMPLATE/1-live.yml", "ISSUE_TEMPLATE/2-bug.yml", "ISSUE_TEMPLATE/3-idea.yml", "ISSUE_TEMPLATE/config.yml"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Fatalf("forms (-want +got):\n%s", diff)
	}
	for _, name := range names[:3] {
		var form struct {
			Name, Description string
			Labels            []string
			Body              []struct {
				Type, ID   string
				Attributes struct {
					Label, Description, Value, Placeholder, Render string
					Options                                        []any
				}
				Validations struct{ Required bool }
			}
		}
		readKnown(t, files, name, &form)
		if form.Name == "" || form.Description == "" {
			t.Errorf("%s: name %q, description %q", name, form.Name, form.Description)
		}
		ids := map[string]bool{}
		for _, field := range form.Body {
			switch field.Type {
			case "markdown":
				if field.Attributes.Value == "" {
					t.Errorf("%s: a markdown without a value", name)
				}
				continue
			case "input", "textarea":
			case "dropdown", "checkboxes":
				if len(field.Attributes.Options) == 0 {
					t.Errorf("%s: %s has no options", name, field.ID)
				}
			default:
				t.Errorf("%s: there is no type %q", name, field.Type)
			}
			if field.ID == "" || ids[field.ID] || field.Attributes.Label == "" {
				t.Errorf("%s: id %q, label %q: the id is one of its own, and there is a label", name, field.ID, field.Attributes.Label)
			}
			ids[field.ID] = true
		}
	}
	var config struct {
		BlankIssuesEnabled bool                                `yaml:"blank_issues_enabled"`
		ContactLinks       []struct{ Name, URL, About string } `yaml:"contact_links"`
	}
	readKnown(t, files, "ISSUE_TEMPLATE/config.yml", &config)
}

// readKnown reads a YAML file that must have no keys other than those of to.
func readKnown(t *testing.T, files map[string][]byte, name string, to any) {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(string(files[name])))
	dec.KnownFields(true)
	if err := dec.Decode(to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// workflow is what is looked at of one.
type workflow struct {
	Name        string
	On          any
	Permissions map[string]string
	Jobs        map[string]struct {
		RunsOn string `yaml:"runs-on"`
		Steps  []struct {
			Uses, Run string
			Env       map[string]string
		}
	}
}

// A workflow runs other people's actions by commit, and asks for its rights by name.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files := githubFiles(t)
	names := under(files, "workflows")
	if diff := cmp.Diff([]string{"workflows/ci.yml", "workflows/release.yml", "workflows/weekly.yml"}, names); diff != "" {
		t.Errorf("workflows (-want +got):\n%s", diff)
	}
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, name := range names {
		var w workflow
		if err := yaml.Unmarshal(files[name], &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w.Name == "" || w.On == nil || len(w.Permissions) == 0 || len(w.Jobs) == 0 {
			t.Errorf("%s: it lacks a name, a trigger, permissions or jobs", name)
		}
		for job, j := range w.Jobs {
			if j.RunsOn == "" || len(j.Steps) == 0 {
				t.Errorf("%s: %s lacks runs-on or steps", name, job)
			}
			for i, step := range j.Steps {
				if (step.Uses == "") == (step.Run == "") || step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: %s: step %d: uses %q, run %q: it is one of the two, an action by its commit", name, job, i, step.Uses, step.Run)
				}
			}
		}
	}
}

// Each part of .ci/run is a job of ci.yml.
func TestParts(t *testing.T) {
	t.Parallel()
	run, err := os.ReadFile("../../.ci/run")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Fields(regexp.MustCompile(`for part in ([a-z ]+); do`).FindStringSubmatch(string(run))[1])
	jobs := string(githubFiles(t)["workflows/ci.yml"])
	if want := "run: .ci/check\n"; parts[0] != "check" || !strings.Contains(jobs, want) {
		t.Errorf("the first part is %s, and ci.yml has no %q", parts[0], want)
	}
	if want := "part: [" + strings.Join(parts[1:], ", ") + "]\n"; !strings.Contains(jobs, want) {
		t.Errorf("ci.yml has no %q", want)
	}
	for _, part := range parts {
		info, err := os.Stat("../../.ci/" + part)
		if err != nil || info.Mode()&0o100 == 0 {
			t.Errorf(".ci/%s is no program: %v", part, err)
		}
		if !strings.Contains(string(run), "\n#   "+part+" ") {
			t.Errorf(".ci/run does not say what %s is", part)
		}
	}
}

// release.yml does what docs/release.md tells a maintainer to do by hand, with the goreleaser that CI has tried.
func TestReleaseAsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/release.md")
	if err != nil {
		t.Fatal(err)
	}
	_, byHand, _ := strings.Cut(string(text), "release.yml)")
	_, byHand, _ = strings.Cut(byHand, "```sh\n")
	byHand, _, _ = strings.Cut(byHand, "```")
	var w workflow
	if err := yaml.Unmarshal(githubFiles(t)["workflows/release.yml"], &w); err != nil {
		t.Fatal(err)
	}
	var done strings.Builder
	for _, step := range w.Jobs["release"].Steps {
		if step.Run != "" && !strings.HasPrefix(step.Run, "sudo apt-get ") { // what a maintainer's machine has
			done.WriteString(step.Run)
		}
	}
	if diff := cmp.Diff(byHand, done.String()); diff != "" {
		t.Errorf("docs/release.md and release.yml (-want +got):\n%s", diff)
	}
	ci, err := os.ReadFile("../../.ci/release")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`github\.com/goreleaser/goreleaser/v2@v[\d.]+`).FindString(string(ci))
	if version == "" || !strings.Contains(byHand, version+" ") {
		t.Errorf("docs/release.md does not run %q, which .ci/release does", version)
	}
}

// Dependabot looks in each folder that has dependencies.
func TestDependabot(t *testing.T) {
	t.Parallel()
	var config struct {
		Version int
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string
			Schedule  struct{ Interval string }
			Groups    map[string]struct{ Patterns []string }
		}
	}
	readKnown(t, githubFiles(t), "dependabot.yml", &config)
	want := []string{"docker in /", "github-actions in /", "npm in /cmd/dingmock/npm"}
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "go.mod" {
			text, err := os.ReadFile(name)
			if folder := filepath.ToSlash(filepath.Dir(name)); strings.Contains(string(text), "\nrequire ") {
				want = append(want, "gomod in /"+strings.TrimPrefix(strings.TrimPrefix(folder, "../.."), "/"))
			}
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range config.Updates {
		got = append(got, u.Ecosystem+" in "+u.Directory)
		if u.Schedule.Interval == "" {
			t.Errorf("%s in %s: no interval", u.Ecosystem, u.Directory)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || config.Version != 2 {
		t.Errorf("version %d, what is looked at (-want +got):\n%s", config.Version, diff)
	}
}
