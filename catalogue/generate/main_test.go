package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/catalogue/paths"
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

// The committed list is what its own operations make, and what the catalogue makes if DINGMOCK_CATALOGUE names its file.
func TestListIsCurrent(t *testing.T) {
	t.Parallel()
	packed, err := os.ReadFile("../paths/paths.txt.gz")
	if err != nil {
		t.Fatal(err)
	}
	list := unpack(t, packed)
	makes := func(name string, catalogue []byte) {
		t.Helper()
		want, err := pack(bytes.NewReader(catalogue))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if list != unpack(t, want) {
			t.Errorf("paths.txt.gz is not what %s makes: run go run ./catalogue/generate, with the catalogue's file", name)
		}
	}
	makes("its own text", operations(t, list))
	if name := os.Getenv("DINGMOCK_CATALOGUE"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		makes(name, data)
	}
}

// operations is the catalogue that has what the list has, in another order.
func operations(t *testing.T, list string) []byte {
	t.Helper()
	tokens := map[string]string{}
	for token, letter := range letters {
		tokens[letter] = token
	}
	lines := slices.Collect(strings.Lines(list))
	slices.Reverse(lines)
	var out bytes.Buffer
	for _, line := range lines {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 && len(f) != 4 || len(f[2]) != 2 {
			t.Fatalf("%q: has to have path, method, two letters and perhaps an id", line)
		}
		o := operation{ID: paths.Dotted(f[0]), Method: f[1], Path: f[0], Token: tokens[f[2][:1]]}
		if len(f) == 4 {
			o.ID = f[3]
		}
		switch f[2][1:] {
		case "g":
			o.Notes = []string{"path: guess"}
		case "s":
			o.Confidence = "sdk"
		}
		if err := json.NewEncoder(&out).Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
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
