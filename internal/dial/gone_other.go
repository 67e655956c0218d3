//go:build !windows

package dial

import "syscall"

// gone lists the errors of a write to a connection that the other side has ended. Reads of such a connection end as well.
var gone = []error{syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNABORTED}
