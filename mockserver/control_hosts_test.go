package mockserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

// A page of another site cannot read the control API, neither by a name of its own that points here nor from its
// own origin.
func TestControlHosts(t *testing.T) {
	t.Parallel()
	const allowed, refused = http.StatusOK, http.StatusForbidden
	addr := listen(t, fake(t, mockserver.Options{ControlHosts: []string{"Mock.Corp.Example.", "ci-runner.corp.example"}}))
	guarded := listen(t, fake(t, mockserver.Options{ControlToken: "let-me-in"}))
	for _, test := range []struct {
		host, origin string
		status       int
	}{
		{"localhost", "", allowed},
		{"LOCALHOST:8080", "", allowed},
		{"localhost.", "", allowed},
		{"127.0.0.1:8080", "", allowed},
		{"127.9.9.9", "", allowed},
		{"[::1]:8080", "", allowed},
		{"[fe80::1%25eth0]:8080", "", allowed},
		{"192.168.1.7:8080", "", allowed},
		{"203.0.113.9", "", allowed},
		{"dingmock", "", allowed},
		{"dingmock:8080", "", allowed},
		{"", "", allowed},
		{"eviltest", "", allowed}, // no site has a name without a dot
		{"a.localhost", "", allowed},
		{"laptop.local:8080", "", allowed},
		{"host.docker.internal:8080", "", allowed},
		{"fake.test", "", allowed},
		{"nas.home.arpa", "", allowed},
		{"dingmock.ci.svc", "", allowed},
		{"dingmock.ci.svc.cluster.local.:8080", "", allowed},
		{"oapi.dingtalk.com", "", allowed},
		{"api.dingtalk.io:443", "", allowed},
		{"login.dingtalk.com", "", allowed},
		{"mock.corp.example", "", allowed},
		{"MOCK.corp.example.:80", "", allowed},
		{"ci-runner.corp.example:8080", "", allowed},

		{"evil.example", "", refused},
		{"evil.example:8080", "", refused},
		{"evil.example.", "", refused},
		{"localhost.evil.example", "", refused},
		{"127.0.0.1.evil.example", "", refused},
		{"0x7f.1", "", refused},
		{"sub.mock.corp.example", "", refused},
		{"www.dingtalk.com", "", refused},
		{"evil.notlocal", "", refused},
		{"local.example", "", refused},

		{"localhost:8080", "http://localhost:8080", allowed},
		{"127.0.0.1:8080", "http://localhost:3000", allowed},
		{"oapi.dingtalk.com", "https://oapi.dingtalk.com", allowed},
		{"localhost:8080", "https://mock.corp.example", allowed},
		{"localhost:8080", "https://site.example", refused},
		{"localhost:8080", "https://localhost.site.example", refused},
		{"localhost:8080", "null", refused},
		{"localhost:8080", "file://", refused},
		{"localhost:8080", "chrome-extension://abcdef", refused},
		{"localhost:8080", "://", refused},
		{"evil.example", "http://evil.example", refused},
	} {
		var header []string
		if test.origin != "" {
			header = append(header, "Origin: "+test.origin)
		}
		raw := strings.Replace(request("GET /_mock/state", "", "", header...), "Host: oapi.dingtalk.com", "Host: "+test.host, 1)
		got := send(t, addr, raw)
		if got.status != test.status {
			t.Errorf("Host %q, Origin %q: HTTP %d %.200s, want %d", test.host, test.origin, got.status, got.body, test.status)
		}
		if name, _, _ := strings.Cut(test.host, ":"); got.status == refused && test.origin == "" && !strings.Contains(got.body, "--control-host "+strings.TrimSuffix(name, ".")) {
			t.Errorf("Host %q: %s does not say how to allow it", test.host, got.body)
		}
		// With a control token any Host is accepted, but no foreign Origin.
		want := allowed
		if test.status == refused && test.origin != "" && test.origin != "http://"+test.host {
			want = refused
		}
		if test.origin == "https://mock.corp.example" {
			want = refused // not known to this server
		}
		if got := send(t, guarded, strings.Replace(raw, "\r\n\r\n", "\r\nAuthorization: Bearer let-me-in\r\n\r\n", 1)); got.status != want {
			t.Errorf("Host %q, Origin %q with a control token: HTTP %d %.200s, want %d", test.host, test.origin, got.status, got.body, want)
		}
	}
}

// Every operation checks the Host, and so does an unknown path; health checks do not.
func TestControlHostsByOperation(t *testing.T) {
	t.Parallel()
	s := controlled(t, mockserver.Options{})
	addr := listen(t, s)
	before := snapshot(t, s)
	for _, op := range controlDocument(t, addr).Operations() {
		body := valid[op.ID]
		raw := request(op.Method+" "+concrete(op.Path, "default"), mediaOf(body), body)
		got := send(t, addr, strings.Replace(raw, "oapi.dingtalk.com", "evil.example", 1))
		if health := op.ID == "livez" || op.ID == "readyz"; (got.status == http.StatusForbidden) == health {
			t.Errorf("%s: HTTP %d %s", op.ID, got.status, got.body)
		}
	}
	for _, path := range []string{"/_mock/", "/_mock/nowhere", "/_mock", "/_mock/ui"} {
		got := send(t, addr, strings.Replace(request("GET "+path, "", ""), "oapi.dingtalk.com", "evil.example", 1))
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "--control-host evil.example") {
			t.Errorf("%s: HTTP %d %s", path, got.status, got.body)
		}
	}
	// A container requests the certificate by the name of a service, or of the platform.
	for _, host := range []string{"dingmock", "dingmock:8080", "oapi.dingtalk.com", "api.dingtalk.com", "172.17.0.2:8080", "host.docker.internal"} {
		got := send(t, listen(t, fake(t, mockserver.Options{CA: func() ([]byte, error) { return []byte("pem"), nil }})), strings.Replace(request("GET /_mock/ca.pem", "", ""), "oapi.dingtalk.com", host, 1))
		if got.status != http.StatusOK || got.body != "pem" {
			t.Errorf("ca.pem by %s: HTTP %d %s", host, got.status, got.body)
		}
	}
	if snapshot(t, s) != before {
		t.Error("a foreign Host has changed something")
	}
	for _, health := range []string{"livez", "readyz"} {
		if got := send(t, addr, strings.Replace(request("GET /_mock/"+health, "", ""), "oapi.dingtalk.com", "lb.corp.example", 1)); got.status != http.StatusOK {
			t.Errorf("%s: HTTP %d %s", health, got.status, got.body)
		}
	}
	// The text of a Host comes back only as printable characters.
	got := send(t, addr, strings.Replace(request("GET /_mock/state", "", ""), "oapi.dingtalk.com", "a;b$(c).example", 1))
	if got.status != http.StatusForbidden || !strings.Contains(got.body, "--control-host a?b??c?.example") {
		t.Errorf("HTTP %d %s", got.status, got.body)
	}
}
