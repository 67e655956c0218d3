package api

import "time"

// Clock is the clock of an app.
type Clock struct {
	Now     time.Time `json:"now"`
	Offset  Duration  `json:"offset"` // from real time
	Frozen  bool      `json:"frozen"`
	Expired *Expired  `json:"expired,omitempty"` // what ended by moving it; nil where it was not moved
}

// Expired is how much ended when a clock was moved.
type Expired struct {
	Tokens   int `json:"tokens"`
	Sessions int `json:"sessions"`
}
