package testcontainer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/testcontainers/testcontainers-go"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
	"github.com/dingmock/dingmock/mockserver/testcontainer"
)

// get makes a GET whose reply is JSON.
func get(t *testing.T, c *http.Client, address string) map[string]any {
	t.Helper()
	reply, err := tryGet(t.Context(), c, address)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func tryGet(ctx context.Context, c *http.Client, address string) (map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	reply := map[string]any{}
	return reply, json.NewDecoder(resp.Body).Decode(&reply)
}

// gettoken returns the call for an app.
func gettoken(base string, app mockserver.AppState) string {
	return base + "/gettoken?" + url.Values{"appkey": {app.AppKey}, "appsecret": {app.AppSecret}}.Encode()
}

// There are three ways to call: over HTTP, with a client that trusts the authority, and with an unchanged client.
func TestRun(t *testing.T) {
	t.Parallel()
	c := start(t, testcontainers.WithEnv(map[string]string{"DINGMOCK_CONTROL_TOKEN": "let-me-in"}))
	c.Verdict(t)
	plain, err := c.URL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	secure, err := c.TLSURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unchanged, err := c.HTTPClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.NewApp(t.Context()) // uses the control token
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, base string
		client     *http.Client
	}{
		{"URL", plain, http.DefaultClient},
		{"TLSURL", secure, unchanged},
		{"HTTPClient", "https://oapi.dingtalk.com", unchanged},
		{"HTTPClient, the other host", "https://api.dingtalk.com", unchanged},
	} {
		if reply := get(t, x.client, gettoken(x.base, app.Made())); reply["errcode"] != 0.0 {
			t.Errorf("%s: %s answers errcode %v", x.name, x.base, reply["errcode"])
		}
	}
	if reply, err := tryGet(t.Context(), http.DefaultClient, secure); err == nil {
		t.Errorf("a client that does not trust the authority gets %v", reply)
	}
	if reply, err := tryGet(t.Context(), unchanged, "https://example.com"); err == nil {
		t.Errorf("another host answers %v", reply)
	}
}

// If Docker runs on another machine, the certificate is for that machine too. The test is not parallel, because it
// changes the environment.
func TestDockerElsewhere(t *testing.T) {
	needsDocker(t)
	testcontainers.SkipIfDockerDesktop(t, t.Context()) // it publishes ports on only one address of this machine
	const host = "127.0.0.2"
	t.Setenv("TESTCONTAINERS_HOST_OVERRIDE", host)
	c := start(t)
	secure, err := c.TLSURL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secure, "https://"+host+":") {
		t.Fatalf("the URL is %s, want one of %s", secure, host)
	}
	trusting, err := c.HTTPClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if reply := get(t, trusting, gettoken(secure, mockserver.DefaultApp())); reply["errcode"] != 0.0 {
		t.Errorf("%s answers errcode %v", secure, reply["errcode"])
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	app := mockserver.AppState{Name: "mine", AppKey: "k", AppSecret: "s", Sessions: []mockserver.SessionState{{SessionID: "open", UserID: "u"}}}
	c := start(t, testcontainer.WithState(mockserver.State{Apps: []mockserver.AppState{app}}), testcontainer.WithRefuseUndeclared())
	base, err := c.URL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if reply := get(t, http.DefaultClient, gettoken(base, app)); reply["errcode"] != 0.0 {
		t.Errorf("the state's app gets errcode %v", reply["errcode"])
	}
	if reply := get(t, http.DefaultClient, gettoken(base, mockserver.DefaultApp())); reply["errcode"] != 40096.0 {
		t.Errorf("the default app gets errcode %v, want 40096: the state has other apps", reply["errcode"])
	}
	if reply := get(t, http.DefaultClient, gettoken(base, app)+"&corp=1"); reply["errcode"] != 40035.0 {
		t.Errorf("an undeclared parameter gets errcode %v, want 40035", reply["errcode"])
	}
	at, err := c.Control(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if open, err := at.App("mine").Sessions(t.Context()); err != nil || len(open) != 1 || open[0].SessionID != "open" {
		t.Errorf("%v, the open sessions are %+v, want that of the state", err, open)
	}
}

// Custom names are answered in the network on port 443, without capabilities, and by the client on the host.
func TestAliases(t *testing.T) {
	t.Parallel()
	php, nw := phpImage(t), newNetwork(t)
	const name = "ding.example.test"
	c := start(t, hardened(), testcontainer.WithAliases(nw, name, "other.example.test"))
	c.Verdict(t)
	unchanged, err := c.HTTPClient(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := c.CACert(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	app := mockserver.AppState{AppKey: "mock-alias", AppSecret: "any"}
	for _, base := range []string{"https://" + name, "http://" + name, "https://other.example.test", "https://oapi.dingtalk.com"} {
		if reply := get(t, unchanged, gettoken(base, app)); reply["errcode"] != 0.0 {
			t.Errorf("%s answers errcode %v on the host", base, reply["errcode"])
		}
	}
	program := fmt.Sprintf(`foreach (["https", "http"] as $scheme) echo json_decode(file_get_contents("$scheme://%s"))->errcode;`,
		strings.TrimPrefix(gettoken("https://"+name, app), "https://"))
	out, errs, code := runIn(t, nw, php, map[string]string{"/ca.pem": string(ca), "/php.ini": phpINI}, "php", "-c", "/php.ini", "-r", program)
	if out != "00" || errs != "" || code != 0 {
		t.Errorf("in the network: exit code %d, stdout %q, stderr %q, want errcode 0 twice", code, out, errs)
	}
}

// Verdict reports a test error for each way in which a call of its apps was off-spec, and says which.
func TestVerdict(t *testing.T) {
	t.Parallel()
	c := start(t)
	base, err := c.URL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mine, err := c.NewApp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := c.NewApp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	get(t, http.DefaultClient, gettoken(base, mine.Made())+"&corp=1")
	// On a connection of its own: on that of an app's calls it would be attributed to the app.
	get(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, base+"/user/get?access_token=x")
	for _, x := range []struct {
		name               string
		apps               []*control.App
		wantErrs, wantLogs []string
	}{
		{"all", nil, []string{"app " + mine.Name() + ": gettoken: undeclared-parameter at /query/corp"}, []string{"app _: user.get: not-modelled"}},
		{"the app that broke it", []*control.App{mine}, []string{"/query/corp"}, nil},
		{"another app", []*control.App{other}, nil, nil},
	} {
		r := &recorder{}
		c.Verdict(r, x.apps...)
		for _, f := range r.cleanups {
			f()
		}
		for _, list := range []struct {
			name      string
			want, got []string
		}{{"errors", x.wantErrs, r.errors}, {"logs", x.wantLogs, r.logs}} {
			if len(list.want) != len(list.got) || len(list.want) == 1 && !strings.Contains(list.got[0], list.want[0]) {
				t.Errorf("%s: %s: got %q, want %q", x.name, list.name, list.got, list.want)
			}
		}
	}
}

// Verdict gives the same result for the exchanges of testdata/judged.json as everything else that judges.
func TestJudged(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../testdata/judged.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Name, Method, Path, Body string
		Header                   map[string]string
		Red                      bool
	}
	if err := json.Unmarshal(data, &list); err != nil || len(list) < 10 {
		t.Fatalf("%v, %d exchanges", err, len(list))
	}
	c := start(t)
	c.AllowUnknown = []string{"/ours/*"}
	base, err := c.URL(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, err := c.Control(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	red := func() bool {
		r := &recorder{}
		c.Verdict(r)
		for _, f := range r.cleanups {
			f()
		}
		for _, app := range []string{mockserver.NoApp, "mock-j"} {
			_ = at.App(app).ClearVerdict(t.Context()) // an app that has not called has none
		}
		return len(r.errors) > 0
	}
	if red() {
		t.Error("that nobody called is red; a Go test says itself what it expects")
	}
	for _, x := range list {
		req, err := http.NewRequestWithContext(t.Context(), x.Method, base+x.Path, strings.NewReader(x.Body))
		if err != nil {
			t.Fatal(err)
		}
		if x.Body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		for name, value := range x.Header {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := red(); got != x.Red {
			t.Errorf("%s: red %t, want %t", x.Name, got, x.Red)
		}
	}
}

// recorder is a test that records what is reported to it.
type recorder struct {
	testing.TB // nil: only the methods below are used
	errors     []string
	logs       []string
	cleanups   []func()
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return context.Background() }
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Logf(format string, args ...any) {
	r.logs = append(r.logs, fmt.Sprintf(format, args...))
}

// Options that cannot work fail before a container is made, and say what is wrong.
func TestOptionErrors(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name   string
		option testcontainers.CustomizeRequestOption
		want   string
	}{
		{"state", testcontainer.WithState(mockserver.State{Apps: []mockserver.AppState{{AppKey: "k"}}}), "apps/0/appkey"},
		{"no state file", testcontainer.WithStateFile("none.json"), "none.json"},
		{"not a state", testcontainer.WithStateFile("testcontainer.go"), "testcontainer.go:1: is not JSON"},
		{"no network", testcontainer.WithAliases(nil), "network"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c, err := testcontainer.Run(t.Context(), "dingmock-test:none", x.option)
			testcontainers.CleanupContainer(t, c)
			if c != nil || err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, %v, want no container and an error with %q", c, err, x.want)
			}
		})
	}
}

// A container that does not start is returned with the error, so that it can be removed.
func TestRunFails(t *testing.T) {
	t.Parallel()
	c, err := testcontainer.Run(t.Context(), image(t), testcontainers.WithEnv(map[string]string{"DINGMOCK_QPS": "many"}))
	testcontainers.CleanupContainer(t, c)
	if c == nil || err == nil {
		t.Fatalf("got %v, %v, want a container and an error", c, err)
	}
	if code := ended(t, c); code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
}
