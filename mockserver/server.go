// Package mockserver is a fake of the DingTalk (钉钉) open platform: a stateful http.Handler that issues access
// tokens, tracks sessions in memory and answers byte for byte as the platform does, errors above all.
//
// It is not a proxy and not a stub of canned replies, and it keeps nothing beyond the process. What it answers, and how
// that is known, stands in openapi.yaml at the root of the module. Start with [New]:
//
//	fake, err := mockserver.New(nil)
//	srv := httptest.NewServer(fake)
//
// The shapes that options, control API and journal share, such as [Rule] and [Entry], are those of package api under the
// same names.
package mockserver

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/internal/clock"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

// drained is how much of a body over the limit is read and dropped, so that its sender gets the answer.
const drained = 64 << 20

// handlers pairs each operation of the document with what answers it once all checks have passed.
var handlers = map[string]func(*call) (any, error){
	"gettoken":       (*call).gettoken,
	"accessToken":    (*call).accessToken,
	"getsession":     (*call).getSession,
	"create_session": (*call).createSession,
	"close_session":  (*call).closeSession,
}

// Server is the fake. It is an http.Handler; any number of goroutines may use one.
type Server struct {
	options  Options
	doc      *dingmock.Document
	router   *mux.Router
	findings []string // the rules of requests that are asked after the token
	tenants  *tenants
	rules    rules.Set // for every app
	nobody   *journal
	tally    tally
	close    sync.Once
	closed   chan struct{}
}

// New makes a fake. Nil options are the defaults. It fails only on options that are not valid.
func New(options *Options) (*Server, error) {
	s := &Server{closed: make(chan struct{})}
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
	if err := s.route(handlers); err != nil {
		return nil, fmt.Errorf("mockserver: %w", err)
	}
	s.findings = []string{dingmock.KindContentType, dingmock.KindBody, dingmock.KindMissingParameter, dingmock.KindInvalidParameter}
	if s.options.RefuseUndeclared {
		s.findings = append(s.findings, dingmock.KindUndeclaredParameter, dingmock.KindRepeatedParameter)
	}
	s.tenants = newStore(&s.options)
	s.nobody = newJournal(s.tenants.kept, s.tenants.journal)
	for _, a := range s.options.Apps {
		if _, err := s.tenants.add(a); err != nil {
			return nil, fmt.Errorf("mockserver: Apps: %w", err)
		}
	}
	s.replaceRules(s.options.Rules)
	return s, nil
}

// complete checks the options and fills in the defaults.
func (o *Options) complete(doc *dingmock.Document) error {
	if o.Apps == nil {
		o.Apps = []AppState{DefaultApp}
	}
	state := State{Apps: slices.Clone(o.Apps), Rules: o.Rules}
	if err := validateState(&state, doc); err != nil {
		return fmt.Errorf("Options: %w", err)
	}
	o.Apps = state.Apps
	for _, n := range []struct {
		name  string
		value *int
		def   int
	}{{"MaxApps", &o.MaxApps, 10_000}, {"MaxSessions", &o.MaxSessions, 1_000_000}, {"QPS", &o.QPS, 0}} {
		if *n.value < 0 {
			return fmt.Errorf("Options: %s: %d is negative; it has to be 1 or more, or 0 for %d", n.name, *n.value, n.def)
		}
		if *n.value == 0 {
			*n.value = n.def
		}
	}
	if o.TokenLife == 0 {
		o.TokenLife = tokenlife.Usual
	}
	if err := tokenlife.Check(o.TokenLife); err != nil {
		return fmt.Errorf("Options: TokenLife: %w", err)
	}
	if o.SessionTTL < 0 {
		return fmt.Errorf("Options: SessionTTL: %s is negative; it has to be more, or 0 for never", o.SessionTTL)
	}
	if len(o.Apps) > o.MaxApps {
		return fmt.Errorf("Options: Apps: are %d, more than MaxApps, %d", len(o.Apps), o.MaxApps)
	}
	var err error
	if o.ControlToken, err = ParseControlToken(o.ControlToken); err != nil {
		return fmt.Errorf("Options: ControlToken: %w", err)
	}
	o.ControlHosts = slices.Clone(o.ControlHosts)
	for i, h := range o.ControlHosts {
		if o.ControlHosts[i] = hosts.Name(h); o.ControlHosts[i] == "" {
			return fmt.Errorf("Options: ControlHosts: %q is no host name", h)
		}
	}
	if o.Journal == 0 {
		o.Journal = 1000
	}
	if o.Now == nil {
		o.Now = clock.Real
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	return nil
}

// route makes a route of each operation of the document, and of each of the control API's.
func (s *Server) route(handlers map[string]func(*call) (any, error)) error {
	s.router = mux.NewRouter().SkipClean(true)
	s.router.NotFoundHandler = s.serve(nil, nil)
	if err := paired(s.doc, handlers); err != nil {
		return err
	}
	for _, op := range s.doc.Operations() {
		if s.options.WithoutSessions && op.Provenance == "article" {
			continue
		}
		s.router.Handle(op.Path, s.serve(op, handlers[op.ID])).Name(op.ID)
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

// ServeHTTP answers one request. It answers 5xx only where a rule has it so.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// As the router would, but for two copies of the request with variables and route in their contexts: a handler
	// knows its operation, and the document reads the variables.
	var match mux.RouteMatch
	if s.router.Match(r, &match) {
		match.Handler.ServeHTTP(w, r)
	}
}

// Close ends waits, hanging calls and streams. It is safe to call more than once, and never fails.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.closed) })
	return nil
}

// call is one request on its way through the server.
type call struct {
	*dingmock.Request
	server   *Server
	received time.Time       // real time
	remote   string          // address and port of the client
	size     int             // of the body in bytes, as far as it was read
	unread   error           // why the body could not be read
	app      *tenant         // nil until found, and where there is none
	done     <-chan struct{} // closed when the app is removed or reset; nil without an app
	proven   bool            // whether the request's secret is the app's
	full     bool            // whether the cap of apps kept one from being made
	rule     *rules.Rule     // the rule that fired, or nil
	owner    *tenant         // whose journal and verdict the call is in: app, or one that the call was attributed to
	by       string          // what it was attributed by
	stubbed  bool            // whether some app's fixed reply, which asks for a token, makes the path known
	id       string          // of the call, "" until asked for
	http     *http.Request
	body     []byte
	about    *match.Subject // nil until a rule asks
}

// operationID is the id of the call, also of one that DingTalk has and that is not modelled; "" where there is none.
func (c *call) operationID() string {
	switch {
	case c.Operation != nil:
		return c.Operation.ID
	case c.Listed != nil:
		return c.Listed.ID
	}
	return ""
}

// now is the time by the app's clock; without an app, real time.
func (c *call) now() time.Time {
	if c.app == nil {
		return c.received
	}
	return c.app.now()
}

// serve answers the requests of one operation; nil is any path that the document does not have.
func (s *Server) serve(op *dingmock.Operation, handle func(*call) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(r, dingmock.MaxBody)
		c := &call{server: s, received: s.options.Now(), remote: r.RemoteAddr, size: len(body), unread: err, http: r, body: body}
		c.Request = s.doc.CheckRequest(op, r, body)
		if err != nil {
			c.CutOff()
		}
		reply := c.encode(c.answer(handle))
		c.addHeaders(&reply)
		reply.known = c.Known
		s.record(c, c.attribute(), r, body, reply)
		s.deliver(w, r, c, reply)
	})
}

// answer takes the call through the checks, in the platform's order, and to its handler.
func (c *call) answer(handle func(*call) (any, error)) (any, error) {
	c.findApp()
	if c.Preflight() {
		return reply{status: http.StatusOK, code: "0"}, nil
	}
	if err := c.refuse(dingmock.KindMethod); err != nil {
		return nil, err
	}
	stub := c.fireRule()
	if value, ok, err := c.answerByRule(stub); ok {
		return value, err
	}
	if stub == nil && c.browsed() {
		return c.toPage(), nil
	}
	if err := c.refuse(dingmock.KindUnknownPath); err != nil {
		return nil, err
	}
	if err := c.checkToken(stub); err != nil {
		return nil, err
	}
	if err := c.throttled(); err != nil {
		return nil, err
	}
	if stub != nil {
		return c.fixed(stub)
	}
	if err := c.refuse(dingmock.KindNotModelled); err != nil {
		return nil, err
	}
	if c.unread != nil && c.Family.Answers["body"] != "" {
		return nil, c.fail(c.Family.Answers["body"], "the body could not be read to its end")
	}
	if err := c.refuse(c.server.findings...); err != nil {
		return nil, err
	}
	return handle(c)
}

// refuse returns the error for the first violation of those rules, unless it is one that is only noted.
func (c *call) refuse(rules ...string) error {
	for _, v := range c.Violations {
		if !slices.Contains(rules, v.Kind) {
			continue
		}
		name, why := v.Answer, v.String()
		switch {
		case v.Kind == dingmock.KindUndeclaredParameter || v.Kind == dingmock.KindRepeatedParameter:
			name, why = c.Family.Answers["invalid-parameter"], why+"; this server refuses undeclared and repeated parameters (--refuse-undeclared)"
		case v.Kind == dingmock.KindUnknownPath && c.server.options.WithoutSessions:
			if list := c.server.doc.Find(c.Path); len(list) > 0 {
				why = list[0].ID + " is answered as the public platform does, which has no such API: this server was started without the session calls (--without-sessions)"
			}
		}
		if name != "" {
			return c.fail(name, why, "name", v.Name(), "apiName", c.Family.API(c.Path))
		}
	}
	return nil
}

// needsToken reports whether the call is secured by the token of its family. What is known of a path says so; one that
// a stub alone makes needs a token as its family does.
func (c *call) needsToken(stub *FixedReply) bool {
	switch {
	case stub != nil && stub.WithoutToken:
		return false
	case c.Operation != nil:
		return slices.ContainsFunc(c.Operation.Security, func(r dingmock.Requirement) bool { return slices.Contains(r, c.Family.Token) })
	case c.Listed != nil:
		return c.Listed.Token.Of == "app"
	}
	return true
}

// checkToken refuses a call without the token that it needs. Of a token that is not an app's no more is known here than
// whether there is one.
func (c *call) checkToken(stub *FixedReply) error {
	if c.needsToken(stub) {
		return c.authorize()
	}
	if c.Listed == nil || c.Listed.Token.Name == "" || stub != nil && stub.WithoutToken {
		return nil
	}
	for _, v := range c.Violations {
		if v.Kind == dingmock.KindMissingCredential {
			return c.fail("parameter-missing", v.String(), "name", c.Listed.Token.Name)
		}
	}
	return nil
}

// findApp finds the app by the credentials or, where the call has none, by the token. A call that is going to be
// refused makes no app.
func (c *call) findApp() {
	if p, complete := c.credentials(); p != (pair{}) {
		good := complete && c.refuse(dingmock.KindMethod) == nil && c.refuse(c.server.findings...) == nil
		c.app, c.proven, c.full = c.server.tenants.byCredentials(p, c.Value(p.id), c.Value(p.secret), good, !c.server.options.NoAutoApps)
	} else {
		c.app, _ = c.server.tenants.tokens.get(c.Token)
	}
	if c.app != nil {
		c.app.touch()
		c.app.mu.Lock()
		c.done = c.app.done
		c.app.mu.Unlock()
	}
}

// authorize checks the token.
func (c *call) authorize() error {
	_, gone := c.server.tenants.tokens.get(c.Token)
	switch {
	case blank(c.Token):
		return c.fail(c.Family.Answers["token-blank"], c.noToken())
	case c.app == nil && gone.why != "":
		return c.fail(c.Family.Answers["token-bad"], "this token was good, but "+gone.why+"; call gettoken again")
	case c.app == nil:
		return c.fail(c.Family.Answers["token-bad"], "this token was never issued here, or so long ago that it is forgotten; call gettoken")
	}
	if ok, ago := c.app.valid(c.Token); !ok {
		return c.fail(c.Family.Answers["token-bad"], fmt.Sprintf("token expired %s ago by this app's clock; call gettoken again", ago.Round(time.Second)))
	}
	return nil
}

func blank(s string) bool {
	return !slices.ContainsFunc([]rune(s), func(r rune) bool { return r > ' ' })
}

// record notes a call before its answer is written, so that nobody who has the answer can look too early.
func (s *Server) record(c *call, name string, r *http.Request, body []byte, reply reply) {
	journal := s.nobody
	if c.owner != nil {
		journal = c.owner.journal
	}
	judged := !probe(r)
	if judged && c.Calls() {
		s.tally.count(name)
	}
	if judged && (journal.limit > 0 || len(c.Violations) > 0) {
		e := c.entry(name, r, body, reply)
		journal.add(e)
		if len(c.Violations) > 0 {
			s.tally.add(name, c.owner != nil && c.owner.ignores(), c.Violations, e)
		}
	}
	if s.options.Calls != nil {
		s.options.Calls(CallLine{Method: r.Method, Host: printableHost(r.Host), Operation: c.operationID(), Path: r.URL.Path, App: name, Code: reply.code, Probe: !judged})
	}
}

// readBody reads as much of the body as the checks need, and drops what is beyond so that the sender gets an answer.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var body bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= limit {
		body.Grow(int(r.ContentLength) + bytes.MinRead) // so that the end is found without another buffer
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(body.Len()) > limit {
		if _, err := io.CopyN(io.Discard, r.Body, drained); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return body.Bytes(), nil
}
