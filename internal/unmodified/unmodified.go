// Package unmodified lists programs that have the platform's host names built in, and what shows that they reached the fake. It
// is for tests of what leads them there, on this machine and in containers.
package unmodified

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Python is the interpreter that Debian's packages are for.
const Python = "/usr/bin/python3"

// Program is a program that runs in the folder that Folder and Compile make.
type Program struct {
	Name    string
	Module  []string // a command that fails if what the program needs is not installed
	Command []string
	Stdout  string
	Stderr  string // run's own
}

const wss = "wss://oapi.dingtalk.com/gettoken?appkey=mock-ws&appsecret=any"

// Reached lists programs that reach the fake under run.
var Reached = []Program{
	{"curl", nil, []string{"./session.sh"}, "closed s-curl\n", "calls: 4,"},
	{"php curl", []string{"php", "-r", "exit(extension_loaded('curl') ? 0 : 1);"}, []string{"php", "session.php"}, "closed s-php\n", "calls: 4,"},
	{"php streams", nil, []string{"php", "session_streams.php"}, "closed s-streams\n", "calls: 4,"},
	{"python urllib", nil, []string{Python, "session.py"}, "closed s-python\n", "calls: 4,"},
	{"python requests", []string{Python, "-c", "import requests"}, []string{Python, "session_requests.py"}, "closed s-requests\n", "calls: 4,"},
	{"python aiohttp", []string{Python, "-c", "import aiohttp"}, []string{Python, "session_aiohttp.py"}, "closed s-aiohttp\n", "calls: 4,"},
	{"python httpx", []string{Python, "-c", "import httpx"}, []string{Python, "session_httpx.py"}, "closed s-httpx\n", "calls: 4,"},
	{"python websockets", []string{Python, "-c", "import websockets"}, []string{Python, "-c", `import asyncio, websockets
async def main():
    try:
        await websockets.connect("` + wss + `")
    except Exception as e:
        print(e)
asyncio.run(main())`}, "HTTP 200", "calls: 1,"},
	{"python sockets", nil, []string{Python, "-c", `import socket, ssl
raw = socket.socket()
s = ssl.create_default_context().wrap_socket(raw, server_hostname="oapi.dingtalk.com")
s.connect(("oapi.dingtalk.com", 443))
s.sendall(b"GET /gettoken?appkey=mock-a&appsecret=b HTTP/1.0\r\nHost: oapi.dingtalk.com\r\n\r\n")
print(s.recv(99).split(b"\r\n")[0].decode())`}, "200 OK", "calls: 1,"},
	{"python in a venv", nil, []string{"sh", "-ec", Python + ` -m venv --without-pip "$HOME/venv-$$"; "$HOME/venv-$$/bin/python" -W error session.py`}, "closed s-python\n", "calls: 4,"},
	{"python with authorities of its own", []string{Python, "-c", "import certifi, requests, httpx, aiohttp, urllib3"}, []string{Python, "-c", `import asyncio, ssl, certifi, requests, httpx, aiohttp, urllib3
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

// Folder makes a folder that every user can read, with the programs of examples/unmodified and a home that every user can write.
// root is the path of the checkout.
func Folder(t testing.TB, root string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dingmock reach-") //nolint:usetesting // nobody cannot reach t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	files, err := filepath.Glob(filepath.Join(root, "examples/unmodified/*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, error %v", root, files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o755)
		}
		if err != nil {
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

// Compile compiles the programs of Reached that need it into the folder. It requires javac.
func Compile(t testing.TB, root, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	for _, compile := range [][]string{{"go", "test", "-C", "go", "-c", "-o", filepath.Join(dir, "go.test")}, {"javac", "-d", dir, "Session.java"}} {
		cmd := exec.CommandContext(ctx, compile[0], compile[1:]...)
		cmd.Dir = filepath.Join(root, "examples/unmodified")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // it runs in containers too
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", compile, err, out)
		}
	}
}

// EachRuntime returns one program of Reached for each runtime. Only the files that lead a runtime to the fake depend on the user
// and the container, and they are the same for all programs of that runtime.
func EachRuntime() []Program {
	return slices.DeleteFunc(slices.Clone(Reached), func(x Program) bool {
		return !slices.Contains([]string{"curl", "php curl", "php streams", "python requests", "node fetch", "java", "ruby", "go"}, x.Name)
	})
}
