package mockserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestTLSFault checks that rules on certificates match only by the name of a handshake and count handshakes, and
// that calls pass them by.
func TestTLSFault(t *testing.T) {
	t.Parallel()
	const oapi, api = "oapi.dingtalk.com", "api.dingtalk.com"
	for _, test := range []struct {
		name  string
		rules []string
		asked string // names, one after another
		want  string // "-" means none
	}{
		{"no rule", nil, oapi, "-"},
		{"once", []string{`{"match":{"host":"oapi.dingtalk.com"},"when":{"times":1},"effect":{"fault":"tls-expired"}}`}, oapi + " " + oapi, "tls-expired -"},
		{"another name", []string{`{"match":{"host":"oapi.dingtalk.com"},"effect":{"fault":"tls-expired"}}`}, api + " " + oapi + " " + oapi, "- tls-expired tls-expired"},
		{"any name", []string{`{"effect":{"fault":"tls-wrong-name"}}`}, api + " 127.0.0.1 ::1", "tls-wrong-name tls-wrong-name tls-wrong-name"},
		{"an address", []string{`{"match":{"host":"127.0.0.1"},"effect":{"fault":"tls-wrong-name"}}`}, api + " 127.0.0.1 localhost", "- tls-wrong-name -"},
		{"the end of a name", []string{`{"match":{"host":"*.DingTalk.com"},"effect":{"fault":"tls-unknown-authority"}}`}, api + " oapi.dingtalk.io", "tls-unknown-authority -"},
		{"skip", []string{`{"when":{"skip":1,"times":1},"effect":{"fault":"tls-expired"}}`}, api + " " + api + " " + api, "- tls-expired -"},
		{"every", []string{`{"when":{"every":2},"effect":{"fault":"tls-expired"}}`}, api + " " + api + " " + api + " " + api, "- tls-expired - tls-expired"},
		{"never", []string{`{"when":{"probability":0},"effect":{"fault":"tls-expired"}}`}, api, "-"},
		{"by priority", []string{`{"effect":{"fault":"tls-expired"}}`, `{"priority":1,"effect":{"fault":"tls-wrong-name"}}`}, api, "tls-wrong-name"},
		{"a rule on calls", []string{`{"effect":{"fault":"system-busy"}}`, `{"effect":{"fault":"tls-expired"}}`}, api, "tls-expired"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, mockserver.Options{})
			made := added(t, s, "/rules", test.rules...)
			for _, r := range made {
				if r.ShadowedBy != "" {
					t.Errorf("rule %s is said to be hidden by %s", r.ID, r.ShadowedBy)
				}
			}
			var got []string
			fired := int64(0)
			for name := range strings.FieldsSeq(test.asked) {
				fault := s.TLSFault(name)
				if fault == "" {
					fault = "-"
				} else {
					fired++
				}
				got = append(got, fault)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("faults (-want +got)\n%s", diff)
			}
			for _, r := range made {
				var now mockserver.Rule
				steer(t, s, "GET", "/rules/"+r.ID, "", &now)
				fired -= now.Fired
			}
			if fired != 0 {
				t.Errorf("the rules' counts differ by %d from the faults", fired)
			}
		})
	}
}

// TestTLSFaultLeavesCallsAlone checks that such a rule has no effect on calls, does not count them and leaves no
// entry in a journal.
func TestTLSFaultLeavesCallsAlone(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	added(t, s, "/rules", `{"effect":{"fault":"tls-expired"}}`)
	if got := code(t, do(s, "GET /gettoken?"+appPairQuery, "", "")); got != 0 {
		t.Errorf("a call fails with %d", got)
	}
	if got := s.TLSFault("oapi.dingtalk.com"); got != "tls-expired" {
		t.Errorf("fault %q", got)
	}
	var rule mockserver.Rule
	steer(t, s, "GET", "/rules/r1", "", &rule)
	if rule.Matched != 1 || rule.Fired != 1 {
		t.Errorf("matched %d and fired %d, want the handshake alone", rule.Matched, rule.Fired)
	}
	var journal struct{ Entries []mockserver.Entry }
	for _, app := range []string{"default", "_"} {
		steer(t, s, "GET", "/apps/"+app+"/journal", "", &journal)
		for _, e := range journal.Entries {
			if e.Operation != "gettoken" {
				t.Errorf("the journal of %s has %+v", app, e)
			}
		}
	}
	var state mockserver.State
	steer(t, s, "GET", "/state", "", &state)
	again := fake(t, mockserver.Options{Rules: state.Rules})
	if got := again.TLSFault("oapi.dingtalk.com"); got != "tls-expired" {
		t.Errorf("after a snapshot: fault %q", got)
	}
}

// TestTLSFaultRefused checks that a rule on certificates that needs more than is known of a handshake is rejected.
func TestTLSFaultRefused(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	const before = "tls-expired is about a certificate, which is shown before "
	for _, test := range []struct{ name, path, body, field, text string }{
		{"for an app", "/apps/default/rules", `{"effect":{"fault":"tls-expired"}}`, "/body/effect/fault", before + "any app is known: make the rule for every app, by POST /_mock/rules"},
		{"operation", "/rules", `{"match":{"host":"x","operation":"gettoken"},"effect":{"fault":"tls-expired"}}`, "/body/match/operation", before + "there is a call: match by host alone"},
		{"method", "/rules", `{"match":{"method":"GET"},"effect":{"fault":"tls-expired"}}`, "/body/match/method", "match by host alone"},
		{"path", "/rules", `{"match":{"path":"/x"},"effect":{"fault":"tls-expired"}}`, "/body/match/path", "match by host alone"},
		{"headers", "/rules", `{"match":{"headers":{"a":"b"}},"effect":{"fault":"tls-expired"}}`, "/body/match/headers", "match by host alone"},
		{"parameters", "/rules", `{"match":{"parameters":{"a":"b"}},"effect":{"fault":"tls-expired"}}`, "/body/match/parameters", "match by host alone"},
		{"in a state", "/state", `{"apps":[{"appkey":"k","appsecret":"s","rules":[{"effect":{"fault":"tls-expired"}}]}]}`, "/body/apps/0/rules/0/effect/fault", "make the rule for every app"},
		{"for", "/rules", `{"when":{"for":"1m"},"effect":{"fault":"tls-expired"}}`, "/body/when/for", "is by an app's clock"},
		{"misspelt", "/rules", `{"effect":{"fault":"tls-expred"}}`, "/body/effect/fault", "did you mean tls-expired?"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method := "POST"
			if test.path == "/state" {
				method = "PUT"
			}
			var p struct{ Detail, Field string }
			if status := steer(t, s, method, test.path, test.body, &p); status != http.StatusBadRequest || p.Field != test.field || !strings.Contains(p.Detail, test.text) {
				t.Errorf("HTTP %d: %s at %s, want %q at %s", status, p.Detail, p.Field, test.text, test.field)
			}
		})
	}
}
