package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsName reports whether a name looks like that of a parameter: at most 64 letters, digits and _-.$@[], and not like a token.
// Anything else may be a token or a whole text with secrets in it, and must be neither shown nor kept.
func IsName(name string) bool { return name != "" && Name(name) == name }

// Name cuts the name of an undeclared parameter to the part that looks like a name. A JSON text that was sent as a form is one
// long name with all its secrets, and so is a token that was sent alone.
func Name(name string) string {
	n, digits := 0, 0
	for i, r := range name {
		if n++; n > 64 || r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.$@[]", r) {
			return name[:i] + "…"
		}
		if unicode.IsDigit(r) {
			digits++
		}
		if n >= 16 && digits > 3 {
			return "…"
		}
	}
	return name
}
