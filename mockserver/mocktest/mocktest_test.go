package mocktest_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
	"github.com/dingmock/dingmock/mockserver/mocktest"
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

func newClient(t *testing.T, srv *mocktest.Server) *client.Client {
	t.Helper()
	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: srv.AppKey, AppSecret: srv.AppSecret})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Both pairs of credentials are the app's and no other server's.
func TestCredentials(t *testing.T) {
	t.Parallel()
	srv, other := mocktest.New(t, nil), mocktest.New(t, nil)
	for name, x := range map[string]struct {
		query url.Values
		want  float64
	}{
		"appkey":            {url.Values{"appkey": {srv.AppKey}, "appsecret": {srv.AppSecret}}, 0},
		"corpid":            {url.Values{"corpid": {srv.CorpID}, "corpsecret": {srv.CorpSecret}}, 0},
		"appkey of another": {url.Values{"appkey": {other.AppKey}, "appsecret": {other.AppSecret}}, 40096},
		"corpid of another": {url.Values{"corpid": {other.CorpID}, "corpsecret": {other.CorpSecret}}, 40089},
		"the default app":   {url.Values{"appkey": {"dingmockapp"}, "appsecret": {"dingmockappsecret"}}, 40096},
	} {
		if got := get(t, http.DefaultClient, srv.URL+"/gettoken?"+x.query.Encode())["errcode"]; got != x.want {
			t.Errorf("%s: errcode %v, want %v", name, got, x.want)
		}
	}
}

// The app's clock, rules and journal are available.
func TestApp(t *testing.T) {
	t.Parallel()
	srv := mocktest.New(t, nil)
	c := newClient(t, srv)
	first, err := c.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clock, err := srv.App.Advance(t.Context(), 2*time.Hour)
	if diff := cmp.Diff(&mockserver.Expired{Tokens: 1}, clock.Expired); diff != "" || err != nil {
		t.Errorf("%v, what fell due (-want +got):\n%s", err, diff)
	}

	srv.Fault("create_session", "app-throttled")
	session := client.SessionParams{SessionID: "s", UserID: "u"}
	var refused *client.Error
	if _, err := c.CreateSession(t.Context(), session); !errors.As(err, &refused) || refused.SubCode != "90018" {
		t.Errorf("under the fault: %v, want sub_code 90018", err)
	}
	if _, err := c.CreateSession(t.Context(), session); err != nil {
		t.Errorf("after the fault: %v", err)
	}
	if second, err := c.Token(t.Context()); second == first || err != nil {
		t.Errorf("%v, the token is the same after two hours: %t", err, second == first)
	}

	var codes []string
	for _, e := range srv.Calls("create_session") {
		codes = append(codes, e.Code)
	}
	// The second call carries the token that the client does not know to be expired.
	if diff := cmp.Diff([]string{"88/90018", "88/40014", "0"}, codes); diff != "" {
		t.Errorf("what the calls of create_session were answered (-want +got):\n%s", diff)
	}
	if all := srv.Calls(""); len(all) <= len(codes) {
		t.Errorf("%d calls in all, %d of create_session: want more", len(all), len(codes))
	}
}

// An unchanged client reaches the fake by the platform's names, over TLS and without, and nothing else.
func TestClient(t *testing.T) {
	t.Parallel()
	srv := mocktest.New(t, nil)
	query := "/gettoken?" + url.Values{"appkey": {srv.AppKey}, "appsecret": {srv.AppSecret}}.Encode()
	for _, base := range []string{"https://oapi.dingtalk.com", "https://api.dingtalk.com", "http://oapi.dingtalk.com", srv.URL} {
		if reply := get(t, srv.Client(), base+query); reply["errcode"] != 0.0 {
			t.Errorf("%s answers %v", base, reply["errcode"])
		}
	}
	if len(srv.Calls("gettoken")) != 4 {
		t.Errorf("the fake got %d calls, want 4", len(srv.Calls("gettoken")))
	}
	if reply, err := tryGet(t.Context(), srv.Client(), "https://example.com/"); err == nil {
		t.Errorf("another host answers %v", reply)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	offSpec := func(srv *mocktest.Server) error {
		for range 2 {
			address := srv.URL + "/gettoken?" + url.Values{"appkey": {srv.AppKey}, "appsecret": {srv.AppSecret}, "corp": {"1"}}.Encode()
			if _, err := tryGet(context.Background(), http.DefaultClient, address); err != nil {
				return err
			}
		}
		return nil
	}
	lenient := false
	unknown := func(srv *mocktest.Server) error {
		_, err := tryGet(context.Background(), http.DefaultClient, srv.URL+"/ours/x")
		return err
	}
	for _, x := range []struct {
		name       string
		options    *mocktest.Options
		call       func(*mocktest.Server) error
		want, logs []string // parts that one line must contain, separated by "&"
	}{
		{"on spec", nil, func(srv *mocktest.Server) error {
			_, err := tryGet(context.Background(), http.DefaultClient, srv.URL+"/gettoken?"+url.Values{"appkey": {srv.AppKey}, "appsecret": {srv.AppSecret}}.Encode())
			return err
		}, nil, nil},
		{"off spec", nil, offSpec, []string{"2×&gettoken&undeclared-parameter&/query/corp&expected no such parameter&curl"}, nil},
		{"off spec, of no app", nil, func(srv *mocktest.Server) error {
			_, err := tryGet(context.Background(), http.DefaultClient, srv.URL+"/gettoken")
			return err
		}, []string{"1×&gettoken&missing-credential"}, nil},
		{"an unknown path", nil, unknown, []string{"unknown-path&/ours/x"}, nil},
		{"an unknown path, let pass", &mocktest.Options{AllowUnknown: []string{"/other", "/ours/*"}}, unknown, nil, []string{"note&unknown-path&/ours/x"}},
		{"a path that is not modelled", nil, func(srv *mocktest.Server) error {
			_, err := tryGet(context.Background(), http.DefaultClient, srv.URL+"/user/get?access_token=x")
			return err
		}, nil, []string{"note&user.get&not-modelled"}},
		{"no call", nil, func(*mocktest.Server) error { return nil }, nil, nil},
		{"switched off", &mocktest.Options{NoVerdict: true}, offSpec, nil, nil},
		{"an app that is not judged", &mocktest.Options{Server: mockserver.Options{
			Apps: []mockserver.AppState{{AppKey: "a", AppSecret: "b", Judge: &lenient}},
		}}, offSpec, nil, []string{"2×&undeclared-parameter"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{}
			r.run(func() {
				if err := x.call(mocktest.New(r, x.options)); err != nil {
					t.Error(err)
				}
			})
			for _, list := range []struct {
				name      string
				want, got []string
			}{{"errors", x.want, r.errors}, {"logs", x.logs, r.logs}} {
				if len(list.got) != len(list.want) {
					t.Fatalf("%s: got %q, want %d", list.name, list.got, len(list.want))
				}
				for i, want := range list.want {
					for part := range strings.SplitSeq(want, "&") {
						if !strings.Contains(list.got[i], part) {
							t.Errorf("%s: %q lacks %q", list.name, list.got[i], part)
						}
					}
				}
			}
		})
	}
}

// Options are passed to the fake, and those that it rejects end the test.
func TestOptions(t *testing.T) {
	t.Parallel()
	srv := mocktest.New(t, &mocktest.Options{Server: mockserver.Options{
		Apps:         []mockserver.AppState{{Name: "mine", CorpID: "c", CorpSecret: "s"}},
		ControlToken: "let-me-in",
		NoAutoApps:   true,
	}})
	if srv.CorpID != "c" || srv.CorpSecret != "s" || srv.AppKey == "" || srv.AppSecret == "" {
		t.Errorf("the credentials are not those of the options, completed: corpid %q, appkey %q", srv.CorpID, srv.AppKey)
	}
	srv.Fault("gettoken", "system-busy") // uses the control token
	if reply := get(t, http.DefaultClient, srv.URL+"/gettoken?corpid=c&corpsecret=s"); reply["errcode"] != -1.0 {
		t.Errorf("under the fault gettoken answers %v, want -1", reply["errcode"])
	}

	r, after := &recorder{}, false
	r.run(func() {
		mocktest.New(r, &mocktest.Options{Server: mockserver.Options{MaxApps: -1}})
		after = true
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "MaxApps") || after {
		t.Errorf("with options that are not valid: %q, went on: %t", r.errors, after)
	}

	r, after = &recorder{}, false
	r.run(func() {
		mocktest.New(r, nil).Fault("gettoken", "no-such-fault")
		after = true
	})
	if len(r.errors) != 1 || !strings.Contains(r.errors[0], "/effect/fault") || after {
		t.Errorf("with a fault that there is not: %q, went on: %t", r.errors, after)
	}
}

// The end of the test ends the server, even if calls hang.
func TestEnd(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	hung := make(chan error, 1)
	var hosts []string
	r.run(func() {
		srv := mocktest.New(r, nil)
		hosts = append(hosts, strings.TrimPrefix(srv.URL, "http://"))
		query := "/gettoken?" + url.Values{"appkey": {srv.AppKey}, "appsecret": {srv.AppSecret}}.Encode()
		if _, err := tryGet(context.Background(), srv.Client(), "https://oapi.dingtalk.com"+query); err != nil {
			t.Error(err)
		}
		srv.Rule(mockserver.Rule{Effect: mockserver.Effect{Hang: true}})
		go func() {
			_, err := tryGet(context.Background(), http.DefaultClient, srv.URL+query)
			hung <- err
		}()
		if _, err := srv.App.Wait(context.Background(), mockserver.WaitRequest{AtLeast: 2, Timeout: mockserver.Duration(time.Minute)}); err != nil {
			t.Error(err)
		}
	})
	if err := <-hung; err == nil {
		t.Error("the call that hung was answered")
	}
	for _, host := range hosts {
		if conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", host); err == nil {
			_ = conn.Close()
			t.Errorf("%s still listens", host)
		}
	}
	if len(r.errors) > 0 {
		t.Errorf("the end was not quiet: %q", r.errors)
	}
	if want := "GET gettoken test 0"; !strings.HasPrefix(r.out.String(), want) {
		t.Errorf("the output is %q, want it to begin with %q", r.out.String(), want)
	}
}

// BenchmarkNew measures what a server costs a test.
func BenchmarkNew(b *testing.B) {
	for _, x := range []struct {
		name string
		use  func(*mocktest.Server) (base string, c *http.Client)
	}{
		{"plain", func(s *mocktest.Server) (string, *http.Client) { return s.URL, http.DefaultClient }},
		{"tls", func(s *mocktest.Server) (string, *http.Client) { return "https://oapi.dingtalk.com", s.Client() }},
	} {
		b.Run(x.name, func(b *testing.B) {
			for b.Loop() {
				r := &recorder{}
				r.run(func() {
					srv := mocktest.New(r, &mocktest.Options{Server: mockserver.Options{Calls: func(mockserver.CallLine) {}}})
					base, c := x.use(srv)
					reply, err := tryGet(context.Background(), c, fmt.Sprintf("%s/gettoken?appkey=%s&appsecret=%s", base, srv.AppKey, srv.AppSecret))
					if err != nil || reply["errcode"] != 0.0 {
						b.Errorf("%v, %v", reply["errcode"], err)
					}
				})
			}
		})
	}
}

// Only the next connection for its host sees a bad certificate.
func TestTLSFault(t *testing.T) {
	t.Parallel()
	shown := map[string]func(error) bool{
		"tls-expired": func(err error) bool {
			invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && invalid.Reason == x509.Expired
		},
		"tls-wrong-name":        func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok },
		"tls-unknown-authority": func(err error) bool { _, ok := errors.AsType[x509.UnknownAuthorityError](err); return ok },
	}
	for _, fault := range mockserver.TLSFaults() {
		want := shown[fault]
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			srv := mocktest.New(t, nil)
			client := srv.Client()
			ask := func(host string) error {
				resp, err := client.Get("https://" + host + "/gettoken?appkey=" + srv.AppKey + "&appsecret=" + srv.AppSecret)
				if err == nil {
					err = resp.Body.Close()
				}
				return err
			}
			if err := ask("oapi.dingtalk.com"); err != nil {
				t.Fatal(err)
			}
			rule := srv.TLSFault("oapi.dingtalk.com", fault)
			if err := ask("oapi.dingtalk.io"); err != nil {
				t.Error(err)
			}
			if err := ask("oapi.dingtalk.com"); err == nil || !want(err) {
				t.Errorf("error %v, want that of %s", err, fault)
			}
			if err := ask("oapi.dingtalk.com"); err != nil {
				t.Errorf("the next connection: %v", err)
			}
			if n := len(srv.Calls("gettoken")); n != 3 {
				t.Errorf("%d calls, want 3", n)
			}
			c, err := control.New(srv.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if rule, err = c.Rules().Get(t.Context(), rule.ID); err != nil || rule.Fired != 1 || !rule.UsedUp {
				t.Errorf("rule %+v, error %v, want it used up", rule, err)
			}
		})
	}
}
