package contract

import (
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// stop ends a case early: it is the panic of fail, halt and their like, which catch alone recovers. It never leaves the package.
type stop struct {
	outcome Outcome // Fail or Blocked by what was found; else the reason says why
	reason  string
	stack   string // if the kit itself is at fault
	at      string // the lines of the case that ended it, such as contract/cases_paths.go:31, the outermost first

	x       *Exchange // that shows it; nil: the last one
	finding Finding
	diff    string
	before  string
	way     string
	want    *session // the session that had to be answered, if that is what it is about
}

// caseFiles is what the names of the files begin with that hold the cases.
const caseFiles = "cases_"

// end ends the case.
func (s *stop) end() {
	if s.at == "" {
		s.at = caseLines()
	}
	panic(s)
}

// caseLines is where in a case the caller is: all calls in files of cases, the outermost first.
func caseLines() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var lines []string
	for {
		frame, more := frames.Next()
		if name := filepath.Base(frame.File); strings.HasPrefix(name, caseFiles) && strings.Contains(frame.Function, "/contract.") {
			lines = append(lines, fmt.Sprintf("contract/%s:%d", name, frame.Line))
		}
		if !more {
			slices.Reverse(lines)
			return strings.Join(lines, ", ")
		}
	}
}

// catch does a part of a case and returns how it was ended early, or nil. Any other panic is a fault of the kit, or of a driver or
// power that it called.
func catch(do func()) (end *stop) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *stop:
			end = v
		default:
			end = &stop{outcome: Errored, reason: fmt.Sprintf("a panic in the case, or in a driver or power that it called: %v", v), stack: string(debug.Stack()), at: caseLines()}
		}
	}()
	do()
	return nil
}
