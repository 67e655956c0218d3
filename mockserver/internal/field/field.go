// Package field makes the errors about fields of user input, and checks what several packages need.
package field

import (
	"regexp"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Wrong returns the error for the field at a JSON pointer; accepted is what the field accepts. An empty text means
// that the field must be what is accepted.
func Wrong(pointer, text, accepted string) *api.FieldError {
	return &api.FieldError{Pointer: pointer, Text: text, Accepted: accepted}
}

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")

// HeaderName reports whether name is a valid header name.
func HeaderName(name string) bool { return headerName.MatchString(name) }
