package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a time.Duration whose JSON is a string such as "1h30m" or "7201s".
type Duration time.Duration

// MarshalText writes the duration in the format of time.Duration.String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalJSON reads a string in the format of time.ParseDuration.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return &durationError{bytes.Clone(data)}
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return &durationError{bytes.Clone(data)}
	}
	*d = Duration(v)
	return nil
}

// durationError reports JSON that is not a duration.
type durationError struct{ data []byte }

func (e *durationError) Error() string {
	return fmt.Sprintf("%.40s is no duration up to 292 years: write a duration such as \"7200s\"", e.data)
}
