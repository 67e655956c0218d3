package mockserver

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/hosts"
)

// localNames are domains in which no stranger can have a name, as their names are not sold.
var localNames = []string{".localhost", ".local", ".internal", ".test", ".home.arpa", ".svc", ".cluster.local"}

// ours reports whether a host name can only be this machine's, or has been allowed. A page of another site that
// points its own name here would have to use that name.
func (s *Server) ours(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return true
	}
	return hosts.IsPlatform(name) || slices.Contains(s.options.ControlHosts, name) ||
		slices.ContainsFunc(localNames, func(end string) bool { return strings.HasSuffix(name, end) })
}

// checkHost rejects requests that a page of another site has its browser send here, even under another name for
// this address.
func (s *Server) checkHost(r *http.Request) error {
	host := hosts.Name(r.Host)
	if s.options.ControlToken == "" && !s.ours(host) {
		return foreign("Host", host)
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			p := problemOf(http.StatusForbidden, "a page that has no origin on the web, such as a file or a sandboxed frame, may not ask here")
			p.Field, p.Accepted = "/header/Origin", "the origin of this server's own page, or none"
			return p
		}
		if from := hosts.Name(u.Host); from != host && !s.ours(from) {
			return foreign("Origin", from)
		}
	}
	return nil
}

// foreign returns the problem for an unknown host, with the setting that allows it.
func foreign(header, host string) error {
	host = strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789-._:", r) {
			return r
		}
		return '?'
	}, host)
	host = host[:min(len(host), 253)]
	p := problemOf(http.StatusForbidden, fmt.Sprintf("%s: %s is not known as a name of this server, so that a page of another site could be asking: "+
		"if it is one, start dingmock with --control-host %s", header, host, host))
	p.Field, p.Accepted = "/header/"+header, "a loopback or local name, an address, one of the platform's names, or a name of --control-host or --tls-host"
	return p
}
