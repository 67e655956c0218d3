package api

import "strings"

// Problem is an error of the control API, by RFC 9457.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"` // the HTTP status
	Detail   string `json:"detail"`
	Field    string `json:"field,omitempty"`    // what is wrong: a JSON pointer into {path, query, header, body}
	Accepted string `json:"accepted,omitempty"` // what would be right
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// FieldError is what is wrong with one field of a state, a rule or a match.
type FieldError struct {
	Pointer  string // JSON pointer
	Text     string // "" says that it has to be what is accepted
	Accepted string // what the field takes
}

// Error is the field, without the pointer's first slash, and what is wrong with it.
func (e *FieldError) Error() string {
	text := e.Text
	if text == "" {
		text = "has to be " + e.Accepted
	}
	return strings.TrimPrefix(e.Pointer, "/") + ": " + text
}
