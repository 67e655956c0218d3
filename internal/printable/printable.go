// Package printable makes text that somebody else wrote fit to stand in what people and pipelines read: a terminal does nothing
// on its account, it looks as it is, and no CI takes it for a command.
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

// Is reports whether a character stands for itself: letters, marks, digits, punctuation, symbols and spaces do. Control
// characters do not, nor what turns the direction of the text, has no width, or ends a line.
func Is(r rune) bool { return unicode.IsGraphic(r) }

// Command is what a pipeline takes for a command wherever it stands: ##[error] GitHub, ##vso[…] Azure, ##teamcity[…] TeamCity.
// What breaks it up has to come after its first character.
var Command = regexp.MustCompile(`#(#[A-Za-z]*\[)`)

// Text returns a text of any number of lines. What is not printable in it is written as Go escapes it, such as \x1b, and so is
// the first character of what a pipeline would take for a command: of :: at a line's beginning and of ##[.
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

// Line returns a text on one line: as Text, but what ends a line and tabs are spaces.
func Line(s string) string {
	return Text(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\t", " ").Replace(s))
}

// ASCII returns a text on one line and in ASCII, as a header takes it: all else is written as Go escapes it, such as \u4f1a.
func ASCII(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// JSON returns JSON text that means the same and is printable.
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

// plain reports whether nothing of a text needs an escape.
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

// escaped writes a part of a text.
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
