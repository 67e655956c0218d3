// Package impersonate lets clients that carry https://oapi.dingtalk.com as a constant reach a fake of it: a
// certificate authority of its own and TLS under the platform's names, a proxy that answers those names, and a
// transport for Go clients.
//
// It is not for anything but tests: who trusts the authority trusts whoever has its key. Do not add it to the trust
// store of a machine; hand it to the program under test alone. Start with [New]:
//
//	authority, err := impersonate.New(nil)
//	server := &http.Server{Handler: fake}
//	err = server.Serve(authority.NewListener(listener))
package impersonate

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock/internal/hosts"
)

// Options says how an Authority behaves. Nil and the zero value are ready.
type Options struct {
	// Dir is the folder in which the authority is kept: ca.pem, its certificate, and ca-key.pem, its key, which
	// only the owner may read. What is there is used, what is not is made. Default: it is kept in memory.
	Dir string

	// Hosts are names and IP addresses to answer beside the platform's and localhost. Default: none.
	Hosts []string

	// Now is the time by which certificates are valid. Default: time.Now. It is called by several goroutines at
	// once.
	Now func() time.Time

	// Fault is asked at each handshake for a name that is answered, and says what is wrong with the certificate that is
	// shown: tls-expired, tls-wrong-name, tls-unknown-authority, or "" for nothing. The name is in lower case; it is the address that was dialled where the
	// client names nobody. It is called by several goroutines at once. Default: nothing ever is wrong.
	Fault func(name string) string

	// Log gets a line for each name that is not answered, for each client that refuses a certificate, at most one a
	// minute of the same client and name, and for each certificate with a fault. Default: nothing is logged.
	Log *slog.Logger
}

// Authority is a certificate authority and the names that it answers for. Any number of goroutines may use one.
type Authority struct {
	ca    *ca
	names []string // answered by the proxy: the platform's, and the options' names
	local []string // answered by TLS alone: this machine's own names
	ips   []net.IP // of the options
	now   func() time.Time
	fault func(string) string
	log   *slog.Logger

	stranger func() (*ca, error) // whom no client trusts

	mu     sync.Mutex
	leaves map[string]*leaf // by name

	told    told
	refused atomic.Int64 // connections
	open    atomic.Int64 // connections of which it is not known yet
}

// New reads or makes an authority. It fails where Options.Dir holds half of one, where what it holds cannot be used,
// where it cannot be written, and where one of Options.Hosts is no name.
func New(options *Options) (*Authority, error) {
	var o Options
	if options != nil {
		o = *options
	}
	a := &Authority{names: hosts.Platform(), local: []string{"localhost"}, now: o.Now, fault: o.Fault, log: o.Log, leaves: map[string]*leaf{}}
	if a.now == nil {
		a.now = realNow
	}
	if a.fault == nil {
		a.fault = func(string) string { return "" }
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	a.stranger = sync.OnceValues(func() (*ca, error) { return makeCA(a.now(), "dingmock unknown CA") })
	for _, host := range o.Hosts {
		if err := hosts.Check(host); err != nil {
			return nil, fmt.Errorf("impersonate: Hosts: %w", err)
		}
		if ip := parseIP(host); ip != nil {
			a.ips = append(a.ips, ip)
		} else {
			a.names = append(a.names, hosts.Name(host))
		}
	}
	if name, err := os.Hostname(); err == nil && hosts.Check(name) == nil {
		a.local = append(a.local, hosts.Name(name))
	}
	var err error
	if o.Dir == "" {
		a.ca, err = makeCA(a.now(), caName)
	} else {
		a.ca, err = openCA(o.Dir, a.now, a.log)
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// PEM returns the authority's certificate, which clients have to trust.
func (a *Authority) PEM() []byte { return slices.Clone(a.ca.pem) }

// Names returns the names that are answered beside this machine's own: the platform's first.
func (a *Authority) Names() []string { return slices.Clone(a.names) }

// answers reports whether the proxy answers for a host, with or without a port.
func (a *Authority) answers(host string) bool {
	host = hosts.Name(host)
	if ip := net.ParseIP(host); ip != nil {
		return slices.ContainsFunc(a.ips, ip.Equal)
	}
	return slices.Contains(a.names, host)
}

func parseIP(host string) net.IP { return net.ParseIP(strings.Trim(host, "[]")) }
