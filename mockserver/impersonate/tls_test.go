package impersonate_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
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

func TestTLSNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{Hosts: []string{"Fake.Example.", "192.0.2.7"}}, nil)
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"oapi.dingtalk.com", "api.dingtalk.com", "login.dingtalk.com", "oapi.dingtalk.io", "api.dingtalk.io", "login.dingtalk.io", "OAPI.DingTalk.com", "localhost",
		"fake.example", own,
	} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				t.Parallel()
				s, err := w.shake(t, &tls.Config{ServerName: name, RootCAs: w.pool(), MinVersion: version, MaxVersion: version, NextProtos: []string{"h2"}})
				if err != nil {
					t.Fatal(err)
				}
				if s.NegotiatedProtocol != "h2" || s.Version != version {
					t.Errorf("%s over %s", s.NegotiatedProtocol, tls.VersionName(s.Version))
				}
				if life := s.PeerCertificates[0].NotAfter.Sub(s.PeerCertificates[0].NotBefore); life > 398*24*time.Hour {
					t.Errorf("the certificate lives %s, longer than some clients allow", life)
				}
			})
		}
	}
}

func TestTLSWithoutName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{Hosts: []string{"192.0.2.7", "[2001:db8::7]"}}, nil)
	s, err := w.shake(t, &tls.Config{ServerName: "127.0.0.1", RootCAs: w.pool(), NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	if s.NegotiatedProtocol != "http/1.1" {
		t.Errorf("over %q", s.NegotiatedProtocol)
	}
	own, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", own, "192.0.2.7", "2001:db8::7"} {
		if err := s.PeerCertificates[0].VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if err := s.PeerCertificates[0].VerifyHostname("oapi.dingtalk.com"); err == nil {
		t.Error("the certificate is good for a name that was not asked for")
	}
}

func TestTLSUnknownName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{}, nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		_, err := w.shake(t, &tls.Config{ServerName: "static.dingtalk.com", RootCAs: w.pool(), MinVersion: version, MaxVersion: version})
		if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%s: %v, want the alert unrecognized name", tls.VersionName(version), err)
		}
	}
	if text := w.log.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "name=static.dingtalk.com") != 2 || !strings.Contains(text, "(option tls-host adds one)") {
		t.Errorf("log:\n%s", text)
	}
}

func TestLeavesAreKept(t *testing.T) {
	t.Parallel()
	clock := manual.New(time.Now())
	w := newWorld(t, impersonate.Options{Now: clock.Now}, nil)
	serial := func() string {
		s, err := w.shake(t, &tls.Config{ServerName: "oapi.dingtalk.com", InsecureSkipVerify: true}) // trust is not tested: it depends on real time
		if err != nil {
			t.Fatal(err)
		}
		return s.PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if got := serial(); got != first {
				t.Errorf("serial %s, then %s", first, got)
			}
		})
	}
	all.Wait()
	clock.Advance(360 * 24 * time.Hour)
	if serial() == first {
		t.Error("a certificate that is about to end is not renewed")
	}
}

// A certificate is valid only while its authority is.
func TestLeafWithinAuthority(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(made.PEM())
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for name, now := range map[string]time.Time{"begins": ca.NotBefore.Add(time.Minute), "ends": ca.NotAfter.Add(-time.Minute)} {
		w := newWorld(t, impersonate.Options{Dir: dir, Now: func() time.Time { return now }}, nil)
		s, err := w.shake(t, &tls.Config{ServerName: "oapi.dingtalk.com", RootCAs: w.pool(), Time: func() time.Time { return now }})
		if err != nil {
			t.Errorf("while it %s: %v", name, err)
			continue
		}
		if leaf := s.PeerCertificates[0]; leaf.NotBefore.Before(ca.NotBefore) || leaf.NotAfter.After(ca.NotAfter) {
			t.Errorf("while it %s: from %s to %s, and the authority from %s to %s", name, leaf.NotBefore, leaf.NotAfter, ca.NotBefore, ca.NotAfter)
		}
	}
}

func TestOpenSSL(t *testing.T) {
	t.Parallel()
	needs(t, "openssl")
	w := newWorld(t, impersonate.Options{}, nil)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, w.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name string
		args []string
		want []string
		or   string // what it says in place of each, if it is too new itself to ask
	}{
		{"1.3", []string{"-servername", "oapi.dingtalk.com", "-verify_hostname", "oapi.dingtalk.com", "-tls1_3", "-alpn", "h2"}, []string{"Verify return code: 0 (ok)", "ALPN protocol: h2"}, ""},
		{"1.2", []string{"-servername", "api.dingtalk.io", "-verify_hostname", "api.dingtalk.io", "-tls1_2", "-alpn", "http/1.1"}, []string{"Verify return code: 0 (ok)", "ALPN protocol: http/1.1"}, ""},
		{"no name", []string{"-noservername", "-verify_ip", "127.0.0.1"}, []string{"Verify return code: 0 (ok)"}, ""},
		{"unknown name", []string{"-servername", "example.com"}, []string{"unrecognized name"}, ""},
		{"too old", []string{"-servername", "oapi.dingtalk.com", "-tls1_1"}, []string{"alert"}, "no protocols available"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			out := output(t, "openssl", append([]string{"s_client", "-connect", w.tls, "-CAfile", ca}, x.args...)...)
			for _, want := range x.want {
				if !strings.Contains(out, want) && (x.or == "" || !strings.Contains(out, x.or)) {
					t.Errorf("want %q in\n%s", want, out)
				}
			}
		})
	}
	if out := output(t, "openssl", "verify", "-x509_strict", "-CAfile", ca, ca); !strings.Contains(out, ": OK") {
		t.Errorf("openssl verify: %s", out)
	}
}

func TestCurl(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	w := newWorld(t, impersonate.Options{}, nil)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, w.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	const oapi = "https://oapi.dingtalk.com/gettoken"
	connect := "oapi.dingtalk.com:443:" + w.tls
	for _, x := range []struct {
		name string
		args []string
		want string
	}{
		{"TLS", []string{"--connect-to", connect, oapi}, "HTTP/2.0 GET /gettoken host=oapi.dingtalk.com url= tls=true"},
		{"TLS and HTTP/1.1", []string{"--http1.1", "--connect-to", connect, oapi}, "HTTP/1.1 GET /gettoken host=oapi.dingtalk.com url= tls=true"},
		{"unknown name", []string{"--connect-to", "example.com:443:" + w.tls, "https://example.com/"}, "unrecognized name"},
		{"CONNECT", []string{"-x", "http://user:secret@" + w.proxy, oapi}, `HTTP/2.0 GET /gettoken host=oapi.dingtalk.com url= tls=true proxy=""`},
		{"CONNECT for plain HTTP", []string{"-p", "-x", w.proxy, "http://oapi.dingtalk.com/gettoken"}, "HTTP/1.1 GET /gettoken host=oapi.dingtalk.com url= tls=false"},
		{"plain through the proxy", []string{"-x", "http://user:secret@" + w.proxy, "http://api.dingtalk.com/v1.0/x"}, `HTTP/1.1 GET /v1.0/x host=api.dingtalk.com url= tls=false proxy=""`},
		{"unknown by CONNECT", []string{"-x", w.proxy, "https://example.com/"}, "403"},
		{"unknown through the proxy", []string{"-x", w.proxy, "http://example.com/"}, "dingmock: this proxy does not answer for example.com"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			if out := output(t, "curl", append([]string{"-sS", "--cacert", ca}, x.args...)...); !strings.Contains(out, x.want) {
				t.Errorf("%s\nwant %q in it; log:\n%s", out, x.want, w.log)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "a b", "https://x.example", "x.example:443", "a..b", "*.example", strings.Repeat("a", 64) + ".example"} {
		if _, err := impersonate.New(&impersonate.Options{Hosts: []string{bad}}); err == nil || !strings.Contains(err.Error(), "is no host name") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	a, err := impersonate.New(&impersonate.Options{Hosts: []string{"x.example"}})
	if err != nil {
		t.Fatal(err)
	}
	if names := a.Names(); names[0] != "oapi.dingtalk.com" || !slices.Contains(names, "x.example") {
		t.Errorf("names %v", names)
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	w := newWorld(t, impersonate.Options{Hosts: []string{"x.example"}}, nil)
	tr, err := impersonate.NewTransport(&impersonate.TransportOptions{Addr: w.plain, TLSAddr: w.tls, CA: w.PEM(), Hosts: []string{"x.example"}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.CloseIdleConnections()
	tlsOnly, err := impersonate.NewTransport(&impersonate.TransportOptions{TLSAddr: w.tls, CA: w.PEM()})
	if err != nil {
		t.Fatal(err)
	}
	defer tlsOnly.CloseIdleConnections()
	for _, x := range []struct {
		name string
		tr   *http.Transport
		url  string
		want string
	}{
		{"https", tr, "https://oapi.dingtalk.com/gettoken", "200 HTTP/2.0 GET /gettoken host=oapi.dingtalk.com url= tls=true"},
		{"http", tr, "http://api.dingtalk.com/x", "200 HTTP/1.1 GET /x host=api.dingtalk.com url= tls=false"},
		{"other name", tr, "https://x.example/x", "200 HTTP/2.0"},
		{"itself", tr, "http://" + w.plain + "/x", "200 HTTP/1.1 GET /x host=" + w.plain},
		{"itself by TLS", tr, "https://" + w.tls + "/x", "200 HTTP/2.0"},
		{"no way out", tr, "https://example.com/", "example.com is no name of the platform"},
		{"no plain listener", tlsOnly, "http://oapi.dingtalk.com/", "has no listener for http://oapi.dingtalk.com"},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := get(t.Context(), &http.Client{Transport: x.tr}, x.url)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, x.want) {
				t.Errorf("%s, want %q", got, x.want)
			}
		})
	}
	for _, o := range []*impersonate.TransportOptions{nil, {}, {TLSAddr: w.tls}, {TLSAddr: w.tls, CA: []byte("x")}} {
		if _, err := impersonate.NewTransport(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
