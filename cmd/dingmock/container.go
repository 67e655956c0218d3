package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// servedAt returns the addresses of a serve that runs in the same container, taken from the flags and variables that it was
// started with, or nil if it sees none. The serve is the container's main process, or one that this has started; if there are
// several, the first. proc is the folder to read, which is /proc on Linux.
func servedAt(proc string) []string {
	own, err := os.Stat(filepath.Join(proc, "self", "exe"))
	if err != nil {
		return nil
	}
	list, err := os.ReadDir(proc)
	if err != nil {
		return nil
	}
	var pids []int
	for _, entry := range list {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	for _, pid := range pids {
		dir := filepath.Join(proc, strconv.Itoa(pid))
		exe, err := os.Stat(filepath.Join(dir, "exe"))
		if err != nil || !os.SameFile(own, exe) {
			continue
		}
		args, env := stringsIn(filepath.Join(dir, "cmdline")), stringsIn(filepath.Join(dir, "environ"))
		if len(args) == 0 {
			continue
		}
		var c commands
		lookup := func(name string) (string, bool) {
			for _, pair := range env {
				if value, ok := strings.CutPrefix(pair, name+"="); ok {
					return value, true
				}
			}
			return "", false
		}
		parsed, err := parse(&c, args[1:], lookup, io.Discard, io.Discard)
		if err == nil && parsed != nil && parsed.Command() == "serve" {
			return c.Serve.Addr
		}
	}
	return nil
}

// stringsIn reads a file of strings that each end with a zero byte. It returns nil if it cannot read the file.
func stringsIn(name string) []string {
	data, err := os.ReadFile(name)
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}
