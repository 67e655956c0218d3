package impersonate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	certName = "ca.pem"
	keyName  = "ca-key.pem"
	caName   = "dingmock test CA"

	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 365 * 24 * time.Hour // some clients reject more than 398 days
	skew     = 24 * time.Hour       // how far the clocks of clients may be behind
)

// ca is the certificate and the key that sign the other certificates.
type ca struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte // the certificate
}

func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

// makeCA makes an authority with a unique name, by which a client that trusts several finds the right one.
func makeCA(now time.Time, name string) (*ca, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{Organization: []string{"dingmock"}, CommonName: name + " " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(caLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &ca{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// If only one of the two files exists, another process may be writing the other: reading is retried patience
// times, a moment apart.
const (
	patience = 20
	moment   = 25 * time.Millisecond
)

// openCA reads the authority in a folder, or makes one if there is none. If several processes do so at the same
// time, all of them end up with the same one.
func openCA(dir string, now func() time.Time, log *slog.Logger) (_ *ca, err error) {
	before := there(dir)
	defer func() {
		for made := filepath.Clean(dir); err != nil && made != before; made = filepath.Dir(made) {
			if os.Remove(made) != nil { // another process has put something in it
				break
			}
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, plain(dir, err)
	}
	for tries := 0; ; tries++ {
		c, err := readCA(dir, now(), log)
		if c != nil || err != nil && (!errors.Is(err, errHalf) || tries == patience) {
			return c, err
		}
		if err == nil { // neither file exists
			c, err := makeCA(now(), caName)
			if err != nil {
				return nil, err
			}
			switch err := c.keep(dir); {
			case err == nil:
				return c, nil
			case !errors.Is(err, fs.ErrExist):
				return nil, err
			}
		}
		<-time.After(moment)
	}
}

// there returns the folder, or its nearest parent that exists.
func there(dir string) string {
	for dir = filepath.Clean(dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
	}
}

var errHalf = errors.New("half of a certificate authority")

// halfError says which half exists and which does not.
type halfError struct{ dir, have, lack string }

func (e *halfError) Unwrap() error { return errHalf }

func (e *halfError) Error() string {
	return fmt.Sprintf("%s: holds %s but no %s: put that back, or remove %s too and have both made anew", e.dir, e.have, e.lack, e.have)
}

// readCA reads the authority in a folder. It returns nil and no error if there is none.
func readCA(dir string, now time.Time, log *slog.Logger) (*ca, error) {
	certFile, keyFile := filepath.Join(dir, certName), filepath.Join(dir, keyName)
	certPEM, certErr := os.ReadFile(certFile)
	keyPEM, keyErr := os.ReadFile(keyFile)
	noCert, noKey := errors.Is(certErr, fs.ErrNotExist), errors.Is(keyErr, fs.ErrNotExist)
	switch {
	case noCert && noKey:
		return nil, nil
	case certErr != nil && !noCert:
		return nil, plain(certFile, certErr)
	case keyErr != nil && !noKey:
		return nil, plain(keyFile, keyErr)
	case noCert:
		return nil, &halfError{dir, keyName, certName}
	case noKey:
		return nil, &halfError{dir, certName, keyName}
	}
	if b, _ := pem.Decode(certPEM); b == nil || b.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s: holds no certificate in PEM", certFile)
	}
	if b, _ := pem.Decode(keyPEM); b == nil {
		return nil, fmt.Errorf("%s: holds no key in PEM", keyFile)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certFile, keyFile, err)
	}
	c := &ca{cert: pair.Leaf, pem: certPEM}
	var ok bool
	if c.key, ok = pair.PrivateKey.(crypto.Signer); !ok {
		return nil, fmt.Errorf("%s: holds a key that cannot sign", keyFile)
	}
	switch {
	case !c.cert.IsCA || c.cert.KeyUsage != 0 && c.cert.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, fmt.Errorf("%s: is not the certificate of an authority", certFile)
	case now.After(c.cert.NotAfter):
		return nil, fmt.Errorf("%s: expired on %s: remove it and %s to have both made anew", certFile, c.cert.NotAfter.Format(time.DateOnly), keyName)
	case now.Before(c.cert.NotBefore):
		return nil, fmt.Errorf("%s: is not valid before %s", certFile, c.cert.NotBefore.Format(time.DateOnly))
	}
	if info, err := os.Stat(keyFile); err == nil && runtime.GOOS != "windows" {
		switch mode := info.Mode().Perm(); {
		case mode&0o007 != 0:
			return nil, fmt.Errorf("%s: has mode %#o, by which everybody on this machine may use it: chmod 600 it", keyFile, mode)
		case mode&0o070 != 0: // as with the files of a Kubernetes secret
			log.Warn("others than its owner may read the key of the certificate authority", "file", keyFile, "mode", mode.String())
		}
	}
	return c, nil
}

// keep writes the authority into a folder, the key first. It returns fs.ErrExist if another process was faster.
func (c *ca) keep(dir string) error {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return err
	}
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	// Both files are written before either is put in place, so that a full disk leaves no half.
	keyTemp, err := writeTemp(dir, key, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(keyTemp) }()
	certTemp, err := writeTemp(dir, c.pem, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(certTemp) }()
	if err := place(keyTemp, filepath.Join(dir, keyName)); err != nil {
		return err
	}
	return place(certTemp, filepath.Join(dir, certName))
}

func writeTemp(dir string, data []byte, mode fs.FileMode) (name string, err error) {
	f, err := os.CreateTemp(dir, ".ca-*")
	if err != nil {
		return "", plain(dir, err)
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
		if err != nil {
			_ = os.Remove(f.Name())
			err = plain(dir, err)
		}
	}()
	if err := f.Chmod(mode); err != nil {
		return "", err
	}
	if _, err := bytes.NewReader(data).WriteTo(f); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// place gives a file its name, unless the name is taken.
func place(temp, name string) error {
	err := os.Link(temp, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Rename(temp, name); err != nil { // a file system without links
		return plain(name, err)
	}
	return nil
}

// plain shortens an error of the file system to the file and the reason.
func plain(name string, err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		err = link.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
