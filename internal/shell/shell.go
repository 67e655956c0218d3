// Package shell writes words of a shell's command line.
package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/printable"
)

// Quote makes one word of a text, on one line and printable, whatever stands in it, but for zero bytes and for newlines at its end,
// which no shell keeps in a word: 'text', or "$(printf 'text')" with escapes. Every shell of POSIX reads both.
func Quote(s string) string {
	if !shows(s) {
		return `"$(printf '` + format(s) + `')"`
	}
	s = strings.ReplaceAll(s, "'", `'\''`)
	return "'" + printable.Command.ReplaceAllString(s, "#''${1}") + "'"
}

// shows reports whether a text may stand in a line as it is.
func shows(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !printable.Is(r) })
}

// format is what printf makes the text of, to stand in single quotes.
func format(s string) string {
	var b strings.Builder
	for at := 0; at < len(s); {
		r, n := utf8.DecodeRuneInString(s[at:])
		switch {
		case r == '\\' || r == '%':
			b.WriteString(strings.Repeat(string(r), 2))
		// No flag, no quote, nothing of bash's history, no command of a pipeline's.
		case at == 0 && r == '-', r == '\'', r == '!', r == '#', r == utf8.RuneError && n == 1, !printable.Is(r):
			for _, c := range []byte(s[at : at+n]) {
				fmt.Fprintf(&b, `\%03o`, c) // of three digits, so that none after it is taken for its own
			}
		default:
			b.WriteString(s[at : at+n])
		}
		at += n
	}
	return b.String()
}
