package impersonate

import "time"

// realNow is the one place of this package that asks the machine for the time.
func realNow() time.Time { return time.Now() }
