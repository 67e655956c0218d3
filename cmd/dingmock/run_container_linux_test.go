package main

import (
	"archive/tar"
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// In a container as docker run makes it, with no rights beyond Docker's default, programs are reached as on the machine;
// and as root there the hosts file leads what takes neither a proxy nor a preload. The container has this machine's
// programs.
func TestRunReachesInContainer(t *testing.T) {
	t.Parallel()
	needs(t, "docker")
	if out, err := exec.CommandContext(t.Context(), "docker", "version").CombinedOutput(); err != nil {
		t.Skipf("needs a Docker engine: %v: %s", err, out)
	}
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
	docker := []string{"run", "--rm", "-i", "--tmpfs", "/tmp", "-e", "TMPDIR=/tmp", "-e", "HOME=/tmp", "-e", asCommand + "=1", "-v", dir + ":/reach:ro", "-w", "/reach"}
	for inside, outside := range map[string]string{"/usr": "/usr", "/bin": "/usr/bin", "/lib": "/usr/lib", "/lib64": "/usr/lib64", "/etc/alternatives": "", "/etc/php": "", "/etc/ssl": ""} {
		if outside == "" {
			outside = inside
		}
		docker = append(docker, "-v", outside+":"+inside+":ro")
	}
	for _, x := range []struct {
		name    string
		flags   []string
		command []string
		stdout  string
		users   []string
	}{
		{"curl", nil, []string{"./session.sh"}, "closed s-curl\n", []string{"0", "65534"}},
		{"php streams", nil, []string{"php", "session_streams.php"}, "closed s-streams\n", []string{"0", "65534"}},
		{"python aiohttp", nil, []string{python, "session_aiohttp.py"}, "closed s-aiohttp\n", []string{"0", "65534"}},
		{"node fetch", nil, []string{"node", "session.mjs"}, "closed s-node\n", []string{"0", "65534"}},
		{"ruby", nil, []string{"ruby", "session.rb"}, "closed s-ruby\n", []string{"0", "65534"}},
		{"go without a proxy", []string{"--isolate", "hosts", "--tls-host", "oapi.invalid"}, []string{"env", asCommand + "=direct", "./dingmock"}, `{"errcode":0,`, []string{"0"}},
	} {
		for _, user := range x.users {
			t.Run(x.name+" as "+user, func(t *testing.T) {
				t.Parallel()
				if x.command[0] != "./session.sh" {
					needs(t, x.command[0])
				}
				args := append(append(append(append([]string{}, docker...), "--user", user, image, "./dingmock", "run", "--strict"), x.flags...), "--")
				cmd := exec.CommandContext(t.Context(), "docker", append(args, x.command...)...)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				if err := cmd.Run(); err != nil || !strings.Contains(stdout.String(), x.stdout) {
					t.Errorf("%v, stdout:\n%s\nstderr:\n%s", err, &stdout, &stderr)
				}
			})
		}
	}
}
