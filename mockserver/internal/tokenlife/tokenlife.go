// Package tokenlife defines how long an access token may live, whether options, a state, a rule or a reply sets
// it.
package tokenlife

import (
	"fmt"
	"time"
)

// Usual is how long the platform's tokens live; Shortest and Longest limit what may be set.
const (
	Usual    = 7200 * time.Second
	Shortest = time.Second
	Longest  = 30 * 24 * time.Hour
)

// Accepted describes what Check accepts.
const Accepted = "1s to 720h"

// Check returns an error if a life is too short or too long.
func Check(d time.Duration) error {
	if d < Shortest || d > Longest {
		return fmt.Errorf("%s has to be %s to %s", d, Shortest, Longest)
	}
	return nil
}
