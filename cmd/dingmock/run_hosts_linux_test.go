package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// As root the hosts file leads every program to the fake for the time of the run, and no longer; localhost's ports stay
// with whom they belong to.
func TestRunIsolateHosts(t *testing.T) {
	t.Parallel()
	if !apart(t, syscall.CLONE_NEWNET) {
		return
	}
	loopbackUp(t)
	const before = "127.0.0.1 localhost\n10.0.0.1 db.example # ours\n"
	hosts := filepath.Join(t.TempDir(), "hosts")
	writeFiles(t, filepath.Dir(hosts), map[string]string{"hosts": before + "127.0.0.9 oapi.invalid " + hostsMark + "999999999\n"})
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	restored := func(t *testing.T) {
		t.Helper()
		text, err := os.ReadFile("/etc/hosts")
		if diff := cmp.Diff(before, string(text)); diff != "" || err != nil {
			t.Errorf("%v; the hosts file (-before +after):\n%s", err, diff)
		}
	}
	database, err := net.Listen("tcp", "127.0.0.1:443")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = database.Close() }()
	go func() { _ = http.Serve(database, http.NotFoundHandler()) }() //nolint:gosec // until the test ends
	isolated := []string{"--isolate", "hosts", "--tls-host", "oapi.invalid", "--"}
	t.Run("reaches", func(t *testing.T) {
		for range 2 {
			r := runs(t, append(isolated, "env", asCommand+"=direct", os.Args[0])...)
			if !strings.HasPrefix(r.stdout, `{"errcode":0,`) || !strings.Contains(r.stderr, "calls: 1, none off-spec") {
				t.Errorf("%+v", r)
			}
			restored(t)
		}
	})
	t.Run("leaves localhost and what others write", func(t *testing.T) {
		needs(t, "curl")
		r := runs(t, append(isolated, "sh", "-c", "echo 10.0.0.2 late >> /etc/hosts; grep -c dingmock /etc/hosts; curl -s -o /dev/null -w '%{http_code}' http://localhost:443/")...)
		if !strings.HasSuffix(r.stdout, "404") || r.stdout[0] == '0' {
			t.Errorf("%+v", r)
		}
		if text, err := os.ReadFile("/etc/hosts"); err != nil || string(text) != before+"10.0.0.2 late\n" {
			t.Errorf("%v: %s", err, text)
		}
		writeFiles(t, filepath.Dir(hosts), map[string]string{"hosts": before})
	})
	t.Run("a signal", func(t *testing.T) {
		for _, s := range passedOn {
			cmd, stdout, stderr := startRun(t, t.TempDir(), append(isolated, "env", asCommand+"=signalled", os.Args[0])...)
			if !stdout.waitFor("ready\n") {
				t.Fatalf("did not begin: %s", stderr)
			}
			second := runs(t, append(isolated, "true")...)
			if want := fmt.Sprintf("/etc/hosts is in use by dingmock run, process %d", cmd.Process.Pid); second.code != exitItself || !strings.Contains(second.stderr, want) {
				t.Errorf("a second run: %+v, want %q", second, want)
			}
			for _, line := range []string{"ready", "got 1"} {
				if !stdout.waitFor(line) {
					t.Fatalf("no %q: %s", line, stderr)
				}
				if err := cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
			}
			if r := ends(cmd, stdout, stderr); r.code != 7 {
				t.Errorf("%+v", r)
			}
			restored(t)
		}
	})
	t.Run("a taken port", func(t *testing.T) {
		all, err := net.Listen("tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = all.Close() }()
		r := runs(t, append(isolated, "true")...)
		if r.code != exitItself || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "--isolate hosts: another program has port 80 or 443") {
			t.Errorf("%+v", r)
		}
		restored(t)
	})
}

func TestRunIsolateNobody(t *testing.T) {
	t.Parallel()
	user := &syscall.Credential{Uid: 65534, Gid: 65534}
	if os.Getuid() != 0 {
		user = nil
	}
	r := runsIn(t, everybody(t), user, "--isolate", "hosts", "--", "true")
	if r.code != exitItself || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "--isolate hosts: only root on Linux can write /etc/hosts") {
		t.Errorf("%+v", r)
	}
}
