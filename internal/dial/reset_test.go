//go:build !windows

package dial_test

import "syscall"

const reset = syscall.ECONNRESET
