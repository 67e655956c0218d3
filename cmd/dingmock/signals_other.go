//go:build !unix

package main

import "os"

// passedOn are the signals that run passes on.
var passedOn = []os.Signal{os.Interrupt}

// sentToBoth reports whether the program gets a signal without being passed it: a console sends it to all.
func sentToBoth(os.Signal) bool { return true }

// outliveReaders does nothing: a write that nobody reads ends no process.
func outliveReaders() {}

// exitCode is that of a process that has ended.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }

// alive reports whether there is such a process, as far as is known.
func alive(int) bool { return false }
