package impersonate

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"slices"
	"time"
)

// leaf is the certificate of a name.
type leaf struct {
	*tls.Certificate
	renew time.Time
}

// TLSConfig returns what a server needs to answer for the names: HTTP/2 and HTTP/1.1, TLS 1.2 and 1.3, a certificate
// for each name when it is first asked for. A client that asks for another name gets the alert unrecognized_name; one
// that asks for none gets a certificate of localhost, this machine's name and the address that it dialled.
func (a *Authority) TLSConfig() *tls.Config { return a.tlsConfig("") }

// tlsConfig is the same; name is meant where the client asks for none.
func (a *Authority) tlsConfig(name string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			asked := hello.ServerName
			if asked == "" {
				asked = name
			}
			return a.certificate(asked, hello.Conn)
		},
	}
}

// certificate returns neither a certificate nor an error for a name that is not answered: crypto/tls makes that the
// alert unrecognized_name.
func (a *Authority) certificate(name string, conn net.Conn) (*tls.Certificate, error) {
	name = canonical(name)
	if ip := net.ParseIP(name); name == "" || ip != nil {
		var dialled net.IP
		if addr, ok := conn.LocalAddr().(*net.TCPAddr); ok {
			dialled = addr.IP
		}
		ips := append([]net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, dialled}, a.ips...)
		ips = slices.DeleteFunc(ips, func(ip net.IP) bool { return ip == nil })
		return a.leaf("of "+dialled.String(), a.local, ips)
	}
	if !slices.Contains(a.names, name) && !slices.Contains(a.local, name) {
		a.log.Warn("a client asked by TLS for a name that is not answered (--tls-host adds one)", "name", name, "remote", conn.RemoteAddr().String())
		return nil, nil
	}
	return a.leaf(name, []string{name}, nil)
}

// leaf returns the certificate that is kept under a key, or makes it.
func (a *Authority) leaf(key string, names []string, ips []net.IP) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if l := a.leaves[key]; l != nil && now.Before(l.renew) {
		return l.Certificate, nil
	}
	made, err := a.ca.sign(names, ips, now)
	if err != nil {
		a.log.Error("a certificate could not be made", "name", names[0], "error", err)
		return nil, err
	}
	a.leaves[key] = &leaf{made, made.Leaf.NotAfter.Add(-leafLife / 12)}
	return made, nil
}

// sign makes a certificate.
func (c *ca) sign(names []string, ips []net.IP, now time.Time) (*tls.Certificate, error) {
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
		NotBefore:    latest(now.Add(-skew), c.cert.NotBefore),
		NotAfter:     earliest(now.Add(leafLife), c.cert.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     names,
		IPAddresses:  ips,
	}
	if len(names[0]) <= 64 {
		template.Subject.CommonName = names[0]
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
