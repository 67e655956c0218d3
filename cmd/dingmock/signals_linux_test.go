package main

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// openTerminal returns the two ends of a new terminal.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs a terminal: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// What a person types at a terminal reaches the program once: the terminal sends it to both. Where stdin is from makes
// no difference.
func TestRunAtTerminal(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"the terminal", "elsewhere"} {
		t.Run("stdin from "+from, func(t *testing.T) {
			t.Parallel()
			person, terminal := openTerminal(t)
			cmd := itself(t, "run", "--", "env", asCommand+"=signalled", os.Args[0])
			stdout, stderr := newOutput(), newOutput()
			cmd.Stdout, cmd.Stderr = stdout, stderr
			cmd.ExtraFiles = []*os.File{terminal}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
			if from == "the terminal" {
				cmd.Stdin = terminal
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan ran, 1)
			go func() { ended <- ends(cmd, stdout, stderr) }()
			if !stdout.waitFor("ready\n") {
				t.Fatalf("did not begin: %s", stderr)
			}
			if _, err := person.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			if !stdout.waitFor("got 1") {
				t.Fatalf("got nothing: %s", stderr)
			}
			if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
			r := soon(t, ended, "the end of run")
			if diff := cmp.Diff("ready\ngot 1: interrupt\ngot 2: user defined signal 1\n", r.stdout); diff != "" || r.code != 7 {
				t.Errorf("exit code %d, stderr %s, stdout (-want +got):\n%s", r.code, r.stderr, diff)
			}
		})
	}
}
