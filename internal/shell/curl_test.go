package shell_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
)

func TestCurlLine(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		curl shell.Curl
		want string
	}{
		{"a GET", shell.Curl{URL: "http://h/p?a=b", Method: "GET", Include: true}, `curl -i 'http://h/p?a=b' -w '\n'`},
		{"a HEAD", shell.Curl{URL: "http://h/p", Method: "HEAD"}, `curl -I 'http://h/p' -w '\n'`},
		{"secrets", shell.Curl{Base: `"$DINGMOCK_URL"`, URL: "/gettoken?appkey=k&appsecret=***&x=1", Method: "GET"}, `curl "$DINGMOCK_URL"'/gettoken?appkey=k&appsecret='"$APPSECRET"'&x=1' -w '\n'`},
		{"tokens", shell.Curl{URL: "http://h/p?access_token=***", Method: "POST", Header: http.Header{"X-Acs-Dingtalk-Access-Token": {"***"}, "Content-Type": {"application/json"}}, Body: `{"accessToken":"***","appSecret" : "***"}`},
			`curl -X POST 'http://h/p?access_token='"$ACCESS_TOKEN" -H 'Content-Type: application/json' -H 'X-Acs-Dingtalk-Access-Token: '"$ACCESS_TOKEN" --data-raw '{"accessToken":"'"$ACCESS_TOKEN"'","appSecret" : "'"$APPSECRET"'"}' -w '\n'`},
	} {
		if diff := cmp.Diff(x.want, x.curl.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
}

// Each line is pasted into a shell, whose variables hold the secrets, and makes the request that it stands for.
func TestCurlIsPasted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, program := range append(shells, "curl") {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	type request struct {
		Method, Target, Body        string
		Type, Token, Length, Coding []string
	}
	got := make(chan request, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Method, r.RequestURI, string(body), r.Header["Content-Type"], r.Header["X-Token"], r.Header["Content-Length"], r.TransferEncoding}
	}))
	srv.Config.DisableGeneralOptionsHandler = true
	srv.Start()
	t.Cleanup(srv.Close)
	length := func(text string) []string { return []string{strconv.Itoa(len(text))} }
	const kept = `{"a":"***","accessToken":"s3cret"}`
	const odd = "a\r\nb\n\x1b[31m\ttab \x00 % \\ ' \" ! $HOME `id` \xff\xfe \u202e\u0085 ##[error]\n::error::x\n\n"
	for _, x := range []struct {
		name string
		curl shell.Curl
		want request
	}{
		{"a GET", shell.Curl{Method: "GET", URL: "/p?a=b&c='d'$HOME`id`!\"e"}, request{Method: "GET", Target: "/p?a=b&c='d'$HOME`id`!\"e"}},
		{"what curl would expand", shell.Curl{Method: "GET", URL: "/p[1-3]{a,b}"}, request{Method: "GET", Target: "/p[1-3]{a,b}"}},
		{"what curl would make shorter", shell.Curl{Method: "GET", URL: "/a/../b/./c?d=/../"}, request{Method: "GET", Target: "/a/../b/./c?d=/../"}},
		{"what curl would leave out", shell.Curl{Method: "GET", URL: "/p?a#b"}, request{Method: "GET", Target: "/p?a#b"}},
		{"a target that is no path", shell.Curl{Method: "OPTIONS", URL: "*"}, request{Method: "OPTIONS", Target: "*"}},
		{"a target that looks like a host", shell.Curl{Method: "GET", URL: "//h/p"}, request{Method: "GET", Target: "//h/p"}},
		{"a query that is not UTF-8", shell.Curl{Method: "GET", URL: "/p?a=\xff\u0085\u202e"}, request{Method: "GET", Target: "/p?a=\xff\u0085\u202e"}},
		{"a HEAD", shell.Curl{Method: "HEAD", URL: "/p"}, request{Method: "HEAD", Target: "/p"}},
		{"a body that begins as the name of a file", shell.Curl{Method: "POST", URL: "/p", Body: "@/etc/passwd"}, request{Method: "POST", Target: "/p", Body: "@/etc/passwd", Length: []string{"12"}}},
		{"whatever a body may have", shell.Curl{Method: "PUT", URL: "/p", Body: odd}, request{Method: "PUT", Target: "/p", Body: odd, Length: length(odd)}},
		{"a body that looks like a flag", shell.Curl{Method: "PUT", URL: "/p", Body: "-n\n"}, request{Method: "PUT", Target: "/p", Body: "-n\n", Length: []string{"3"}}},
		{"a body of a GET", shell.Curl{Method: "GET", URL: "/p", Header: http.Header{"Content-Type": {"text/plain"}}, Body: "x"}, request{Method: "GET", Target: "/p", Type: []string{"text/plain"}, Body: "x", Length: []string{"1"}}},
		{"a body of no bytes", shell.Curl{Method: "POST", URL: "/p", Empty: true}, request{Method: "POST", Target: "/p", Length: []string{"0"}}},
		{"none", shell.Curl{Method: "POST", URL: "/p"}, request{Method: "POST", Target: "/p"}},
		{"chunks", shell.Curl{Method: "POST", URL: "/p", Header: http.Header{"Content-Type": {"application/json"}}, Body: "{}", Chunked: true}, request{Method: "POST", Target: "/p", Type: []string{"application/json"}, Body: "{}", Coding: []string{"chunked"}}},
		{"chunks of whatever", shell.Curl{Method: "POST", URL: "/p", Body: odd, Chunked: true}, request{Method: "POST", Target: "/p", Body: odd, Coding: []string{"chunked"}}},
		{"no chunk", shell.Curl{Method: "POST", URL: "/p", Chunked: true}, request{Method: "POST", Target: "/p", Coding: []string{"chunked"}}},
		{"secrets", shell.Curl{Method: "POST", URL: "/p?access_token=***&appsecret=***", Header: http.Header{"X-Token": {"***"}}, Body: `{"appSecret":"***","n":"会话"}`}, request{Method: "POST", Target: "/p?access_token=t0ken&appsecret=s3cret", Token: []string{"xtoken"}, Body: `{"appSecret":"s3cret","n":"会话"}`, Length: length(`{"appSecret":"s3cret","n":"会话"}`)}},
		{"a secret among control characters", shell.Curl{Method: "POST", URL: "/p?access_token=***#", Body: "{\"appSecret\":\"***\",\n\"n\":\"%\"}\n"}, request{Method: "POST", Target: "/p?access_token=t0ken#", Body: "{\"appSecret\":\"s3cret\",\n\"n\":\"%\"}\n", Length: length("{\"appSecret\":\"s3cret\",\n\"n\":\"%\"}\n")}},
		{"asterisks that were sent", shell.Curl{Method: "POST", URL: redact.Keep("/p?a=***&b=****"), Header: http.Header{"X-Token": {redact.Keep("***")}}, Body: redact.Keep(`{"a":"***","accessToken":"`) + `***"}`}, request{Method: "POST", Target: "/p?a=***&b=****", Token: []string{"***"}, Body: strings.Replace(kept, "s3cret", "t0ken", 1), Length: length(strings.Replace(kept, "s3cret", "t0ken", 1))}},
		{"a header without a value, and an odd method", shell.Curl{Method: "M-SEARCH", URL: "/p", Header: http.Header{"X-Token": {""}}}, request{Method: "M-SEARCH", Target: "/p", Token: []string{""}}},
		{"a header twice, with whatever it may have", shell.Curl{Method: "GET", URL: "/p", Header: http.Header{"X-Token": {"a\tb", "\xff\u0085'\"!$a`"}}}, request{Method: "GET", Target: "/p", Token: []string{"a\tb", "\xff\u0085'\"!$a`"}}},
	} {
		x.curl.Base = `"$BASE"`
		line := x.curl.String()
		if line != printable.Line(line) || strings.Contains(line, "##[") {
			t.Errorf("%s: the line is %q", x.name, line)
		}
		for _, program := range [][]string{{"sh"}, {"bash"}, {"bash", "--norc", "-i"}} { // the last one is interactive, as if a person typed
			cmd := exec.CommandContext(ctx, program[0], program[1:]...)
			cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "BASE=" + srv.URL, "ACCESS_TOKEN=t0ken", "APPSECRET=s3cret", "X_TOKEN=xtoken"}
			cmd.Stdin = strings.NewReader("set -e\n" + line + "\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s: %v: %s", x.name, program, line, err, out)
				continue
			}
			var came request
			select {
			case came = <-got:
			default: // it was none that a server takes
			}
			if diff := cmp.Diff(x.want, came); diff != "" {
				t.Errorf("%s: %v: %s (-want +got):\n%s", x.name, program, line, diff)
			}
		}
	}
}

// A line that is not the whole request makes none, and says what it lacks.
func TestCurlLacks(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, x := range []struct {
		curl shell.Curl
		want string
	}{
		{shell.Curl{URL: "http://h/p", Method: "POST", Body: "a", Lacks: "9 bytes of the body"}, `# not the whole request, it lacks 9 bytes of the body: curl -X POST 'http://h/p' -H 'Content-Type:' --data-raw 'a' -w '\n'`},
		{shell.Curl{URL: "http://h/p", Method: "HEAD", Body: "a"}, `# not the whole request, it lacks the body, which curl sends with no HEAD: curl -I 'http://h/p' -w '\n'`},
	} {
		line := x.curl.String()
		if diff := cmp.Diff(x.want, line); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if out, err := exec.CommandContext(ctx, "sh", "-c", line).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v, %s", line, err, out)
		}
	}
}
