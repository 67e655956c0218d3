package impersonate

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/dingmock/dingmock/internal/hosts"
)

// The faults that Options.Fault may return.
const (
	faultExpired          = "tls-expired"           // it has expired
	faultWrongName        = "tls-wrong-name"        // it is for another name
	faultUnknownAuthority = "tls-unknown-authority" // no client trusts its issuer, which is new at each start
)

// wrongName is the name in a certificate of faultWrongName. Nobody can own it.
const wrongName = "wrong-name.invalid"

// leaf is the certificate of a name.
type leaf struct {
	*tls.Certificate
	renew time.Time
}

// subject is what a certificate is issued for.
type subject struct {
	name  string // the name asked for, or the address that was dialled
	names []string
	ips   []net.IP
}

// tlsConfig returns the TLS configuration of a server for the authority's names. name is used if the client asks
// for none.
func (a *Authority) tlsConfig(name string) *tls.Config {
	asked := func(hello *tls.ClientHelloInfo) (subject, bool) {
		if hello.ServerName != "" {
			return a.subject(hello.ServerName, hello.Conn)
		}
		return a.subject(name, hello.Conn)
	}
	base := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			s, ok := asked(hello)
			if !ok { // crypto/tls turns nil into the alert unrecognized_name
				return nil, nil
			}
			return a.leaf(s)
		},
	}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		s, ok := asked(hello)
		w := hello.Conn.(*watched)
		if !ok {
			a.log.Warn("a client asked by TLS for a name that is not answered (option tls-host adds one)", "name", hosts.Name(hello.ServerName), "remote", w.RemoteAddr().String())
			w.over()
			return nil, nil
		}
		fault := a.fault(s.name)
		w.begin(s.name, fault)
		if fault == "" {
			return nil, nil
		}
		bad, err := a.bad(fault, s)
		if err != nil {
			a.log.Error("a certificate with a fault could not be made", "fault", fault, "error", err)
			return nil, err
		}
		c := base.Clone()
		c.SessionTicketsDisabled = true // a client that resumes a session does not check the certificate
		c.GetConfigForClient, c.GetCertificate, c.Certificates = nil, nil, []tls.Certificate{*bad}
		return c, nil
	}
	return base
}

// subject returns what the certificate for a name must be issued for; false if the name is not answered.
func (a *Authority) subject(name string, conn net.Conn) (subject, bool) {
	name = hosts.Name(name)
	if ip := net.ParseIP(name); name == "" || ip != nil {
		var dialled net.IP
		if addr, ok := conn.LocalAddr().(*net.TCPAddr); ok {
			dialled = addr.IP
		}
		ips := append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, dialled}, a.ips...)
		ips = slices.DeleteFunc(ips, func(ip net.IP) bool { return ip == nil })
		if name == "" {
			name = dialled.String()
		}
		return subject{name, a.local, ips}, true
	}
	return subject{name, []string{name}, nil}, slices.Contains(a.names, name) || slices.Contains(a.local, name)
}

// leaf returns the certificate kept for a name, or makes one.
func (a *Authority) leaf(s subject) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	key := s.name
	if len(s.ips) > 0 {
		key = fmt.Sprint(s.ips)
	}
	if l := a.leaves[key]; l != nil && now.Before(l.renew) {
		return l.Certificate, nil
	}
	made, err := a.ca.sign(s, latest(now.Add(-skew), a.ca.cert.NotBefore), earliest(now.Add(leafLife), a.ca.cert.NotAfter))
	if err != nil {
		a.log.Error("a certificate could not be made", "name", s.name, "error", err)
		return nil, err
	}
	a.leaves[key] = &leaf{made, made.Leaf.NotAfter.Add(-leafLife / 12)}
	return made, nil
}

// bad makes a certificate with a fault.
func (a *Authority) bad(fault string, s subject) (*tls.Certificate, error) {
	by, end := a.ca, a.now().Add(leafLife/2)
	switch fault {
	case faultExpired:
		end = a.now().Add(-2 * skew)
	case faultWrongName:
		s.names, s.ips = []string{wrongName}, nil
	case faultUnknownAuthority:
		var err error
		if by, err = a.stranger(); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%q is no fault of a certificate", fault)
	}
	return by.sign(s, end.Add(-leafLife), end)
}

// sign makes a certificate.
func (c *ca) sign(s subject, begin, end time.Time) (*tls.Certificate, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{Organization: []string{"dingmock"}},
		NotBefore:    begin,
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     s.names,
		IPAddresses:  s.ips,
	}
	if len(s.names[0]) <= 64 {
		template.Subject.CommonName = s.names[0]
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, key.Public(), c.key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
