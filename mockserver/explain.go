package mockserver

import "github.com/dingmock/dingmock/mockserver/internal/journal"

// Apps returns the apps as they are at this moment, in the order they were made.
func (s *Server) Apps() []AppState {
	list := []AppState{}
	for _, a := range s.tenants.all() {
		list = append(list, a.state())
	}
	return list
}

// Explanations returns at most limit explanations from the error replies that the journals still keep, the most
// frequent first.
func (s *Server) Explanations(limit int) []Explanation {
	journals := []*journal.Journal{s.nobody}
	for _, a := range s.tenants.all() {
		journals = append(journals, a.journal)
	}
	return journal.Explanations(limit, journals...)
}
