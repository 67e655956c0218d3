package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dingmock/dingmock/mockserver"
)

// The lines of what stands in docs are as long as a person reads, and docs/tls.md has each fault of a certificate.
func TestDocs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, error %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			if n++; utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 120 {
				t.Errorf("%s:%d: is longer than 120 characters", file, n)
			}
		}
		for _, fault := range mockserver.TLSFaults() {
			if filepath.Base(file) == "tls.md" && !strings.Contains(string(text), "`"+fault+"`") {
				t.Errorf("%s: has no %s", file, fault)
			}
		}
	}
}
