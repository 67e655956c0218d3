package mockserver

import (
	"fmt"
	"maps"

	"github.com/gorilla/mux"

	"github.com/dingmock/dingmock"
)

// route adds a route for each operation of the document and of the control API.
func (s *Server) route(calls map[string]handler) error {
	s.router = mux.NewRouter().SkipClean(true)
	s.router.NotFoundHandler = s.serve(nil, nil)
	if err := paired(s.doc, calls); err != nil {
		return err
	}
	for _, op := range s.doc.Operations() {
		if s.options.WithoutSessions && op.Provenance == "article" {
			continue
		}
		s.router.Handle(op.Path, s.serve(op, calls[op.ID])).Name(op.ID)
	}
	return s.routeControl() // last: routes are tried in turn
}

// paired checks that each operation has a handler and each handler an operation.
func paired[H any](doc *dingmock.Document, handlers map[string]H) error {
	spare := maps.Clone(handlers)
	for _, op := range doc.Operations() {
		if _, ok := handlers[op.ID]; !ok {
			return fmt.Errorf("the document's operation %s has no handler", op.ID)
		}
		delete(spare, op.ID)
	}
	for id := range spare {
		return fmt.Errorf("the handler %s is of no operation of the document", id)
	}
	return nil
}
