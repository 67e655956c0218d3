package mockserver

import "github.com/dingmock/dingmock/internal/hosts"

// TLSFault returns what is wrong with the certificate shown to the next client that asks for a name, by the rules
// for every app: one of TLSFaults, or "" for nothing. The rule that decides so has fired. Use it as the Fault
// field of impersonate.Options.
func (s *Server) TLSFault(name string) string {
	rule := s.rules.FireTLS(hosts.Name(name), s.options.Now)
	if rule == nil {
		return ""
	}
	return rule.Effect.Fault
}
