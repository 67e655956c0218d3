// Package tokenlife says how long an access token may live, whoever says so: options, a state, a rule or a reply.
package tokenlife

import (
	"fmt"
	"time"
)

// Usual is how long the platform's tokens live; Shortest and Longest bound what may be asked for.
const (
	Usual    = 7200 * time.Second
	Shortest = time.Second
	Longest  = 30 * 24 * time.Hour
)

// Accepted says what Check accepts.
const Accepted = "1s to 720h"

// Check fails on a life that is too short or too long.
func Check(d time.Duration) error {
	if d < Shortest || d > Longest {
		return fmt.Errorf("%s has to be %s to %s", d, Shortest, Longest)
	}
	return nil
}
