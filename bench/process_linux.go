package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started.
type process struct {
	*exec.Cmd
	addr string
}

var address = regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`)

// start starts a server and returns when it says where it listens. Its call lines go to a file.
func start(ctx context.Context, command []string, lines string) (*process, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // a program that was built here
	out, err := os.OpenFile(lines, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }()
	cmd.Stderr = out
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{Cmd: cmd}
	in := bufio.NewReader(stdout)
	for p.addr == "" {
		line, err := in.ReadString('\n')
		if m := address.FindStringSubmatch(line); m != nil {
			p.addr = m[1]
		}
		if err != nil && p.addr == "" {
			p.stop()
			return nil, fmt.Errorf("%s does not say where it listens", command[0])
		}
	}
	go func() { _, _ = io.Copy(io.Discard, in) }()
	return p, nil
}

func (p *process) stop() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

// cpu is what the server has used of the processors, by all its threads.
func (p *process) cpu() (time.Duration, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	var ticks int64
	for _, i := range []int{11, 12} { // utime and stime, in hundredths of a second
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}

// memory is what the server keeps in memory.
func (p *process) memory() (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Process.Pid))
	if err != nil {
		return 0, err
	}
	pages, err := strconv.ParseInt(strings.Fields(string(data))[1], 10, 64)
	return pages * int64(syscall.Getpagesize()), err
}
