package api

import "strings"

// ErrorCode is an error that programs tell apart from others: errors.Is finds it in the errors of packages mockserver and
// control.
type ErrorCode string

// The codes of errors.
const (
	ErrNoApp    ErrorCode = "no-app"    // there is no app of that name or appkey
	ErrAppLimit ErrorCode = "app-limit" // there are as many apps as there may be
	ErrTaken    ErrorCode = "taken"     // a name, an id or a token is another app's already
)

// Error says what the code stands for.
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

// Problem is an error of the control API, by RFC 9457.
type Problem struct {
	Type     string    `json:"type"`
	Title    string    `json:"title"`
	Status   int       `json:"status"` // the HTTP status
	Detail   string    `json:"detail"`
	Code     ErrorCode `json:"code,omitempty"`     // which error it is, of those that programs tell apart
	Field    string    `json:"field,omitempty"`    // what is wrong: a JSON pointer into {path, query, header, body}
	Accepted string    `json:"accepted,omitempty"` // what would be right
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// Unwrap is the code, if there is one.
func (p *Problem) Unwrap() error { return p.Code.orNil() }

// FieldError is what is wrong with one field of a state, a rule or a match.
type FieldError struct {
	Pointer  string    // JSON pointer
	Text     string    // "" says that it has to be what is accepted
	Accepted string    // what the field takes
	Code     ErrorCode // "" for most
}

// Error is the field, without the pointer's first slash, and what is wrong with it.
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
