// Package mocktest gives a Go test its own DingTalk: a fake on a real socket with one app, whose clock, rules and
// journal the test controls. The fake fails the test for each call that the document does not allow.
//
// It is only for tests, and for servers in this process: package testcontainer starts one in a container. Start
// with [New]:
//
//	func TestMyProgram(t *testing.T) {
//		t.Parallel()
//		srv := mocktest.New(t, nil)
//		myprogram.Run(srv.URL, srv.AppKey, srv.AppSecret)
//	}
package mocktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/dingmock/dingmock/internal/serverlog"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// Server is a fake that lives until the end of the test that it was made for. Its methods fail that test if they
// fail, so call them only from the test's own goroutine.
type Server struct {
	// URL is the base URL, without a slash at the end. Give it to the program under test instead of
	// https://oapi.dingtalk.com.
	URL string

	// AppKey, AppSecret, CorpID and CorpSecret are the app's credentials. No other server has the same.
	AppKey, AppSecret, CorpID, CorpSecret string

	// App is the app, with its clock, rules, journal, state and verdict.
	App *control.App

	t         testing.TB
	fake      *mockserver.Server
	every     *control.Rules // for every app
	log       *output
	plain     *httptest.Server
	authority func() (*impersonate.Authority, error)
	transport func() (*http.Transport, error)
}

// Options configures a Server. Nil and the zero value are ready for use.
type Options struct {
	// Server holds the fake's own options. The first of its Apps, if any, is the test's app. Default: an app with
	// credentials of its own.
	Server mockserver.Options

	// NoVerdict passes the test whatever calls it makes, for a test that breaks the document on purpose. The
	// Verdict of App says what was broken.
	NoVerdict bool

	// AllowUnknown are paths that the test may call although DingTalk does not have them: each a path, or a prefix
	// followed by *.
	AllowUnknown []string
}

// New starts a fake that ends with the test. At its end, the test gets an error for each way in which a call broke
// the document, such as a call of a path that DingTalk does not have; notes are logged. It is no error if no call
// came: the test itself must state what it expects. A line for each call goes to the test's output.
func New(t testing.TB, options *Options) *Server {
	t.Helper()
	var c Options
	if options != nil {
		c = *options
	}
	s := &Server{t: t, log: &output{to: t.Output()}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	o := &c.Server
	if len(o.Apps) == 0 {
		id := strings.ToLower(rand.Text())
		o.Apps = []mockserver.AppState{{Name: "test", CorpID: "corp" + id, CorpSecret: rand.Text(), AppKey: "app" + id, AppSecret: rand.Text()}}
	}
	if o.Calls == nil {
		o.Calls = func(l mockserver.CallLine) { _, _ = fmt.Fprintln(s.log, l) }
	}
	if o.Log == nil {
		o.Log = log
	}
	s.authority = sync.OnceValues(func() (*impersonate.Authority, error) {
		return impersonate.New(&impersonate.Options{Fault: s.fake.TLSFault, Log: log})
	})
	if o.CA == nil {
		o.CA = func() ([]byte, error) {
			authority, err := s.authority()
			if err != nil {
				return nil, err
			}
			return authority.PEM(), nil
		}
	}
	s.transport = sync.OnceValues(s.startTLS)

	var err error
	if s.fake, err = mockserver.New(o); err != nil {
		t.Fatal(err)
	}
	app := s.fake.Apps()[0]
	s.AppKey, s.AppSecret, s.CorpID, s.CorpSecret = app.AppKey, app.AppSecret, app.CorpID, app.CorpSecret
	at, err := control.Of(s.fake, &control.Options{Token: o.ControlToken})
	if err != nil {
		t.Fatal(err)
	}
	s.App, s.every = at.App(app.Name), at.Rules()

	s.plain = httptest.NewUnstartedServer(s.fake)
	s.plain.Config.DisableGeneralOptionsHandler = true
	s.plain.Config.ConnContext = s.fake.ConnContext
	s.plain.Config.ErrorLog = serverlog.New(log)
	s.plain.Start()
	s.URL = s.plain.URL
	t.Cleanup(func() {
		_ = s.fake.Close() // ends hanging calls, so that the server below can close
		s.plain.CloseClientConnections()
		s.plain.Close()
		s.log.close()
	})
	if !c.NoVerdict {
		t.Cleanup(func() { t.Helper(); s.judge(c.AllowUnknown) })
	}
	return s
}

// judge fails the test for what the calls so far broke.
func (s *Server) judge(allowUnknown []string) {
	s.t.Helper()
	verdict, err := s.fake.Verdict(&mockserver.VerdictOptions{AllowUnknown: allowUnknown, AllowNoCalls: true})
	if err != nil {
		s.t.Error(err)
	}
	for _, v := range verdict.Violations {
		say, what := s.t.Errorf, "off-spec"
		if !v.Red() {
			say, what = s.t.Logf, "note"
		}
		say("%s: %s\n\t%d×, first by %s", what, v.Violation, v.Count, v.First.Curl)
	}
}

// Client returns a client for which https://oapi.dingtalk.com, and the platform's other names, are this fake. It
// reaches nothing else except this machine. Use it for a program that takes an http.Client but no base URL, or its
// transport for one that takes a transport. The first call starts a TLS listener.
func (s *Server) Client() *http.Client {
	s.t.Helper()
	transport, err := s.transport()
	if err != nil {
		s.t.Fatal(err)
	}
	return &http.Client{Transport: transport}
}

// startTLS starts a TLS listener and returns a transport that reaches it.
func (s *Server) startTLS() (*http.Transport, error) {
	authority, err := s.authority()
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(s.context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: s.fake, ConnContext: s.fake.ConnContext, ErrorLog: s.plain.Config.ErrorLog, DisableGeneralOptionsHandler: true}
	done := make(chan error, 1)
	go func() { done <- server.Serve(authority.NewListener(listener)) }()
	transport, err := impersonate.NewTransport(&impersonate.TransportOptions{
		Addr: s.plain.Listener.Addr().String(), TLSAddr: listener.Addr().String(), CA: authority.PEM(),
	})
	s.t.Cleanup(func() {
		if transport != nil {
			transport.CloseIdleConnections()
		}
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("mocktest: the TLS listener ended by itself: %v", err)
		}
	})
	return transport, err
}

// Fault makes the app's next call of an operation fail with a fault, one of [mockserver.Faults].
func (s *Server) Fault(operation, fault string) {
	s.t.Helper()
	s.Rule(mockserver.Rule{
		Match: mockserver.RuleMatch{Operation: operation}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.FaultEffect(fault),
	})
}

// TLSFault makes the next TLS handshake for a host show a bad certificate. The host "" means any; fault is one of
// [mockserver.TLSFaults]. It returns the rule that it adds. Connections in use stay open; idle connections of
// Client are closed, so that its next call makes a handshake.
func (s *Server) TLSFault(host, fault string) mockserver.Rule {
	s.t.Helper()
	rule, err := s.every.Add(s.context(), mockserver.Rule{
		Match: mockserver.RuleMatch{Host: host}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.FaultEffect(fault),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	transport, err := s.transport()
	if err != nil {
		s.t.Fatal(err)
	}
	transport.CloseIdleConnections()
	return rule
}

// Rule adds a rule for the app and returns it with its id. It is tried after the existing rules of its priority; a
// rule that ends by itself is tried before those that do not.
func (s *Server) Rule(rule mockserver.Rule) mockserver.Rule {
	s.t.Helper()
	made, err := s.App.Rules().Add(s.context(), rule)
	if err != nil {
		s.t.Fatal(err)
	}
	return made
}

// Calls returns the app's calls of an operation so far, or of all operations if it is "", oldest first. Only the
// calls that the journal still keeps are returned: the last 1000, unless [mockserver.Options] says otherwise.
func (s *Server) Calls(operation string) []*mockserver.Entry {
	s.t.Helper()
	journal, err := s.App.Journal(s.context(), control.Filter{Operation: operation})
	if err != nil {
		s.t.Fatal(err)
	}
	return journal.Entries
}

// context returns a context for calls that may also be made in a Cleanup.
func (s *Server) context() context.Context { return context.WithoutCancel(s.t.Context()) }

// output is a test's output until the test is over; after that, writing to it would panic.
type output struct {
	mu sync.Mutex
	to io.Writer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.to == nil {
		return len(p), nil
	}
	return o.to.Write(p)
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = nil
}
