package dial

import "syscall"

// gone are the errors of a write to a connection that the other side has ended. The reading of it ends as well.
var gone = []error{syscall.WSAECONNRESET, syscall.WSAECONNABORTED}
