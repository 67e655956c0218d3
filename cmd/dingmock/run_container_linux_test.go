package main

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// In a container as docker run makes it, with no rights beyond Docker's default, programs are reached as on the machine;
// and as root there the hosts file leads what takes neither a proxy nor a preload. The container has this machine's
// programs.
func TestRunReachesInContainer(t *testing.T) {
	t.Parallel()
	needsDocker(t)
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	load := exec.CommandContext(t.Context(), "docker", "import", "-")
	load.Stdin = &empty
	out, err := load.Output()
	if err != nil {
		t.Fatal(err)
	}
	image := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })
	dir := everybody(t)
	compile(t, dir)
	docker := []string{"run", "--rm", "-i", "--tmpfs", "/tmp", "-e", "TMPDIR=/tmp", "-e", "HOME=/tmp", "-e", asCommand + "=1", "-v", dir + ":/reach:ro", "-w", "/reach"}
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
	try := func(x program, user string, flags ...string) {
		t.Run(x.name+" as "+user, func(t *testing.T) {
			t.Parallel()
			x.needed(t)
			args := slices.Concat(docker, []string{"--user", user, image, "./dingmock", "run", "--strict"}, flags, []string{"--"}, x.command)
			cmd := exec.CommandContext(t.Context(), "docker", args...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), x.stdout) || !strings.Contains(stderr.String(), x.stderr) {
				t.Errorf("%v, stdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
			}
		})
	}
	for _, x := range eachRuntime() {
		try(x, root)
		try(x, nobody)
	}
	try(program{"go without a proxy", nil, []string{"env", asCommand + "=direct", "./dingmock"}, `{"errcode":0,`, "calls: 1,"}, root, "--isolate", "hosts", "--tls-host", "oapi.invalid")
}

// needsDocker skips a test where there is no Docker engine.
func needsDocker(t *testing.T) {
	t.Helper()
	needs(t, "docker")
	if out, err := exec.CommandContext(t.Context(), "docker", "version").CombinedOutput(); err != nil {
		t.Skipf("needs a Docker engine: %v: %s", err, out)
	}
}
