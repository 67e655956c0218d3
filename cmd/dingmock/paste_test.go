package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/junit"
	"github.com/dingmock/dingmock/mockserver"
)

// nasty is a request that is hard to write as a line.
type nasty struct {
	method, target string // with %d for its number
	header         []string
	body           string
	chunked, cut   bool
}

// The secrets that nasty requests hold, by the variables that their lines name.
var nastySecrets = []string{"ACCESS_TOKEN=0123456789abcdef0123456789abcdef", "APPSECRET=qu3ry-s3cret"}

const nastyToken = "0123456789abcdef0123456789abcdef"

var nasties = []nasty{
	{method: "POST", body: "@/etc/passwd"},
	{method: "POST", body: `it's "quoted" $HOME ` + "`id` !! \\n \\ %s %% &|;<>"},
	{method: "POST", body: "a\nb\tc\r\n\r\nd\n\n"},
	{method: "POST", body: "a\x00b\x00"},
	{method: "POST", body: "\xff\xfe\x80 \xb0\xa1"},
	{method: "POST", body: "\x1b[31m \u0085\u009b \u202eabc\u2069 \a\b ##[error]x ##vso[task.complete]\n::error::x\n"},
	{method: "POST", header: []string{"Content-Type: application/json"}, body: `{"a":"***","b":"****","c":"` + "\u0041" + `"}`},
	{method: "POST", header: []string{"Content-Type: application/json"}, body: `{"a":"***","appSecret":"qu3ry-s3cret","b":"****"}`},
	{method: "POST", header: []string{"Content-Type: application/json"}, body: `{"c":"\u0041\u0042"}`},
	{method: "POST", header: []string{"Content-Type: application/json"}, body: "{\n\t\"appSecret\":\"qu3ry-s3cret\",\n\t\"n\":\"100 % 会话\"\n}\n"},
	{method: "GET", target: "/gettoken?a[0]={1,2}&b=[1-3]&odd%d=1"},
	{method: "GET", target: "/gettoken?a='b'\"c\"$d`e`!f\\g%%20*&odd%d=1"},
	{method: "GET", target: "/gettoken?a=\xff\u0085\u202e&odd%d=1"},
	{method: "GET", target: "/gettoken?a=***&b=%%2A%%2A%%2A&odd%d=1"},
	{method: "GET", target: "/a/../gettoken/./b?odd%d=1"},
	{method: "GET", target: "/gettoken?odd%d=1#x"},
	{method: "GET", target: "/gettoken?appkey=mock-p&appsecret=qu3ry-s3cret&access_token=" + nastyToken + "&odd%d=1", header: []string{"X-Acs-Dingtalk-Access-Token: " + nastyToken}},
	{method: "GET", target: "/gettoken?u=https%%3A%%2F%%2Fh%%2F%%3Faccess_token%%3D" + nastyToken + "%%26a%%3D%%2A%%2A%%2A&odd%d=1"},
	{method: "HEAD"},
	{method: "POST", body: "{}", chunked: true, header: []string{"Content-Type: application/json"}},
	{method: "POST", chunked: true},
	{method: "POST", header: []string{"Content-Length: 0"}},
	{method: "POST", header: []string{"X-Odd:", "X-Odd: two", "X-Odd: tab\there 'q' \"$x\" \u202e##[error]", "Content-Type: text/plain; x=***"}, body: "x"},
	{method: "POST", header: []string{"X-Acs-Dingtalk-Access-Token:"}, body: "x"},
	{method: "POST", body: strings.Repeat("long ", 14000), cut: true},
	{method: "GET", target: "/gettoken?odd%d=" + strings.Repeat("long", 5000), cut: true},
}

func (x nasty) at(n int) nasty {
	if x.target == "" {
		x.target = "/gettoken?odd%d=1"
	}
	x.target = fmt.Sprintf(x.target, n)
	return x
}

// send sends it as it is.
func (x nasty) send(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(limit))
	head := x.method + " " + x.target + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n"
	for _, line := range x.header {
		head += line + "\r\n"
	}
	body := x.body
	switch {
	case x.chunked:
		head += "Transfer-Encoding: chunked\r\n"
		if body != "" {
			body = fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
		}
		body += "0\r\n\r\n"
	case body != "":
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	if _, err := io.WriteString(conn, head+"\r\n"+body); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: x.method})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusBadRequest {
		return fmt.Errorf("%q is no request: HTTP %d", x.target, resp.StatusCode)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// sendNasties is the program that run runs.
func sendNasties() int {
	at, err := url.Parse(os.Getenv("DINGMOCK_URL"))
	if err != nil {
		return 1
	}
	for n, x := range nasties {
		if err := x.at(n).send(at.Host); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, n, err)
			return 1
		}
	}
	return 0
}

func init() { programs["nasties"] = sendNasties }

// arrived is what came of a request.
type arrived struct {
	Method, Target, Body string
	Header               http.Header
	Length               []string
	Chunked              bool
}

// arrivals is a server that keeps what comes.
func arrivals(t *testing.T, answer http.Handler) (base string, take func() []arrived) {
	t.Helper()
	var mu sync.Mutex
	var list []arrived
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x := arrived{Method: r.Method, Target: r.RequestURI, Body: string(body), Header: http.Header{}, Length: r.Header["Content-Length"], Chunked: len(r.TransferEncoding) > 0}
		for _, name := range []string{"Content-Type", "Content-Encoding", "X-Acs-Dingtalk-Access-Token", "X-Odd"} {
			if values := r.Header[name]; values != nil {
				x.Header[name] = values
			}
		}
		mu.Lock()
		list = append(list, x)
		mu.Unlock()
		if answer != nil {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			answer.ServeHTTP(w, r)
		}
	}))
	closes(t, srv)
	return srv.URL, func() []arrived {
		mu.Lock()
		defer mu.Unlock()
		defer func() { list = nil }()
		return list
	}
}

// curlLine is one in whatever output, up to the end of the line.
var curlLine = regexp.MustCompile(`(?m)(?:# not the whole request[^\n]*: )?(?:printf '[^\n]*' ?[^\n|]*\| )?curl (?:-|["'])[^\n]*$`)

// curlLines are the lines of an output, of a report of JUnit's, of annotations and of JSON as those that read them show them.
func curlLines(t *testing.T, name, output string) (lines []string) {
	t.Helper()
	switch {
	case strings.HasSuffix(name, ".xml"):
		var report junit.Report
		if err := xml.Unmarshal([]byte(output), &report); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range report.Suites {
			for _, c := range s.Cases {
				if c.Failure != nil {
					lines = append(lines, curlLine.FindAllString(c.Failure.Text, -1)...)
				}
			}
		}
		return lines
	case strings.HasSuffix(name, ".json"):
		for dec := json.NewDecoder(strings.NewReader(output)); dec.More(); {
			var value any
			if err := dec.Decode(&value); err != nil {
				t.Errorf("%s: %v", name, err)
				return lines
			}
			lines = append(lines, curlsOf(value)...)
		}
		return lines
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "::error ") {
			line = strings.NewReplacer("%0A", "\n", "%0D", "\r", "%25", "%").Replace(line)
		}
		lines = append(lines, curlLine.FindAllString(line, -1)...)
	}
	return lines
}

func curlsOf(value any) (lines []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			if text, ok := inner.(string); ok && (name == "curl" || name == "request") {
				lines = append(lines, text)
			}
			lines = append(lines, curlsOf(inner)...)
		}
	case []any:
		for _, inner := range v {
			lines = append(lines, curlsOf(inner)...)
		}
	}
	return lines
}

// paste runs a line as a person would who pastes it.
func paste(t *testing.T, shell, line string, env ...string) {
	t.Helper()
	cmd := bounded(t, shell)
	cmd.Stdin = strings.NewReader(line + "\n")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "no_proxy=*"}, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %s: %v: %s", shell, line, err, out)
	}
}

// Each curl line that serve, verdict, run and proxy print, in whatever output, makes the request that it stands for, or says that
// it does not.
func TestLinesArePasted(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "sh", "bash")
	outputs := map[string]string{}
	dir := t.TempDir()
	fake := startServe(t, nil, "--log-format", "text")
	proxy, proxied, end := startProxy(t, "--upstream", startServe(t, nil).url, "--record", filepath.Join(dir, "record.json"), "--junit", filepath.Join(dir, "proxy.xml"), "--github")
	for n, x := range nasties {
		for _, base := range []string{fake.url, proxy} {
			if err := x.at(n).send(strings.TrimPrefix(base, "http://")); err != nil {
				t.Fatal(n, err)
			}
		}
	}
	outputs["journal.json"] = text(t, http.DefaultClient, fake.url+"/_mock/journal")
	outputs["control verdict.json"] = text(t, http.DefaultClient, fake.url+"/_mock/verdict")
	_, _, outputs["control verdict"] = verdictText(t, fake.url)
	_, outputs["verdict"], _ = tryRun(t, nil, "verdict", "--url", fake.url, "--junit", filepath.Join(dir, "verdict.xml"), "--report", filepath.Join(dir, "verdict.txt"), "--github")
	_, outputs["proxy"] = end()
	outputs["proxy stderr"] = proxied.String()
	r := runs(t, "--junit", filepath.Join(dir, "run.xml"), "--", "env", asCommand+"=nasties", os.Args[0])
	if r.code != 0 {
		t.Fatalf("run: exit code %d: %s", r.code, r.stderr)
	}
	outputs["run"] = r.stderr
	for _, name := range []string{"record.json", "proxy.xml", "verdict.xml", "verdict.txt", "run.xml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		outputs[name] = string(data)
	}
	checkPasted(t, outputs, proxy)
}

// checkPasted pastes the lines of outputs, each once.
func checkPasted(t *testing.T, outputs map[string]string, proxy string) {
	t.Helper()
	base, take := arrivals(t, nil)
	number := regexp.MustCompile(`odd(\d+)`)
	done := map[string]bool{}
	for name, output := range outputs {
		seen := map[int]bool{}
		for _, line := range curlLines(t, name, output) {
			m := number.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: whose is %s", name, line)
				continue
			}
			n, _ := strconv.Atoi(m[1])
			seen[n] = true
			if done[line] {
				continue
			}
			done[line] = true
			x := nasties[n].at(n)
			want := []arrived{x.arrives(strings.Contains(line, "$DINGMOCK_URL"))}
			if whole := !strings.HasPrefix(line, "# "); whole == (x.cut || x.method == "HEAD" && x.body != "") && !strings.Contains(line, x.target) {
				t.Errorf("%s: is this the whole of request %d? %.100s", name, n, line)
			}
			if strings.HasPrefix(line, "# ") {
				want = nil
			}
			for _, shell := range []string{"sh", "bash"} {
				paste(t, shell, strings.Replace(line, proxy, base, 1), append(nastySecrets, "DINGMOCK_URL="+base)...)
				if diff := cmp.Diff(want, take()); diff != "" {
					t.Errorf("%s: %s: request %d: %.3000s\n(-want +got):\n%s", name, shell, n, line, diff)
				}
			}
		}
		for n := range nasties {
			if !seen[n] {
				t.Errorf("%s: has no line of request %d", name, n)
			}
		}
	}
}

// arrives is what comes of the request; some are the headers that the fake's lines have.
func (x nasty) arrives(some bool) arrived {
	a := arrived{Method: x.method, Target: x.target, Body: x.body, Header: http.Header{}, Chunked: x.chunked}
	for _, line := range x.header {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "Content-Length":
			a.Length = []string{"0"}
		case name == "X-Odd" && some:
		default:
			a.Header[name] = append(a.Header[name], strings.TrimSpace(value))
		}
	}
	if x.body != "" && !x.chunked {
		a.Length = []string{strconv.Itoa(len(x.body))}
	}
	return a
}

// Each line of verify's makes a request that verify has made.
func TestVerifyLinesArePasted(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "sh", "bash")
	fake, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	var mu sync.Mutex
	base, take := arrivals(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_mock") {
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		calls++
		first := calls == 1
		mu.Unlock()
		if !first {
			w = &teapot{ResponseWriter: w}
		}
		fake.ServeHTTP(w, r)
	}))
	dir := t.TempDir()
	outputs := map[string]string{}
	_, outputs["stdout"], _ = tryRun(t, nil, "verify", "--url", base, "--budget", "20", "--timeout", "1m",
		"--junit", filepath.Join(dir, "x.xml"), "--json", filepath.Join(dir, "x.json"), "--github", "--bytes")
	for _, name := range []string{"x.xml", "x.json"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		outputs[name] = string(data)
	}
	made := take()
	lines := map[string]bool{}
	for name, output := range outputs {
		found := curlLines(t, name, output)
		if len(found) == 0 {
			t.Errorf("%s has no line:\n%s", name, output)
		}
		for _, line := range found {
			lines[line] = true
		}
	}
	variables := regexp.MustCompile(`"\$([A-Z_]+)"`)
	at := 0
	for line := range lines {
		env := []string{}
		for _, m := range variables.FindAllStringSubmatch(line, -1) {
			env = append(env, m[1]+"=S3CRET")
		}
		shell := []string{"sh", "bash"}[at%2]
		at++
		paste(t, shell, line, env...)
		got := take()
		if strings.HasPrefix(line, "# ") {
			if len(got) > 0 {
				t.Errorf("a line that is not whole made a request: %s", line)
			}
			continue
		}
		if len(got) != 1 || !slices.ContainsFunc(made, got[0].like) {
			t.Errorf("%s: no such request was made: %s\ngot %+v", shell, line, got)
		}
	}
}

// teapot is a writer of replies that the document does not have.
type teapot struct {
	http.ResponseWriter
	begun bool
}

func (t *teapot) WriteHeader(int) {
	if !t.begun {
		t.begun = true
		t.ResponseWriter.WriteHeader(http.StatusTeapot)
	}
}

func (t *teapot) Write(p []byte) (int, error) {
	t.WriteHeader(0)
	return t.ResponseWriter.Write(p)
}

// like reports whether another is the same but for what is S3CRET in this one.
func (a arrived) like(b arrived) bool {
	same := func(a, b string) bool {
		return regexp.MustCompile("(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(a), "S3CRET", ".*?") + "$").MatchString(b)
	}
	return a.Method == b.Method && same(a.Target, b.Target) && same(a.Body, b.Body) && a.Chunked == b.Chunked && len(a.Length) == len(b.Length) &&
		cmp.Equal(a.Header["Content-Type"], b.Header["Content-Type"]) && len(a.Header["X-Acs-Dingtalk-Access-Token"]) == len(b.Header["X-Acs-Dingtalk-Access-Token"])
}
