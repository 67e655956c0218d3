package impersonate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"

	"github.com/dingmock/dingmock/internal/hosts"
)

// TransportOptions says where a transport finds the fake. At least one of Addr and TLSAddr is required.
type TransportOptions struct {
	Addr    string // host and port of a plain HTTP listener, for http:// URLs; default: these fail
	TLSAddr string // host and port of a TLS listener, for https:// URLs; default: these fail
	CA      []byte // the authority's certificate in PEM; required with TLSAddr

	// Hosts are further names that reach the fake, in addition to the platform's. Default: none.
	Hosts []string

	// AllowEgress allows requests to other hosts. Default: only those to this machine go through; all others fail.
	AllowEgress bool
}

// NewTransport returns a transport with which an unchanged Go client reaches the fake: https requests to
// oapi.dingtalk.com, and to the platform's other names, go to TLSAddr, and http requests to Addr.
func NewTransport(o *TransportOptions) (*http.Transport, error) {
	if o == nil || o.Addr == "" && o.TLSAddr == "" {
		return nil, errors.New("impersonate: Addr, TLSAddr: one of them has to be given")
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if o.TLSAddr != "" && !pool.AppendCertsFromPEM(o.CA) {
		return nil, errors.New("impersonate: CA: holds no certificate in PEM")
	}
	names := hosts.Platform()
	for _, host := range o.Hosts {
		names = append(names, hosts.Name(host))
	}
	own := []string{"localhost", hosts.Name(o.Addr), hosts.Name(o.TLSAddr)}
	dialer := &net.Dialer{}
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		host = hosts.Name(host)
		if !slices.Contains(names, host) {
			if ip := net.ParseIP(host); o.AllowEgress || ip != nil && ip.IsLoopback() || slices.Contains(own, host) {
				return dialer.DialContext(ctx, network, addr)
			}
			return nil, fmt.Errorf("dingmock: %s is no name of the platform, and this transport has no way out to it", host)
		}
		to, kind := o.TLSAddr, "https"
		if port == "80" {
			to, kind = o.Addr, "http"
		}
		if to == "" {
			return nil, fmt.Errorf("dingmock: the fake has no listener for %s://%s", kind, host)
		}
		return dialer.DialContext(ctx, network, to)
	}
	return &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     idleTimeout,
	}, nil
}
