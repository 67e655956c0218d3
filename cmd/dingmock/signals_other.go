//go:build !unix

package main

import "os"

// passedOn lists the signals that run passes on.
var passedOn = []os.Signal{os.Interrupt}

// sentToBoth reports whether the program receives a signal even if it is not passed on. It does: a console sends it to all.
func sentToBoth(os.Signal) bool { return true }

// outliveReaders does nothing: here a write that nobody reads does not end the process.
func outliveReaders() {}

// exitCode returns the exit code of a process that has ended.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }

// alive reports whether a process is known to exist. Here none is.
func alive(int) bool { return false }
