// Package impersonate lets clients with the constant https://oapi.dingtalk.com reach a fake of it. It provides a
// certificate authority and TLS under the platform's names, a proxy that answers those names, and a transport for
// Go clients.
//
// It is only for tests: whoever trusts the authority trusts whoever has its key. Do not add it to the trust store
// of a machine; give it only to the program under test. Start with [New]:
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

// Options configures an Authority. Nil and the zero value are ready for use.
type Options struct {
	// Dir is the folder that holds the authority: ca.pem, its certificate, and ca-key.pem, its key, which only the
	// owner may read. An authority in the folder is used; if there is none, one is made there. Default: the
	// authority is kept in memory.
	Dir string

	// Hosts are names and IP addresses to answer in addition to the platform's names and localhost. Default: none.
	Hosts []string

	// Now returns the time by which certificates are valid. It must be safe for concurrent use. Default: time.Now.
	Now func() time.Time

	// Fault is called at each handshake for a name that is answered. It returns what is wrong with the certificate
	// to show: tls-expired, tls-wrong-name, tls-unknown-authority, or "" for nothing. The name is in lower case;
	// if the client names no host, it is the address that was dialled. Fault must be safe for concurrent use.
	// Default: no certificate has a fault.
	Fault func(name string) string

	// Log gets a line for each name that is not answered, for each certificate with a fault, and for each client
	// that refuses a certificate, at most once a minute for the same client and name. Default: nothing is logged.
	Log *slog.Logger
}

// Authority is a certificate authority and the names that it answers for. It is safe for concurrent use.
type Authority struct {
	ca    *ca
	names []string // answered by the proxy: the platform's, and the options' names
	local []string // answered only by TLS: this machine's own names
	ips   []net.IP // from the options
	now   func() time.Time
	fault func(string) string
	log   *slog.Logger

	stranger func() (*ca, error) // no client trusts it

	mu     sync.Mutex
	leaves map[string]*leaf // by name

	told    told
	refused atomic.Int64 // connections
	open    atomic.Int64 // connections whose outcome is not yet known
}

// New reads or makes an authority. It returns an error if Options.Dir holds only half of one or one that cannot be
// used, if Options.Dir cannot be written, or if one of Options.Hosts is not a valid name.
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

// PEM returns the authority's certificate, which clients must trust.
func (a *Authority) PEM() []byte { return slices.Clone(a.ca.pem) }

// Names returns the names that are answered in addition to this machine's own, the platform's first.
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
