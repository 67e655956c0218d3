package client

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printableLine returns a text on one line, in which a terminal or a CI pipeline finds no commands. It escapes, as Go does, what
// is not graphic, the first character of :: at the beginning, and the first character of ##.
func printableLine(s string) string {
	s = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s)
	start := len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case i == start && strings.HasPrefix(s[i:], "::"):
			b.WriteString(`\x3a`)
		case strings.HasPrefix(s[i:], "##"):
			b.WriteString(`\x23`)
		case unicode.IsGraphic(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToGraphic(r), "'"))
		}
		i += n
	}
	return b.String()
}
