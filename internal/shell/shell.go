// Package shell writes text and requests as words and lines of a shell command.
package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/printable"
)

// Quote returns a text as one printable shell word on one line: 'text', or "$(printf 'text')" with escapes. Every POSIX shell
// reads both. Zero bytes and newlines at the end of the text are lost, because no shell keeps them in a word.
func Quote(s string) string {
	if !shows(s) {
		return `"$(printf '` + format(s) + `')"`
	}
	s = strings.ReplaceAll(s, "'", `'\''`)
	return "'" + printable.Command.ReplaceAllString(s, "#''${1}") + "'"
}

// shows reports whether a text can be shown in a line as it is.
func shows(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !printable.Is(r) })
}

// format returns the printf format that prints the text, for use within single quotes.
func format(s string) string {
	var b strings.Builder
	for at := 0; at < len(s); {
		r, n := utf8.DecodeRuneInString(s[at:])
		switch {
		case r == '\\' || r == '%':
			b.WriteString(strings.Repeat(string(r), 2))
		// Escape what would be a flag, a quote, bash's history expansion or a command to a pipeline.
		case at == 0 && r == '-', r == '\'', r == '!', r == '#', r == utf8.RuneError && n == 1, !printable.Is(r):
			for _, c := range []byte(s[at : at+n]) {
				fmt.Fprintf(&b, `\%03o`, c) // three digits, so that a digit after it does not become part of it
			}
		default:
			b.WriteString(s[at : at+n])
		}
		at += n
	}
	return b.String()
}
