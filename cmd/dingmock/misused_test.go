package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A command that is spelt wrong leaves no report of an earlier run, as one with a wrong flag. What may be another program's file
// is left alone.
func TestMisspeltCommandLeavesNoOldReport(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		args []string // before the file
		kept bool
	}{
		{"verfy", []string{"verfy", "--url", "http://127.0.0.1:1", "--junit"}, false},
		{"verfy, JSON", []string{"verfy", "--json"}, false},
		{"verdit", []string{"verdit", "--report"}, false},
		{"prox", []string{"prox", "--junit"}, false},
		{"rnu", []string{"rnu", "--", "test", "--junit"}, true},
		{"a word that is near to none", []string{"elephant", "--junit"}, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "report")
			if err := os.WriteFile(file, []byte("green"), 0o600); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := tryRun(t, nil, append(x.args, file)...)
			if code != exitUsage || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if kept := string(data) == "green"; kept != x.kept || !x.kept && !strings.Contains(string(data), x.args[0]) {
				t.Errorf("it has:\n%s", data)
			}
		})
	}
}
