package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// serveCommand runs the fake until it is told to end.
type serveCommand struct {
	Addr      []string   `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Listen here; repeatable. Port 0 takes a free one."`
	TLSAddr   []string   `name:"tls-addr" placeholder:"HOST:PORT" help:"Listen here for TLS, under the platform's names; repeatable."`
	ProxyAddr []string   `placeholder:"HOST:PORT" help:"Be an HTTP proxy here that answers for the platform's names and refuses all others; repeatable."`
	TLSDir    string     `name:"tls-dir" placeholder:"DIR" help:"Keep the certificate authority, ca.pem and ca-key.pem, in this folder."`
	TLSHost   []hostFlag `name:"tls-host" placeholder:"HOST" help:"Answer for this name as well, by TLS and as proxy; repeatable."`
	fakeFlags
	Quiet         bool          `help:"Write no line per call."`
	LogFormat     string        `enum:"auto,text,json" default:"auto" placeholder:"auto|text|json" help:"How to log; auto: text on a terminal, JSON elsewhere."`
	ShutdownGrace time.Duration `default:"10s" placeholder:"DURATION" help:"How long calls that are under way may take at the end."`
}

// fakeFlags say how the fake behaves.
type fakeFlags struct {
	App              []appFlag     `placeholder:"APPKEY:APPSECRET[:CORPID:CORPSECRET]" help:"Have this app in place of the default one; repeatable."`
	State            string        `placeholder:"FILE" help:"Start with the apps and sessions in this JSON file."`
	NoAutoApps       bool          `help:"Refuse keys of the form mock-…, which make an app on first use otherwise."`
	MaxApps          count         `default:"10000" placeholder:"N" help:"Have N apps at most."`
	MaxSessions      count         `default:"1000000" placeholder:"N" help:"Have N open sessions per app at most."`
	TokenLife        time.Duration `default:"7200s" placeholder:"DURATION" help:"Have access tokens live that long, 1s to 720h, for tests of clients that refresh them in real time; the platform's live 7200s."`
	SessionTTL       time.Duration `name:"session-ttl" default:"0s" placeholder:"DURATION" help:"End a session that long after its creation; 0s is never."`
	WithoutSessions  bool          `help:"Answer the three session calls as the public platform does: errcode 22."`
	RefuseUndeclared bool          `help:"Refuse undeclared and repeated parameters, which the platform accepts."`
	QPS              uint          `name:"qps" default:"0" placeholder:"N" help:"Throttle an app that makes more than N calls of a kind in a second of its clock; 0 is never, the platform's is 20."`
	Journal          uint          `default:"1000" placeholder:"N" help:"Keep the last N exchanges of each app; 0 keeps none."`
	ControlToken     tokenFlag     `placeholder:"TOKEN" help:"Ask for this bearer token at the control API, health and documents aside."`
	ControlHost      []hostFlag    `placeholder:"HOST" help:"Let the control API be asked by this name as well; repeatable. With a control token any name may be used."`
}

// Run serves until ctx is done, and then lets the calls that are under way finish.
func (c *serveCommand) Run(ctx context.Context, out streams) error {
	outliveReaders()
	handler := func(w io.Writer) slog.Handler { return c.logHandler(w, isTerminal(out.stderr)) }
	stderr := newLogWriter(out.stderr, func(w io.Writer, dropped int) {
		slog.New(handler(w)).Warn(droppedText(dropped), "dropped", dropped)
	})
	defer func() { _ = stderr.close() }()
	log := slog.New(handler(stderr))

	var fake *mockserver.Server // before the first handshake
	tlsFault := func(name string) string { return fake.TLSFault(name) }
	var authority *impersonate.Authority
	if c.TLSDir != "" || len(c.TLSAddr) > 0 || len(c.ProxyAddr) > 0 {
		var err error
		if authority, err = newAuthority(c.TLSDir, c.TLSHost, tlsFault, log); err != nil {
			return usageError{fmt.Errorf("--tls-dir: %w", err)}
		}
	}
	if c.ShutdownGrace < 0 {
		return usageError{fmt.Errorf("--shutdown-grace: %s is negative; it has to be 0s or more", c.ShutdownGrace)}
	}
	c.ControlHost = append(c.ControlHost, c.TLSHost...)
	var err error
	if fake, err = c.fake(log, c.calls(log, stderr), authority); err != nil {
		return usageError{err}
	}
	defer func() { _ = fake.Close() }()
	f, err := newFront(ctx, fake, fake, authority, addresses{c.Addr, c.TLSAddr, c.ProxyAddr}, nil, log)
	if err != nil {
		return usageError{err}
	}
	f.serve()
	for _, l := range f.plain {
		log.Info("listening", "url", baseURL(l.Addr()), "version", versionString())
	}
	for _, l := range f.tls {
		log.Info("listening", "url", tlsURL(l.Addr()), "version", versionString())
	}
	for _, l := range f.proxy {
		log.Info("listening", "proxy", baseURL(l.Addr()), "version", versionString())
	}
	stdout := newLogWriter(out.stdout, nil)
	c.banner(stdout, f, fake.Apps())
	if err := stdout.close(); err != nil {
		log.Warn("the start text could not be written", "error", err)
	}

	select {
	case err := <-f.ended:
		f.close()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("draining", "grace", c.ShutdownGrace.String())
	if err := f.shutdown(ctx, c.ShutdownGrace); err != nil {
		log.Warn("calls were cut off at the end of the grace time", "error", err)
	}
	log.Info("stopped")
	return nil
}

// fake makes the server that the flags describe. Its errors name the flag.
func (c *fakeFlags) fake(log *slog.Logger, calls func(mockserver.CallLine), authority *impersonate.Authority) (*mockserver.Server, error) {
	if c.SessionTTL < 0 {
		return nil, fmt.Errorf("--session-ttl: %s is negative; it has to be 0s, which is never, or more", c.SessionTTL)
	}
	if c.TokenLife < time.Second || c.TokenLife > 30*24*time.Hour {
		return nil, fmt.Errorf("--token-life: %s has to be 1s to 720h", c.TokenLife)
	}
	options := &mockserver.Options{
		NoAutoApps:       c.NoAutoApps,
		MaxApps:          int(c.MaxApps),
		MaxSessions:      int(c.MaxSessions),
		TokenLife:        c.TokenLife,
		SessionTTL:       c.SessionTTL,
		WithoutSessions:  c.WithoutSessions,
		RefuseUndeclared: c.RefuseUndeclared,
		QPS:              int(c.QPS),
		Journal:          int(c.Journal),
		NoJournal:        c.Journal == 0,
		ControlToken:     string(c.ControlToken),
		Log:              log,
		Version:          versionString(),
		Calls:            calls,
	}
	for _, h := range c.ControlHost {
		options.ControlHosts = append(options.ControlHosts, string(h))
	}
	if name, err := os.Hostname(); err == nil && name != "" {
		options.ControlHosts = append(options.ControlHosts, name)
	}
	if authority != nil {
		options.CA = func() ([]byte, error) { return authority.PEM(), nil }
		options.Refusals = authority.Refusals
	}
	last := "--state"
	if c.State != "" {
		state, err := readState(c.State)
		if err != nil {
			return nil, fmt.Errorf("--state: %w", err)
		}
		options.Apps, options.Rules = state.Apps, state.Rules
	}
	for _, a := range c.App {
		last = "--app"
		options.Apps = append(options.Apps, mockserver.AppState(a))
	}
	if len(options.Apps) > int(c.MaxApps) {
		return nil, fmt.Errorf("--max-apps: %d is less than the %d apps of --state and --app", c.MaxApps, len(options.Apps))
	}
	fake, err := mockserver.New(options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", last, err)
	}
	return fake, nil
}

// readState reads a state file. Its list of apps may be empty, but is never nil.
func readState(name string) (*mockserver.State, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	state, err := mockserver.ReadState(name, data)
	if err != nil {
		return nil, err
	}
	if state.Apps == nil {
		state.Apps = []mockserver.AppState{}
	}
	return state, nil
}

// listen opens all addresses, or none.
func listen(ctx context.Context, addrs []string) ([]net.Listener, error) {
	if len(addrs) == 0 {
		return nil, errors.New("--addr: is empty; it has to be HOST:PORT")
	}
	return listenOn(ctx, "--addr", addrs)
}

// listenOn opens all addresses of a flag, or none.
func listenOn(ctx context.Context, flag string, addrs []string) ([]net.Listener, error) {
	var list []net.Listener
	for _, addr := range addrs {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err != nil {
			for _, l := range list {
				_ = l.Close()
			}
			hint := ""
			switch {
			case errors.Is(err, syscall.EADDRINUSE):
				hint = "; choose another port, or 0 for a free one"
			case errors.Is(err, syscall.EACCES):
				hint = "; choose a port of 1024 or more, or set the sysctl net.ipv4.ip_unprivileged_port_start to 0 as Docker does"
			}
			if op, ok := errors.AsType[*net.OpError](err); ok {
				err = op.Err
			}
			err = hintedAddr(err)
			return nil, fmt.Errorf("%s %s: %w%s", flag, addr, err, hint)
		}
		list = append(list, l)
	}
	return list, nil
}

// baseURL returns the URL at which a client on this machine reaches a listener.
func baseURL(addr net.Addr) string { return "http://" + reachable(addr) }

// tlsURL is like baseURL, for TLS.
func tlsURL(addr net.Addr) string { return "https://" + reachable(addr) }

func reachable(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func (c *serveCommand) logHandler(w io.Writer, terminal bool) slog.Handler {
	if c.LogFormat == "text" || c.LogFormat == "auto" && terminal {
		return slog.NewTextHandler(printableLines(w), nil)
	}
	return slog.NewJSONHandler(writerFunc(func(line []byte) (int, error) { return w.Write(printable.JSON(line)) }), nil)
}

// printableLines makes the lines of a log printable, beyond what slog does.
func printableLines(w io.Writer) io.Writer {
	return writerFunc(func(line []byte) (int, error) { return io.WriteString(w, printable.Text(string(line))) })
}

// calls returns a function that writes the lines of calls: into the log if that is JSON, or else as text to w.
func (c *serveCommand) calls(log *slog.Logger, w io.Writer) func(mockserver.CallLine) {
	if c.Quiet {
		return nil
	}
	if _, ok := log.Handler().(*slog.JSONHandler); ok {
		return func(l mockserver.CallLine) {
			log.LogAttrs(context.Background(), slog.LevelInfo, "call", l.Attrs()...)
		}
	}
	return callLines(w)
}

// callLines returns a function that writes the lines of calls as text.
func callLines(w io.Writer) func(mockserver.CallLine) {
	return func(l mockserver.CallLine) { _, _ = fmt.Fprintln(w, l) }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
