package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A report that is new has the mode that the umask leaves; one that was there keeps its own.
func TestReportsMode(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, umask string
		before      os.FileMode // 0: there is none
		want        os.FileMode
	}{
		{"new, umask 022", "022", 0, 0o644},
		{"new, umask 077", "077", 0, 0o600},
		{"new, umask 002", "002", 0, 0o664},
		{"old, of a mode that the umask would not give", "077", 0o640, 0o640},
		{"old, closed", "022", 0o600, 0o600},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.xml")
			if x.before != 0 {
				if err := os.WriteFile(report, []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(report, x.before); err != nil {
					t.Fatal(err)
				}
			}
			cmd := itself(t, "-c", "umask "+x.umask+` && exec "$0" verify --junit "$1"`, os.Args[0], report)
			sh, err := exec.LookPath("sh")
			if err != nil {
				t.Fatal(err)
			}
			cmd.Path = sh
			out, _ := cmd.CombinedOutput()
			info, err := os.Stat(report)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got := info.Mode().Perm(); got != x.want || info.Size() < 100 {
				t.Errorf("mode %o, %d bytes, want %o\n%s", got, info.Size(), x.want, out)
			}
		})
	}
}
