package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A serve is found by what it was started with, whatever else runs in the container.
func TestServedAt(t *testing.T) {
	t.Parallel()
	type process struct {
		pid       int
		exe       string
		args, env []string
	}
	const fake, other = "dingmock", "tini"
	ready := process{30, fake, []string{"/dingmock", "ready", "--container"}, []string{"DINGMOCK_ADDR=:1"}}
	for _, x := range []struct {
		name      string
		processes []process
		want      []string
	}{
		{"defaults", []process{{1, fake, []string{"/dingmock", "serve"}, nil}, ready}, []string{"127.0.0.1:8080"}},
		{"a flag", []process{{1, fake, []string{"/dingmock", "serve", "--addr", ":9090"}, []string{"DINGMOCK_ADDR=:8080"}}, ready}, []string{":9090"}},
		{"two flags", []process{{1, fake, []string{"/dingmock", "serve", "--addr=:9090", "--quiet", "--addr", ":9091"}, nil}, ready}, []string{":9090", ":9091"}},
		{"a variable", []process{{1, fake, []string{"/dingmock", "serve"}, []string{"A=DINGMOCK_ADDR", "DINGMOCK_ADDR=:7070,:7071", "DINGMOCK_URL=http://x"}}, ready}, []string{":7070", ":7071"}},
		{"beneath an init", []process{{1, other, []string{"/sbin/tini", "--", "/dingmock", "serve", "--addr", ":1"}, nil}, {7, fake, []string{"/dingmock", "serve", "--addr", ":9090"}, nil}, ready}, []string{":9090"}},
		{"of two the first", []process{{12, fake, []string{"/dingmock", "serve", "--addr", ":2"}, nil}, {9, fake, []string{"/dingmock", "serve", "--addr", ":1"}, nil}}, []string{":1"}},
		{"none", []process{{1, other, []string{"sleep"}, nil}, ready}, nil},
		{"one that cannot be a serve", []process{{1, fake, []string{"/dingmock", "serve", "--no-such-flag"}, nil}, {2, fake, nil, nil}, {3, fake, []string{"/dingmock"}, nil}, {4, fake, []string{"/dingmock", "--help"}, nil}, ready}, nil},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			proc := t.TempDir()
			write := func(name, text string) {
				if err := os.WriteFile(filepath.Join(proc, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(fake, "")
			write(other, "")
			add := func(dir, exe string) {
				if err := os.Mkdir(filepath.Join(proc, dir), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(filepath.Join(proc, exe), filepath.Join(proc, dir, "exe")); err != nil {
					t.Fatal(err)
				}
			}
			add("self", fake)
			add("sys", fake)
			list := func(texts []string) string {
				if len(texts) == 0 {
					return ""
				}
				return strings.Join(texts, "\x00") + "\x00"
			}
			for _, p := range x.processes {
				dir := fmt.Sprint(p.pid)
				add(dir, p.exe)
				write(filepath.Join(dir, "cmdline"), list(p.args))
				write(filepath.Join(dir, "environ"), list(p.env))
			}
			if diff := cmp.Diff(x.want, servedAt(proc)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := servedAt(filepath.Join(t.TempDir(), "none")); got != nil {
		t.Errorf("without proc: %v", got)
	}
}
