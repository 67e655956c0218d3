package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"strings"
)

// The code that runtimes run before the program, so that libraries that do not support proxies reach the fake.
var (
	//go:embed run_node.cjs
	nodeSource string
	//go:embed run_python.py
	pythonSource string
	//go:embed run_php.php
	phpSource string
)

// endpoint is a listener in the form that a preload takes.
type endpoint struct {
	Host string `json:"host"`
	Port string `json:"port"`
}

func endpointOf(l net.Listener) endpoint {
	host, port, _ := net.SplitHostPort(reachable(l.Addr()))
	return endpoint{host, port}
}

// preload returns the source of a preload, with the names that lead to the fake and where it is.
func preload(source string, f *front, names []string, authority []byte) []byte {
	data, _ := json.Marshal(struct { // cannot fail: it has only strings
		Names []string `json:"names"`
		TLS   endpoint `json:"tls"`
		Plain endpoint `json:"plain"`
		Proxy string   `json:"proxy"`
		PEM   string   `json:"authority"`
	}{names, endpointOf(f.tls[0]), endpointOf(f.plain[0]), reachable(f.proxy[0].Addr()), string(authority)})
	return []byte(strings.Replace(source, "SETTINGS", string(data), 1))
}

// deaf lists the flags with which a runtime ignores the preload.
var deaf = []struct {
	program, flag *regexp.Regexp // flag also matches the argument after the flag
	why           string
}{
	{regexp.MustCompile(`^python`), regexp.MustCompile(`^-[^-cmWX]*[IES]`), "runs no sitecustomize of PYTHONPATH, which leads Python to the fake"},
	{regexp.MustCompile(`^php`), regexp.MustCompile(`^-(r|n|d ?auto_prepend_file\b)`), "runs no auto_prepend_file of run's, which leads PHP's streams to the fake"},
}

// unreached returns a line that says why the calls of a program may not have come, and what to do. code is the program's exit
// code, and refusals the number of connections that ended because it did not trust the certificate.
func unreached(command []string, code, refusals int) string {
	if refusals > 0 {
		return "the program reached the fake and left at its certificate, as one does that does not trust it, such as with authorities of its " +
			"own (an SSLContext, ssl.cafile, CURLOPT_CAINFO, a trust store): give it the file in SSL_CERT_FILE there (docs/tls.md)"
	}
	if code != 0 {
		return fmt.Sprintf("the program ended with exit code %d before any call came; if it did try to call, %s", code, unable(command))
	}
	return unable(command)
}

// unable returns a text that says which programs cannot be reached.
func unable(command []string) string {
	const instead = "give the program DINGMOCK_URL as its base URL, or run it as root in a container with --isolate hosts"
	name := filepath.Base(command[0])
	for i, arg := range command[1:] {
		if !strings.HasPrefix(arg, "-") {
			break
		}
		for _, d := range deaf {
			if d.program.MatchString(name) && d.flag.MatchString(strings.Join(command[i+1:min(i+3, len(command))], " ")) {
				return name + " " + arg + " " + d.why + ": leave " + arg + " out, or " + instead
			}
		}
	}
	return "not reached is what takes neither a proxy from the environment nor a preload, such as Go with an http.Transport without Proxy " +
		"(http.ProxyFromEnvironment is one), uvloop, aiodns, gevent, PHP's fsockopen, php -r, python -I and what is started by env -i or sudo: " + instead
}
