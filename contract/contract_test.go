package contract_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// TestFake holds our fake to the document, in process: as it is by default, with a life of sessions, and without the
// session calls. Between them every part of the document is exercised.
func TestFake(t *testing.T) {
	t.Parallel()
	coverage := (*contract.Coverage)(nil)
	for _, o := range []mockserver.Options{{MaxSessions: 40}, {SessionTTL: time.Hour}, {WithoutSessions: true}} {
		options := &contract.Options{Run: suits(t, o), Timeout: time.Minute}
		if o.MaxSessions == 0 {
			options.NoGenerated = true
		}
		report := contract.Run(t, fake(t, o), options)
		if coverage == nil {
			coverage = report.Coverage
		} else {
			coverage.Merge(report.Coverage)
		}
	}
	for _, item := range coverage.Missing() {
		t.Errorf("never exercised: %s", item)
	}
	items, _ := coverage.Items()
	t.Logf("document coverage %.1f %% of %d items", coverage.Percent(), len(items))

	// The exceptions, one by one: errors of the document that none of its operations answers.
	why := map[string]string{
		"AuthenticationFailed.MissingParameter": "no operation under /v1.0/ needs a token; the fake answers it to paths under it that a rule's fixed reply makes",
	}
	unlisted := coverage.Unlisted()
	for name := range why {
		if !slices.Contains(unlisted, name) {
			t.Errorf("the error %s is explained, and an operation answers it", name)
		}
	}
	for _, name := range unlisted {
		if why[name] == "" {
			t.Errorf("the error %s is in no operation's list, and nobody has explained it", name)
		}
		t.Logf("not counted: %s: %s", name, why[name])
	}
}

// suits leaves out the cases that need another server than one with these options: another of these tests runs them.
func suits(t *testing.T, o mockserver.Options) func(id string) bool {
	t.Helper()
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	run := map[string]bool{}
	for _, c := range cases {
		run[c.ID] = (c.Needs&contract.NeedsSessionLimit == 0 || o.MaxSessions > 0) && (c.Needs&contract.NeedsSessionLife == 0 || o.SessionTTL > 0)
	}
	return func(id string) bool { return run[id] }
}

// TestFakeOverTCP is the same over a socket, below a path, and writes the reports as `dingmock verify` does.
func TestFakeOverTCP(t *testing.T) {
	t.Parallel()
	target := fake(t, mockserver.Options{MaxSessions: 40})
	srv := httptest.NewServer(http.StripPrefix("/base", target.Handler))
	t.Cleanup(srv.Close)
	target.Handler, target.URL = nil, srv.URL+"/base"
	suited := suits(t, mockserver.Options{MaxSessions: 40}) // and no TLS, in which HTTP/2 would be spoken
	report := contract.Run(t, target, &contract.Options{Budget: 100, Timeout: time.Minute, Run: func(id string) bool { return suited(id) && !strings.HasSuffix(id, "/http-2") }})
	write(t, "contract-tcp.junit.xml", report.WriteJUnit)
	write(t, "contract-tcp.json", report.WriteJSON)
	t.Logf("%d cases over TCP in %s", len(report.Results), report.Duration.Round(time.Millisecond))
}

// TestFakeThroughTheClient runs the cases that need no raw requests through our Go client.
func TestFakeThroughTheClient(t *testing.T) {
	t.Parallel()
	report := contract.Run(t, fake(t, mockserver.Options{}), &contract.Options{Driver: goClient, Timeout: time.Minute, Run: suits(t, mockserver.Options{})})
	if n := report.Count(contract.Pass); n < 20 {
		t.Errorf("only %d cases pass", n)
	}
}

// TestOnePair runs what one pair of credentials and a URL allow, as against a server that is not ours.
func TestOnePair(t *testing.T) {
	t.Parallel()
	for name, app := range map[string]contract.App{
		"appkey": {AppKey: "dingmockapp", AppSecret: "dingmockappsecret"},
		"corpid": {CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := fake(t, mockserver.Options{})
			target.Powers, target.App = contract.Powers{}, app
			report, err := contract.Verify(t.Context(), target, &contract.Options{Budget: 30, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				switch {
				case r.Outcome == contract.Fail || r.Outcome == contract.Errored:
					t.Errorf("%s\n%v", r.Line(), r.Failure)
				case r.Outcome == contract.Unsupported && r.Reason == "":
					t.Errorf("%s is unsupported without a reason", r.ID)
				}
			}
			t.Logf("%d pass, %d unsupported", report.Count(contract.Pass), report.Count(contract.Unsupported))
		})
	}
}

// TestFailingPower shows that a power that is claimed and fails is an error, never "unsupported".
func TestFailingPower(t *testing.T) {
	t.Parallel()
	target := fake(t, mockserver.Options{})
	target.Powers = contract.Powers{NewApp: target.Powers.NewApp, Advance: powersOf(t, http.NotFoundHandler()).Advance}
	report, err := contract.Verify(t.Context(), target, &contract.Options{Run: func(id string) bool { return id == "gettoken/expires" }})
	if err != nil {
		t.Fatal(err)
	}
	if r := report.Results[0]; r.Outcome != contract.Errored || !strings.Contains(r.Reason, "clock") {
		t.Errorf("got %s", r.Line())
	}
}

// TestTransport holds a client to the document.
func TestTransport(t *testing.T) {
	t.Parallel()
	server, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(server)
	t.Cleanup(srv.Close)
	var found []string
	client := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) { found = append(found, x.String()) })}
	get := func(address string) {
		resp, err := client.Get(srv.URL + address)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	get("/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret")
	if len(found) > 0 {
		t.Errorf("a call that the document allows is reported: %s", found)
	}
	get("/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret&secret=1")
	if len(found) != 1 || !strings.Contains(found[0], dingmock.KindUndeclaredParameter) {
		t.Errorf("found %s", found)
	}
	if strings.Contains(found[0], "dingmockappsecret") {
		t.Errorf("the secret is shown: %s", found[0])
	}
}

// TestTransportReplies has Transport report what is wrong with the reply alone, whatever the kit would say of its bytes.
func TestTransportReplies(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		types []string
		body  string
		want  []string // rule and pointer
	}{
		{"a listed error, spaced", []string{"application/json"}, "{ \"errcode\": 40096, \"errmsg\": \"不合法的appKey或appSecret\" }\n", nil},
		{"an unlisted error", []string{"application/json"}, `{"errcode":50002,"errmsg":"企业员工不在授权范围"}`, []string{"reply-error /body"}},
		{"a double Content-Type", []string{"application/json", "text/html"}, `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`, []string{"reply-content-type /header/Content-Type"}},
		{"a duplicate key", []string{"application/json"}, `{"errcode":40096,"errmsg":"x","errmsg":"不合法的appKey或appSecret"}`, []string{"reply-body /body/errmsg"}},
		{"a Content-Type spelt otherwise", []string{`Application/JSON; charset="UTF-8"`}, `{"errcode":-1,"errmsg":"系统繁忙"}`, nil},
		{"another charset", []string{"application/json;charset=gbk"}, `{"errcode":-1,"errmsg":"系统繁忙"}`, []string{"reply-content-type /header/Content-Type"}},
		{"cookies", []string{"application/json"}, `{"errcode":-1,"errmsg":"系统繁忙"}`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = test.types
				w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			var got []string
			client := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) {
				for _, v := range x.Violations {
					got = append(got, v.Kind+" "+v.Pointer)
				}
			})}
			resp, err := client.Get(server.URL + "/gettoken?appkey=k&appsecret=s")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations of the reply (-want +got)\n%s", diff)
			}
		})
	}
}

// Each case has connections of its own: a server may tell whose a call is by what else came on its connection.
func TestConnections(t *testing.T) {
	t.Parallel()
	target := fake(t, mockserver.Options{})
	honest := target.Handler
	var mu sync.Mutex
	seen := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.RemoteAddr] = true
		mu.Unlock()
		honest.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	target.URL, target.Handler = srv.URL, nil
	ids := []string{"gettoken/appkey", "gettoken/corpid", "gettoken/repeat", "accessToken/success", "getsession/none"}
	report, err := contract.Verify(t.Context(), target, &contract.Options{Parallel: 1, Run: func(id string) bool { return slices.Contains(ids, id) }})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := len(ids) + 1; report.Count(contract.Pass) != len(ids) || len(seen) != want { // one for the first question
		t.Errorf("%d cases pass on %d connections, want %d on %d", report.Count(contract.Pass), len(seen), len(ids), want)
	}
}

// Transport hands on what comes, and when it comes: long replies, streams, bodies that break off, and what a client asked to be
// compressed. What of it can be judged is judged rightly.
func TestTransportChangesNothing(t *testing.T) {
	t.Parallel()
	const good = `{"errcode":40096,"errmsg":"不合法的appKey或appSecret"}`
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(w, good)
	_ = w.Close()
	next := make(chan bool, 2) // nobody waits for a handler that has ended
	for _, x := range []struct {
		name  string
		reply http.HandlerFunc
		sends int
		first string // what comes before the rest is sent
		bytes int
		fails bool
		want  []string // of the reply
	}{
		{"long", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), 10<<20)) }, 0, "", 10 << 20, false, nil},
		{"stream", func(w http.ResponseWriter, r *http.Request) {
			for _, part := range []string{`{"errcode":40096,`, `"errmsg":"不合法的appKey或appSecret"}`} {
				_, _ = io.WriteString(w, part)
				_ = http.NewResponseController(w).Flush()
				select {
				case <-next:
				case <-r.Context().Done():
				}
			}
		}, 0, `{"errcode":40096,`, len(good), false, nil},
		{"zipped", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		}, 0, "", zipped.Len(), false, nil},
		{"other", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write([]byte{1, 2, 3})
		}, 0, "", 3, false, nil},
		{"broken", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, good)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, 0, "", len(good), true, []string{"reply-body"}},
		{"echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, 3 << 20, "", 3 << 20, false, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				x.reply(w, r)
			}))
			t.Cleanup(srv.Close)
			var mu sync.Mutex
			var got []string
			client := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) {
				mu.Lock()
				defer mu.Unlock()
				for _, v := range x.Violations {
					got = append(got, v.Kind)
				}
			})}
			var body io.Reader
			method := http.MethodGet
			if x.sends > 0 {
				method, body = http.MethodPost, bytes.NewReader(bytes.Repeat([]byte(" "), x.sends))
			}
			req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/gettoken?appsecret=s&appkey=k", body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Encoding", "gzip") // so that net/http leaves it to us
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if x.first != "" {
				first := make([]byte, len(x.first))
				if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != x.first {
					t.Fatalf("%q, error %v, want %q", first, err, x.first)
				}
				next <- true
				x.bytes -= len(first)
				next <- true
			}
			data, err := io.ReadAll(resp.Body)
			if len(data) != x.bytes || (err != nil) != x.fails {
				t.Errorf("%d bytes came, error %v; want %d", len(data), err, x.bytes)
			}
			mu.Lock()
			defer mu.Unlock()
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("of the reply (-want +got):\n%s", diff)
			}
		})
	}
}

// What a client does with a reply makes it neither guilty nor innocent: it reads a value and no further, gives up, asks by HEAD, or
// sends its body again.
func TestTransportJudgesRightly(t *testing.T) {
	t.Parallel()
	hung := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Query().Get("appkey") {
		case "decoded":
			_, _ = io.WriteString(w, `{"errcode":"wrong type"}`)
			_ = http.NewResponseController(w).Flush() // so that no length is said
		case "hangs":
			_, _ = io.WriteString(w, `{"errcode":`)
			_ = http.NewResponseController(w).Flush()
			<-hung
		case "head":
			w.Header().Set("Content-Encoding", "gzip")
		}
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hung) }) // before that
	ask := func(method, key string, use func(*http.Response, context.CancelFunc)) (rules []string) {
		var mu sync.Mutex
		client := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) {
			mu.Lock()
			defer mu.Unlock()
			for _, v := range x.Violations {
				rules = append(rules, v.Kind)
			}
		})}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, method, srv.URL+"/gettoken?appsecret=s&appkey="+key, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		use(resp, cancel)
		_ = resp.Body.Close()
		mu.Lock()
		defer mu.Unlock()
		return rules
	}
	decode := func(resp *http.Response, _ context.CancelFunc) {
		var v any
		if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
			t.Error(err)
		}
	}
	giveUp := func(resp *http.Response, cancel context.CancelFunc) {
		_, _ = io.ReadFull(resp.Body, make([]byte, 4))
		cancel()
		_, _ = io.ReadAll(resp.Body)
	}
	for _, x := range []struct {
		method, key string
		use         func(*http.Response, context.CancelFunc)
		want        []string
	}{
		{http.MethodGet, "decoded", decode, []string{"reply-body", "reply-body"}},
		{http.MethodGet, "hangs", giveUp, nil},
		{http.MethodHead, "head", func(*http.Response, context.CancelFunc) {}, nil},
	} {
		if diff := cmp.Diff(x.want, ask(x.method, x.key, x.use)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", x.method, x.key, diff)
		}
	}

	// A transport that sends the body again, as net/http does on a connection that was closed.
	again := roundTripper(func(req *http.Request) (*http.Response, error) {
		_, _ = io.CopyN(io.Discard, req.Body, 3)
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		_, _ = io.ReadAll(body)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody, ContentLength: -1, Request: req}, nil
	})
	var found []dingmock.Violation
	client := http.Client{Transport: contract.Transport(again, func(x *contract.Exchange) { found = append(found, x.Parsed.Violations...) })}
	resp, err := client.Post("http://h/topapi/v2/user/getsession?access_token=x", "application/json", strings.NewReader(`{"userid":"u"}`))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if len(found) > 0 {
		t.Errorf("a body that was sent again is taken for %v", found)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Options that cannot be meant are an error, before anything is tried.
func TestOptionsThatAreNone(t *testing.T) {
	t.Parallel()
	target := contract.Target{Handler: http.NotFoundHandler(), App: contract.App{AppKey: "k", AppSecret: "s"}}
	for _, x := range []struct {
		name    string
		options contract.Options
		want    string
	}{
		{"Budget", contract.Options{Budget: -1}, "contract: Budget: -1 is negative; it has to be 1 or more, or 0 for 200"},
		{"Operations", contract.Options{Operations: []string{"no"}}, `contract: there is no operation "no"`},
		{"nothing is left", contract.Options{NoGenerated: true, Run: func(id string) bool { return strings.HasPrefix(id, "generated/") }}, "contract: no case is selected"},
	} {
		report, err := contract.Verify(t.Context(), target, &x.options)
		if _, ok := errors.AsType[contract.OptionError](err); !ok || err.Error() != x.want || report != nil {
			t.Errorf("%s: error %v, want %s", x.name, err, x.want)
		}
	}
}
