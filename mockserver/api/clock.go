package api

import "time"

// Clock is the clock of an app.
type Clock struct {
	Now     time.Time `json:"now"`
	Offset  Duration  `json:"offset"` // relative to real time
	Frozen  bool      `json:"frozen"`
	Expired *Expired  `json:"expired,omitempty"` // what the move ended; nil if the clock was not moved
}

// Expired is the number of tokens and sessions that ended when a clock was moved.
type Expired struct {
	Tokens   int `json:"tokens"`
	Sessions int `json:"sessions"`
}
