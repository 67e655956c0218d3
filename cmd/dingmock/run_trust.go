package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// throttling is the example in the help.
const throttling = `dingmock run --strict -- sh -ec '
  curl -sS --fail-with-body -d "{\"match\":{\"operation\":\"gettoken\"},\"when\":{\"times\":1},
    \"effect\":{\"fault\":\"app-throttled\"}}" $DINGMOCK_URL/_mock/apps/default/rules
  npm test'`

// Help returns the text between the usage and the flags.
func (*runCommand) Help() string {
	return "The program finds the fake's address in $DINGMOCK_URL, and steers it there (README.md). Here its first call of gettoken " +
		"is throttled:\n\n    " + strings.ReplaceAll(throttling, "\n", "\n    ") + "\n\n" +
		"The program trusts the fake's certificate by the variables and settings that curl, Node, Python, PHP, Java and, " +
		"on Linux, Go read. On macOS and Windows Go asks the system and reads no SSL_CERT_FILE: give a Go program $DINGMOCK_URL " +
		"as its base URL, in a Go test the client of mocktest or the transport of impersonate, or add the certificate of " +
		"dingmock serve --tls-dir to the system's by hand, by security add-trusted-cert or certutil -addstore (docs/tls.md).\n\n" +
		"The exit code is the program's own; 1 where that is 0 and --strict finds red; 125 where dingmock itself could not, 126 and 127 " +
		"where the program cannot be run or is not there. More is in docs/run.md."
}

// storePassword is the password of the trust store, which holds only certificates.
const storePassword = "dingmock"

// trustStore makes a trust store for Java from certificates in PEM. It uses the old ciphers, which every Java since 8 reads.
func trustStore(bundle []byte) ([]byte, error) {
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, bundle = pem.Decode(bundle); block == nil {
			return pkcs12.LegacyDES.EncodeTrustStore(certs, storePassword)
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if cert, err := x509.ParseCertificate(block.Bytes); err == nil { // the system's may include some that Go refuses
			certs = append(certs, cert)
		}
	}
}

// javaOptions returns options that make a Java program use the trust store and the proxy.
func javaOptions(store, relay string) string {
	host, port, _ := net.SplitHostPort(relay)
	return strings.Join([]string{
		`"-Djavax.net.ssl.trustStore=` + store + `"`, "-Djavax.net.ssl.trustStoreType=PKCS12", "-Djavax.net.ssl.trustStorePassword=" + storePassword,
		"-Dhttps.proxyHost=" + host, "-Dhttps.proxyPort=" + port, "-Dhttp.proxyHost=" + host, "-Dhttp.proxyPort=" + port,
		"-Dhttp.nonProxyHosts=localhost|127.*|[::1]",
	}, " ")
}

// rootFiles lists the files in which systems keep the certificates that they trust.
var rootFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch, Alpine
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem", // openSUSE
	"/etc/ssl/cert.pem",      // macOS, BSD
}

// systemRoots returns, in PEM, the certificates that the environment and the system trust.
func systemRoots(getenv func(string) string) []byte {
	var all bytes.Buffer
	add := func(name string) bool {
		data, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		all.WriteByte('\n')
		all.Write(data)
		return true
	}
	if file := getenv("SSL_CERT_FILE"); file == "" || !add(file) {
		for _, file := range rootFiles {
			if add(file) {
				break
			}
		}
	}
	if file := getenv("NODE_EXTRA_CA_CERTS"); file != "" {
		add(file)
	}
	all.WriteByte('\n')
	return all.Bytes()
}
