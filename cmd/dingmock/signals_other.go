//go:build !unix

package main

import "os"

// passedOn are the signals that run passes on.
var passedOn = []os.Signal{os.Interrupt}

// exitCode is that of a process that has ended.
func exitCode(s *os.ProcessState) int { return s.ExitCode() }
