package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// writeFiles writes files under a folder.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What Python runs at its start by itself still runs, and what fails in it is said as Python says it.
func TestRunPythonOwnStart(t *testing.T) {
	t.Parallel()
	needs(t, "/usr/bin/python3")
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"sitecustomize.py": "import sys\nprint('site', __name__, __file__.endswith('sitecustomize.py'))\n",
		"usercustomize.py": "print('user')\n",
		"main.py":          "import sitecustomize, sys\nprint('main', sitecustomize.__file__.startswith(sys.path[0]))\n",
	})
	r := runs(t, "--", "env", "PYTHONPATH="+dir, "sh", "-c", `PYTHONPATH="$(dirname "$SSL_CERT_FILE")/python:$PYTHONPATH" /usr/bin/python3 `+dir+`/main.py`)
	if diff := cmp.Diff("site sitecustomize True\nuser\nmain True\n", r.stdout); diff != "" {
		t.Errorf("stderr %s, stdout (-want +got):\n%s", r.stderr, diff)
	}
}

// PHP's streams are the same by the fake as by themselves: what a program sees of a reply, and of hosts that are not the
// platform's.
func TestRunPHPStreams(t *testing.T) {
	t.Parallel()
	needs(t, "php")
	const url = "https://oapi.dingtalk.com/gettoken?appkey=mock-php&appsecret=any"
	for _, x := range []struct{ name, program, want string }{
		{"header lines", `file_get_contents(URL); echo $http_response_header[0];`, "HTTP/1.1 200 OK"},
		{"header lines of a stream", `function f() { foreach (stream_get_meta_data(fopen(URL, 'r'))['wrapper_data'] as $line) if (strpos($line, 'Server:') === 0) echo $line; } f();`, "Server: DingTalk/1.0.0"},
		{"the caller's context", `$c = stream_context_create(['http' => ['method' => 'POST', 'header' => 'Content-Type: text/plain', 'content' => '{}']], ['notification' => function ($code) { if ($code === STREAM_NOTIFY_CONNECT) echo 'connected '; }]);
			echo strlen(file_get_contents(URL, false, $c)) > 9 ? 'read ' : '', json_encode(stream_context_get_options($c));`, `connected read {"http":{"method":"POST","header":"Content-Type: text\/plain","content":"{}"}}`},
		{"the default context", `stream_context_set_default(['http' => ['user_agent' => 'x']]); echo json_decode(file_get_contents(URL))->errcode, json_encode(stream_context_get_options(stream_context_get_default()));`, `0{"http":{"user_agent":"x"}}`},
		{"file, copy and timeouts", `$h = fopen(URL, 'r'); var_dump(stream_set_timeout($h, 5), stream_set_blocking($h, true), count(file(URL)), copy(URL, '/dev/null'), @file_exists(URL));`, "bool(true)\nbool(true)\nint(1)\nbool(true)\nbool(false)\n"},
		{"an error that an exception is made of", `set_error_handler(function ($n, $text) { throw new Exception($text); });
			try { file_get_contents('https://localhost:1/'); } catch (Exception $e) { echo $e->getMessage(); }`, "fopen(https://localhost:1/): Failed to open stream: Connection refused"},
		{"silence", `var_dump(@file_get_contents('https://localhost:1/'));`, "bool(false)\n"},
		{"a client that knows of proxies", `spl_autoload_register(function () { eval('namespace GuzzleHttp\Handler; class StreamHandler {}'); }); new GuzzleHttp\Handler\StreamHandler;
			$c = stream_context_create(['http' => ['proxy' => str_replace('http:', 'tcp:', getenv('HTTPS_PROXY'))]]);
			function g($c) { file_get_contents(URL, false, $c); return $http_response_header[0]; } echo g($c);`, "HTTP/1.1 200 OK"},
		{"what PHP's files say to run first", `echo FIRST;`, "it ran"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFiles(t, dir, map[string]string{
				"main.php":  "<?php const URL = '" + url + "'; " + x.program,
				"first.php": "<?php const FIRST = 'it ran';",
				"own.ini":   "display_errors=1\nhtml_errors=0\nerror_reporting=-1\nauto_prepend_file=" + dir + "/first.php\n",
			})
			r := runs(t, "--", "php", "-c", filepath.Join(dir, "own.ini"), filepath.Join(dir, "main.php"))
			if diff := cmp.Diff(x.want, r.stdout); diff != "" || r.code != 0 {
				t.Errorf("exit code %d, stderr %s, stdout (-want +got):\n%s", r.code, r.stderr, diff)
			}
		})
	}
}

// The report ends with what the error replies said, each once.
func TestRunExplains(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	r := runs(t, "--", "sh", "-c", `for n in 1 2 3; do curl -sS "$DINGMOCK_URL/gettoken"; done; curl -sS "$DINGMOCK_URL/gettoken?appkey=a&appsecret=b"`)
	_, last, _ := strings.Cut(r.stderr, "\ndingmock: calls: 4,")
	_, last, _ = strings.Cut(last, "\n")
	lines := strings.Split(strings.TrimSuffix(last, "\n"), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "dingmock: 40035 × 3: neither appkey nor corpid was given") || !strings.HasPrefix(lines[1], "dingmock: 40096 × 1: ") {
		t.Errorf("the report ends with:\n%s", last)
	}
}
