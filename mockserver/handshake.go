package mockserver

import "github.com/dingmock/dingmock/internal/hosts"

// TLSFault asks the rules for every app what is wrong with the certificate that the next client is shown that asks for a
// name: one of TLSFaults, or "" for nothing. A rule that says so has fired. It is for the Fault field of impersonate.Options.
func (s *Server) TLSFault(name string) string {
	rule := s.rules.FireTLS(hosts.Name(name), s.options.Now)
	if rule == nil {
		return ""
	}
	return rule.Effect.Fault
}
