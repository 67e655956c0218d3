package mockserver

import (
	"fmt"
	"strings"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/match"
)

// ofTLS reports whether the effect is on a handshake, and on no call.
func (e *effect) ofTLS() bool { return strings.HasPrefix(e.Fault, "tls-") }

// TLSFault asks the rules for every app what is wrong with the certificate that the next client is shown that asks for a
// name: one of TLSFaults, or "" for nothing. A rule that says so has fired. It is for the Fault field of impersonate.Options.
func (s *Server) TLSFault(name string) string {
	if s.rules.count.Load() == 0 {
		return ""
	}
	about := &match.Subject{Host: hosts.Name(name)}
	rule := s.rules.first(s.options.Now(), func(x *rule) bool { return x.effect.ofTLS() && x.matcher.Matches(about) })
	if rule == nil {
		return ""
	}
	return rule.effect.Fault
}

// validateTLS checks that a rule on handshakes asks for no more than is known of one.
func validateTLS(r *Rule, forAll bool) *api.FieldError {
	fault := r.Effect.Fault
	if !forAll {
		return field.Wrong("/effect/fault", fault+" is about a certificate, which is shown before any app is known: make the rule for every app, by POST /_mock/rules", "one of "+strings.Join(Faults(), ", "))
	}
	for _, m := range []struct {
		field string
		set   bool
	}{
		{"operation", r.Match.Operation != ""}, {"method", r.Match.Method != ""}, {"path", r.Match.Path != ""},
		{"headers", len(r.Match.Headers) > 0}, {"parameters", len(r.Match.Parameters) > 0},
	} {
		if m.set {
			return field.Wrong("/match/"+m.field, fmt.Sprintf("%s is about a certificate, which is shown before there is a call: match by host alone", fault), "nothing beside such a fault")
		}
	}
	return nil
}
