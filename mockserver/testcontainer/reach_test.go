package testcontainer_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/internal/unmodified"
)

// In a container from docker run with only Docker's default rights, run leads programs to the fake as on the
// machine; if it runs there as root, the hosts file leads the programs that accept neither a proxy nor a preload.
// The container has this machine's programs.
func TestRunReaches(t *testing.T) {
	t.Parallel()
	img := image(t)
	needs(t, "javac")
	dir := unmodified.Folder(t, "../..")
	unmodified.Compile(t, "../..", dir)
	compile := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "./testdata/direct")
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	docker := []string{"run", "--rm", "-i", "--tmpfs", "/tmp", "-e", "TMPDIR=/tmp", "-e", "HOME=/tmp", "-v", dir + ":/reach:ro", "-w", "/reach"}
	mounts, err := filepath.Glob("/etc/java-*") // Java's settings, by version
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(mounts, "/usr", "/usr/bin:/bin", "/usr/lib:/lib", "/usr/lib64:/lib64", "/etc/alternatives", "/etc/php", "/etc/ssl") {
		from, to, moved := strings.Cut(folder, ":")
		if !moved {
			to = from
		}
		docker = append(docker, "-v", from+":"+to+":ro")
	}
	if modules := os.Getenv("NODE_PATH"); modules != "" {
		docker = append(docker, "-v", modules+":/modules:ro", "-e", "NODE_PATH=/modules")
	}
	root, nobody := "0", "65534"
	try := func(x unmodified.Program, user string, flags ...string) {
		t.Run(x.Name+" as "+user, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(x.Command[0], "./") {
				needs(t, x.Command[0])
			}
			if x.Module != nil {
				needs(t, x.Module[0])
				if out, err := exec.CommandContext(t.Context(), x.Module[0], x.Module[1:]...).CombinedOutput(); err != nil {
					t.Skipf("%v: %v: %s", x.Module, err, out)
				}
			}
			args := slices.Concat(docker, []string{"--user", user, img, "run", "--strict"}, flags, []string{"--"}, x.Command)
			cmd := exec.CommandContext(t.Context(), "docker", args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), x.Stdout) || !strings.Contains(stderr.String(), x.Stderr) {
				t.Errorf("%v, stdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
			}
		})
	}
	for _, x := range unmodified.EachRuntime() {
		try(x, root)
		try(x, nobody)
	}
	direct := unmodified.Program{Name: "go without a proxy", Command: []string{"./direct"}, Stdout: `{"errcode":0,`, Stderr: "calls: 1,"}
	try(direct, root, "--isolate", "hosts", "--tls-host", "oapi.invalid")
}
