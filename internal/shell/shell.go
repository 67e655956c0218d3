// Package shell writes words of a shell's command line.
package shell

import (
	"fmt"
	"strings"
)

// Quote makes one word of a text, on one line and without control characters, whatever stands in it: 'text', or $'text'
// with escapes, which bash, zsh and ksh read.
func Quote(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
