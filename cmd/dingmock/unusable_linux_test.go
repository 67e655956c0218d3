package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// apart runs the test that calls it in a process with a view of its own of the file system, and of the network where
// flags say so. It reports whether this is that process; in the other the test is over. It skips where that is not
// allowed.
func apart(t *testing.T, flags uintptr) bool {
	t.Helper()
	const inside = "DINGMOCK_TEST_APART"
	if os.Getenv(inside) == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	late, _ := untilLate(t).Deadline()
	cmd := bounded(t, os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", time.Until(late).String())
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | flags}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skipf("needs to make a namespace: %v", err)
	}
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v:\n%s", err, out)
	}
	return false
}

// A disk that is full is one line, and nothing is left on it but what was there.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if !apart(t, 0) {
		return
	}
	page := os.Getpagesize()
	size := 16 * page // mostly 64 KiB
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	for _, x := range []struct {
		name string
		args []string
		free int // pages
		code int
		want string
		left []string
	}{
		{"authority", []string{"serve", "--addr", "127.0.0.1:0", "--tls-dir", dir}, 0, exitUsage, "--tls-dir: " + dir, nil},
		{"half of an authority", []string{"serve", "--addr", "127.0.0.1:0", "--tls-dir", dir}, 1, exitUsage, "--tls-dir: " + dir, nil},
		{"authority in a new folder", []string{"ca", "--tls-dir", filepath.Join(dir, "a", "b")}, 0, exitUsage, "--tls-dir: " + dir, nil},
		{"files of run", []string{"run", "--", "true"}, 0, exitItself, "", nil},
		{"half of the files of run", []string{"run", "--", "true"}, 2, exitItself, "", nil},
		{"room enough", []string{"ca", "--tls-dir", dir}, 2, exitOK, "", []string{"ca-key.pem", "ca.pem"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "full"), make([]byte, size-x.free*page), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := itself(t, x.args...)
			cmd.Env = append(cmd.Env, "TMPDIR="+dir)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			_ = cmd.Run()
			code := cmd.ProcessState.ExitCode()
			_, full := strings.CutSuffix(stderr.String(), ": no space left on device\n")
			if lines := strings.Count(stderr.String(), "\n"); code != x.code || code != exitOK && (lines != 1 || !full || !strings.Contains(stderr.String(), x.want)) {
				t.Errorf("exit code %d, want %d; stderr %q", code, x.code, &stderr)
			}
			var left []string
			list, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range list {
				if entry.Name() != "full" {
					left = append(left, entry.Name())
					_ = os.RemoveAll(filepath.Join(dir, entry.Name()))
				}
			}
			if diff := cmp.Diff(x.left, left); diff != "" {
				t.Errorf("left behind (-want +got):\n%s", diff)
			}
		})
	}
}

// What an unprivileged user may not read or write is one line that names the flag and the file, and nothing is left.
func TestUnprivileged(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("needs root, to be nobody")
	}
	dir, err := os.MkdirTemp("", "dingmock-nobody-") //nolint:usetesting // nobody cannot reach t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	in := func(name string) string { return filepath.Join(dir, name) }
	copied := func(from, to string, mode os.FileMode) {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, data, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cover, err := os.MkdirTemp("", "dingmock-cover-") //nolint:usetesting // likewise, for go test -cover
	if err == nil {
		err = os.Chmod(cover, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(cover) })
	copied(os.Args[0], in("dingmock"), 0o755)
	copied("../../examples/article.json", in("state.json"), 0o600)
	for _, name := range []string{"locked", "open"} { // both with a key that root alone may read
		if _, err := impersonate.New(&impersonate.Options{Dir: in(name)}); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{".": 0o755, "locked": 0o700, "open": 0o755} {
		if err := os.Chmod(in(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(in("own"), 0o755); err != nil {
		t.Fatal(err)
	}
	copied("../../examples/article.json", in("own/report"), 0o444)
	for _, name := range []string{"own", "own/report"} {
		if err := os.Chown(in(name), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	listing := func() (list []string) {
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			list = append(list, path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := listing()

	for _, x := range []struct {
		name  string
		args  []string
		code  int
		want  string
		apart uintptr // the namespaces of its own that it runs in: in a new one of the network no port below 1024 is free for it
	}{
		{"locked folder", []string{"serve", "--tls-dir", in("locked")}, exitUsage, "--tls-dir: " + in("locked"), 0},
		{"locked key", []string{"serve", "--tls-dir", in("open")}, exitUsage, "--tls-dir: " + in("open/ca-key.pem"), 0},
		{"folder in a locked one", []string{"serve", "--tls-dir", in("locked/tls")}, exitUsage, "--tls-dir: " + in("locked/tls"), 0},
		{"folder that cannot be made", []string{"ca", "--tls-dir", in("new")}, exitUsage, "--tls-dir: " + in("new"), 0},
		{"state", []string{"serve", "--state", in("state.json")}, exitUsage, "--state: " + in("state.json"), 0},
		{"report that is read-only", []string{"verify", "--url", "http://127.0.0.1:1", "--junit", in("own/report")}, exitUsage, "--junit: open " + in("own/report"), 0},
		{"log of run", []string{"run", "--keep-logs", in("log"), "--", "true"}, exitItself, "--keep-logs: ", 0},
		{"low port", []string{"serve", "--addr", "127.0.0.1:80"}, exitUsage, "--addr 127.0.0.1:80: bind: permission denied; choose a port of 1024 or more", syscall.CLONE_NEWNET},
		{"temporary folder", []string{"run", "--", "true"}, exitItself, "run: ", 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			cmd := itself(t, x.args...)
			cmd.Path, cmd.Dir = in("dingmock"), "/"
			cmd.Env = append(cmd.Env, "TMPDIR="+dir, "DINGMOCK_ADDR=127.0.0.1:0", "GOCOVERDIR="+cover)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, Unshareflags: x.apart}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != x.code || strings.Count(stderr.String(), "\n") != 1 ||
				!strings.Contains(stderr.String(), x.want) || !strings.Contains(stderr.String(), ": permission denied") {
				t.Errorf("exit code %d, want %d; stderr %q, want one line with %q", code, x.code, &stderr, x.want)
			}
		})
	}
	if diff := cmp.Diff(before, listing()); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

// A report for which the disk has no room leaves the earlier one whole, also behind a link, and the exit code says so.
func TestFullDiskKeepsReports(t *testing.T) {
	t.Parallel()
	if !apart(t, 0) {
		return
	}
	page := os.Getpagesize()
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "tmpfs", 0, fmt.Sprintf("size=%d", 16*page)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	report, link := filepath.Join(dir, "report"), filepath.Join(t.TempDir(), "link")
	if err := os.WriteFile(report, []byte(yesterday), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(report, link); err != nil {
		t.Fatal(err)
	}
	full, err := os.Create(filepath.Join(dir, "full"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = full.Write(make([]byte, page))
	}
	_ = full.Close()
	fake := startServe(t, nil, "--quiet").url
	for _, x := range [][]string{
		{"verify", "--url", fake, "--timeout", "1m", "--run", "^gettoken/head$", "--junit", report},
		{"verify", "--url", fake, "--timeout", "1m", "--run", "^gettoken/head$", "--json", link},
		{"verify", "--colour", "--json", report},
		{"verdict", "--url", fake, "--allow-no-calls", "--junit", report},
		{"verdict", "--url", fake, "--allow-no-calls", "--report", link},
	} {
		code, _, stderr := tryRun(t, nil, x...)
		if code != exitUsage || !strings.HasSuffix(stderr, ": no space left on device\n") || strings.Contains(stderr, ".part") {
			t.Errorf("%v: exit code %d, stderr %q", x, code, stderr)
		}
		if data, err := os.ReadFile(report); err != nil || string(data) != yesterday {
			t.Errorf("%v: the report is %q, error %v", x, data, err)
		}
		if list, _ := filepath.Glob(filepath.Join(dir, "*")); len(list) != 2 {
			t.Errorf("%v: there are %v", x, list)
		}
	}
}
