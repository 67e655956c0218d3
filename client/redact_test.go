package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// secrets lists everything in a client with testOptions that must not be shown, in each way that it may be written.
func secrets() []string {
	o := testOptions()
	var list []string
	for _, s := range []string{o.AppSecret, o.CorpSecret, testToken} {
		quoted, _ := json.Marshal(s)
		list = append(list, s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), string(quoted[1:len(quoted)-1]))
	}
	return append(list, testToken[:16])
}

// texts returns a value in all the ways in which it may get into a log.
func texts(t *testing.T, value any) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all[verb] = fmt.Sprintf(verb, value)
	}
	data, _ := json.Marshal(value) // it may fail
	all["json"] = string(data)
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "value", value)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "value", value)
	all["slog"] = b.String()
	if err, ok := value.(error); ok {
		all["error"] = err.Error()
		for i, inner := range unwrap(err) {
			for how, text := range texts(t, inner) {
				all[fmt.Sprintf("inner %d, %s", i, how)] = text
			}
		}
	}
	return all
}

func unwrap(err error) []error {
	switch e := err.(type) { //nolint:errorlint // it takes what is wrapped apart itself
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return []error{inner}
		}
	case interface{ Unwrap() []error }:
		return e.Unwrap()
	}
	return nil
}

func checkHidden(t *testing.T, all map[string]string) {
	t.Helper()
	for how, text := range all {
		for _, secret := range secrets() {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s shows %q:\n%s", how, secret, text)
			}
		}
	}
}

// valueError is an error whose fields %#v would print.
type valueError struct{ URL string }

func (e valueError) Error() string { return "transport failed" }

// pointerError is an error whose fields json would print.
type pointerError struct{ Request string }

func (e *pointerError) Error() string { return "transport failed" }

// wrapError hides what it wraps in its own text.
type wrapError struct{ inner error }

func (wrapError) Error() string   { return "wrapped" }
func (e wrapError) Unwrap() error { return e.inner }

func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	// echo is all that came with a request, as a careless server or proxy would repeat it.
	echo := func(r *http.Request) string {
		var body []byte
		if r.Body != nil {
			body, _ = io.ReadAll(r.Body)
		}
		query, _ := url.QueryUnescape(r.URL.RawQuery)
		return r.URL.String() + " " + query + " " + string(body) + " " + r.Header.Get(tokenHeader) + " " + html.EscapeString(query)
	}
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	server := func(handle http.HandlerFunc) func(*testing.T, Options) *Client {
		return func(t *testing.T, o Options) *Client { return serve(t, o, handle) }
	}
	// fail is a transport that fails, if later is set only once calls that need a token have it.
	fail := func(make func(request string) error, later bool) func(*testing.T, Options) *Client {
		return func(t *testing.T, o Options) *Client {
			return offline(t, o, func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/gettoken" && later {
					return respond(200, okToken), nil
				}
				return nil, make(echo(r))
			})
		}
	}
	// later lets the token calls succeed.
	later := func(handle http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/gettoken":
				answer(w, okToken)
			case "/v1.0/oauth2/accessToken":
				answer(w, okNew)
			default:
				handle(w, r)
			}
		}
	}
	page := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; echo="+url.QueryEscape(echo(r)))
		_, _ = io.WriteString(w, "<html>"+echo(r))
	}
	refuse := func(w http.ResponseWriter, r *http.Request) {
		answer(w, `{"errcode":40096,"errmsg":`+quote(echo(r))+`,"request_id":`+quote(echo(r))+`}`)
	}
	gateway := func(w http.ResponseWriter, r *http.Request) {
		answer(w, `{"errcode":88,"sub_code":`+quote(echo(r))+`,"sub_msg":`+quote(echo(r))+`}`)
	}
	code := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		answer(w, `{"code":`+quote(echo(r))+`,"message":`+quote(echo(r))+`,"requestid":`+quote(echo(r))+`}`)
	}
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.test/?"+r.URL.RawQuery, http.StatusFound)
	}
	cutOff := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, echo(r))
	}
	raw := func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, echo(r)+"\r\n\r\n")
		_ = conn.Close()
	}
	reset := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, text) }
	}
	type test struct {
		name   string
		later  bool // what is wrong comes after the token, so that some calls succeed
		client func(*testing.T, Options) *Client
	}
	tests := []test{
		{"page", false, server(page)},
		{"page later", true, server(later(page))},
		{"refused", false, server(refuse)},
		{"refused later", true, server(later(refuse))},
		{"refused by the gateway later", true, server(later(gateway))},
		{"refused by a code", false, server(code)},
		{"refused by a code later", true, server(later(code))},
		{"redirect", false, server(redirect)},
		{"redirect later", true, server(later(redirect))},
		{"cut off", false, server(cutOff)},
		{"cut off later", true, server(later(cutOff))},
		{"not HTTP", false, server(raw)},
		{"not HTTP later", true, server(later(raw))},
		{"reset", false, server(reset)},
		{"reset later", true, server(later(reset))},
		{"token reply cut in the token", false, server(body(okToken[:40]))},
		{"token reply cut after it", false, server(body(okToken[:60]))},
		{"token reply without a life", false, server(body(`{"errcode":0,"access_token":"` + testToken + `"}`))},
		{"token in a list", false, server(body(`{"errcode":0,"access_token":["` + testToken + `"]}`))},
		{"token in an object", false, server(body(`{"errcode":0,"access_token":{"value":"` + testToken + `"}}`))},
		{"token by another name", false, server(body(`{"errcode":0,"token":"` + testToken + `"}`))},
		{"token in a text", false, server(body(`your token is ` + testToken))},
		{"token of the newer call, cut off", false, server(body(okNew[:55]))},
		{"nobody listens", false, func(t *testing.T, o Options) *Client {
			o.BaseURL = "http://127.0.0.1:1"
			c, err := New(&o)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}},
	}
	for name, make := range map[string]func(string) error{
		"text":    errors.New,
		"value":   func(s string) error { return valueError{s} },
		"pointer": func(s string) error { return &pointerError{s} },
		"URL":     func(s string) error { return &url.Error{Op: "Get", URL: s, Err: errors.New("refused")} },
		"hidden":  func(s string) error { return wrapError{errors.New(s)} },
		"joined":  func(s string) error { return errors.Join(errors.New("a"), wrapError{errors.New(s)}) },
	} {
		tests = append(tests, test{"transport error as " + name, false, fail(make, false)}, test{"transport error as " + name + " later", true, fail(make, true)})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			options := testOptions()
			options.Log = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
			ctx := t.Context()
			type call struct {
				make func(*Client) error
				corp bool // by a client that has the other pair alone
				held bool // by a client that has a token
				free bool // it needs no token, so that it may succeed where a token cannot be had
			}
			calls := map[string]call{
				"gettoken by the other pair": {make: func(c *Client) error { _, err := c.gettoken(ctx); return err }, corp: true},
				"Call":                       {make: func(c *Client) error { return c.Call(ctx, "POST", "/topapi/x", map[string]string{"a": "b"}, nil) }},
				"Call under a version":       {make: func(c *Client) error { return c.Call(ctx, "POST", "/v1.0/x", nil, nil) }},
				"Call with a token of its own": {make: func(c *Client) error {
					return c.Call(ctx, "POST", "/robot/send?access_token="+testToken, nil, nil)
				}, free: true},
				"Call with the token in the path": {make: func(c *Client) error { return c.Call(ctx, "POST", "/x/"+testToken, nil, new(int)) }, held: true},
				"Call that cannot be sent":        {make: func(c *Client) error { return c.Call(ctx, "BAD METHOD", "/x", nil, nil) }},
			}
			for name, method := range methods {
				calls[name] = call{make: func(c *Client) error { _, err := method.call(ctx, c); return err }}
			}
			for name, call := range calls {
				o := options
				if call.corp {
					o.AppKey, o.AppSecret = "", ""
				}
				c := tt.client(t, o)
				if call.held {
					c.cache.held = &held{Token: Token{Value: testToken, Expires: time.Now().Add(time.Hour)}, renewAt: time.Now().Add(time.Hour)}
				}
				err := call.make(c)
				if err != nil {
					checkHidden(t, texts(t, err))
				} else if !tt.later && !call.free {
					t.Errorf("%s succeeded", name)
				}
				checkHidden(t, texts(t, c))
			}
			checkHidden(t, map[string]string{"log": logged.String()})
			if logged.Len() == 0 {
				t.Error("nothing was logged")
			}
		})
	}
}

func TestValuesShowNoSecret(t *testing.T) {
	t.Parallel()
	o := testOptions()
	o.BaseURL = "http://ann:" + url.PathEscape(o.AppSecret) + "@host/?secret=" + testToken
	token := Token{Value: testToken, Expires: time.Date(2026, 9, 3, 2, 0, 0, 0, time.UTC)}
	for _, x := range []struct {
		value any
		list  bool
	}{
		{o, false}, {&o, false}, {struct{ O Options }{o}, false}, {token, false}, {&token, false}, {[]Token{token}, true},
	} {
		all := texts(t, x.value)
		delete(all, "json") // Options do not encode, and Token does: that is how to keep one
		if x.list {
			delete(all, "slog") // a list is encoded as JSON
		}
		checkHidden(t, all)
	}
	if got, want := fmt.Sprint(token), "client.Token{Value:*** Expires:2026-09-03T02:00:00Z}"; got != want {
		t.Errorf("a token prints as %s, want %s", got, want)
	}
	var none *Client
	if got := fmt.Sprint(none); got != "(*client.Client)(nil)" {
		t.Errorf("a nil client prints as %s", got)
	}
	if got := fmt.Sprint(Options{AppKey: "k", AppSecret: "s"}); got != `client.Options{BaseURL:"" APIBaseURL:"" AppKey:"k" AppSecret:*** CorpID:"" CorpSecret:"" PreferAccessToken:false}` {
		t.Errorf("options print as %s", got)
	}
}

// TestErrorsStayWhatTheyAre holds that hiding a secret does not hide what went wrong.
func TestErrorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	var cause error
	c := offline(t, testOptions(), func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("%s: %w", r.URL, cause)
	})
	for _, cause = range []error{io.ErrUnexpectedEOF, context.DeadlineExceeded, net.ErrClosed} {
		_, err := c.Token(t.Context())
		if !errors.Is(err, cause) {
			t.Errorf("%v is not %v", err, cause)
		}
		var e *url.Error
		if !errors.As(err, &e) {
			t.Fatalf("%v is no *url.Error", err)
		}
		if want := "https://oapi.dingtalk.com/gettoken"; e.URL != want || e.Op != "Get" {
			t.Errorf("%s %s, want Get %s", e.Op, e.URL, want)
		}
		if want := errors.Is(cause, context.DeadlineExceeded); e.Timeout() != want {
			t.Errorf("%v: Timeout is %t, want %t", err, e.Timeout(), want)
		}
		if want := "dingtalk: gettoken: Get \"https://oapi.dingtalk.com/gettoken\": https://oapi.dingtalk.com/gettoken?appkey=dingapp&appsecret=***: " + cause.Error(); err.Error() != want {
			t.Errorf("error %s, want %s", err, want)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var hosts []string
		options := testOptions()
		options.HTTPClient = &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Host)
				resp := respond(status, "")
				resp.Header.Set("Location", "https://evil.test/")
				return resp, nil
			}),
		}
		c, err := New(&options)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Token(t.Context())
		var broken *ReplyError
		if !errors.As(err, &broken) || broken.HTTPStatus != status {
			t.Errorf("%d: error %v, want a *ReplyError", status, err)
		}
		if len(hosts) != 1 || hosts[0] != "oapi.dingtalk.com" {
			t.Errorf("%d: went to %v", status, hosts)
		}
	}
}

// An error whose text is not printable can be unwrapped if nothing in it is secret, and cannot if something is.
func TestScrubKeepsWhatIsNotSecret(t *testing.T) {
	t.Parallel()
	c, err := New(new(testOptions()))
	if err != nil {
		t.Fatal(err)
	}
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no\tsuch\u200bhost", Name: "x", IsTimeout: true}}
	for _, x := range []struct {
		name string
		err  error
		text string
		seen bool // the *net.DNSError in it
	}{
		{"printable", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "x", IsTimeout: true}}, "dial tcp: lookup x: no such host", true},
		{"a tab and no width", dial, `dial tcp: lookup x: no such\u200bhost`, true},
		{"wrapped", fmt.Errorf("call: %w", dial), `call: dial tcp: lookup x: no such\u200bhost`, true},
		{"a secret as well", fmt.Errorf("%s\t: %w", testOptions().AppSecret, dial), `*** : dial tcp: lookup x: no such\u200bhost`, false},
		{"a secret further in", wrapError{fmt.Errorf("%s: %w", testOptions().AppSecret, dial)}, "wrapped", false},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			got := c.scrub(x.err)
			var dns *net.DNSError
			if seen := errors.As(got, &dns); seen != x.seen || got.Error() != x.text {
				t.Errorf("%q, seen through is %t; want %q, %t", got, seen, x.text, x.seen)
			}
			var slow interface{ Timeout() bool }
			if !errors.As(got, &slow) || !slow.Timeout() || !errors.Is(got, x.err) {
				t.Error("it is no more what it was")
			}
			if text := fmt.Sprintf("%#v", got); strings.ContainsAny(text, "\t\u200b") {
				t.Errorf("%%#v shows %q", text)
			}
		})
	}
}
