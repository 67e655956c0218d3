package main

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// npmPackage is one that npm has packed.
type npmPackage struct {
	manifest map[string]any // its package.json
	tarball  string
}

// npm runs a program, which must succeed, and returns its stdout.
func npm(t *testing.T, dir string, env []string, program string, args ...string) string {
	t.Helper()
	r := npmRun(t, dir, env, program, args...)
	if r.code != 0 {
		t.Fatalf("%s %v: exit code %d\n%s%s", program, args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

func npmRun(t *testing.T, dir string, env []string, program string, args ...string) ran {
	t.Helper()
	cmd, stdout, stderr := npmCommand(t, dir, env, program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return ends(cmd, stdout, stderr)
}

// npmCommand is a program in a project, away from any terminal.
func npmCommand(t *testing.T, dir string, env []string, program string, args ...string) (cmd *exec.Cmd, stdout, stderr *output) {
	t.Helper()
	if strings.Contains(program, "/") {
		program = filepath.Join(dir, program)
	}
	cmd = bounded(t, program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdout, stderr = newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

// goreleased is a dist folder as goreleaser leaves it of a version, for some of the platforms that .goreleaser.yaml names,
// or for all. The program for this machine is one; the others are a text.
func goreleased(t *testing.T, version string, program []byte, some ...string) (dist string) {
	t.Helper()
	var release struct {
		Builds []struct{ GOOS, GOARCH []string }
	}
	readYAML(t, ".goreleaser.yaml", &release)
	type artifact struct {
		Path   string `json:"path"`
		GOOS   string `json:"goos"`
		GOARCH string `json:"goarch"`
		Type   string `json:"type"`
	}
	dist = filepath.Join(t.TempDir(), "dist")
	if err := os.Mkdir(dist, 0o700); err != nil {
		t.Fatal(err)
	}
	artifacts := []artifact{{Path: "dist/dingmock_linux_amd64.tar.gz", GOOS: "linux", GOARCH: "amd64", Type: "Archive"}}
	for _, b := range release.Builds {
		for _, goos := range b.GOOS {
			for _, goarch := range b.GOARCH {
				if some != nil && !slices.Contains(some, goos+"/"+goarch) {
					continue
				}
				a := artifact{filepath.Join(dist, goos+"_"+goarch), goos, goarch, "Binary"}
				data := []byte("not for this machine\n")
				if goos == runtime.GOOS && goarch == runtime.GOARCH {
					data = program
				}
				if err := os.WriteFile(a.Path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				artifacts = append(artifacts, a)
			}
		}
	}
	for name, content := range map[string]any{"artifacts.json": artifacts, "metadata.json": map[string]string{"version": version}} {
		data, err := json.Marshal(content)
		if err == nil {
			err = os.WriteFile(filepath.Join(dist, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dist
}

// packNpm makes the packages of version 1.2.3. The program in that for this machine is a line of shell, which packs and
// unpacks in no time: TestNpmFromCheckout has a program that was built.
func packNpm(t *testing.T, env []string) map[string]npmPackage {
	t.Helper()
	dist := goreleased(t, "1.2.3", []byte("#!/bin/sh\n"+asCommand+"=1 exec '"+os.Args[0]+"' \"$@\"\n"))
	out := filepath.Join(dist, "npm")
	npm(t, ".", env, "node", "npm/make.mjs", "--dist", dist, "--out", out)
	folders, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		t.Fatal(err)
	}
	tarballs := strings.Fields(npm(t, out, env, "npm", append([]string{"pack", "--silent"}, folders...)...))
	if len(tarballs) != len(folders) {
		t.Fatalf("npm pack made %v of %v", tarballs, folders)
	}
	packages := map[string]npmPackage{}
	for i, folder := range folders {
		p := npmPackage{tarball: filepath.Join(out, tarballs[i])}
		data, err := os.ReadFile(filepath.Join(folder, "package.json"))
		if err == nil {
			err = json.Unmarshal(data, &p.manifest)
		}
		if err != nil {
			t.Fatal(err)
		}
		packages[p.manifest["name"].(string)] = p
	}
	return packages
}

// npmRegistry has packages, and tells which were fetched and which were published, in that order.
type npmRegistry struct {
	*httptest.Server
	mu                 sync.Mutex
	fetched, published []string
}

func newNpmRegistry(t *testing.T, packages map[string]npmPackage) *npmRegistry {
	t.Helper()
	r := &npmRegistry{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if name, found := strings.CutPrefix(req.URL.Path, "/-/"); found {
			r.mu.Lock()
			r.fetched = append(r.fetched, name)
			r.mu.Unlock()
			http.ServeFile(w, req, packages[name].tarball)
			return
		}
		if req.Method == http.MethodPut {
			var document struct {
				Name string            `json:"name"`
				Tags map[string]string `json:"dist-tags"`
			}
			if err := json.NewDecoder(req.Body).Decode(&document); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			r.mu.Lock()
			r.published = append(r.published, fmt.Sprint(document.Name, " ", document.Tags))
			r.mu.Unlock()
			w.WriteHeader(http.StatusCreated)
			return
		}
		name := strings.TrimPrefix(req.URL.Path, "/")
		p, found := packages[name]
		if !found {
			http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
			return
		}
		data, err := os.ReadFile(p.tarball)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		sum := sha512.Sum512(data)
		manifest := maps.Clone(p.manifest)
		manifest["dist"] = map[string]string{"tarball": "http://" + req.Host + "/-/" + name, "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:])}
		version := manifest["version"].(string)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"name": name, "dist-tags": map[string]string{"latest": version}, "versions": map[string]any{version: manifest},
		})
	}))
	closes(t, r.Server)
	return r
}

// npmEnv keeps npm from this machine's own settings, and has a cache for each registry.
func npmEnv(home, registry string) []string {
	return []string{
		"npm_config_registry=" + registry, "npm_config_cache=" + filepath.Join(home, url.PathEscape(registry)), "npm_config_userconfig=" + filepath.Join(home, "npmrc"),
		"npm_config_update_notifier=false", "npm_config_audit=false", "npm_config_fund=false", "npm_config_yes=false",
		"npm_config_fetch_retries=0", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "DINGMOCK_URL=",
	}
}

// Somebody with Node alone installs the packages of a release and has the whole program, by npx and by itself.
func TestNpm(t *testing.T) {
	t.Parallel()
	needs(t, "node", "npm", "npx")
	home := t.TempDir()
	env := func(registry string) []string { return npmEnv(home, registry) }
	packages := packNpm(t, env("http://127.0.0.1:1"))
	here := "@dingmock/linux-" + map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	project := func(t *testing.T) string {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "a project") // with a space
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"package.json": `{"private": true}`, "locked": "#!/bin/sh\n"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		app, err := os.ReadFile("../../examples/unmodified/session.mjs")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "app.mjs"), app, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	all := newNpmRegistry(t, packages)
	installed := project(t)
	npm(t, installed, env(all.URL), "npm", "install", "dingmock")

	t.Run("what a release has", func(t *testing.T) {
		t.Parallel()
		want := map[string]string{
			"@dingmock/linux-x64": "[linux] [x64]", "@dingmock/linux-arm64": "[linux] [arm64]", "@dingmock/darwin-x64": "[darwin] [x64]",
			"@dingmock/darwin-arm64": "[darwin] [arm64]", "@dingmock/win32-x64": "[win32] [x64]", "@dingmock/win32-arm64": "[win32] [arm64]",
			"dingmock": "<nil> <nil>",
		}
		got := map[string]string{}
		for name, p := range packages {
			got[name] = fmt.Sprint(p.manifest["os"], " ", p.manifest["cpu"])
			if diff := cmp.Diff(map[string]any{"access": "public"}, p.manifest["publishConfig"]); diff != "" {
				t.Errorf("%s: how it is published (-want +got):\n%s", name, diff)
			}
			if p.manifest["version"] != "1.2.3" || p.manifest["scripts"] != nil || p.manifest["dependencies"] != nil {
				t.Errorf("%s: %v", name, p.manifest)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("packages (-want +got):\n%s", diff)
		}
		delete(want, "dingmock")
		optional := packages["dingmock"].manifest["optionalDependencies"].(map[string]any)
		for name, version := range optional {
			if version != "1.2.3" {
				t.Errorf("dingmock 1.2.3 depends on %s %s", name, version)
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(optional))); diff != "" {
			t.Errorf("what dingmock depends on (-want +got):\n%s", diff)
		}
	})
	t.Run("one program is fetched", func(t *testing.T) {
		t.Parallel()
		all.mu.Lock()
		defer all.mu.Unlock()
		if diff := cmp.Diff([]string{here, "dingmock"}, slices.Sorted(slices.Values(all.fetched))); diff != "" {
			t.Errorf("fetched (-want +got):\n%s", diff)
		}
	})

	for _, x := range []struct {
		name           string
		byNpx          bool // too
		args           []string
		code           int
		stdout, stderr string
	}{
		{"its version", false, []string{"--version"}, 0, versionString() + "\n", ""},
		{"a program that fetches from the platform", false, []string{"run", "--strict", "--", "node", "app.mjs"}, 0, "closed s-node\n", "calls: 4, none off-spec"},
		{"no call", false, []string{"run", "--strict", "--", "true"}, 1, "", "calls: 0"},
		{"the program's own code, and an argument with spaces and quotes", true, []string{"run", "--", "sh", "-c", `printf %s "$1"; exit 42`, "sh", `a 'b' "c" $d *`}, 42, `a 'b' "c" $d *`, ""},
		{"not executable", false, []string{"run", "--", "./locked"}, 126, "", "./locked"},
		{"not found", false, []string{"run", "--", "dingmock-nowhere"}, 127, "", "dingmock-nowhere"},
		{"a signal ends the program", false, []string{"run", "--", "sh", "-c", "kill -KILL $$"}, 128 + 9, "", ""},
		{"a flag that there is not", false, []string{"serve", "--nope"}, exitUsage, "", "--nope"},
	} {
		for _, way := range [][]string{{"node_modules/.bin/dingmock"}, {"npx", "dingmock"}} {
			if way[0] == "npx" && !x.byNpx {
				continue
			}
			t.Run(way[0]+", "+x.name, func(t *testing.T) {
				t.Parallel()
				command := slices.Concat(way, x.args)
				r := npmRun(t, installed, env(all.URL), command[0], command[1:]...)
				if r.code != x.code || r.stdout != x.stdout || !strings.Contains(r.stderr, x.stderr) {
					t.Errorf("exit code %d, want %d, stdout %q, want %q, stderr:\n%s", r.code, x.code, r.stdout, x.stdout, r.stderr)
				}
			})
		}
	}
	t.Run("the program is killed", func(t *testing.T) {
		t.Parallel()
		r := npmRun(t, installed, env(all.URL), "node_modules/.bin/dingmock", "run", "--", "sh", "-c", "kill -KILL $PPID")
		if r.code != 128+9 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a terminal, npx and run", func(t *testing.T) {
		t.Parallel()
		person, terminal := openTerminal(t)
		cmd, stdout, stderr := npmCommand(t, installed, env(all.URL), "npx", "dingmock", "run", "--", "env", asCommand+"=signalled", os.Args[0])
		cmd.Stdin = terminal
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan ran, 1)
		go func() { ended <- ends(cmd, stdout, stderr) }()
		for _, line := range []string{"ready\n", "got 1: interrupt\n"} {
			if !stdout.waitFor(line) {
				t.Fatalf("no %q: %s%s", line, stdout, stderr)
			}
			if line == "ready\n" {
				if _, err := person.WriteString("\x03"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := person.WriteString("\x1c"); err != nil { // SIGQUIT
			t.Fatal(err)
		}
		if r := soon(t, ended, "the end"); r.stdout != "ready\ngot 1: interrupt\ngot 2: quit\n" {
			t.Errorf("%+v", r)
		}
	})

	t.Run("in a layout of links, as pnpm's", func(t *testing.T) {
		t.Parallel()
		dir := project(t)
		store := filepath.Join(dir, "node_modules", ".pnpm")
		for name, p := range map[string]npmPackage{"dingmock": packages["dingmock"], here: packages[here]} {
			to := filepath.Join(store, strings.ReplaceAll(name, "/", "+")+"@1.2.3", "node_modules", name)
			if err := os.MkdirAll(to, 0o700); err != nil {
				t.Fatal(err)
			}
			npm(t, dir, nil, "tar", "-xzf", p.tarball, "-C", to, "--strip-components=1")
		}
		main := filepath.Join(store, "dingmock@1.2.3", "node_modules")
		if err := os.Mkdir(filepath.Join(main, "@dingmock"), 0o700); err != nil {
			t.Fatal(err)
		}
		for link, to := range map[string]string{
			filepath.Join(main, here):                      filepath.Join(store, strings.ReplaceAll(here, "/", "+")+"@1.2.3", "node_modules", here),
			filepath.Join(dir, "node_modules", "dingmock"): filepath.Join(main, "dingmock"),
		} {
			if err := os.Symlink(to, link); err != nil {
				t.Fatal(err)
			}
		}
		if got := npm(t, dir, nil, "node", "node_modules/dingmock/dingmock.cjs", "--version"); got != versionString()+"\n" {
			t.Errorf("got %q", got)
		}
	})
	for _, x := range []struct {
		name     string
		packages map[string]npmPackage
		install  []string
	}{
		{"where optional packages are left out", packages, []string{"--omit=optional"}},
		{"where the registry has none for this platform", map[string]npmPackage{"dingmock": packages["dingmock"]}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir, registry := project(t), newNpmRegistry(t, x.packages)
			npm(t, dir, env(registry.URL), "npm", append([]string{"install", "dingmock"}, x.install...)...)
			r := npmRun(t, dir, nil, "node_modules/.bin/dingmock", "--version")
			want := "dingmock: the package " + here + ", which carries the program, is not installed: " +
				"npm install --include=optional, or take the image or a release of https://github.com/dingmock/dingmock\n"
			if diff := cmp.Diff(want, r.stderr); diff != "" || r.code != exitUsage || r.stdout != "" {
				t.Errorf("exit code %d, stdout %q, stderr (-want +got):\n%s", r.code, r.stdout, diff)
			}
			if x.packages[here].tarball == "" {
				return
			}
			npm(t, dir, env(registry.URL), "npm", "install", "--include=optional")
			if got := npm(t, dir, nil, "node_modules/.bin/dingmock", "--version"); got != versionString()+"\n" {
				t.Errorf("after npm install --include=optional: %q", got)
			}
		})
	}
	t.Run("a platform without a package", func(t *testing.T) {
		t.Parallel()
		script := path.Join(installed, "node_modules/dingmock/dingmock.cjs")
		r := npmRun(t, installed, nil, "node", "-e", `Object.defineProperty(process, "platform", {value: "plan9"}); require(process.argv[1])`, script)
		want := fmt.Sprintf("dingmock: there is no package @dingmock/plan9-%s for this platform: build it with Go, or take the image or a release of https://github.com/dingmock/dingmock\n",
			strings.TrimPrefix(here, "@dingmock/linux-"))
		if diff := cmp.Diff(want, r.stderr); diff != "" || r.code != exitUsage {
			t.Errorf("exit code %d, stderr (-want +got):\n%s", r.code, diff)
		}
	})
}

// What docs/release.md has a maintainer run publishes what the main package depends on before it. A release candidate is not
// the latest.
func TestNpmPublish(t *testing.T) {
	t.Parallel()
	needs(t, "node", "npm", "sh")
	document, err := os.ReadFile("../../docs/release.md")
	if err != nil {
		t.Fatal(err)
	}
	publish := regexp.MustCompile(`(?m)^.*npm publish .*$`).FindString(string(document))
	const version = "1.3.0-rc.1"
	// Of the platforms two, since npm takes a second for each.
	home, dist := t.TempDir(), goreleased(t, version, []byte("for this machine\n"), "linux/amd64", "windows/arm64")
	npm(t, ".", nil, "node", "npm/make.mjs", "--dist", dist, "--out", filepath.Join(dist, "npm"))
	registry := newNpmRegistry(t, nil)
	login := strings.TrimPrefix(registry.URL, "http:") + "/:_authToken=any\n"
	if err := os.WriteFile(filepath.Join(home, "npmrc"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	npm(t, filepath.Dir(dist), npmEnv(home, registry.URL), "sh", "-c", publish)
	var want []string
	for _, name := range []string{"@dingmock/linux-x64", "@dingmock/win32-arm64", "dingmock"} {
		want = append(want, name+" map[next:"+version+"]")
	}
	registry.mu.Lock()
	defer registry.mu.Unlock()
	if diff := cmp.Diff(want, registry.published); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

// carrying is the script of the main package, with a package of this platform that carries a script in the program's place.
func carrying(t *testing.T, script string) string {
	t.Helper()
	needs(t, "node")
	dir := t.TempDir()
	program := filepath.Join(dir, "built")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "npm")
	npm(t, ".", nil, "node", "npm/make.mjs", "--binary", program, "--out", out)
	modules := filepath.Join(out, "dingmock", "node_modules", "@dingmock")
	if err := os.MkdirAll(modules, 0o700); err != nil {
		t.Fatal(err)
	}
	platform := "linux-" + strings.TrimSpace(npm(t, ".", nil, "node", "-p", "process.arch"))
	if err := os.Symlink(filepath.Join(out, platform), filepath.Join(modules, platform)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, "dingmock", "dingmock.cjs")
}

// A signal to Node reaches the program; one that a terminal sends to both comes once.
func TestNpmSignals(t *testing.T) {
	t.Parallel()
	script := carrying(t, "exec env "+asCommand+"=signalled '"+os.Args[0]+"'")
	for _, s := range passedOn {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			passesOn(t, script, nil, func(node *os.Process) error { return node.Signal(s) }, s.String())
		})
	}
	t.Run("of a terminal", func(t *testing.T) {
		t.Parallel()
		person, terminal := openTerminal(t)
		passesOn(t, script, terminal, func(*os.Process) error {
			_, err := person.WriteString("\x03")
			return err
		}, "interrupt")
	})
}

// passesOn sends a signal to a script that runs signalled, and one more that is passed on after it.
func passesOn(t *testing.T, script string, terminal *os.File, send func(node *os.Process) error, want string) {
	t.Helper()
	cmd, stdout, stderr := npmCommand(t, ".", nil, "node", script)
	if terminal != nil {
		cmd.Stdin, cmd.SysProcAttr.Setctty = terminal, true
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan ran, 1)
	go func() { ended <- ends(cmd, stdout, stderr) }()
	next := func(line string, send func(node *os.Process) error) {
		t.Helper()
		if !stdout.waitFor(line) {
			t.Fatalf("no %q: %s%s", line, stdout, stderr)
		}
		if err := send(cmd.Process); err != nil {
			t.Fatal(err)
		}
	}
	next("ready\n", send)
	next("got 1: "+want+"\n", func(node *os.Process) error { return node.Signal(syscall.SIGUSR2) })
	r := soon(t, ended, "the end")
	if diff := cmp.Diff("ready\ngot 1: "+want+"\ngot 2: user defined signal 2\n", r.stdout); diff != "" || r.code != 7 {
		t.Errorf("exit code %d, stderr %q, stdout (-want +got):\n%s", r.code, r.stderr, diff)
	}
}

// A program that was built here makes the packages of 0.0.0-dev, for this platform, in a folder that is new.
func TestNpmOfLocalBuild(t *testing.T) {
	t.Parallel()
	script := carrying(t, `printf '%s\n' "$@"`)
	if got := npm(t, ".", nil, "node", script, "a b", "--", "-c"); got != "a b\n--\n-c\n" {
		t.Errorf("the program was run with %q", got)
	}
	var manifest struct {
		Version       string
		PublishConfig map[string]string
	}
	folder := filepath.Dir(script)
	data, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err == nil {
		err = json.Unmarshal(data, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Version != "0.0.0-dev" || manifest.PublishConfig["tag"] != "next" {
		t.Errorf("package.json: %+v", manifest)
	}
	if r := npmRun(t, ".", nil, "node", "npm/make.mjs", "--binary", script, "--out", filepath.Dir(folder)); r.code != 1 || !strings.HasPrefix(r.stderr, "make.mjs: EEXIST") {
		t.Errorf("into a folder that is there: %+v", r)
	}
}

// A project gets the packages from a checkout as docs/release.md says, and the message of a half of it says what is missing.
func TestNpmFromCheckout(t *testing.T) {
	t.Parallel()
	needs(t, "go", "node", "npm", "tar", "curl")
	script := blocks(readText(t, "docs/release.md"), "sh")[1]
	if !strings.Contains(script, "npm pack ") {
		t.Fatalf("the block is not as it was:\n%s", script)
	}
	dir := t.TempDir()
	for _, name := range []string{"checkout", "your-project"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	checkout, project := filepath.Join(dir, "checkout"), filepath.Join(dir, "your-project")
	writeFiles(t, project, map[string]string{"package.json": "{}"})
	env := npmEnv(dir, newNpmRegistry(t, nil).URL)
	succeeds(t, "../..", "tar -c --exclude=.git --exclude=./dist --exclude=./npm-dev . | tar -x -C '"+checkout+"'")
	// What go builds does then not depend on the folder, so that it is there already, and npm has less to pack.
	succeeds(t, checkout, "set -e\n"+script, append(env, "GOFLAGS=-trimpath -ldflags=-s")...)
	const call = "curl -sS 'https://oapi.dingtalk.com/gettoken?appkey=mock-a&appsecret=any'"
	if got := succeeds(t, project, "npx dingmock run --strict -- "+call, env...); !strings.HasPrefix(got, `{"errcode":0,`) {
		t.Errorf("got %q", got)
	}
	if r := shell(t, project, "rm -r node_modules/@dingmock && node_modules/.bin/dingmock --version"); !strings.Contains(r.stderr, "install the tarballs of both") {
		t.Errorf("with half of it: %+v", r)
	}
}
