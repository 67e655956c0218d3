package client_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/dingmock/dingmock/client"
)

// No error has a text of the other side that does something to a terminal or a pipeline.
func TestErrorsArePrintable(t *testing.T) {
	t.Parallel()
	const odd = "M\x1b[31m\u0085\u202eE ##[error]x"
	answers := map[string]func(net.Conn){}
	for name, answer := range map[string]string{
		"a refusal":              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{\"errcode\":40096,\"errmsg\":\"M\\u001b[31m\\n::error::\u0085\u202eE ##[error]x\",\"request_id\":\"\\u001b##[error]\"}",
		"no reply of DingTalk's": "HTTP/1.1 200 OK\r\nContent-Type: text/" + odd + "\r\nConnection: close\r\n\r\n" + odd,
		"no header":              "HTTP/1.1 200 OK\r\n" + odd + "\r\n\r\n",
		"no HTTP":                odd + "\r\n\r\n",
		"a bad length":           "HTTP/1.1 200 OK\r\nContent-Length: " + odd + "\r\n\r\n",
		"a bad chunk":            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + odd + "\r\n",
	} {
		answers[name] = func(conn net.Conn) { _, _ = conn.Write([]byte(answer)); _ = conn.Close() }
	}
	for name, answer := range answers {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			answer(conn)
		}))
		t.Cleanup(srv.Close)
		c, err := client.New(client.Options{BaseURL: srv.URL, AppKey: "k", AppSecret: "s3cretive"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Token(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := fmt.Sprint(err)
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) || strings.Contains(text, "##[") {
			t.Errorf("%s: %q", name, text)
		}
	}
}
