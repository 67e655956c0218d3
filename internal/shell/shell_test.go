package shell_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/internal/shell"
)

// A shell reads each word as what it was, and a log reads it as a part of one line.
func TestQuote(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a b", "it's", `a\b"c`, "a\n::error title=x::y", "\x1b[31mred\x7f", "会话\r\n", "\x01'\\", "\xff\xfe1", "\x0112", "$HOME `id` !"} {
		word := shell.Quote(text)
		if strings.ContainsFunc(word, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("%q is quoted as %q", text, word)
		}
		bash, err := exec.LookPath("bash")
		if err != nil {
			t.Skip("there is no bash")
		}
		out, err := exec.CommandContext(t.Context(), bash, "-c", "printf %s "+word+"; printf .").Output()
		if err != nil || string(out) != text+"." {
			t.Errorf("bash reads %s as %q, %v; want %q", word, out, err, text)
		}
	}
}
