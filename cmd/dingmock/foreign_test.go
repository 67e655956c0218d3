package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// foreign is what no text of others may bring to a terminal or a pipeline. It may stand in a header and in a path.
var foreign = []string{
	"M\x1b[31mE", "M\bE", "M\aE", "M\x7fE", "M\rE", "M\u0085E", "M\u009b31mE", "M\u202eE", "M\u2066E\u2069", "M\u200bE", "M\u2028E",
	"::error title=x::forged", "##[error]forged", "##vso[task.complete result=Failed;]forged", "\n::error title=x::forged", "\n  ::add-mask::forged", "\n##[group]forged", "M\x00E", "M\xffE",
}

// inHeader are those that a header may have; the rest ends it.
func inHeader() []string {
	return slices.DeleteFunc(slices.Clone(foreign), func(s string) bool { return strings.ContainsAny(s, "\n\r\x00") })
}

// raw says what in an output is not fit for a terminal or a pipeline, "" for nothing.
func raw(output string) string {
	for i, r := range output {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\u2028') || r == unicode.ReplacementChar && !strings.HasPrefix(output[i:], "\uFFFD") {
			return fmt.Sprintf("%q in %q", r, output[max(0, i-60):min(len(output), i+60)])
		}
	}
	for line := range strings.Lines(output) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "::") && (!strings.HasPrefix(line, "::error title=") || strings.HasPrefix(text, "::error title=x")) || pipelines.MatchString(text) {
			return fmt.Sprintf("the command %.120q", line)
		}
	}
	if output != "" && !strings.HasSuffix(output, "\n") {
		return fmt.Sprintf("no newline after %q", output[max(0, len(output)-60):])
	}
	return ""
}

var pipelines = regexp.MustCompile(`##[a-z]*\[`)

// fit fails the test if an output is not fit to print, or its file is not XML or JSON.
func fit(t *testing.T, what, output string) {
	t.Helper()
	if wrong := raw(output); wrong != "" {
		t.Errorf("%s: %s", what, wrong)
	}
	switch filepath.Ext(what) {
	case ".xml":
		if err := xml.Unmarshal([]byte(output), new(struct{})); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case ".json":
		for dec := json.NewDecoder(strings.NewReader(output)); dec.More(); {
			if err := dec.Decode(new(any)); err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
		}
	}
}

// fitFiles checks all files in a folder, and that it has the given number of them.
func fitFiles(t *testing.T, what, dir string, n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != n {
		t.Errorf("%s: files %v, want %d, %v", what, files, n, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) == 0 {
			t.Errorf("%s: %s is empty", what, name)
		}
		fit(t, what+" "+name, string(data))
	}
}

// wire is a server that answers each request with the bytes that answer says, and hangs up.
func wire(t *testing.T, answer func(n int, r *http.Request) string) string {
	t.Helper()
	var n atomic.Int64
	return "http://" + listens(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(conn, answer(int(n.Add(1)-1), r))
	})
}

// reply is one of HTTP, with headers that each end their line.
func reply(status, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, header, len(body), body)
}

const isJSON = "Content-Type: application/json\r\n"

// rude returns replies that have a text in each place where one can be.
func rude(s string) []string {
	quoted, _ := json.Marshal(s)
	line := strings.NewReplacer("\n", "", "\r", "").Replace(s)
	return []string{
		reply("200 OK", isJSON, s),
		reply("200 OK", isJSON, `{"errcode":0,"errmsg":`+string(quoted)+`,"`+s+`":1,`+string(quoted)+`:2}`),
		reply("200 OK", isJSON, `{"errcode":40096,"errmsg":`+string(quoted)+`}`),
		reply("200 OK", isJSON, `{"errcode":40096,"errmsg":"`+s+`"}`),
		reply("200 OK", "Content-Type: "+line+"\r\n", `{"errcode":0}`),
		reply("200 OK", "Content-Type: text/plain;x="+line+"\r\nContent-Type: "+line+"\r\nServer: "+line+"\r\nContent-Encoding: "+line+"\r\n", `{"errcode":0}`),
		reply("200 "+line, isJSON, "{}"),
		reply("418 "+line, "Content-Type: "+line+"\r\n", s),
		reply("302 "+line, "Location: http://"+line+"/"+line+"\r\n", s),
		reply("200 OK", line+" no header\r\n", s),
		"HTTP/1.1 " + line + "\r\n\r\n",
		s + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + isJSON + "Transfer-Encoding: chunked\r\n\r\n" + line + "\r\n",
		"HTTP/1.1 200 OK\r\n" + isJSON + "Transfer-Encoding: " + line + "\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\n" + isJSON + "Content-Length: " + line + "\r\n\r\n{}",
	}
}

func allRude() (list []string) {
	for _, s := range foreign {
		list = append(list, rude(s)...)
	}
	return list
}

// verify shows nothing of a target as it is, be it the one that it cannot begin with or one that goes wrong afterwards.
func TestForeignVerify(t *testing.T) {
	t.Parallel()
	replies := allRude()
	args := func(base, dir string) []string {
		return []string{"verify", "--url", base, "--appkey", "k", "--appsecret", "s3cretive", "--budget", "0", "--github", "--junit", filepath.Join(dir, "v.xml"), "--json", filepath.Join(dir, "v.json")}
	}
	for i, first := range replies {
		if places := len(replies) / len(foreign); (i/places+i%places)%3 > 0 { // each text stands in a third of the places; below, in all
			continue
		}
		base := wire(t, func(int, *http.Request) string { return first })
		dir := t.TempDir()
		_, stdout, stderr := tryRun(t, nil, append(args(base, dir), "--timeout", "5s", "--run", "^gettoken/(head|renewal)$")...)
		fit(t, fmt.Sprintf("verify of reply %d, stdout", i), stdout)
		fit(t, fmt.Sprintf("verify of reply %d, stderr", i), stderr)
		fitFiles(t, "verify", dir, 2)
	}
	good := reply("200 OK", "Content-Type: application/json;charset=UTF-8\r\n", `{"errcode":0,"access_token":"0123456789abcdef0123456789abcdef","errmsg":"ok","expires_in":7200}`)
	var calls atomic.Int64
	base := wire(t, func(n int, r *http.Request) string {
		if strings.HasPrefix(r.URL.Path, "/_mock") {
			return replies[n%len(replies)]
		}
		if calls.Add(1) == 1 {
			return good
		}
		return replies[n%len(replies)]
	})
	dir := t.TempDir()
	_, stdout, stderr := tryRun(t, nil, args(base, dir)...)
	if !strings.Contains(stdout, "mend these first") {
		t.Errorf("verify has not begun: %s%s", stdout, stderr)
	}
	fit(t, "verify, stdout", stdout)
	fit(t, "verify, stderr", stderr)
	fitFiles(t, "verify", dir, 2)
}

// impolite returns requests that have a text in each place where one can be.
func impolite() (list []nasty) {
	for _, s := range foreign {
		line := strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(s)
		quoted, _ := json.Marshal(s)
		path, query := url.PathEscape(s), url.QueryEscape(s)
		list = append(list,
			nasty{method: "GET", target: "/gettoken?appkey=mock-f&appsecret=x&" + query + "=" + query + "&a=" + query},
			nasty{method: "GET", target: "/gettoken?a=" + strings.NewReplacer("\x1b", "", "\b", "", "\a", "", "\x7f", "", " ", "").Replace(line)},
			nasty{method: "GET", target: "/" + path + "/none"},
			nasty{method: "GET", target: "/gettoken?appkey=mock-" + query + "&appsecret=" + query},
			nasty{method: "POST", target: "/topapi/v2/im/create_session", body: s, header: []string{"Content-Type: " + headerText(line), "User-Agent: " + headerText(line), "X-Odd: " + headerText(line)}},
			nasty{method: "POST", target: "/topapi/v2/im/create_session", body: `{"session_id":` + string(quoted) + `,"app_key":` + string(quoted) + `,` + string(quoted) + `:1}`, header: []string{"Content-Type: application/json", "Content-Encoding: " + headerText(line)}},
			nasty{method: "POST", target: "/topapi/v2/im/create_session", body: url.QueryEscape(s) + "=" + url.QueryEscape(s), header: []string{"Content-Type: application/x-www-form-urlencoded"}},
		)
	}
	return list
}

// headerText leaves out what a server refuses in a header.
func headerText(s string) string {
	return strings.NewReplacer("\x1b", "", "\b", "", "\a", "", "\x7f", "").Replace(s)
}

// serve, verdict, run and proxy show nothing of a program as it is, and ready, ca and verdict nothing of what is no dingmock, or says
// that it is one.
func TestForeignCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	named := func(name string) string { return filepath.Join(dir, name) }
	for _, format := range []string{"text", "json"} {
		fake := startServe(t, nil, "--log-format", format)
		replies := allRude()
		upstream := wire(t, func(n int, _ *http.Request) string { return replies[n%len(replies)] })
		proxy, proxied, end := startProxy(t, "--upstream", upstream, "--record", named(format+"record.json"), "--junit", named(format+"proxy.xml"), "--report", named(format+"proxy.txt"), "--write-baseline", named(format+"proxy.known"), "--github")
		for i, s := range foreign {
			body, _ := json.Marshal(map[string]any{"name": s, "appkey": s})
			fit(t, "control.json", problemOf(t, fake.url+"/_mock/apps", string(body)))
			body, _ = json.Marshal(map[string]any{"match": map[string]any{"operation": s}, "effect": map[string]any{"fault": s}})
			fit(t, "control.json", problemOf(t, fake.url+"/_mock/apps/mock-f/rules", string(body)))
			body, _ = json.Marshal(map[string]any{"match": map[string]any{"path": "/" + s}, "effect": map[string]any{"reply": map[string]any{"body": map[string]any{"errcode": i, "errmsg": s}}}})
			fit(t, "control.json", problemOf(t, fake.url+"/_mock/apps/mock-f/rules", string(body)))
		}
		for _, x := range impolite() {
			_ = x.send(strings.TrimPrefix(fake.url, "http://"))
			_ = x.send(strings.TrimPrefix(proxy, "http://"))
		}
		for i := range replies {
			_ = nasties[0].at(i).send(strings.TrimPrefix(proxy, "http://"))
		}
		for _, path := range []string{"/verdict", "/journal", "/apps/_/journal", "/apps", "/state", "/rules"} {
			fit(t, path+".json", text(t, http.DefaultClient, fake.url+"/_mock"+path))
		}
		_, _, plain := verdictText(t, fake.url)
		fit(t, "the verdict as text", plain)
		_, stdout, stderr := tryRun(t, nil, "verdict", "--url", fake.url, "--junit", named(format+"verdict.xml"), "--report", named(format+"verdict.txt"), "--write-baseline", named(format+"verdict.known"), "--github")
		fit(t, "verdict", stdout)
		fit(t, "verdict, stderr", stderr)
		_, stdout = end()
		fake.end(t)
		fit(t, "proxy", stdout)
		fit(t, "proxy, stderr", proxied.String())
		fit(t, "serve", fake.stdout.String())
		fit(t, "serve, stderr", fake.stderr.String())
		if n := strings.Count(fake.stderr.String(), "create_session"); n < 3*len(foreign) {
			t.Errorf("serve has written %d lines of calls", n)
		}
	}
	r := runs(t, "--strict", "--github", "--keep-logs", named("run.log"), "--junit", named("run.xml"), "--report", named("run.txt"), "--", "env", asCommand+"=impolite", os.Args[0])
	fit(t, "run", r.stderr)
	if r.code != exitFailed || !strings.Contains(r.stderr, "dingmock: off-spec: ") {
		t.Errorf("run: exit code %d: %s", r.code, r.stderr)
	}
	fitFiles(t, "serve, proxy, verdict and run", dir, 17)
}

func problemOf(t *testing.T, target, body string) string {
	t.Helper()
	resp, err := http.Post(target, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, _ := io.ReadAll(resp.Body)
	return string(data)
}

func init() {
	programs["impolite"] = func() int {
		at, _ := url.Parse(os.Getenv("DINGMOCK_URL"))
		for _, x := range impolite() {
			_ = x.send(at.Host)
		}
		return 0
	}
}

// What answers in a fake's place, or says that it is one, is not shown as it is.
func TestForeignFake(t *testing.T) {
	t.Parallel()
	for i, s := range foreign {
		v := mockserver.Verdict{Calls: 1, Reasons: []string{s}, Unfired: []mockserver.UnfiredRule{{App: s, ID: s, Effect: s, For: s}}}
		row := mockserver.ViolationCount{App: s, Count: 1, First: &mockserver.Entry{Curl: "curl " + s}}
		row.Violation.Operation, row.Violation.Kind, row.Violation.Pointer, row.Violation.Found, row.Violation.Expected = s, s, s, s, s
		row.Violation.Level = "red"
		v.Violations = append(v.Violations, row)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		problem, _ := json.Marshal(map[string]any{"status": 409, "title": s, "detail": s, "field": s})
		version := reply("200 OK", isJSON+"Dingmock-Version: 1\r\n", `{"name":"dingmock","version":"1"}`)
		answers := append(rude(s), reply("409 Conflict", isJSON+"Dingmock-Version: 1\r\n", string(data)), reply("409 Conflict", "Content-Type: application/problem+json\r\nDingmock-Version: 1\r\n", string(problem)),
			reply("200 OK", "Dingmock-Version: 1\r\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"+s), reply("200 OK", "Dingmock-Version: 1\r\n", "-----BEGIN CERTIFICATE"+s))
		for n, answer := range answers {
			if n < len(rude(s)) && (n+i)%6 > 0 { // each answer has a sixth of the texts, and each text a sixth of these answers
				continue
			}
			for _, honest := range []bool{false, true} {
				base := wire(t, func(_ int, r *http.Request) string {
					if honest && strings.HasSuffix(r.URL.Path, "/version") {
						return version
					}
					return answer
				})
				dir := t.TempDir()
				for _, args := range [][]string{
					{"ready", "--url", base}, {"ca", "--url", base},
					{"verdict", "--url", base, "--github", "--junit", filepath.Join(dir, "v.xml"), "--report", filepath.Join(dir, "v.txt"), "--write-baseline", filepath.Join(dir, "known")},
					{"verdict", "--url", base, "--github"},
				} {
					if honest != (args[0] == "verdict") && n != i%len(answers) { // the rest says no more
						continue
					}
					_, stdout, stderr := tryRun(t, nil, args...)
					fit(t, fmt.Sprintf("%s of text %d, answer %d", args[0], i, n), stdout)
					fit(t, fmt.Sprintf("%s of text %d, answer %d, stderr", args[0], i, n), stderr)
				}
				files, _ := filepath.Glob(filepath.Join(dir, "*"))
				for _, name := range files {
					data, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					if len(data) > 0 { // it is made before the fake is asked
						fit(t, name, string(data))
					}
				}
			}
		}
	}
}

// What contract.Transport reports shows nothing of a server as it is.
func TestForeignTransport(t *testing.T) {
	t.Parallel()
	for i, answer := range allRude() {
		base := wire(t, func(int, *http.Request) string { return answer })
		client := http.Client{
			Transport:     contract.Transport(&http.Transport{DisableKeepAlives: true}, func(x *contract.Exchange) { fit(t, fmt.Sprint("reply ", i), x.String()+"\n") }),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       limit,
		}
		resp, err := client.Get(base + "/gettoken?appkey=k&appsecret=s&extra=" + url.QueryEscape(foreign[i%len(foreign)]))
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

func TestForeignArguments(t *testing.T) {
	t.Parallel()
	for _, s := range inHeader() {
		for _, args := range [][]string{{s}, {"--" + s}, {"serve", "--addr", s}, {"verify", "--url", "http://" + s}, {"verdict", "--url", s}, {"verdict", "--app", s, "--url", "http://127.0.0.1:1"}, {"run", "--", "/no/" + s}, {"proxy", "--upstream", "ftp://h/" + s}, {"ready", "--addr", s}, {"serve", "--state", s}} {
			code, stdout, stderr := tryRun(t, nil, args...)
			if code == 0 {
				t.Errorf("%q: exit code 0", args)
			}
			fit(t, fmt.Sprintf("%q", args), stdout)
			fit(t, fmt.Sprintf("%q, stderr", args), stderr)
		}
	}
}
