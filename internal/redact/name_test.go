package redact_test

import (
	"strings"
	"testing"

	"github.com/dingmock/dingmock/internal/redact"
)

func TestName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for name, want := range map[string]string{
		"": "", "userid": "userid", "a.b[0]$@_-": "a.b[0]$@_-", "会": "会", long: long,
		long + "a":                         long + "…",
		`{"appsecret":"x"}`:                "…",
		"a b":                              "a…",
		"a\xff":                            "a…",
		"82ad1e1b28b2357dbf090b9a2582319c": "…",
	} {
		if got := redact.Name(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
		if got := redact.IsName(name); got != (name != "" && name == want) {
			t.Errorf("%q is a name: %t", name, got)
		}
	}
}
