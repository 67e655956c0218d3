// Package hosts knows the platform's hosts, and reads the name of a host.
package hosts

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// platform is the names that clients of the platform carry.
var platform = []string{
	"oapi.dingtalk.com", "api.dingtalk.com", "login.dingtalk.com",
	"oapi.dingtalk.io", "api.dingtalk.io", "login.dingtalk.io",
}

// Platform returns the names that clients of the platform carry.
func Platform() []string { return slices.Clone(platform) }

// IsPlatform reports whether clients of the platform carry a name, which is as Name returns it.
func IsPlatform(name string) bool { return slices.Contains(platform, name) }

// Name returns the name or the address of a host, as it stands in a header or a URL: without port, brackets and final dot,
// in lower case.
func Name(host string) string {
	if strings.Contains(host, ":") { // else an error would be made for each call
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// Check returns an error where a host is neither a name nor an IP address, without a port.
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
