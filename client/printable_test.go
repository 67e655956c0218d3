package client

import "testing"

func TestPrintableLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"plain", "钉钉: ok, 100 %", "钉钉: ok, 100 %"},
		{"lines", "a\r\nb\nc\td", "a b c d"},
		{"a terminal's escape", "a\x1b[31mb", `a\x1b[31mb`},
		{"what turns the direction", "a\u202eb", `a\u202eb`},
		{"not UTF-8", "a\xffb", `a\xffb`},
		{"a command of GitHub", "::error::x", `\x3a:error::x`},
		{"a command after space", "  ::error::x", `  \x3a:error::x`},
		{"no command", "a::b", "a::b"},
		{"a command of Azure", "a ##vso[x]", `a \x23#vso[x]`},
	} {
		if got := printableLine(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
