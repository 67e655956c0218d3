package impersonate_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// foreign is a client not written in Go. It gets the URL of a TLS server and the file of its authority, or "", and
// prints what it reports.
type foreign struct {
	name    string
	program string
	args    func(t *testing.T, url, ca string) []string
	errors  map[string]string // what it prints, by fault; "" means that it does not trust the authority
	logged  []string          // one of these, for a client that does not trust the authority
	trusts  string            // the variable that names the file of the authority, if it reads no other
}

const javaSource = `
import java.net.*; import java.net.http.*;
public class Client {
    public static void main(String[] args) throws Exception {
        try {
            if (args[1].equals("new")) HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(args[0])).build(), HttpResponse.BodyHandlers.ofString());
            else new URL(args[0]).openStream();
        } catch (Exception e) {
            System.out.println(e);
        }
    }
}`

const mistrust = "a client refused the certificate: it does not trust dingmock's authority"

// foreigners are the clients on this machine. Each rejects a certificate in its own way.
func foreigners() []foreign {
	script := func(flags ...string) func(*testing.T, string, string) []string {
		return func(_ *testing.T, url, ca string) []string { return append(slices.Clone(flags), url, ca) }
	}
	curl := func(flags ...string) func(*testing.T, string, string) []string {
		return func(_ *testing.T, url, ca string) []string {
			args := append([]string{"-sS", "-w", "exit code %{exitcode}"}, flags...)
			if ca != "" {
				args = append(args, "--cacert", ca)
			}
			return append(args, url)
		}
	}
	java := func(kind string) func(*testing.T, string, string) []string {
		return func(t *testing.T, url, _ string) []string {
			file := filepath.Join(t.TempDir(), "Client.java")
			if err := os.WriteFile(file, []byte(javaSource), 0o600); err != nil {
				t.Fatal(err)
			}
			return []string{"-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", file, url, kind} // faster to start
		}
	}
	const (
		left  = "a client left as soon as it had seen the certificate, as one does that does not trust it: have it trust /_mock/ca.pem (dingmock ca)"
		node  = `const [url, ca] = process.argv.slice(1), o = {ca: ca ? require('fs').readFileSync(ca) : undefined, `
		https = `}; require('https').get(url, o, r => r.pipe(process.stdout)).on('error', e => console.log(e.code))`
		fetch = "const [url] = process.argv.slice(1); fetch(url).then(async r => console.log(await r.text()), e => console.log(e.cause.code))"
		ssl   = "import ssl, sys, urllib.request\nc = ssl.create_default_context(cafile=sys.argv[2] or None)\n%s\nprint(urllib.request.urlopen(sys.argv[1], context=c).read())"
	)
	ofNode := map[string]string{"": "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls-expired": "CERT_HAS_EXPIRED", "tls-wrong-name": "ERR_TLS_CERT_ALTNAME_INVALID", "tls-unknown-authority": "UNABLE_TO_VERIFY_LEAF_SIGNATURE"}
	ofPython := map[string]string{"": "unable to get local issuer certificate", "tls-expired": "certificate has expired", "tls-wrong-name": "Hostname mismatch, certificate is not valid for 'localhost'", "tls-unknown-authority": "unable to get local issuer certificate"}
	ofCurl := map[string]string{"": "exit code 60", "tls-expired": "certificate has expired", "tls-wrong-name": "no alternative certificate subject name matches target host name 'localhost'", "tls-unknown-authority": "unable to get local issuer certificate"}
	ofJava := map[string]string{"": "unable to find valid certification path"}
	return []foreign{
		{"curl", "curl", curl(), ofCurl, []string{mistrust}, ""},
		{"curl, TLS 1.2", "curl", curl("--tls-max", "1.2"), ofCurl, []string{mistrust}, ""},
		{"Node https", "node", script("-e", node+https), ofNode, []string{left}, ""},
		{"Node https, TLS 1.2", "node", script("-e", node+"maxVersion: 'TLSv1.2', "+https), ofNode, []string{left}, ""},
		{"Node fetch", "node", script("-e", fetch), ofNode, []string{left}, "NODE_EXTRA_CA_CERTS"},
		{"Python", "/usr/bin/python3", script("-c", fmt.Sprintf(ssl, "")), ofPython, []string{mistrust}, ""},
		{"Python, TLS 1.2", "/usr/bin/python3", script("-c", fmt.Sprintf(ssl, "c.maximum_version = ssl.TLSVersion.TLSv1_2")), ofPython, []string{mistrust}, ""},
		{"Java", "java", java("old"), ofJava, []string{mistrust + ", or reached it by another name or address"}, ""},
		{"Java HttpClient", "java", java("new"), ofJava, []string{left, mistrust}, ""}, // its alert may come before it has left,
	}
}

// local returns the URL of the world's TLS listener under the name in its certificate.
func (w *world) local() string {
	_, port, _ := net.SplitHostPort(w.tls)
	return "https://localhost:" + port + "/"
}

// A client that does not trust the authority is logged, with what to do, however it rejects the certificate.
func TestRefused(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, w *world, want ...string) {
		t.Helper()
		w.log.wait(t, "remote=127.0.0.1:")
		if w.Settle(limit); w.Refusals() != 1 {
			t.Errorf("%d refusals are counted, want 1", w.Refusals())
		}
		text := w.log.String()
		said := slices.ContainsFunc(want, func(w string) bool { return strings.Contains(text, `level=WARN msg="`+w) })
		if !said || !strings.Contains(text, "/_mock/ca.pem") || !strings.Contains(text, " name=") || strings.Count(text, "\n") != 1 {
			t.Errorf("log, want one line with %q and the name:\n%s", want, text)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run("Go "+tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, impersonate.Options{}, nil)
			if _, err := w.shake(t, &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool(), MinVersion: version, MaxVersion: version}); err == nil {
				t.Fatal("it trusts the authority")
			}
			check(t, w, mistrust+"; have it trust")
			if !strings.Contains(w.log.String(), `name=localhost alert="tls: bad certificate"`) {
				t.Errorf("log: %s", w.log)
			}
		})
	}
	for _, c := range foreigners() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			needs(t, c.program)
			w := newWorld(t, impersonate.Options{}, nil)
			if out := output(t, c.program, c.args(t, w.local(), "")...); !strings.Contains(out, c.errors[""]) {
				t.Errorf("the client says %q, want %q", out, c.errors[""])
			}
			check(t, w, c.logged...)
		})
	}
	t.Run("through the proxy", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, impersonate.Options{}, nil)
		c, tr := w.through()
		defer tr.CloseIdleConnections()
		tr.TLSClientConfig.RootCAs = x509.NewCertPool()
		if got, err := get(t.Context(), c, "https://oapi.dingtalk.com/"); err == nil {
			t.Fatal(got)
		}
		w.log.wait(t, "name=oapi.dingtalk.com")
		if !strings.Contains(w.log.String(), mistrust) {
			t.Errorf("log: %s", w.log)
		}
	})
	t.Run("by an address", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, impersonate.Options{}, nil)
		if _, err := w.shake(t, &tls.Config{ServerName: "192.0.2.1", RootCAs: w.pool()}); err == nil {
			t.Fatal("the certificate is for any address")
		}
		w.log.wait(t, "or reached it by another name or address than the certificate is for (option tls-host adds one)")
	})
	t.Run("a clock that is wrong", func(t *testing.T) {
		t.Parallel()
		needs(t, "openssl")
		w := newWorld(t, impersonate.Options{}, nil)
		ca := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, w.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		output(t, "openssl", "s_client", "-connect", w.tls, "-servername", "localhost", "-CAfile", ca, "-verify_return_error", "-attime", "4000000000")
		w.log.wait(t, "it holds it for expired, so its clock is not this machine's")
	})
}

// Only refusals are logged: not a client that sends no request, not one that sends one, and not one that checks
// whether the port is open.
func TestNotRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{}, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		c := &tls.Config{ServerName: "localhost", RootCAs: w.pool(), MinVersion: version, MaxVersion: version}
		if _, err := w.shake(t, c); err != nil {
			t.Fatal(err)
		}
		tr := &http.Transport{TLSClientConfig: c}
		if got, err := get(t.Context(), &http.Client{Transport: tr}, w.local()); err != nil || !strings.HasPrefix(got, "200 ") {
			t.Error(got, err)
		}
		tr.CloseIdleConnections()
	}
	conn, err := net.Dial("tcp", w.tls)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got, err := get(t.Context(), http.DefaultClient, "http://"+w.tls+"/x"); err != nil || !strings.Contains(got, "400 Client sent an HTTP request to an HTTPS server.") {
		t.Error(got, err)
	}
	w.log.wait(t, `msg="a client did not shake hands" error="it sent an HTTP request without TLS"`)
	if w.Settle(limit); w.Refusals() != 0 {
		t.Errorf("%d refusals are counted, want none", w.Refusals())
	}
	if text := w.log.String(); strings.Count(text, "\n") != 1 {
		t.Errorf("log, want one line:\n%s", text)
	}
}

// A client that keeps trying is logged once a minute, with the number of tries.
func TestRefusedOften(t *testing.T) {
	t.Parallel()
	clock := manual.New(time.Now())
	w := newWorld(t, impersonate.Options{Now: clock.Now}, nil)
	try := func(name string) {
		t.Helper()
		if _, err := w.shake(t, &tls.Config{ServerName: name, RootCAs: x509.NewCertPool()}); err == nil {
			t.Fatal("it trusts the authority")
		}
	}
	for range 20 {
		try("localhost")
	}
	try("api.dingtalk.com") // another name
	w.log.wait(t, "name=localhost")
	w.log.wait(t, "name=api.dingtalk.com")
	clock.Advance(time.Minute)
	for !strings.Contains(w.log.String(), " times=") {
		try("localhost")
	}
	if text := w.log.String(); strings.Count(text, "\n") != 3 {
		t.Errorf("log, want three lines:\n%s", text)
	}
}

// A certificate has the requested fault, and each client reports it like a real one; the log says what the client
// did. The next connection works.
func TestFaults(t *testing.T) {
	t.Parallel()
	const refused = `level=INFO msg="a client refused a certificate with a fault"`
	faulty := func(t *testing.T, fault string) (w *world, ca string) {
		var mu sync.Mutex
		next := fault
		w = newWorld(t, impersonate.Options{Fault: func(name string) string {
			mu.Lock()
			defer mu.Unlock()
			if name != "localhost" && name != "oapi.dingtalk.com" {
				t.Errorf("asked for the name %q", name)
			}
			fault := next
			next = ""
			return fault
		}}, nil)
		ca = filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(ca, w.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		return w, ca
	}
	ofGo := map[string]string{
		"tls-expired": "certificate has expired or is not yet valid", "tls-wrong-name": "certificate is valid for wrong-name.invalid, not oapi.dingtalk.com",
		"tls-unknown-authority": "certificate signed by unknown authority",
	}
	for fault := range ofGo {
		for _, proxied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s Go proxied=%t", fault, proxied), func(t *testing.T) {
				t.Parallel()
				w, _ := faulty(t, fault)
				c, tr := w.through()
				if !proxied {
					tr.Proxy = nil
					tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
						return new(net.Dialer).DialContext(ctx, network, w.tls)
					}
				}
				defer tr.CloseIdleConnections()
				if got, err := get(t.Context(), c, "https://oapi.dingtalk.com/x"); err == nil || !strings.Contains(err.Error(), ofGo[fault]) {
					t.Errorf("%s, error %v, want %q", got, err, ofGo[fault])
				}
				w.log.wait(t, refused)
				if got, err := get(t.Context(), c, "https://oapi.dingtalk.com/x"); err != nil || !strings.HasPrefix(got, "200 HTTP/2.0 ") {
					t.Errorf("the next connection: %s, error %v", got, err)
				}
				if text := w.log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "name=oapi.dingtalk.com") || !strings.Contains(text, "fault="+fault) {
					t.Errorf("log:\n%s", text)
				}
			})
		}
		for _, c := range foreigners() {
			if c.program == "java" { // it takes seconds to start
				continue
			}
			t.Run(fault+" "+c.name, func(t *testing.T) {
				t.Parallel()
				needs(t, c.program)
				w, ca := faulty(t, fault)
				program, args := c.program, c.args(t, w.local(), ca)
				if c.trusts != "" {
					program, args = "env", append([]string{c.trusts + "=" + ca, program}, args...)
				}
				if out := output(t, program, args...); !strings.Contains(out, c.errors[fault]) {
					t.Errorf("the client says %q, want %q", out, c.errors[fault])
				} else if c.program == "curl" && !strings.Contains(out, "exit code 60") {
					t.Errorf("curl says %q, want exit code 60", out)
				}
				w.log.wait(t, "level=INFO")
				if out := output(t, program, args...); !strings.Contains(out, "GET / host=localhost") {
					t.Errorf("the next connection: %s", out)
				}
				if text := w.log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, " name=") || !strings.Contains(text, "fault="+fault) {
					t.Errorf("log:\n%s", text)
				}
			})
		}
	}
}

// A client that tries to resume a session is still shown the certificate, and one that does not check it is
// logged.
func TestFaultTaken(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			fault := ""
			w := newWorld(t, impersonate.Options{Fault: func(string) string {
				mu.Lock()
				defer mu.Unlock()
				return fault
			}}, nil)
			c := &tls.Config{RootCAs: w.pool(), ClientSessionCache: tls.NewLRUClientSessionCache(1), MaxVersion: version}
			ask := func() error {
				tr := &http.Transport{TLSClientConfig: c.Clone()}
				defer tr.CloseIdleConnections()
				_, err := get(t.Context(), &http.Client{Transport: tr}, w.local())
				return err
			}
			for range 2 {
				if err := ask(); err != nil {
					t.Fatal(err)
				}
			}
			mu.Lock()
			fault = "tls-wrong-name"
			mu.Unlock()
			if err := ask(); err == nil {
				t.Error("a session that is resumed hides the fault")
			}
			w.log.wait(t, "a client refused a certificate with a fault")
			c.InsecureSkipVerify = true
			if err := ask(); err != nil {
				t.Error(err)
			}
			w.log.wait(t, `level=WARN msg="a client took a certificate with a fault: it does not check for it" name=localhost fault=tls-wrong-name remote=127.0.0.1:`)
		})
	}
}
