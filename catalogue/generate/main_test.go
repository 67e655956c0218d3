package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"
)

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, line, want string }{
		{"not JSON", `{`, "line 1"},
		{"no path", `{"id":"x","method":"GET"}`, "has to have id, method and path"},
		{"an unknown token", `{"id":"x","method":"GET","path":"/x","token":"cookie"}`, `"cookie" is a token that package paths does not know`},
	} {
		if _, err := pack(strings.NewReader(test.line)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.name, err, test.want)
		}
	}
}

// The committed list is what the catalogue makes.
func TestListIsCurrent(t *testing.T) {
	t.Parallel()
	name := os.Getenv("DINGMOCK_CATALOGUE")
	if name == "" {
		t.Skip("DINGMOCK_CATALOGUE does not name the catalogue's file, operations.jsonl")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pack(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../paths/paths.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	if unpack(t, got) != unpack(t, want) {
		t.Errorf("paths.txt.gz is not what %s makes: run go run ./catalogue/generate %s", name, name)
	}
}

func unpack(t *testing.T, packed []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
