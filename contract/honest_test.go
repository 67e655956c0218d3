package contract_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// variation is a way in which an honest server may say the same: by other means of HTTP, or in other JSON.
type variation struct {
	name   string
	serve  func(t *testing.T, honest http.Handler) (url string, client *http.Client)
	large  bool // also what takes bodies of a MiB, which are slow to judge: they are sent where it matters how they are received
	few    bool // only some of the cases: of each dialect and form what differs
	http2  contract.Outcome
	http11 contract.Outcome // "": pass
	bytes  []string         // what the level BYTES finds of it; nil: it is not asked
}

// few are cases of each kind, and of each dialect.
var few = []string{
	"gettoken/appkey", "gettoken/parameter-missing", "gettoken/head",
	"accessToken/success", "create_session/idempotent", "getsession/found", "create_session/dingtalk",
	"create_session/http-1.1", "create_session/http-2", "paths/topapi-unknown",
}

// variations are what an honest server may do. With the level BYTES it may do as much of it as has nothing to do with bytes.
var variations = []variation{
	{name: "as it is", large: true, serve: handled(nil), bytes: []string{}},
	{name: "chunked", serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		out.header.Del("Content-Length")
		out.write(w, 1<<20)
	}), bytes: []string{"/dingtalk"}},
	{name: "gzip where it is asked for", serve: handled(zipped), bytes: []string{"/dingtalk"}},
	{name: "in small writes", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) { out.write(w, 7) }), bytes: []string{}},
	{name: "byte by byte, each a while after the other", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		<-time.After(2 * time.Millisecond) // what is slow is the point
		out.header.Del("Content-Length")
		out.write(w, 1)
	})},
	{name: "the headers of a front server", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		for name, value := range map[string]string{
			"Server": "nginx", "Via": "1.1 front", "Strict-Transport-Security": "max-age=1", "X-Request-Id": "1", "Vary": "Accept-Encoding", "Cache-Control": "no-store",
			"Alt-Svc": `h3=":443"`, "Content-Language": "zh-CN", "Keep-Alive": "timeout=5", "ETag": `"1"`, "Content-Encoding": "identity",
		} {
			out.header.Set(name, value)
		}
		out.header["Set-Cookie"] = []string{"a=1; Path=/", "b=2; Secure"}
		out.write(w, 0)
	}), bytes: []string{"/dingtalk"}},
	{name: "neither Server nor Date", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		out.header.Del("Server")
		out.header["Date"] = nil
		out.write(w, 0)
	}), bytes: []string{"/dingtalk"}},
	{name: "Connection: close", serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		out.header.Set("Connection", "close")
		out.write(w, 0)
	}), bytes: []string{}},
	{name: "charset in capitals", few: true, serve: handled(retyped("; charset=UTF-8"))},
	{name: "charset in quotes", few: true, serve: handled(retyped(`;charset="utf-8"`))},
	{name: "charset unsaid", few: true, serve: handled(retyped(""))},
	{name: "a media type in capitals", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		out.header.Set("Content-Type", strings.ToUpper(out.header.Get("Content-Type")))
		out.write(w, 0)
	})},
	{name: "Early Hints first", few: true, serve: handled(func(w http.ResponseWriter, _ *http.Request, out *said) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		out.write(w, 0)
	}), bytes: []string{}},
	{name: "keys in another order, spaces", serve: handled(rewritten(func(body []byte) []byte {
		var value any
		_ = json.Unmarshal(body, &value)
		body, _ = json.MarshalIndent(value, "\t", "  ")
		return append(append([]byte("\r\n"), body...), '\n')
	}))},
	{name: "escapes where letters would do", serve: handled(rewritten(escaped))},
	{name: "whole numbers as 0.0", serve: handled(rewritten(func(body []byte) []byte { return wholeNumber.ReplaceAll(body, []byte("$1.0$2")) }))},
	{name: "whole numbers as 0e0", serve: handled(rewritten(func(body []byte) []byte { return wholeNumber.ReplaceAll(body, []byte("${1}e0$2")) }))},
	{name: "100 Continue unasked", few: true, serve: spoken(func(c *spoke) bool {
		return c.reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1", http.CanonicalHeaderKey, true)
	}), bytes: []string{}},
	{name: "header names in lower case", few: true, serve: spoken(func(c *spoke) bool { return c.reply("HTTP/1.1", strings.ToLower, true) }), bytes: []string{}},
	{name: "HTTP/1.0, closed after each reply", serve: spoken(func(c *spoke) bool { return c.reply("HTTP/1.0", http.CanonicalHeaderKey, false) }), http11: contract.Pass},
	{name: "HTTP/1.0, the length unsaid", few: true, serve: spoken(func(c *spoke) bool {
		c.out.header.Del("Content-Length")
		return c.reply("HTTP/1.0", http.CanonicalHeaderKey, false)
	})},
	{name: "closed between requests, unsaid", large: true, serve: spoken(func(c *spoke) bool {
		c.reply("HTTP/1.1", http.CanonicalHeaderKey, true)
		return false
	})},
	{name: "answered before the body is read, then closed at once", few: true, large: true, serve: spoken(func(c *spoke) bool {
		c.reply("HTTP/1.1", http.CanonicalHeaderKey, true)
		return !c.unread()
	})},
	{name: "TLS, HTTP/1.1 alone", serve: secured("http/1.1"), http2: contract.Unsupported, bytes: []string{}},
	{name: "TLS, HTTP/2 alone", large: true, serve: secured("h2"), http2: contract.Pass, http11: contract.Unsupported, bytes: []string{}},
	{name: "TLS, HTTP/2 or HTTP/1.1", serve: secured("h2", "http/1.1"), http2: contract.Pass, bytes: []string{}},
}

// runs reports whether a case is run: all that do not send large bodies are, or a few.
func (v variation) runs(id string, bytes bool) bool {
	switch op, name, _ := strings.Cut(id, "/"); name {
	case "body-too-large", "padded", "Invalidbody":
		return v.large && op == "create_session" && !bytes
	}
	return !v.few && !bytes || slices.Contains(few, id)
}

// TestHonestVariations has an honest server say the same in every way that HTTP and JSON have for it: no case ends otherwise than it does
// of the server as it is.
func TestHonestVariations(t *testing.T) {
	t.Parallel()
	var names []string
	for _, v := range variations {
		names = append(names, v.name)
	}
	t.Logf("%d variations:\n%s", len(names), strings.Join(names, "\n"))
	plain := outcomes(t, variations[0], false)
	exact := outcomes(t, variations[0], true)
	for id := range plain {
		if strings.HasSuffix(id, "/http-2") && plain[id] != contract.Unsupported {
			t.Errorf("%s is %s without TLS", id, plain[id])
		}
	}
	if n := len(slices.Collect(maps.Keys(plain))); n < 150 {
		t.Fatalf("only %d cases", n)
	}
	for _, v := range variations {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			for _, bytes := range []bool{false, true} {
				if bytes && v.bytes == nil {
					continue
				}
				want, got := maps.Clone(plain), outcomes(t, v, bytes)
				if bytes {
					want = maps.Clone(exact)
				}
				for id := range want {
					switch _, name, _ := strings.Cut(id, "/"); {
					case !v.runs(id, bytes):
						delete(want, id)
					case name == "http-2" && v.http2 != "":
						want[id] = v.http2
					case name == "http-1.1" && v.http11 != "":
						want[id] = v.http11
					case bytes && slices.Contains(v.bytes, "/"+name):
						want[id] = contract.Fail
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("with BYTES %t (-want +got):\n%s", bytes, diff)
				}
			}
		})
	}
}

// outcomes are how the cases end at an honest server.
func outcomes(t *testing.T, v variation, bytes bool) map[string]contract.Outcome {
	t.Helper()
	target := fake(t, mockserver.Options{MaxSessions: 40})
	honest := target.Handler
	target.URL, target.Client = v.serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		honest.ServeHTTP(unmarked{w}, r)
	}))
	target.Handler = nil
	report, err := contract.Verify(t.Context(), target, &contract.Options{
		NoGenerated: true, Timeout: time.Minute, Bytes: bytes,
		Run: func(id string) bool { return v.runs(id, bytes) },
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]contract.Outcome{}
	for _, r := range report.Results {
		all[r.ID] = r.Outcome
		if r.Outcome == contract.Errored {
			t.Errorf("%s: %s", r.ID, r.Reason)
		}
	}
	for i, c := range report.Causes {
		if i < 3 && !(bytes && v.bytes != nil && slices.ContainsFunc(v.bytes, func(end string) bool { return strings.HasSuffix(c.Breaks[0], end) })) {
			t.Logf("%s\n%+v", c, c.Failure)
		}
	}
	return all
}

// unmarked takes from a reply that it is a dingmock's.
type unmarked struct{ http.ResponseWriter }

func (u unmarked) WriteHeader(status int) {
	u.Header().Del("Dingmock-Version")
	u.ResponseWriter.WriteHeader(status)
}

func (u unmarked) Write(p []byte) (int, error) {
	u.Header().Del("Dingmock-Version")
	return u.ResponseWriter.Write(p)
}

// said is what the honest server answers.
type said struct {
	status int
	header http.Header
	body   []byte
}

func ask(honest http.Handler, r *http.Request) *said {
	w := httptest.NewRecorder()
	honest.ServeHTTP(w, r)
	return &said{w.Code, w.Header(), w.Body.Bytes()}
}

// write answers, the body in parts of that size; 0: as one.
func (s *said) write(w http.ResponseWriter, size int) {
	maps.Copy(w.Header(), s.header)
	w.WriteHeader(s.status)
	if size == 0 {
		_, _ = w.Write(s.body)
		return
	}
	for part := range slices.Chunk(s.body, size) {
		_, _ = w.Write(part)
		_ = http.NewResponseController(w).Flush()
	}
}

// handled is a server that answers by way of net/http.
func handled(answer func(w http.ResponseWriter, r *http.Request, out *said)) func(*testing.T, http.Handler) (string, *http.Client) {
	return func(t *testing.T, honest http.Handler) (string, *http.Client) {
		t.Helper()
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if answer == nil {
				honest.ServeHTTP(w, r)
				return
			}
			answer(w, r, ask(honest, r))
		}))
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.Start()
		t.Cleanup(srv.Close)
		return srv.URL, nil
	}
}

// secured is a server behind TLS that offers these protocols.
func secured(protocols ...string) func(*testing.T, http.Handler) (string, *http.Client) {
	return func(t *testing.T, honest http.Handler) (string, *http.Client) {
		t.Helper()
		srv := httptest.NewUnstartedServer(honest)
		srv.EnableHTTP2 = true
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetHTTP1(slices.Contains(protocols, "http/1.1"))
		srv.Config.Protocols.SetHTTP2(slices.Contains(protocols, "h2"))
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.StartTLS()
		srv.TLS.NextProtos = protocols
		t.Cleanup(srv.Close)
		return srv.URL, srv.Client()
	}
}

func zipped(w http.ResponseWriter, r *http.Request, out *said) {
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(out.body) > 0 {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(out.body)
		_ = z.Close()
		out.body = b.Bytes()
		out.header.Set("Content-Encoding", "gzip")
		out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	out.write(w, 0)
}

// retyped says the charset of its replies so.
func retyped(charset string) func(w http.ResponseWriter, _ *http.Request, out *said) {
	return func(w http.ResponseWriter, _ *http.Request, out *said) {
		media, _, _ := strings.Cut(out.header.Get("Content-Type"), ";")
		out.header.Set("Content-Type", media+charset)
		out.write(w, 0)
	}
}

// rewritten says its replies in other JSON.
func rewritten(change func([]byte) []byte) func(w http.ResponseWriter, _ *http.Request, out *said) {
	return func(w http.ResponseWriter, _ *http.Request, out *said) {
		if json.Valid(out.body) {
			out.body = change(out.body)
			out.header.Set("Content-Length", strconv.Itoa(len(out.body)))
		}
		out.write(w, 0)
	}
}

var wholeNumber = regexp.MustCompile(`(":-?\d+)([,}])`)

// escaped writes a letter of each string, and all that is no ASCII, as an escape.
func escaped(body []byte) []byte {
	var b strings.Builder
	inside, last := false, rune(0)
	for _, r := range string(body) {
		if r == '"' && last != '\\' {
			inside = !inside
		}
		switch {
		case inside && last != '\\' && (r > 126 || r == 'e' || r == '/'):
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
		last = r
	}
	return []byte(b.String())
}

// spoke is one request and its reply as they are spoken on a connection.
type spoke struct {
	conn net.Conn
	r    *http.Request
	out  *said
}

// unread reports whether the request has a body of which there is more.
func (c *spoke) unread() bool {
	n, _ := c.r.Body.Read(make([]byte, 1))
	return n > 0
}

// reply writes the reply, of that version and with header names of that spelling, and returns whether the connection goes on.
func (c *spoke) reply(version string, spelt func(string) string, goesOn bool) bool {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d x\r\n", version, c.out.status)
	for name, values := range c.out.header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\r\n", spelt(name), v)
		}
	}
	b.WriteString("\r\n")
	if c.r.Method != http.MethodHead {
		b.Write(c.out.body)
	}
	_, err := c.conn.Write(b.Bytes())
	return goesOn && err == nil
}

// spoken is a server that is no net/http's: speak answers a request, and reports whether the connection goes on.
func spoken(speak func(c *spoke) bool) func(*testing.T, http.Handler) (string, *http.Client) {
	return func(t *testing.T, honest http.Handler) (string, *http.Client) {
		t.Helper()
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = conn.Close() }()
					in := bufio.NewReader(conn)
					for {
						r, err := http.ReadRequest(in)
						if err != nil {
							return
						}
						r.RemoteAddr = conn.RemoteAddr().String()
						r = r.WithContext(t.Context())
						if !speak(&spoke{conn, r, ask(honest, r)}) {
							return
						}
						_, _ = io.Copy(io.Discard, r.Body)
					}
				}()
			}
		}()
		return "http://" + l.Addr().String(), nil
	}
}
