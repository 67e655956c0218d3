package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// everybody is a folder that every user can read, with this binary as dingmock and the programs that carry
// https://oapi.dingtalk.com as a constant.
func everybody(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dingmock reach-") //nolint:usetesting // nobody cannot reach t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	files, err := filepath.Glob("../../examples/unmodified/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, os.Args[0]) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == os.Args[0] {
			name = "dingmock"
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "home"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{".": 0o755, "home": 0o777 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
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

const python = "/usr/bin/python3" // for which Debian's packages are

// program is one that carries the platform's names as constants, and runs in the folder of everybody.
type program struct {
	name    string
	module  []string // a command that fails where what is needed is not there
	command []string
	stdout  string
	stderr  string // run's own
}

// needed skips where this machine cannot run the program.
func (p *program) needed(t *testing.T) {
	t.Helper()
	if !strings.HasPrefix(p.command[0], "./") {
		needs(t, p.command[0])
	}
	if p.module != nil {
		needsModule(t, p.module[0], p.module[1:]...)
	}
}

const wss = "wss://oapi.dingtalk.com/gettoken?appkey=mock-ws&appsecret=any"

// reached are programs that reach the fake under run.
var reached = []program{
	{"curl", nil, []string{"./session.sh"}, "closed s-curl\n", "calls: 4,"},
	{"php curl", []string{"php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"}, []string{"php", "session.php"}, "closed s-php\n", "calls: 4,"},
	{"php streams", nil, []string{"php", "session_streams.php"}, "closed s-streams\n", "calls: 4,"},
	{"python urllib", nil, []string{python, "session.py"}, "closed s-python\n", "calls: 4,"},
	{"python requests", []string{python, "-c", "import requests"}, []string{python, "session_requests.py"}, "closed s-requests\n", "calls: 4,"},
	{"python aiohttp", []string{python, "-c", "import aiohttp"}, []string{python, "session_aiohttp.py"}, "closed s-aiohttp\n", "calls: 4,"},
	{"python httpx", []string{python, "-c", "import httpx"}, []string{python, "session_httpx.py"}, "closed s-httpx\n", "calls: 4,"},
	{"python websockets", []string{python, "-c", "import websockets"}, []string{python, "-c", `import asyncio, websockets
async def main():
    try:
        await websockets.connect("` + wss + `")
    except Exception as e:
        print(e)
asyncio.run(main())`}, "HTTP 200", "calls: 1,"},
	{"python sockets", nil, []string{python, "-c", `import socket, ssl
raw = socket.socket()
s = ssl.create_default_context().wrap_socket(raw, server_hostname="oapi.dingtalk.com")
s.connect(("oapi.dingtalk.com", 443))
s.sendall(b"GET /gettoken?appkey=mock-a&appsecret=b HTTP/1.0\r\nHost: oapi.dingtalk.com\r\n\r\n")
print(s.recv(99).split(b"\r\n")[0].decode())`}, "200 OK", "calls: 1,"},
	{"python in a venv", nil, []string{"sh", "-ec", python + ` -m venv --without-pip "$HOME/venv-$$"; "$HOME/venv-$$/bin/python" -W error session.py`}, "closed s-python\n", "calls: 4,"},
	{"python with authorities of its own", []string{python, "-c", "import certifi, requests, httpx, aiohttp, urllib3"}, []string{python, "-c", `import asyncio, ssl, certifi, requests, httpx, aiohttp, urllib3
url = "https://oapi.dingtalk.com/gettoken?appkey=mock-ca&appsecret=any"
print(requests.get(url, verify=certifi.where()).json()["errcode"])
s = requests.Session(); s.trust_env = False
print(s.get(url).json()["errcode"])
print(httpx.Client(verify=certifi.where()).get(url).json()["errcode"])
print(httpx.Client(trust_env=False).get(url).json()["errcode"])
print(urllib3.PoolManager().request("GET", url).status)
async def main():
    own = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certifi.where()))
    async with aiohttp.ClientSession(connector=own) as c:
        print((await (await c.get(url)).json(content_type=None))["errcode"])
asyncio.run(main())`}, "0\n0\n0\n0\n200\n0\n", "calls: 6,"},
	{"node fetch", nil, []string{"node", "session.mjs"}, "closed s-node\n", "calls: 4,"},
	{"node https", nil, []string{"node", "session_https.mjs"}, "closed s-node-https\n", "calls: 4,"},
	{"node axios", []string{"node", "-e", "require('axios')"}, []string{"node", "session_axios.cjs"}, "closed s-axios\n", "calls: 4,"},
	{"node ws", []string{"node", "-e", "require('ws')"}, []string{"node", "-e", `new (require('ws'))('` + wss + `').on('error', (e) => console.log(e.message))`}, "server response: 200", "calls: 1,"},
	{"java", nil, []string{"java", "Session"}, "closed s-java\n", "calls: 4,"},
	{"ruby", nil, []string{"ruby", "session.rb"}, "closed s-ruby\n", "calls: 4,"},
	{"go", nil, []string{"./go.test", "-test.v"}, "closed s-go\n", "calls: 4,"},
}

// eachRuntime has of reached one program of each runtime. What depends on the user and on the container are the files that
// a runtime is led to the fake by, and these are the same for all its programs.
func eachRuntime() []program {
	return slices.DeleteFunc(slices.Clone(reached), func(x program) bool {
		return !slices.Contains([]string{"curl", "php curl", "php streams", "python requests", "node fetch", "java", "ruby", "go"}, x.name)
	})
}

// compile puts those of reached into the folder that have to be compiled.
func compile(t *testing.T, dir string) {
	t.Helper()
	needs(t, "javac")
	for _, compile := range [][]string{{"go", "test", "-C", "go", "-c", "-o", filepath.Join(dir, "go.test")}, {"javac", "-d", dir, "Session.java"}} {
		cmd := exec.CommandContext(t.Context(), compile[0], compile[1:]...)
		cmd.Dir = "../../examples/unmodified"
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // it runs in containers too
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", compile, err, out)
		}
	}
}

// Programs that carry the platform's names as constants reach the fake, whoever runs them, or a line says why not and
// what to do.
func TestRunReaches(t *testing.T) {
	t.Parallel()
	dir := everybody(t)
	compile(t, dir)
	try := func(x program, who string, user *syscall.Credential) {
		t.Run(x.name+who, func(t *testing.T) {
			t.Parallel()
			if user != nil && os.Getuid() != 0 {
				t.Skip("needs root, to be nobody")
			}
			x.needed(t)
			r := runsIn(t, dir, user, append([]string{"--tls-host", "oapi.invalid", "--"}, x.command...)...)
			if !strings.Contains(r.stdout, x.stdout) || !strings.Contains(r.stderr, x.stderr) || strings.Contains(r.stderr, "off-spec:") {
				t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", r.code, r.stdout, r.stderr)
			}
		})
	}
	for _, x := range eachRuntime() {
		try(x, " as nobody", &syscall.Credential{Uid: 65534, Gid: 65534})
	}
	for _, x := range append(slices.Clone(reached), []program{
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
	}...) {
		try(x, "", nil)
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
