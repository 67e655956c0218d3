package contract_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// What a server does wrong over one version of HTTP alone is found, and found to be of that version, whichever a client would choose.
func TestFaultOfOneProtocol(t *testing.T) {
	t.Parallel()
	outcomes := func(one, two, preferred contract.Outcome) map[string]contract.Outcome {
		return map[string]contract.Outcome{"accessToken/http-1.1": one, "accessToken/http-2": two, "accessToken/success": preferred}
	}
	for _, x := range []struct {
		name string
		bad  int    // the version that a reply of accessToken says no Content-Type over
		way  string // in the failure of a case of one version
		want map[string]contract.Outcome
	}{
		{"none", 0, "", outcomes(contract.Pass, contract.Pass, contract.Pass)},
		{"HTTP/1.1", 1, "HTTP/1.1 alone", outcomes(contract.Fail, contract.Pass, contract.Pass)},
		{"HTTP/2", 2, "", outcomes(contract.Pass, contract.Blocked, contract.Fail)},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			target := fake(t, mockserver.Options{})
			honest := target.Handler
			target.Handler = nil
			target.URL, target.Client = secured("h2", "http/1.1")(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.ProtoMajor == x.bad && strings.HasPrefix(r.URL.Path, "/v1.0/") {
					out := ask(honest, r)
					out.header["Content-Type"] = nil
					out.write(w, 0)
					return
				}
				honest.ServeHTTP(w, r)
			}))
			report, err := contract.Verify(t.Context(), target, &contract.Options{Timeout: time.Minute, Run: func(id string) bool { return x.want[id] != "" }})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]contract.Outcome{}
			for _, r := range report.Results {
				got[r.ID] = r.Outcome
				if r.Outcome == contract.Fail && r.ID != "accessToken/success" && !strings.Contains(r.Failure.Way, x.way) {
					t.Errorf("%s does not say that it is of %s: %+v", r.ID, x.way, r.Failure)
				}
			}
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, report.Failures())
			}
		})
	}
}

// otherTransport is a RoundTripper of the caller's own.
type otherTransport struct{ http.RoundTripper }

// A client that is no *http.Transport makes the calls as it will; what the kit cannot ask of it is unsupported, with the reason.
func TestClientOfItsOwn(t *testing.T) {
	t.Parallel()
	target := fake(t, mockserver.Options{})
	var client *http.Client
	target.URL, client = secured("h2", "http/1.1")(t, target.Handler)
	target.Handler, target.Client = nil, &http.Client{Transport: otherTransport{client.Transport}}
	report, err := contract.Verify(t.Context(), target, &contract.Options{
		Timeout: time.Minute, Run: func(id string) bool { return strings.HasPrefix(id, "gettoken/http-") || id == "gettoken/appkey" },
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range report.Results {
		got[r.ID] = strings.TrimSpace(string(r.Outcome) + " " + r.Reason)
	}
	const why = "unsupported Target.Client has a transport of its own, which chooses the version of HTTP itself"
	if diff := cmp.Diff(map[string]string{"gettoken/appkey": "pass", "gettoken/http-1.1": why, "gettoken/http-2": why}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
