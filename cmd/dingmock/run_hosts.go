package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	hostsFile = "/etc/hosts"
	hostsMark = "# dingmock run, process "
)

// isolatedFront makes a front that also listens at the platform's ports. ip is their address: one of this machine that nobody
// uses and that is not localhost.
func isolatedFront(make func(addresses) (*front, error)) (f *front, ip string, err error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, "", errors.New("--isolate hosts: only root on Linux can write " + hostsFile + ", as in a container: run without it, or as root")
	}
	free := []string{loopbackAnyPort}
	for n := 2; n < 32; n++ {
		ip = "127.0.0." + strconv.Itoa(n)
		f, err = make(addresses{append(free, ip+":80"), append(free, ip+":443"), free})
		if !errors.Is(err, syscall.EADDRINUSE) {
			return f, ip, err
		}
	}
	return nil, "", fmt.Errorf("--isolate hosts: another program has port 80 or 443 of every address of this machine, and has to end first: %w", syscall.EADDRINUSE)
}

// isolate writes names to the hosts file, so that they lead to an address. restore removes these lines again, and keeps what
// others have written since. isolate fails if a run that is still going on has lines there, and removes the lines of runs that
// have ended.
func isolate(file, ip string, names []string) (restore func() error, err error) {
	own := hostsMark + strconv.Itoa(os.Getpid())
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, hostsError(err)
	}
	for line := range strings.Lines(string(text)) {
		_, after, marked := strings.Cut(line, hostsMark)
		pid, err := strconv.Atoi(strings.TrimSpace(after))
		if marked && err == nil && pid != os.Getpid() && alive(pid) {
			return nil, fmt.Errorf("--isolate hosts: %s is in use by dingmock run, process %d: wait until it has ended", file, pid)
		}
	}
	lines := ""
	for _, name := range names {
		lines += ip + " " + name + " " + own + "\n"
	}
	if err := writeHosts(file, lines+withoutMark(string(text), hostsMark)); err != nil {
		return nil, err
	}
	return func() error {
		text, err := os.ReadFile(file)
		if err != nil {
			return hostsError(err)
		}
		return writeHosts(file, withoutMark(string(text), own+"\n"))
	}, nil
}

// withoutMark returns a text without the lines that contain a mark.
func withoutMark(text, mark string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, mark) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// writeHosts overwrites the file: in a container it is a mount, which no other file can replace.
func writeHosts(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return hostsError(err)
	}
	_, err = f.WriteString(text)
	return hostsError(errors.Join(err, f.Close()))
}

func hostsError(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = fmt.Errorf("%s: %w", path.Path, path.Err)
	}
	if err != nil {
		return fmt.Errorf("--isolate hosts: %w", err)
	}
	return nil
}
