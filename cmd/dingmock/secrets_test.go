package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

// marked are requests that hold a secret in each place where one may stand, each a text of its own.
func marked() (list []*http.Request, secrets []string) {
	secret := func(place string) string {
		s := fmt.Sprintf("M4rk%d%s", len(secrets), strings.ReplaceAll(place, " ", "")) // which says where it stood
		secrets = append(secrets, s+"x9x9")
		return s + "x9x9"
	}
	add := func(method, target, media, body string, header ...string) {
		r, err := http.NewRequest(method, "http://replaced"+target, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		if media != "" {
			r.Header.Set("Content-Type", media)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		list = append(list, r)
	}
	const json, form = "application/json", "application/x-www-form-urlencoded"
	names := []string{
		"access_token", "accessToken", "appsecret", "appSecret", "corpsecret", "clientSecret", "suite_secret", "suiteTicket", "jsapi_ticket", "sign", "signature",
		"password", "refreshToken", "user_access_token", "aes_key", "encodingAesKey", "authCode", "tmp_auth_code", "nextToken",
	}
	for _, name := range names {
		add("GET", "/gettoken?appkey=mock-m&"+name+"="+secret("query"), "", "")
		add("POST", "/topapi/v2/user/getsession?x=1", form, "userid=u&"+name+"="+secret("form"))
		add("POST", "/v1.0/oauth2/accessToken", json, `{"appKey":"mock-m","`+name+`":"`+secret("JSON")+`"}`)
		add("POST", "/topapi/none", json, `{"deep":[{"`+name+`" : "`+secret("deep")+`"}]}`)
		add("POST", "/topapi/v2/im/create_session", "text/plain", "says "+name+"="+secret("text"))
	}
	add("GET", "/gettoken?url="+url.QueryEscape("https://h/?access_token="+secret("nested")), "", "")
	add("POST", "/topapi/v2/user/getsession", json, `{"\u0061ccess_token":"`+secret("escaped name")+`"}`)
	add("POST", "/topapi/v2/user/getsession", json, `{"userid":"https:\/\/h\/?access_token=`+secret("URL in JSON")+`"}`)
	add("GET", "/gettoken?%61ppsecret="+secret("escaped query")+"&appkey=mock-m", "", "")
	add("GET", "/user/get", "", "", "Referer", "https://h/?access_token="+secret("Referer"))
	add("GET", "/user/get", "", "", "Authorization", "Bearer "+secret("Authorization"), "Cookie", "a="+secret("Cookie"))
	add("POST", "/v1.0/robot/oToMessages/batchSend", json, "{}", "x-acs-dingtalk-access-token", secret("header"))
	add("POST", "/v1.0/contact/users", json, "{}", "X-My-Signature", secret("signature header"))
	add("GET", "/gettoken?callback="+url.QueryEscape("http://u:"+secret("password")+"@h/"), "", "")
	return list, secrets
}

// sendMarked sends the requests of marked.
func sendMarked(base string) ([]string, int, error) {
	requests, secrets := marked()
	to, err := url.Parse(base)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range requests {
		r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, ""
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, 0, err
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return secrets, len(requests), nil
}

func init() {
	programs["marked"] = func() int {
		if _, _, err := sendMarked(os.Getenv("DINGMOCK_URL")); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
}

// None of the secrets that a program sends, in whatever place, is in anything that any command prints or writes.
func TestNoSecretShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	named := func(name string) string { return filepath.Join(dir, name) }
	fake := startServe(t, nil, "--log-format", "text")
	proxy, proxied, end := startProxy(t, "--upstream", fake.url, "--record", named("record"), "--junit", named("proxy.xml"), "--report", named("proxy.txt"), "--github")
	secrets, requests, err := sendMarked(proxy)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for _, path := range []string{"/verdict", "/apps/mock-m/journal", "/apps/_/journal", "/apps/default/journal", "/journal", "/apps/mock-m/verdict"} {
		all.WriteString(text(t, http.DefaultClient, fake.url+"/_mock"+path))
	}
	_, _, plain := verdictText(t, fake.url)
	all.WriteString(plain)
	_, verdict, errors := tryRun(t, nil, "verdict", "--url", fake.url, "--junit", named("verdict.xml"), "--report", named("verdict.txt"), "--write-baseline", named("baseline"), "--github")
	_, printed := end()
	fake.end(t)
	ran := runs(t, "--junit", named("run.xml"), "--report", named("run.txt"), "--write-baseline", named("run.baseline"), "--keep-logs", named("run.log"), "--github", "--", "env", asCommand+"=marked", os.Args[0])
	if ran.code != 0 || strings.Count(ran.stderr, "curl ") < 10 {
		t.Errorf("run: exit code %d, %s", ran.code, ran.stderr)
	}
	told, verified := verifyMarked(t, named)
	secrets = append(secrets, told...)
	for _, text := range []string{verdict, errors, printed, proxied.String(), fake.stdout.String(), fake.stderr.String(), ran.stdout, ran.stderr, verified} {
		all.WriteString(text)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 12 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	if n := strings.Count(all.String(), "curl "); n < requests {
		t.Errorf("there are but %d curl lines of %d requests", n, requests)
	}
	for _, secret := range secrets {
		if at := strings.Index(all.String(), secret); at >= 0 {
			t.Errorf("%s is shown: …%s…", secret, all.String()[max(0, at-160):min(all.Len(), at+40)])
		}
	}
}

// verifyMarked has verify check a server that says back all that it is sent, and returns the secrets that they shared and what
// verify printed.
func verifyMarked(t *testing.T, named func(string) string) (secrets []string, printed string) {
	t.Helper()
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	secrets = []string{"M4rkappsecret+/&x9x9", url.QueryEscape("M4rkappsecret+/&x9x9"), "M4rkcorpsecretx9x9"}
	issued := regexp.MustCompile(`"access_?[tT]oken":"([^"]+)"`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_mock") {
			http.NotFound(w, r)
			return
		}
		sent, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
		kept := httptest.NewRecorder()
		fake.ServeHTTP(kept, r)
		mu.Lock()
		defer mu.Unlock()
		for _, m := range issued.FindAllStringSubmatch(kept.Body.String(), -1) {
			secrets = append(secrets, m[1])
		}
		if first := len(secrets) == 4; !first {
			said, _ := json.Marshal(fmt.Sprintf("you sent %s %v %s", r.RequestURI, r.Header, sent))
			w.Header().Set("Content-Type", "text/x; "+strings.NewReplacer("\n", "", "\r", "").Replace(string(said)))
			_, _ = fmt.Fprintf(w, `{"errcode":40096,"errmsg":%s,"was":%q}`, said, kept.Body)
			return
		}
		_, _ = w.Write(kept.Body.Bytes())
	}))
	closes(t, srv)
	_, stdout, stderr := tryRun(t, nil, "verify", "--url", srv.URL, "--appkey", "mock-v", "--appsecret", "M4rkappsecret+/&x9x9", "--corpid", "mock-w", "--corpsecret", "M4rkcorpsecretx9x9",
		"--budget", "20", "--timeout", "1m", "--github", "--junit", named("verify.xml"), "--json", named("verify.json"))
	if !strings.Contains(stdout, "mend these first") {
		t.Errorf("verify has not begun: %s%s", stdout, stderr)
	}
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(secrets), stdout + stderr
}
