package api

import "strings"

// ErrorCode is an error that programs can tell apart: errors.Is finds it in the errors of packages mockserver and
// control.
type ErrorCode string

// The error codes.
const (
	ErrNoApp    ErrorCode = "no-app"    // no app has that name or appkey
	ErrAppLimit ErrorCode = "app-limit" // the limit of apps is reached
	ErrTaken    ErrorCode = "taken"     // a name, an id or a token already belongs to another app
)

// Error returns what the code means.
func (c ErrorCode) Error() string {
	switch c {
	case ErrNoApp:
		return "there is no such app"
	case ErrAppLimit:
		return "there are as many apps as there may be"
	case ErrTaken:
		return "it is another app's already"
	}
	return string(c)
}

// Problem is an error of the control API, as RFC 9457 defines it.
type Problem struct {
	Type     string    `json:"type"`
	Title    string    `json:"title"`
	Status   int       `json:"status"` // the HTTP status
	Detail   string    `json:"detail"`
	Code     ErrorCode `json:"code,omitempty"`     // "" unless it is an error that programs can tell apart
	Field    string    `json:"field,omitempty"`    // the part that is wrong: a JSON pointer into {path, query, header, body}
	Accepted string    `json:"accepted,omitempty"` // what would be accepted
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// Unwrap is the code, if there is one.
func (p *Problem) Unwrap() error { return p.Code.orNil() }

// FieldError says what is wrong with one field of a state, a rule or a match.
type FieldError struct {
	Pointer  string    // JSON pointer
	Text     string    // "": the field must be what Accepted says
	Accepted string    // what the field accepts
	Code     ErrorCode // "" for most
}

// Error returns the pointer, without its first slash, and what is wrong with the field.
func (e *FieldError) Error() string {
	text := e.Text
	if text == "" {
		text = "has to be " + e.Accepted
	}
	return strings.TrimPrefix(e.Pointer, "/") + ": " + text
}

// Unwrap is the code, if there is one.
func (e *FieldError) Unwrap() error { return e.Code.orNil() }

func (c ErrorCode) orNil() error {
	if c == "" {
		return nil
	}
	return c
}
