package mockserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
)

// The parts of a fuzzed request. A digit picks one of each list; beyond its end, the fuzzer's own text is used.
var (
	fuzzMethods = []string{"GET", "POST", "HEAD", "PUT", "get"}
	fuzzPaths   = []string{
		"/gettoken", "/v1.0/oauth2/accessToken", "/topapi/v2/user/getsession", "/topapi/v2/im/create_session",
		"/topapi/v2/im/close_session", "/topapi/", "/v1.0/", "/",
	}
	fuzzQueries = []string{
		"", "access_token=" + live + "&", "access_token=" + unknownToken + "&", appPairQuery + "&", corpPairQuery + "&",
		"appkey=mock-a&appsecret=s&", "appkey=dingmockapp&", "access_token=" + otherToken + "&",
	}
	fuzzMedia = []string{"", jsonType, formType, "text/plain"}
)

// FuzzHandler makes one request: the reply must be the document's, complete and never a 5xx, and a rejection must
// change nothing.
func FuzzHandler(f *testing.F) {
	doc, err := dingmock.Load()
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		"", "{}", secondSession, firstSession, `{"userid":"u-1"}`, `{"appKey":"mock-a","appSecret":"s"}`, `{"appkey":1}`,
		"userid=u-1&access_token=" + live, "session_id=s&app_key=dingmockapp&user_id=u", `{"userid":`, `[]`, "\xff", "%ff=%00",
		`{"session_id":null,"session_id":"\ud800","app_key":[1e999],"chatid":{"a":{}}}`, "{} x", "\x00",
	} {
		for _, path := range []uint8{0, 1, 2, 3, 4} {
			f.Add(uint8(1), path, uint8(1), uint8(1), "", "", "", body)
			f.Add(path, path, uint8(3), uint8(2), "", "x=1&x=2", "", body)
		}
	}
	for path := range uint8(8) {
		f.Add(uint8(0), path, uint8(1), uint8(0), "", "userid=u-1&session_id=s&app_key=dingmockapp&user_id=%ff", "", "")
		f.Add(uint8(9), path, uint8(5), uint8(9), "BREW", "%zz=;&=&&a=%F0%9F%98%80", "a/b;c=d", "x")
	}
	f.Add(uint8(0), uint8(9), uint8(0), uint8(0), "", "", "", "//gettoken/%ff%00?x#y")

	f.Fuzz(func(t *testing.T, method, path, query, media uint8, ownMethod, ownQuery, ownMedia, body string) {
		pick := func(list []string, i uint8, own string) string {
			if int(i) < len(list) {
				return list[i]
			}
			return own
		}
		target := pick(fuzzPaths, path, "/"+strings.TrimLeft(ownMedia, "/"))
		if q := pick(fuzzQueries, query, "") + ownQuery; q != "" {
			target += "?" + q
		}
		raw := request(pick(fuzzMethods, method, ownMethod)+" "+target, pick(fuzzMedia, media, ownMedia), body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil || strings.HasPrefix(r.URL.Path, "/_mock") {
			return // net/http's own 400, or the control API
		}
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(sent)))
		checkExchange(t, doc, fake(t, mockserver.Options{Apps: wireApps()}), r, sent)
	})
}

// checkExchange serves a request and checks all that holds for every request.
func checkExchange(t *testing.T, doc *dingmock.Document, s *mockserver.Server, r *http.Request, sent []byte) {
	t.Helper()
	before := s.Apps()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	body := w.Body.Bytes()

	q := doc.CheckRequest(doc.Match(r.Method, r.URL.Path), r, sent)
	for _, v := range q.CheckResponse(w.Code, w.Header(), body) {
		t.Errorf("%s: in %s", v, body)
	}
	if w.Code >= 500 || w.Code < 200 {
		t.Errorf("status %d", w.Code)
	}
	if n := w.Header().Get("Content-Length"); n != strconv.Itoa(len(body)) {
		t.Errorf("Content-Length %s, the body has %d", n, len(body))
	}
	var reply struct {
		Errcode int
		Code    string
	}
	if err := json.Unmarshal(body, &reply); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	refused := reply.Errcode != 0 || reply.Code != ""
	explain := w.Header().Get("Dingmock-Explain")
	if refused != (explain != "") {
		t.Errorf("explained %q: %s", explain, body)
	}
	if refused {
		if diff := cmp.Diff(before, s.Apps()); diff != "" {
			t.Errorf("a refused call changed the state (-want +got)\n%s", diff)
		}
	}
	for _, row := range violations(t, s) {
		checkLine(t, row.Violation, string(sent))
	}
}

// checkLine checks that a violation is one line that holds no secret.
func checkLine(t *testing.T, v dingmock.Violation, sent string) {
	t.Helper()
	line := v.String()
	if len(line) > 1000 || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("a violation is no line: %q", line)
	}
	for _, secret := range []string{"dingmockappsecret", "dingmockcorpsecret", live} {
		asName := secret != live && strings.HasSuffix(v.Pointer, secret) // it was sent as a name
		if strings.Contains(line, secret) && v.Kind != dingmock.KindUnknownPath && !asName {
			t.Errorf("a violation holds a secret: %q (of %q)", line, sent)
		}
	}
}

// FuzzReadState reads any text. What ReadState accepts, New must accept and return.
func FuzzReadState(f *testing.F) {
	f.Add([]byte(`{"apps":[]}`))
	f.Add([]byte(`{"apps":[{"appkey":"k","appsecret":"s"},{"corpid":"c","corpsecret":"s","users":["u"]}]}`))
	f.Add([]byte(fmt.Sprintf(`{"apps":[{"appkey":"k","appsecret":"s","clock":{"offset":"1h","frozen":true},"tokens":[{"token":%q,"expires_in":1.5}],
		"sessions":[{"session_id":"s","user_id":"u","chatid":"","create_time":1}]}]}`, live)))
	f.Add([]byte(`{"apps":[{"appkey":"k","appsecret":"s","clock":{"offset":"-1h","frozen":true,"at":"2026-09-03T00:00:00Z"}}]}`))
	f.Add([]byte(`{"apps":[{"appkey":"k","appsecret":"s","qps":1,"judge":false,"rules":[{"match":{"operation":"gettoken"},"when":{"times":2},"effect":{"fault":"system-busy"}},{"effect":{"reply":{"body":{ "a" : 1 }}}}]}]}`))
	f.Add([]byte("[[[{{{"))
	f.Add([]byte("{\"apps\":[\n{\"x\":\"\xff\"}]}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := mockserver.ReadState("file", data)
		if err != nil {
			if text := err.Error(); !strings.HasPrefix(text, "file:") || strings.Contains(text, "\n") || len(text) > 2000 {
				t.Errorf("no clear line: %q", text)
			}
			return
		}
		o := mockserver.Options{Apps: append([]mockserver.AppState{}, read.Apps...)}
		s := fake(t, o)
		first := s.Apps()
		text, err := json.Marshal(mockserver.State{Apps: first})
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := mockserver.ReadState("again", text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		same, err := json.Marshal(mockserver.State{Apps: fake(t, mockserver.Options{Apps: append([]mockserver.AppState{}, again.Apps...)}).Apps()})
		if err != nil || string(same) != string(text) {
			t.Errorf("written and read back it is another, %v\n%s\n%s", err, text, same)
		}
	})
}
