package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/serverlog"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// hostFlag is a value of --tls-host or --control-host.
type hostFlag string

// UnmarshalText reads a host name or an IP address.
func (h *hostFlag) UnmarshalText(text []byte) error {
	*h = hostFlag(text)
	return hosts.Check(string(text))
}

// newAuthority makes or reads the authority for --tls-dir and --tls-host. fault returns the fault that a certificate is to have.
func newAuthority(dir string, names []hostFlag, fault func(name string) string, log *slog.Logger) (*impersonate.Authority, error) {
	o := &impersonate.Options{Dir: dir, Fault: fault, Log: log}
	for _, h := range names {
		o.Hosts = append(o.Hosts, string(h))
	}
	return impersonate.New(o)
}

// addresses holds the addresses on which a front listens.
type addresses struct{ plain, tls, proxy []string }

// front is a fake with its listeners.
type front struct {
	plain, tls, proxy []net.Listener

	fake      *mockserver.Server
	authority *impersonate.Authority // of tls
	server    *http.Server           // of plain and tls
	relay     *impersonate.Proxy     // of proxy
	ended     chan error             // receives the error of each listener that ends
	serves    sync.WaitGroup
}

// newFront opens all listeners, or none. handler is the fake, or a handler in front of it. authority is required if there are TLS
// listeners or proxies.
func newFront(ctx context.Context, fake *mockserver.Server, handler http.Handler, authority *impersonate.Authority, at addresses, egress *http.Transport, log *slog.Logger) (*front, error) {
	if len(at.plain) == 0 {
		return nil, errors.New("--addr: is empty; it has to be HOST:PORT")
	}
	f := &front{fake: fake, authority: authority, ended: make(chan error, len(at.plain)+len(at.tls)+len(at.proxy))}
	for _, x := range []struct {
		flag  string
		addrs []string
		to    *[]net.Listener
	}{{"--addr", at.plain, &f.plain}, {"--tls-addr", at.tls, &f.tls}, {"--proxy-addr", at.proxy, &f.proxy}} {
		var err error
		if *x.to, err = listenOn(ctx, x.flag, x.addrs); err != nil {
			for _, l := range f.all() {
				_ = l.Close()
			}
			return nil, err
		}
	}
	f.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ConnContext:       fake.ConnContext,
		ErrorLog:          serverlog.New(log),

		DisableGeneralOptionsHandler: true, // the fake answers OPTIONS * as the platform does
	}
	if authority != nil {
		f.relay = authority.NewProxy(handler, &impersonate.ProxyOptions{Egress: egress, ConnContext: fake.ConnContext, Log: log})
	}
	return f, nil
}

func (f *front) all() []net.Listener {
	return append(append(append([]net.Listener{}, f.plain...), f.tls...), f.proxy...)
}

// serve starts to answer.
func (f *front) serve() {
	start := func(list []net.Listener, serve func(net.Listener) error) {
		for _, l := range list {
			f.serves.Go(func() { f.ended <- serve(l) })
		}
	}
	start(f.plain, f.server.Serve)
	start(f.tls, func(l net.Listener) error { return f.server.Serve(f.authority.NewListener(l)) })
	if f.relay != nil {
		start(f.proxy, f.relay.Serve)
	}
}

// shutdown takes no new calls and gives the calls under way the grace time to finish. Half way through, it ends what may never
// end by itself: calls that a rule makes hang, waits and streams. It fails if calls were cut off.
func (f *front) shutdown(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	half := time.AfterFunc(grace/2, func() { _ = f.fake.Close() })
	defer half.Stop()
	done := make(chan error, 1)
	go func() {
		if f.relay == nil {
			done <- nil
			return
		}
		done <- f.relay.Shutdown(ctx)
	}()
	err := errors.Join(f.server.Shutdown(ctx), <-done)
	f.close()
	return err
}

// close ends everything at once.
func (f *front) close() {
	_ = f.fake.Close()
	_ = f.server.Close()
	if f.relay != nil {
		_ = f.relay.Close()
	}
	for _, l := range f.all() {
		_ = l.Close()
	}
	f.serves.Wait()
}
