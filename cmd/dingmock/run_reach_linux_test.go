package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dingmock/dingmock/internal/unmodified"
)

// everybody is a folder that every user can read, with this binary as dingmock and the programs of examples/unmodified.
func everybody(t *testing.T) string {
	t.Helper()
	dir := unmodified.Folder(t, "../..")
	data, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "dingmock"), data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// runsIn runs a program that is in such a folder, as another user where one is named.
func runsIn(t *testing.T, dir string, user *syscall.Credential, args ...string) ran {
	t.Helper()
	cmd := itself(t, append([]string{"run"}, args...)...)
	home := filepath.Join(dir, "home")
	cmd.Path, cmd.Dir = filepath.Join(dir, "dingmock"), dir
	cmd.Env = append(cmd.Env, "HOME="+home, "TMPDIR="+home, "GOCOVERDIR="+home)
	if user != nil {
		cmd.Env = append(cmd.Env, "PATH=/usr/local/bin:/usr/bin:/bin")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	stdout, stderr := newOutput(), newOutput()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return ends(cmd, stdout, stderr)
}

const python = unmodified.Python

type program unmodified.Program

// needed skips if this machine cannot run the program.
func (p *program) needed(t *testing.T) {
	t.Helper()
	if !strings.HasPrefix(p.Command[0], "./") {
		needs(t, p.Command[0])
	}
	if p.Module != nil {
		needsModule(t, p.Module[0], p.Module[1:]...)
	}
}

// Programs that carry the platform's names as constants reach the fake, whoever runs them, or a line says why not and
// what to do.
func TestRunReaches(t *testing.T) {
	t.Parallel()
	dir := everybody(t)
	needs(t, "javac")
	unmodified.Compile(t, "../..", dir)
	all := []program{
		{"go without a proxy", nil, []string{"env", asCommand + "=direct", "./dingmock"}, "no such host", "not reached is what takes neither a proxy"},
		{"a program that fails", nil, []string{"sh", "-c", "exit 3"}, "", "dingmock: the program ended with exit code 3 before any call came; if it did try to call, not reached is"},
		{"curl with authorities of its own", nil, []string{"curl", "-sS", "--cacert", "/etc/ssl/certs/ca-certificates.crt", "https://oapi.dingtalk.com/gettoken"}, "", "dingmock: the program reached the fake and left at its certificate"},
		{"python that trusts nobody", nil, []string{python, "-c", `import socket, ssl
raw = socket.create_connection(("oapi.dingtalk.com", 443))
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_socket(raw, server_hostname="oapi.dingtalk.com")`}, "", "dingmock: the program reached the fake and left at its certificate"},
		{"python that looks for ssl twice", nil, []string{python, "-c", `import importlib.util, sys
print(importlib.util.find_spec("ssl").name)
import ssl
print(ssl.SSLContext.load_verify_locations.__module__)
del sys.modules["ssl"]
import ssl
print(ssl.SSLContext.load_verify_locations.__module__)`}, "ssl\nsitecustomize\nsitecustomize\n", "calls: 0"},
		{"python -I", nil, []string{python, "-I", "-c", "print(1)"}, "1\n", "dingmock: python3 -I runs no sitecustomize of PYTHONPATH"},
		{"python -Ec", nil, []string{python, "-Ec", "print(1)"}, "1\n", "dingmock: python3 -Ec runs no sitecustomize"},
		{"php -r", nil, []string{"php", "-r", "echo 1;"}, "1", "dingmock: php -r runs no auto_prepend_file of run's"},
		{"php -d", nil, []string{"php", "-d", "auto_prepend_file=none", "-v"}, "PHP", "dingmock: php -d runs no auto_prepend_file of run's"},
		{"a program that calls nothing", nil, []string{"true"}, "", "uvloop, aiodns"},
	}
	for _, x := range unmodified.Reached {
		all = append(all, program(x))
	}
	try := func(x program, who string, user *syscall.Credential) {
		t.Run(x.Name+who, func(t *testing.T) {
			t.Parallel()
			if user != nil && os.Getuid() != 0 {
				t.Skip("needs root, to be nobody")
			}
			x.needed(t)
			r := runsIn(t, dir, user, append([]string{"--tls-host", "oapi.invalid", "--"}, x.Command...)...)
			if !strings.Contains(r.stdout, x.Stdout) || !strings.Contains(r.stderr, x.Stderr) || strings.Contains(r.stderr, "off-spec:") {
				t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
			}
		})
	}
	for _, x := range all {
		try(x, "", nil)
	}
	for _, x := range unmodified.EachRuntime() {
		try(program(x), " as nobody", &syscall.Credential{Uid: 65534, Gid: 65534})
	}
}

// Nothing takes this machine's own servers away: a database on localhost is reached, by name and by address.
func TestRunReachesLocalhost(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the database") }))
	}() //nolint:gosec // until the test ends
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	file := filepath.Join(t.TempDir(), "db.php")
	if err := os.WriteFile(file, []byte(`<?php echo file_get_contents($argv[1]);`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost:" + port, "127.0.0.1:" + port} {
		url := "http://" + host + "/"
		for name, command := range map[string][]string{
			"curl":   {"curl", "-sS", url},
			"php":    {"php", file, url},
			"python": {python, "-c", "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read())", url},
			"node":   {"node", "-e", "fetch(process.argv[1]).then((r) => r.text()).then(console.log)", url},
			"ruby":   {"ruby", "-rnet/http", "-e", "puts Net::HTTP.get(URI(ARGV[0]))", url},
		} {
			t.Run(name+" "+host, func(t *testing.T) {
				t.Parallel()
				needs(t, command[0])
				if r := runs(t, append([]string{"--"}, command...)...); !strings.Contains(r.stdout, "the database") {
					t.Errorf("%+v", r)
				}
			})
		}
	}
}
