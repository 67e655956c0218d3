package printable_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/printable"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, in, text, line string }{
		{"plain", "a 会话\u3000é 🎉 \uFFFD\nb", "a 会话\u3000é 🎉 \uFFFD\nb", "a 会话\u3000é 🎉 \uFFFD b"},
		{"C0", "\x1b[31mred\a\b\x00\x7f\rx\ty\r\nz", `\x1b[31mred\a\b\x00\x7f\rx\ty\r` + "\nz", `\x1b[31mred\a\b\x00\x7f x y z`},
		{"C1", "\u0085\u009b1m", `\u0085\u009b1m`, `\u0085\u009b1m`},
		{"no UTF-8", "a\x9b\xff", `a\x9b\xff`, `a\x9b\xff`},
		{"directions", "\u202aa\u202e\u2066b\u2069\u200f", `\u202aa\u202e\u2066b\u2069\u200f`, `\u202aa\u202e\u2066b\u2069\u200f`},
		{"no width, and other lines", "\u200b\ufeff\u2028\u2029\U000e0001", `\u200b\ufeff\u2028\u2029\U000e0001`, `\u200b\ufeff\u2028\u2029\U000e0001`},
		{"GitHub's commands", "::error::a::b\n \t::set-env name=x::y\n\u3000::z\na::b", `\x3a:error::a::b` + "\n" + ` \t\x3a:set-env name=x::y` + "\n\u3000" + `\x3a:z` + "\na::b", `\x3a:error::a::b   ::set-env name=x::y` + " \u3000::z a::b"},
		{"those that stand anywhere", "a ##[error]b ###[group] ##vso[task.x] ##teamcity[y] ## [no] #[no]", `a \x23#[error]b #\x23#[group] \x23#vso[task.x] \x23#teamcity[y] ## [no] #[no]`, `a \x23#[error]b #\x23#[group] \x23#vso[task.x] \x23#teamcity[y] ## [no] #[no]`},
	} {
		if diff := cmp.Diff([]string{x.text, x.line}, []string{printable.Text(x.in), printable.Line(x.in)}); diff != "" {
			t.Errorf("%s: text and line (-want +got):\n%s", x.name, diff)
		}
		for _, once := range []string{x.text, x.line} {
			if twice := printable.Text(once); twice != once {
				t.Errorf("%s: once %q, twice %q", x.name, once, twice)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	in := "a\x1b\u0085\u202e\x7f\U000e0001 ##[error] 会话 🎉\n"
	data, err := json.Marshal(map[string]string{in: in})
	if err != nil {
		t.Fatal(err)
	}
	const text = `a\u001b\u0085\u202e\u007f\udb40\udc01 \u0023#[error] 会话 🎉\n`
	if diff := cmp.Diff(`{"`+text+`":"`+text+`"}`, string(printable.JSON(data))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var back map[string]string
	if err := json.Unmarshal(printable.JSON(data), &back); err != nil || back[in] != in {
		t.Errorf("read as %q, %v", back, err)
	}
}

func TestASCII(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", `a "b" c`: `a "b" c`, `a\b`: `a\\b`, "a\nb\t": `a\nb\t`, "会": `\u4f1a`, "\xff": `\xff`, "😀": `\U0001f600`,
	} {
		if got := printable.ASCII(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
