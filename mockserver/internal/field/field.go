// Package field says what is wrong with a field of what users give, where several packages ask for the same.
package field

import (
	"regexp"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Wrong says what is wrong with the field at a JSON pointer, and what it takes; a text that is empty says the latter.
func Wrong(pointer, text, accepted string) *api.FieldError {
	return &api.FieldError{Pointer: pointer, Text: text, Accepted: accepted}
}

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")

// HeaderName reports whether that is the name of a header.
func HeaderName(name string) bool { return headerName.MatchString(name) }
