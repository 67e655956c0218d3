package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The command prints only the certificates in what it is sent; if there are none, it fails.
func TestCAPrintsCertificatesAlone(t *testing.T) {
	t.Parallel()
	block := func(kind string) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte("what " + kind + " has")}))
	}
	certificate, key := block("CERTIFICATE"), block("PRIVATE KEY")
	for _, x := range []struct {
		name, sent, want string
		code             int
	}{
		{"one", certificate, certificate, exitOK},
		{"two", certificate + certificate, certificate + certificate, exitOK},
		{"a key beside it", certificate + key, certificate, exitOK},
		{"a request for one", block("CERTIFICATE REQUEST"), "", exitFailed},
		{"none that can be read", "-----BEGIN CERTIFICATE-----\nhalf", "", exitFailed},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Dingmock-Version", "1")
				_, _ = w.Write([]byte(x.sent))
			}))
			closes(t, srv)
			if code, stdout, stderr := tryRun(t, nil, "ca", "--url", srv.URL); code != x.code || stdout != x.want {
				t.Errorf("exit code %d, want %d\n%s%s", code, x.code, stdout, stderr)
			}
		})
	}
}
