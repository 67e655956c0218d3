// Package hosts lists the platform's hosts, and reads host names.
package hosts

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// platform lists the host names that clients of the platform have built in.
var platform = []string{
	"oapi.dingtalk.com", "api.dingtalk.com", "login.dingtalk.com",
	"oapi.dingtalk.io", "api.dingtalk.io", "login.dingtalk.io",
}

// Platform returns the host names that clients of the platform have built in.
func Platform() []string { return slices.Clone(platform) }

// IsPlatform reports whether a name is one of Platform. It must be in the form that Name returns.
func IsPlatform(name string) bool { return slices.Contains(platform, name) }

// Name returns the name or address of a host from a header or URL, in lower case and without port, brackets and final dot.
func Name(host string) string {
	if strings.Contains(host, ":") { // without a colon SplitHostPort would make an error on each call
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// Check returns an error unless host is a host name or an IP address without a port.
func Check(host string) error {
	if net.ParseIP(strings.Trim(host, "[]")) != nil {
		return nil
	}
	good := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || len(host) > 254 || strings.TrimFunc(label, good) != "" {
			return fmt.Errorf("%q is no host name; it has to be one such as oapi.example.com, or an IP address, without a port", host)
		}
	}
	return nil
}
