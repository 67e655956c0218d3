package shell_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/shell"
)

// shells are those whose users paste lines: dash or the like, and bash.
var shells = []string{"sh", "bash"}

// A shell reads each word as what it was, and a log reads it as a part of one line, with nothing in it for a terminal or a pipeline.
func TestQuote(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, text := range []string{
		"", "a b", "it's", `a\b"c`, "a\n::error title=x::y", "\x1b[31mred\x7f", "会话\r\n.", "\x01'\\", "\xff\xfe1", "\x0112", "$HOME `id` !", "-n %s %% \x01", "\u202eabc\u2069", "\u0085\u009b",
		"##[error]x", "##vso[task.setvariable]\x1b", "a##[b]##[c]###[d]", "\u200b", "全角\u3000",
	} {
		word := shell.Quote(text)
		if word != printable.Line(word) || strings.Contains(word, "##[") {
			t.Errorf("%q is quoted as %q", text, word)
		}
		for _, name := range shells {
			program, err := exec.LookPath(name)
			if err != nil {
				t.Skip("there is no " + name)
			}
			out, err := exec.CommandContext(ctx, program, "-c", "printf %s "+word+"; printf .").Output()
			if err != nil || string(out) != text+"." {
				t.Errorf("%s reads %s as %q, %v; want %q", name, word, out, err, text)
			}
		}
	}
}
