// Package printable makes foreign text safe to show to people and pipelines: a terminal does not act on it, it looks like what it
// is, and no CI system takes it for a command.
package printable

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Is reports whether a character may be shown as it is: a letter, mark, digit, punctuation, symbol or space. Control characters
// may not, nor may characters that change the direction of the text, have no width or end a line.
func Is(r rune) bool { return unicode.IsGraphic(r) }

// Command matches what a pipeline takes for a command anywhere in a line: ##[error] GitHub, ##vso[…] Azure, ##teamcity[…]
// TeamCity. To break it up, escape its first character or insert something after it; the rest is the first submatch.
var Command = regexp.MustCompile(`#(#[A-Za-z]*\[)`)

// Text makes a text of any number of lines printable. It escapes, as Go does, what is not printable, such as \x1b, and the first
// character of what a pipeline would take for a command: :: at the beginning of a line, and Command anywhere.
func Text(s string) string {
	if !strings.Contains(s, "::") && !strings.Contains(s, "##") && plain(s) {
		return s
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(s, "\n") {
		rest := strings.TrimLeftFunc(line, unicode.IsSpace) // as GitHub does
		escaped(&b, line[:len(line)-len(rest)])
		if strings.HasPrefix(rest, "::") {
			b.WriteString(`\x3a`)
			rest = rest[1:]
		}
		escaped(&b, Command.ReplaceAllString(rest, `\x23$1`))
	}
	return b.String()
}

// Line is like Text, but returns one line: it replaces line ends and tabs with spaces.
func Line(s string) string {
	return Text(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s))
}

// ASCII returns a text on one line and in ASCII, for use in a header. It escapes everything else as Go does, such as \u4f1a.
func ASCII(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// JSON returns a printable JSON text that means the same.
func JSON(data []byte) []byte {
	if !bytes.Contains(data, []byte("##")) && plain(string(data)) {
		return data
	}
	var b bytes.Buffer
	for _, r := range Command.ReplaceAllString(string(data), `\u0023$1`) {
		switch {
		case Is(r) || r == '\n':
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// plain reports whether nothing in a text needs an escape.
func plain(s string) bool {
	for i, r := range s {
		if r < utf8.RuneSelf {
			if r < ' ' && r != '\n' || r == 0x7f {
				return false
			}
		} else if !Is(r) || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}

// escaped writes a part of a text with what is not printable escaped.
func escaped(b *strings.Builder, s string) {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\x%02x`, s[0])
		case r == '\n' || Is(r):
			b.WriteString(s[:n])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToGraphic(r), "'"))
		}
		s = s[n:]
	}
}
