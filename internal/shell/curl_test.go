package shell_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
			`curl -X POST 'http://h/p?access_token='"$ACCESS_TOKEN" -H 'Content-Type: application/json' -H 'X-Acs-Dingtalk-Access-Token: '"$ACCESS_TOKEN" --data-raw '{"accessToken":"'"$ACCESS_TOKEN"'","appSecret" : "'"$APP_SECRET"'"}' -w '\n'`},
	} {
		if diff := cmp.Diff(x.want, x.curl.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.name, diff)
		}
	}
}

// Each line is pasted into a shell, whose variables hold the secrets, and makes the request that it stands for.
func TestCurlIsPasted(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s", program)
		}
	}
	type request struct {
		Method, Target, Body string
		Type, Token          []string
		Chunked              bool
	}
	got := make(chan request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- request{r.Method, r.RequestURI, string(body), r.Header["Content-Type"], r.Header["X-Token"], len(r.TransferEncoding) > 0}
	}))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		curl shell.Curl
		want request
	}{
		{"a GET", shell.Curl{Method: "GET", URL: "/p?a=b&c='d'$HOME`id`!"}, request{Method: "GET", Target: "/p?a=b&c='d'$HOME`id`!"}},
		{"what curl would expand", shell.Curl{Method: "GET", URL: "/p[1-3]{a,b}"}, request{Method: "GET", Target: "/p[1-3]{a,b}"}},
		{"a HEAD", shell.Curl{Method: "HEAD", URL: "/p"}, request{Method: "HEAD", Target: "/p"}},
		{"a body that begins as the name of a file", shell.Curl{Method: "POST", URL: "/p", Body: "@/etc/passwd"}, request{Method: "POST", Target: "/p", Body: "@/etc/passwd"}},
		{"lines and control characters", shell.Curl{Method: "PUT", URL: "/p", Body: "a\r\nb\n\x1b[31m\ttab"}, request{Method: "PUT", Target: "/p", Body: "a\r\nb\n\x1b[31m\ttab"}},
		{"a body of a GET", shell.Curl{Method: "GET", URL: "/p", Header: http.Header{"Content-Type": {"text/plain"}}, Body: "x"}, request{Method: "GET", Target: "/p", Type: []string{"text/plain"}, Body: "x"}},
		{"chunks", shell.Curl{Method: "POST", URL: "/p", Header: http.Header{"Content-Type": {"application/json"}}, Body: "{}", Chunked: true}, request{Method: "POST", Target: "/p", Type: []string{"application/json"}, Body: "{}", Chunked: true}},
		{"secrets", shell.Curl{Method: "POST", URL: "/p?access_token=***&appsecret=***", Header: http.Header{"X-Token": {"***"}}, Body: `{"appSecret":"***","n":"会话"}`}, request{Method: "POST", Target: "/p?access_token=t0ken&appsecret=s3cret", Token: []string{"xtoken"}, Body: `{"appSecret":"S3CRET","n":"会话"}`}},
		{"a header without a value, and an odd method", shell.Curl{Method: "M-SEARCH", URL: "/p", Header: http.Header{"X-Token": {""}}}, request{Method: "M-SEARCH", Target: "/p", Token: []string{""}}},
	} {
		x.curl.Base = `"$BASE"`
		cmd := exec.CommandContext(t.Context(), "bash", "-c", x.curl.String())
		cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "BASE=http://127.0.0.1:" + port, "ACCESS_TOKEN=t0ken", "APPSECRET=s3cret", "APP_SECRET=S3CRET", "X_TOKEN=xtoken"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %s: %v: %s", x.name, &x.curl, err, out)
			continue
		}
		if diff := cmp.Diff(x.want, <-got); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", x.name, &x.curl, diff)
		}
		if line := x.curl.String(); strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%s: the line is %q", x.name, line)
		}
	}
}
