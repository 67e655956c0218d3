package mockserver_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

const sessionURL = "/topapi/v2/user/getsession?access_token=" + live

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

// TestRawRequests sends what no client library would: everything that net/http accepts gets the documented answer.
func TestRawRequests(t *testing.T) {
	t.Parallel()
	const (
		missingBody = `{"code":"Missingbody","requestid":"…","message":"body is mandatory for this action."}`
		invalidBody = `{"code":"Invalidbody","requestid":"…","message":"Specified parameter body is not valid."}`
		pair        = `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`
		accessOK    = `{"expireIn":7200,"accessToken":"` + live + `"}`
		host        = "Host: x\r\nConnection: close\r\n"
	)
	chunked := func(line, media, chunks string) string {
		return line + " HTTP/1.1\r\n" + host + "Content-Type: " + media + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
	}
	post := "POST " + sessionURL
	for _, test := range []struct {
		name, raw string
		want      string
	}{
		{"chunks", chunked(post, jsonType, "7\r\n{\"useri\r\n8;x=y\r\nd\":\"u\"} \r\n0\r\nTrailer: x\r\n\r\n"), noSession},
		{"one byte a chunk", chunked(post, formType, "1\r\nu\r\n1\r\ns\r\n1\r\ne\r\n1\r\nr\r\n1\r\ni\r\n1\r\nd\r\n1\r\n=\r\n1\r\nu\r\n0\r\n\r\n"), noSession},
		{"no chunks", chunked(post, jsonType, "0\r\n\r\n"), missing("userid")},
		{"a chunk size that is none", chunked(post, jsonType, "zz\r\n{}\r\n0\r\n\r\n"), badBody},
		{"a negative chunk size", chunked(post, jsonType, "-1\r\n{}\r\n0\r\n\r\n"), badBody},
		{"a chunk longer than it says", chunked(post, jsonType, "1\r\n{}\r\n0\r\n\r\n"), badBody},
		{"a chunk size beyond all bounds", chunked(post, jsonType, "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"), badBody},
		{"malformed chunks, token blank", chunked("POST /topapi/v2/user/getsession", jsonType, "zz\r\n"), tokenBlank},
		{"malformed chunks, unknown path", chunked("POST /nowhere", jsonType, "zz\r\n"), notFound},
		{"malformed chunks, gettoken", chunked("GET /gettoken?"+appPairQuery, jsonType, "zz\r\n"), tokenOK},
		{"malformed chunks, accessToken", chunked("POST /v1.0/oauth2/accessToken", jsonType, "zz\r\n"), invalidBody},

		{"gzip", request(post, jsonType, zipped(`{"userid":"u"}`), "Content-Encoding: gzip"), badType},
		{"gzip, and plain all the same", request(post, jsonType, `{"userid":"u"}`, "Content-Encoding: gzip"), badType},
		{"gzip, unannounced", request(post, jsonType, zipped(`{"userid":"u"}`)), badBody},
		{"gzip, accessToken", request("POST /v1.0/oauth2/accessToken", jsonType, zipped(pair), "Content-Encoding: gzip"), missingBody},
		{"identity", request(post, jsonType, `{"userid":"u"}`, "Content-Encoding: identity"), noSession},
		{"Accept-Encoding is not followed", request(post, jsonType, `{"userid":"u"}`, "Accept-Encoding: gzip"), noSession},

		{"Accept is not asked for", request(post, jsonType, `{"userid":"u"}`, "Accept: text/html"), noSession},
		{"two types, the first counts", request(post, jsonType, `{"userid":"u"}`, "Content-Type: text/plain"), noSession},
		{"the token in a header", request("POST /topapi/v2/user/getsession", jsonType, `{"userid":"u"}`, "x-acs-dingtalk-access-token: "+live, "Authorization: Bearer "+live), tokenBlank},
		{"another host", "GET /gettoken?" + appPairQuery + " HTTP/1.1\r\nHost: api.dingtalk.com\r\nConnection: close\r\n\r\n", tokenOK},
		{"HTTP/1.0", "POST " + sessionURL + " HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{\"userid\":\"u\"}", noSession},
		{"HTTP/1.0 without a length", "POST " + sessionURL + " HTTP/1.0\r\nContent-Type: application/json\r\n\r\n", missing("userid")},
		{"CONNECT", "CONNECT oapi.dingtalk.com:443 HTTP/1.1\r\nHost: oapi.dingtalk.com:443\r\nConnection: close\r\n\r\n", notFound},
		{"a fragment in the target", request("GET /gettoken?"+appPairQuery+"#x", "", ""), wrongApp},
		{"a query of question marks", request("GET /gettoken???appkey=dingmockapp", "", ""), noID},
		{"a semicolon in the query", request("GET /gettoken?"+strings.ReplaceAll(appPairQuery, "&", ";"), "", ""), noAppsecret},
		{"an escaped slash in the path", request("GET /gettoken%2F?"+appPairQuery, "", ""), notFound},
		{"an escaped letter in the path", request("GET /%67ettoken?"+appPairQuery, "", ""), tokenOK},
		{"NUL in the path", request("GET /gettoken%00?"+appPairQuery, "", ""), notFound},
		{"accessToken over HTTP/1.0", "POST /v1.0/oauth2/accessToken HTTP/1.0\r\nContent-Length: " + fmt.Sprint(len(pair)) + "\r\n\r\n" + pair, accessOK},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := send(t, listen(t, fake(t, mockserver.Options{})), test.raw)
			if diff := cmp.Diff(test.want, tidy(got.body)); diff != "" {
				t.Errorf("status %d, body (-want +got)\n%s", got.status, diff)
			}
		})
	}
}

// TestOptionsStar sends OPTIONS * to a server whose net/http does not answer it.
func TestOptionsStar(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(fake(t, mockserver.Options{}))
	srv.Config.DisableGeneralOptionsHandler = true
	srv.Start()
	t.Cleanup(srv.Close)
	got := send(t, srv.Listener.Addr().String(), "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if diff := cmp.Diff(notFound, got.body); diff != "" {
		t.Errorf("status %d, body (-want +got)\n%s", got.status, diff)
	}
}

// TestLargeBodies streams bodies over the limit. The sender gets the answer and, if the whole body was read, the
// connection stays open.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	const invalidBody = `{"code":"Invalidbody","requestid":"…","message":"Specified parameter body is not valid."}`
	for _, test := range []struct {
		name, line string
		mib        int
		want       string
	}{
		{"2 MiB", "POST " + sessionURL, 2, tooLarge},
		{"2 MiB, accessToken", "POST /v1.0/oauth2/accessToken", 2, invalidBody},
		{"2 MiB, POST gettoken", "POST /gettoken?" + appPairQuery, 2, tokenOK},
		{"2 MiB, GET gettoken", "GET /gettoken?" + appPairQuery, 2, tokenOK},
		{"2 MiB, unknown path", "POST /nowhere", 2, notFound},
		{"40 MiB", "POST " + sessionURL, 40, tooLarge},
		{"70 MiB", "POST " + sessionURL, 70, tooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", listen(t, fake(t, mockserver.Options{})))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			piece := bytes.Repeat([]byte(" "), 1<<20)
			go func() {
				_, _ = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", test.line, test.mib<<20)
				for range test.mib {
					if _, err := conn.Write(piece); err != nil {
						return
					}
				}
				_, _ = io.WriteString(conn, request("GET /gettoken?"+appPairQuery, "", ""))
			}()
			r := bufio.NewReader(conn)
			if got := receive(t, r, "POST"); tidy(got.body) != test.want {
				t.Errorf("answered %s, want %s", got.body, test.want)
			}
			if test.mib > 65 {
				if _, err := r.ReadByte(); err != io.EOF {
					t.Errorf("of a body beyond all bounds the connection is not closed: %v", err)
				}
				return
			}
			if got := receive(t, r, "GET"); got.body != tokenOK {
				t.Errorf("the next request is answered %s, want %s", got.body, tokenOK)
			}
		})
	}
}

// TestHalfABody uses a client that stops sending and waits.
func TestHalfABody(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", listen(t, fake(t, mockserver.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, "POST "+sessionURL+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"userid\":\"u\"}")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, bufio.NewReader(conn), "POST"); tidy(got.body) != badBody {
		t.Errorf("answered %s, want %s", got.body, badBody)
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", listen(t, fake(t, mockserver.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, "POST "+sessionURL+" HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\nExpect: 100-continue\r\n\r\n")
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("the body is not asked for: %q, %v", line, err)
	}
	_, _ = r.ReadString('\n')
	_, _ = io.WriteString(conn, `{"userid":"u"}`)
	if got := receive(t, r, "POST"); tidy(got.body) != noSession {
		t.Errorf("answered %s, want %s", got.body, noSession)
	}
}

// TestPipeline sends three requests at once on one connection.
func TestPipeline(t *testing.T) {
	t.Parallel()
	conn, err := net.Dial("tcp", listen(t, fake(t, mockserver.Options{})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	one := func(line, body string) string {
		return strings.Replace(request(line, jsonType, body), "Connection: close\r\n", "", 1)
	}
	_, _ = io.WriteString(conn, one("GET /gettoken?"+appPairQuery, "")+one("POST "+sessionURL, `{"userid":"u"}`)+one("GET /nowhere", ""))
	r := bufio.NewReader(conn)
	for i, want := range []string{tokenOK, noSession, notFound} {
		if got := receive(t, r, "GET"); tidy(got.body) != want {
			t.Errorf("reply %d is %s, want %s", i, got.body, want)
		}
	}
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(fake(t, mockserver.Options{}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	for line, want := range map[string]string{"/gettoken?" + appPairQuery: tokenOK, "/nowhere": notFound, "/topapi/v2/user/getsession?access_token=" + live + "&userid=u": noSession} {
		res, err := srv.Client().Get(srv.URL + line)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != http.StatusOK || tidy(string(body)) != want {
			t.Errorf("%s: HTTP/%d %d %s, want %s", line, res.ProtoMajor, res.StatusCode, body, want)
		}
	}
}

// TestNoBodyAtAll sends requests from the same process, which may have a nil Body.
func TestNoBodyAtAll(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	for line, want := range map[string]string{"/gettoken?" + appPairQuery: tokenOK, "/nowhere": notFound} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if got := w.Body.String(); got != want {
			t.Errorf("%s answers %s, want %s", line, got, want)
		}
	}
}
