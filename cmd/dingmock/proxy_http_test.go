package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

const (
	goodCall  = "/gettoken?appkey=k&appsecret=s"
	goodReply = `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`
)

// listens has each connection to a free port answered by a func, and returns its address.
func listens(t *testing.T, answer func(conn net.Conn)) string {
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
				answer(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// What the client says to the server, and the server to the client, passes unharmed, and the proxy adds but the mark by which it
// knows a call that comes back.
func TestProxyAddsNothing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got http.Header
	var trailer http.Header
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		mu.Lock()
		got, trailer = r.Header, r.Trailer
		mu.Unlock()
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "Announced")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, goodReply)
		w.Header().Set("Announced", "a")
		w.Header().Set(http.TrailerPrefix+"Unannounced", "u")
	}))
	closes(t, upstream)
	sent := http.Header{
		"X-Forwarded-For": {"192.0.2.1", "192.0.2.2"}, "X-Forwarded-Host": {"oapi.dingtalk.com"}, "X-Forwarded-Proto": {"https"}, "Forwarded": {"for=192.0.2.1"},
		"X-Mine": {"1", "2"}, "Te": {"trailers"}, "User-Agent": nil, "Accept-Encoding": {"br"}, "Content-Type": {"application/json"}, "Via": {"1.1 mine"},
	}
	url, _, end := startProxy(t, "--upstream", upstream.URL, "--quiet")
	call := func(base string) (seen, ends http.Header, hints int) {
		var body struct{ io.Reader }
		body.Reader = strings.NewReader(`{"userid":"u"}`)
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			if code == http.StatusEarlyHints && header.Get("Link") != "" {
				hints++
			}
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/topapi/v2/user/getsession?access_token=x", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header, req.Trailer = sent.Clone(), http.Header{"Checksum": {"c"}}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		ends = maps.Clone(trailer)
		for name, values := range resp.Trailer {
			ends["Reply-"+name] = values
		}
		return got, ends, hints
	}
	want, wantEnds, wantHints := call(upstream.URL)
	seen, ends, hints := call(url)
	if seen.Get(passedBy) == "" {
		t.Error("the call is not marked")
	}
	seen.Del(passedBy)
	seen.Del("Connection") // of the proxy's own connection
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("the request's headers (-straight +through the proxy):\n%s", diff)
	}
	if diff := cmp.Diff(wantEnds, ends); diff != "" || len(ends) != 3 {
		t.Errorf("the trailers (-straight +through the proxy):\n%s", diff)
	}
	if hints != wantHints || hints != 1 {
		t.Errorf("%d Early Hints, want %d", hints, wantHints)
	}
	end()
}

// What is spoken before, and after, a reply passes as well: 100 Continue when the server says so, a refusal before the body is sent,
// and a connection that becomes another protocol's.
func TestProxyConversations(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("appkey") {
		case "upgrade":
			conn, in, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
			line, _ := in.ReadString('\n')
			_, _ = io.WriteString(conn, "echo "+line)
		case "refuse", "early":
			_ = http.NewResponseController(w).EnableFullDuplex()
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusExpectationFailed)
		default:
			body, _ := io.ReadAll(r.Body)
			_, _ = fmt.Fprintf(w, "%d\n", len(body))
		}
	}))
	closes(t, upstream)
	url, _, end := startProxy(t, "--upstream", upstream.URL, "--quiet")
	address := strings.TrimPrefix(url, "http://")
	const (
		post    = "POST /gettoken?appsecret=s&appkey=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
		early   = "POST /gettoken?appsecret=s&appkey=early HTTP/1.1\r\nHost: x\r\n"
		upgrade = "GET /gettoken?appsecret=s&appkey=upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
		refused = "HTTP/1.1 417 Expectation Failed"
	)
	for _, x := range []struct{ name, send, first, then, last string }{
		{"continue", fmt.Sprintf(post, "continue"), "HTTP/1.1 100 Continue", "abc", "3"},
		{"refuse", fmt.Sprintf(post, "refuse"), refused, "", ""},
		{"early, the rest of the body held back", early + "Content-Length: 30\r\n\r\nabc", refused, "", ""},
		{"early, the rest of the chunks held back", early + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", refused, "", ""},
		{"upgrade", upgrade, "HTTP/1.1 101 Switching Protocols", "hello\n", "echo hello"},
	} {
		t.Run(x.name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(limit))
			_, _ = io.WriteString(conn, x.send)
			in := bufio.NewReader(conn)
			if line, _ := in.ReadString('\n'); strings.TrimSpace(line) != x.first {
				t.Fatalf("got %q, want %q", line, x.first)
			}
			if x.then == "" {
				return
			}
			_, _ = io.WriteString(conn, x.then)
			for {
				line, err := in.ReadString('\n')
				if strings.TrimSpace(line) == x.last {
					return
				}
				if err != nil {
					t.Fatalf("got %q, error %v, want %q", line, err, x.last)
				}
			}
		})
	}
	if code, stdout := end(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// TestProxyJudgesWhatItSaw says what becomes of a server that answers early, not at all, in part, or what is no call of the document's.
func TestProxyJudgesWhatItSaw(t *testing.T) {
	t.Parallel()
	reply := func(rest string) func(net.Conn) {
		return func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+rest)
			}
		}
	}
	silent := func(conn net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(conn)) }
	const (
		notModelled = "/topapi/v2/user/get?access_token=x"
		brokenOff   = "off-spec reply: gettoken: reply-body at /body: found the reply's body breaks off"
	)
	for _, x := range []struct {
		name, method, path, body string
		length                   int64 // of the body, if not all of it ever comes
		answer                   func(net.Conn)
		status                   int
		breaks                   bool   // the client sees the reply break off
		want                     string // on stderr; "": nothing is said to be off-spec
	}{
		{"on-spec", http.MethodGet, goodCall, "", 0, reply(fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(goodReply), goodReply)), 200, false, ""},
		{"breaks off, of a length", http.MethodGet, goodCall, "", 0, reply("Content-Length: 100\r\n\r\n" + goodReply[:10]), 200, true, brokenOff},
		{"breaks off, in chunks", http.MethodGet, goodCall, "", 0, reply("Transfer-Encoding: chunked\r\n\r\na\r\n" + goodReply[:10] + "\r\n"), 200, true, brokenOff},
		{"no reply", http.MethodGet, goodCall, "", 0, silent, 502, false, "off-spec reply: gettoken: no-answer at /status: found none: EOF, expected a reply"},
		{"no reply to what is not modelled", http.MethodPost, notModelled, `{"userid":"u"}`, 0, silent, 502, false, ""},
		{"early, of a body of which not all came", http.MethodPost, "/topapi/v2/user/getsession?access_token=x", `{"userid":` + strings.Repeat(" ", 64<<10), 8 << 20,
			func(conn net.Conn) {
				reply("Content-Length: 0\r\nConnection: close\r\n\r\n")(conn)
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, conn)
			}, 200, false, "off-spec reply: getsession: reply-"},
		{"a call that is not modelled", http.MethodPost, notModelled, `{"userid":"u"}`, 0, func(conn net.Conn) {
			silent(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 418 x\r\nContent-Type: text/html\r\nContent-Length: 5\r\nContent-Encoding: br\r\n\r\nhello")
		}, 418, false, ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			url, stderr, end := startProxy(t, "--upstream", "http://"+listens(t, x.answer), "--strict")
			req, err := http.NewRequestWithContext(t.Context(), x.method, url+x.path, strings.NewReader(x.body))
			if err != nil {
				t.Fatal(err)
			}
			if x.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			if x.length > 0 {
				rest, never := io.Pipe()
				t.Cleanup(func() { _ = never.Close() })
				req.ContentLength, req.Body = x.length, io.NopCloser(io.MultiReader(req.Body, rest))
			}
			resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: limit}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != x.status || (err != nil) != x.breaks {
				t.Errorf("HTTP %d, error %v; want HTTP %d, that it breaks off: %t", resp.StatusCode, err, x.status, x.breaks)
			}
			code, stdout := end()
			if (code == exitFailed) != (x.want != "") || !strings.Contains(stderr.String(), x.want) || strings.Contains(stderr.String(), "off-spec request") {
				t.Errorf("exit code %d, want in stderr %q\n%s%s", code, x.want, stderr, stdout)
			}
		})
	}
}

// A server may close connections between requests without a word: that is no call without a reply.
func TestProxyServerCloses(t *testing.T) {
	t.Parallel()
	url, stderr, end := startProxy(t, "--strict", "--upstream", "http://"+listens(t, func(conn net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(conn, "HTTP/1.1 418 x\r\nContent-Length: 0\r\n\r\n")
		}
	}))
	for range 200 {
		resp, err := http.Post(url+"/topapi/v2/user/get?access_token=x", "application/json", strings.NewReader(`{"userid":"u"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusTeapot {
			t.Fatalf("HTTP %d\n%s", resp.StatusCode, stderr)
		}
	}
	if code, stdout := end(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

// Of an encoded reply what can be read is judged, and what cannot is said not to be, and is nobody's fault.
func TestProxyEncodings(t *testing.T) {
	t.Parallel()
	packed := func(pack func(io.Writer) io.WriteCloser, text string) string {
		var b bytes.Buffer
		w := pack(&b)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return b.String()
	}
	zip := func(text string) string {
		return packed(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, text)
	}
	zlibbed := packed(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, goodReply)
	bare := packed(func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 1); return f }, goodReply)
	const wrong = `{"errcode":"x"}`
	for _, x := range []struct {
		name      string
		encodings []string
		body      string
		want      string // "judged", "off-spec" or what is not judged
	}{
		{"gzip", []string{"gzip"}, zip(goodReply), "judged"},
		{"gzip, wrong", []string{"gzip"}, zip(wrong), "off-spec"},
		{"x-gzip", []string{"X-GZip"}, zip(goodReply), "judged"},
		{"x-gzip, wrong", []string{"x-gzip"}, zip(wrong), "off-spec"},
		{"deflate", []string{"deflate"}, zlibbed, "judged"},
		{"deflate, bare", []string{"deflate"}, bare, "judged"},
		{"identity", []string{"identity"}, goodReply, "judged"},
		{"no gzip", []string{"gzip"}, goodReply, "off-spec"},
		{"gzip that breaks off", []string{"gzip"}, zip(goodReply)[:20], "off-spec"},
		{"br", []string{"br"}, "\x01\x02", "not judged: br"},
		{"zstd", []string{"zstd"}, "\x28\xb5\x2f\xfd", "not judged: zstd"},
		{"gzip twice", []string{"gzip, gzip"}, zip(zip(goodReply)), "not judged: gzip, gzip"},
		{"gzip twice, in two lines", []string{"gzip", "gzip"}, zip(zip(goodReply)), "not judged: gzip, gzip"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Encoding"] = x.encodings
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, x.body)
			}))
			closes(t, upstream)
			url, stderr, end := startProxy(t, "--upstream", upstream.URL, "--strict")
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+goodCall, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", strings.Join(x.encodings, ", "))
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || string(body) != x.body {
				t.Errorf("the body is not passed on as it is: error %v", err)
			}
			code, _ := end()
			got := "judged"
			switch _, what, found := strings.Cut(stderr.String(), "not judged: "); {
			case code == exitFailed:
				got = "off-spec"
			case found:
				got = "not judged: " + strings.TrimSpace(what)
			}
			if got != x.want {
				t.Errorf("got %q, want %q\n%s", got, x.want, stderr)
			}
		})
	}
}

// A proxy that leads to itself, however, says so and ends. One that is asked for a tunnel says what it is.
func TestProxyLoops(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, upstream string // "": the way back to it
		variable       string // that names the way back to it
		between        bool   // another HTTP proxy stands in the way
		status         int
	}{
		{name: "--upstream", status: http.StatusLoopDetected},
		{name: "--upstream, by another proxy", between: true, status: http.StatusLoopDetected},
		{name: "HTTP_PROXY", upstream: "http://platform.invalid", variable: "HTTP_PROXY", status: http.StatusLoopDetected},
		{name: "HTTPS_PROXY", upstream: "https://platform.invalid", variable: "HTTPS_PROXY", status: http.StatusBadGateway},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			known := make(chan struct{})
			var address string
			way := "http://" + listens(t, func(conn net.Conn) { // the proxy's address by another name
				<-known
				to, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
				if err != nil {
					return
				}
				go func() {
					_, _ = io.Copy(to, conn)
					_ = to.Close()
				}()
				_, _ = io.Copy(conn, to)
			})
			if x.between {
				back, _ := url.Parse(way)
				between := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(back) }})
				closes(t, between)
				way = between.URL
			}
			upstream := x.upstream
			if upstream == "" {
				upstream = way
			}
			cmd := itself(t, "proxy", "--addr", "127.0.0.1:0", "--upstream", upstream, "--quiet")
			for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
				cmd.Env = append(cmd.Env, name+"=")
			}
			if x.variable != "" {
				cmd.Env = append(cmd.Env, x.variable+"="+way)
			}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			base := ""
			lines := bufio.NewScanner(stdout)
			for base == "" && lines.Scan() {
				if rest, ok := strings.CutPrefix(lines.Text(), "  http://"); ok {
					base = "http://" + strings.TrimSpace(rest)
				}
			}
			address = strings.TrimPrefix(base, "http://")
			close(known)
			resp, err := http.Get(base + goodCall)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != x.status || x.status == http.StatusLoopDetected && string(body) != "dingmock proxy: "+loop+"\n" {
				t.Errorf("HTTP %d %s", resp.StatusCode, body)
			}
			_, _ = io.Copy(io.Discard, stdout)
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(stderr.String(), loop) || strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("exit code %d, stderr:\n%s", code, stderr.String())
			}
		})
	}
}

// A server that sends the headers of a request back, its status as well, is judged as any other.
func TestProxyJudgesAnEcho(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusLoopDetected} {
		upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			maps.Copy(w.Header(), r.Header)
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(status)
		}))
		closes(t, upstream)
		at, stderr, end := startProxy(t, "--upstream", upstream.URL, "--strict")
		resp, err := http.Get(at + goodCall)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		code, stdout := end()
		if code != exitFailed || !strings.Contains(stderr.String(), "off-spec reply: gettoken") || !strings.Contains(stdout, "1 exchanges, 0 off-spec requests, 1 off-spec") {
			t.Errorf("%d: exit code %d\n%s%s", status, code, stderr, stdout)
		}
	}
}

func TestProxyIsNoTunnel(t *testing.T) {
	t.Parallel()
	s, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewServer(s)
	closes(t, upstream)
	at, _, end := startProxy(t, "--upstream", upstream.URL, "--quiet", "--allow-no-calls", "--strict")
	proxy, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}, Timeout: limit}
	_, err = client.Get("https://oapi.dingtalk.com/gettoken") //nolint:bodyclose // there is none
	if err == nil || !strings.Contains(err.Error(), "Not Implemented") {
		t.Errorf("error %v", err)
	}
	if code, stdout := end(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}
