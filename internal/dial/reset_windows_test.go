package dial_test

import "syscall"

const reset = syscall.WSAECONNRESET
