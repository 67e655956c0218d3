// Package mockserver is a fake of the DingTalk (钉钉) open platform: a stateful http.Handler that issues access
// tokens, tracks sessions in memory and answers byte for byte as the platform does, errors above all.
//
// It is neither a proxy nor a stub of canned replies, and it keeps nothing after the process ends. openapi.yaml,
// at the root of the module, says what it answers and how each answer is known. Start with [New]:
//
//	fake, err := mockserver.New(nil)
//	srv := httptest.NewServer(fake)
//
// Package control controls it: its apps, their clocks and rules, and the calls they made. Package mocktest does
// all of this for a test.
//
// The types that options, control API and journal share, such as [Rule] and [Entry], are those of package api
// under the same names.
package mockserver

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/gorilla/mux"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/internal/journal"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// handler answers a call that has passed all checks.
type handler = func(*world.Call) (any, *world.Failure)

// Server is the fake. It is an http.Handler and is safe for concurrent use.
type Server struct {
	options  Options
	doc      *dingmock.Document
	router   *mux.Router
	effects  map[string]effect // by kind
	findings []string          // the kinds of violations that are checked after the token
	tenants  *tenants
	rules    rules.Set // for every app
	nobody   *journal.Journal
	tally    journal.Tally
	close    sync.Once
	closed   chan struct{}
}

// New makes a fake. Nil options mean the defaults. It returns an error only if the options are not valid.
func New(options *Options) (*Server, error) {
	s := &Server{closed: make(chan struct{}), effects: effectsByKind()}
	if options != nil {
		s.options = *options
	}
	var err error
	if s.doc, err = dingmock.Load(); err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	if err := s.options.complete(s.doc); err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	if err := errors.Join(s.route(world.Calls), world.CheckNames(s.doc), checkFamilies(s.doc), checkEffects(s.effects)); err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	s.findings = []string{dingmock.KindContentType, dingmock.KindBody, dingmock.KindMissingParameter, dingmock.KindInvalidParameter}
	if s.options.RefuseUndeclared {
		s.findings = append(s.findings, dingmock.KindUndeclaredParameter, dingmock.KindRepeatedParameter)
	}
	s.tenants = newTenants(&s.options)
	s.nobody = s.tenants.journals.Make()
	for _, a := range s.options.Apps {
		if _, err := s.tenants.add(a); err != nil {
			return nil, fmt.Errorf("mockserver: Apps: %w", err)
		}
	}
	s.replaceRules(s.options.Rules)
	return s, nil
}

// ServeHTTP answers one request. It answers 5xx only if a rule demands it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// This does what the router's own ServeHTTP does, without two copies of the request that hold variables and
	// route in their contexts: a handler knows its operation, and the document reads the variables.
	var match mux.RouteMatch
	if s.router.Match(r, &match) {
		match.Handler.ServeHTTP(w, r)
	}
}

// Close ends waits, hanging calls and streams. It may be called more than once and never fails.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.closed) })
	return nil
}

// serve returns the handler of one operation; a nil operation stands for any path that the document does not have.
func (s *Server) serve(op *dingmock.Operation, handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r, dingmock.MaxBody)
		c := &call{server: s, received: s.options.Now(), remote: r.RemoteAddr, size: len(body), unread: err, http: r, body: body}
		c.Request = s.doc.CheckRequest(op, r, body)
		if err != nil {
			c.CutOff()
		}
		reply := c.answer(handle)
		c.addHeaders(&reply)
		reply.known = c.Known
		s.record(c, c.attribute(), r, body, reply)
		s.deliver(w, r, c, reply)
	})
}

// answer runs the checks on the call, in the platform's order, and then its handler.
func (c *call) answer(handle handler) reply {
	c.identify()
	if c.Preflight() {
		return reply{status: http.StatusOK, code: "0"}
	}
	if f := c.refuse(dingmock.KindMethod); f != nil {
		return c.failed(f)
	}
	c.introduce()
	stub := c.fireRule()
	if r, ok := c.answerByRule(stub); ok {
		return r
	}
	if stub == nil && c.browsed() {
		return c.toPage()
	}
	if f := c.admit(stub); f != nil {
		return c.failed(f)
	}
	if stub != nil {
		return c.fixed(stub)
	}
	if f := c.accept(); f != nil {
		return c.failed(f)
	}
	return c.run(handle)
}

// admit checks what a call needs whoever answers it: a path that there is, a token, and the limit of calls.
func (c *call) admit(stub *FixedReply) *world.Failure {
	if f := c.refuse(dingmock.KindUnknownPath); f != nil {
		return f
	}
	if f := c.checkToken(stub); f != nil {
		return f
	}
	return c.throttled()
}

// accept checks what a call needs so that a handler can answer it.
func (c *call) accept() *world.Failure {
	if f := c.refuse(dingmock.KindNotModelled); f != nil {
		return f
	}
	if f := c.checkBody(); f != nil {
		return f
	}
	return c.refuse(c.server.findings...)
}

// run calls the handler while it holds the app's lock, and encodes the result before it releases the lock.
func (c *call) run(handle handler) reply {
	f := c.checkPair()
	for ; f == nil; f = c.checkCredential() {
		c.app.mu.Lock()
		if !c.app.gone {
			break
		}
		c.app.mu.Unlock()
		c.identify() // the app was removed meanwhile
		c.introduce()
	}
	if f != nil {
		return c.failed(f)
	}
	defer c.app.mu.Unlock()
	value, f := handle(&world.Call{
		Request: c.Request, World: c.app.world, Document: c.server.doc, App: c.app.name, AppKey: c.app.appKey, Now: c.app.clock.Now(), TokenLives: c.tokenLives(),
	})
	if f != nil {
		return c.failed(f)
	}
	return c.succeeded(value)
}
