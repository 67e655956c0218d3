package impersonate_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

func open(dir string) (*impersonate.Authority, error) {
	return impersonate.New(&impersonate.Options{Dir: dir})
}

func TestKeptCA(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "tls")
	first, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.PEM(), second.PEM()) {
		t.Error("the second start made another authority")
	}
	for name, mode := range map[string]os.FileMode{"ca-key.pem": 0o600, "ca.pem": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has mode %s, want %s", name, info.Mode(), mode)
		}
	}
	if list, _ := os.ReadDir(dir); len(list) != 2 {
		t.Errorf("the folder holds %v", list)
	}
	if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o640); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if _, err := impersonate.New(&impersonate.Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "may read the key") {
		t.Errorf("log: %s", log.String())
	}
}

// Many processes that start at once on an empty folder end up with one authority.
func TestKeptCAIsOne(t *testing.T) {
	t.Parallel()
	for range 20 {
		dir := t.TempDir()
		var all sync.WaitGroup
		found := make([][]byte, 16)
		for i := range found {
			all.Go(func() {
				a, err := open(dir)
				if err != nil {
					t.Error(err)
					return
				}
				found[i] = a.PEM()
			})
		}
		all.Wait()
		for _, pem := range found {
			if !bytes.Equal(pem, found[0]) {
				t.Fatal("there are two authorities")
			}
		}
	}
}

func TestUnusableCA(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, dir, name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	other := t.TempDir()
	if _, err := open(other); err != nil {
		t.Fatal(err)
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, leafKey.Public(), leafKey)
	if err != nil {
		t.Fatal(err)
	}
	leafKeyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }

	for _, x := range []struct {
		name      string
		cert, key []byte // nil removes it, empty leaves it
		want      string
	}{
		{"no key", []byte{}, nil, "holds ca.pem but no ca-key.pem"},
		{"no certificate", nil, []byte{}, "holds ca-key.pem but no ca.pem"},
		{"no certificate in it", []byte("x"), []byte{}, "ca.pem: holds no certificate"},
		{"no key in it", []byte{}, []byte("x"), "ca-key.pem: holds no key"},
		{"broken certificate", encode("CERTIFICATE", []byte("x")), []byte{}, "ca.pem"},
		{"broken key", []byte{}, encode("PRIVATE KEY", []byte("x")), "ca-key.pem"},
		{"key of another", []byte{}, read(t, other, "ca-key.pem"), "does not match"},
		{"not an authority's", encode("CERTIFICATE", leaf), encode("PRIVATE KEY", leafKeyDER), "is not the certificate of an authority"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, err := open(dir); err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"ca.pem": x.cert, "ca-key.pem": x.key} {
				var err error
				switch file := filepath.Join(dir, name); {
				case data == nil:
					err = os.Remove(file)
				case len(data) > 0:
					err = os.WriteFile(file, data, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			_, err := open(dir)
			if err == nil || !strings.Contains(err.Error(), x.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q in one line", err, x.want)
			}
		})
	}

	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if _, err := open(dir); err != nil {
			t.Fatal(err)
		}
		for years, want := range map[int]string{11: "expired on", -1: "is not valid before"} {
			_, err := impersonate.New(&impersonate.Options{Dir: dir, Now: func() time.Time { return time.Now().AddDate(years, 0, 0) }})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	})
	t.Run("a key for everybody", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if _, err := open(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := open(dir); err == nil || !strings.Contains(err.Error(), "ca-key.pem: has mode 0644") || !strings.Contains(err.Error(), "chmod 600") {
			t.Error(err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(file); err == nil || !strings.Contains(err.Error(), "not a directory") {
			t.Error(err)
		}
	})
}
