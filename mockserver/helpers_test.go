package mockserver_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// start is the real time of every test that does not say otherwise.
var start = time.Date(2026, 9, 3, 0, 1, 2, 0, time.UTC)

// stamp is start in the form of create_time.
const stamp = "1788393662000"

// live is the token that the app of liveApp has from the start.
const live = "82ad1e1b28b2357dbf090b9a2582319c"

// liveApp is the default app with a token.
func liveApp() mockserver.AppState {
	a := mockserver.DefaultApp()
	a.Tokens = []mockserver.TokenState{{Token: live, ExpiresIn: 7200}}
	return a
}

// fake makes a server whose real time is start, and which has liveApp if the options name no apps.
func fake(t testing.TB, o mockserver.Options) *mockserver.Server {
	t.Helper()
	if o.Now == nil {
		o.Now = manual.New(start).Now
	}
	if o.Apps == nil {
		o.Apps = []mockserver.AppState{liveApp()}
	}
	s, err := mockserver.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// appOf returns an app of a fake, by the control API.
func appOf(t testing.TB, s *mockserver.Server, name string) *control.App {
	t.Helper()
	c, err := control.Of(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.App(name)
}

// state returns an app's state.
func state(t testing.TB, s *mockserver.Server, app string) mockserver.AppState {
	t.Helper()
	a, err := appOf(t, s, app).State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// exists reports whether an app has that name or appkey.
func exists(t testing.TB, s *mockserver.Server, app string) bool {
	t.Helper()
	_, err := appOf(t, s, app).Get(t.Context())
	return err == nil
}

// advance moves an app's clock.
func advance(t testing.TB, s *mockserver.Server, app string, by time.Duration) mockserver.Expired {
	t.Helper()
	clock, err := appOf(t, s, app).Advance(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	return *clock.Expired
}

// violations returns how the calls so far, of some apps or of all, broke the document.
func violations(t testing.TB, s *mockserver.Server, apps ...string) []mockserver.ViolationCount {
	t.Helper()
	v, err := s.Verdict(&mockserver.VerdictOptions{Apps: apps})
	if err != nil {
		t.Fatal(err)
	}
	return v.Violations
}

// listen serves a handler on a free port and returns the address.
func listen(t testing.TB, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// answer is a reply as a test compares it.
type answer struct {
	status int
	header http.Header
	body   string
}

// send writes the bytes of one request to a fresh connection and reads the whole reply.
func send(t testing.TB, addr, raw string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, raw) }()
	return receive(t, bufio.NewReader(conn), raw[:max(strings.IndexByte(raw, ' '), 0)])
}

// receive reads one complete reply to a request of that method.
func receive(t testing.TB, r *bufio.Reader, method string) answer {
	t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("the reply is cut: %v", err)
	}
	_ = res.Body.Close()
	return answer{res.StatusCode, res.Header, string(body)}
}

// request writes out a request. The line is a method and a target; a media type of "" sends no Content-Type.
func request(line, media, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s HTTP/1.1\r\nHost: oapi.dingtalk.com\r\nConnection: close\r\n", line)
	if media != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", media)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	return b.String() + "\r\n" + body
}

// do makes a request in process. It takes what request takes.
func do(h http.Handler, line, media, body string, headers ...string) answer {
	method, target, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Result().Header, w.Body.String()}
}

// mediaOf returns the Content-Type for a JSON body, "" for no body.
func mediaOf(body string) string {
	if body == "" {
		return ""
	}
	return jsonType
}

// steer makes a call of the control API in process, decodes the answer into out, and returns the status.
func steer(t testing.TB, s *mockserver.Server, method, path, body string, out any) int {
	t.Helper()
	a := do(s, method+" http://localhost/_mock"+path, mediaOf(body), body)
	if out != nil {
		if err := json.Unmarshal([]byte(a.body), out); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, a.body)
		}
	}
	return a.status
}

// token gets a token by a query such as "appkey=a&appsecret=b".
func token(t testing.TB, h http.Handler, query string) string {
	t.Helper()
	a := do(h, "GET /gettoken?"+query, "", "")
	var reply struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil || reply.Token == "" {
		t.Fatalf("gettoken %s: %s", query, a.body)
	}
	return reply.Token
}

// topapi calls one of the session calls with a JSON body.
func topapi(h http.Handler, call, token, body string) answer {
	return do(h, "POST /topapi/v2/"+call+"?access_token="+token, jsonType, body)
}

const (
	getsession = "user/getsession"
	create     = "im/create_session"
	closing    = "im/close_session"
)

var (
	shortID = regexp.MustCompile(`"request_id":"[0-9a-z]{12,13}"`)
	longID  = regexp.MustCompile(`"requestid":"[0-9A-F]{8}-[0-9A-F]{4}-7[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}"`)
)

// tidy replaces the random ids of requests that have the right form.
func tidy(body string) string {
	return longID.ReplaceAllString(shortID.ReplaceAllString(body, `"request_id":"…"`), `"requestid":"…"`)
}

// code returns the errcode of a body.
func code(t testing.TB, a answer) int {
	t.Helper()
	var reply struct{ Errcode *int }
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil || reply.Errcode == nil {
		t.Fatalf("no errcode in %s", a.body)
	}
	return *reply.Errcode
}

// decode reads JSON.
func decode(t testing.TB, text string, out any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

// operations are the ids of the document's operations.
func operations(t *testing.T) []string {
	t.Helper()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, op := range doc.Operations() {
		ids = append(ids, op.ID)
	}
	return ids
}
