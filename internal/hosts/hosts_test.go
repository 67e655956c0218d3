package hosts_test

import (
	"strings"
	"testing"

	"github.com/dingmock/dingmock/internal/hosts"
)

func TestName(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"":                           "",
		"oapi.dingtalk.com":          "oapi.dingtalk.com",
		"OAPI.DingTalk.com.:443":     "oapi.dingtalk.com",
		"127.0.0.1:8080":             "127.0.0.1",
		"[::1]:8080":                 "::1",
		"[::1]":                      "::1",
		"::1":                        "::1",
		"fe80::1%25eth0":             "fe80::1%25eth0",
		"a:b:c":                      "a:b:c",
		"localhost:":                 "localhost",
		"oapi.dingtalk.com:443:8080": "oapi.dingtalk.com:443:8080",
	} {
		if got := hosts.Name(host); got != want {
			t.Errorf("%q: got %q, want %q", host, got, want)
		}
	}
	for name, want := range map[string]bool{"login.dingtalk.io": true, "dingtalk.com": false, "OAPI.dingtalk.com": false, "": false} {
		if got := hosts.IsPlatform(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	for host, good := range map[string]bool{
		"x.example": true, "X_1.example.": true, "localhost": true, "127.0.0.1": true, "::1": true, "[::1]": true, long + ".example": true,
		"": false, ".": false, "a..b": false, "x.example:443": false, "https://x.example": false, "*.example": false, "会.example": false,
		long + "a.example": false, strings.Repeat("a.", 127) + "a": false,
	} {
		if err := hosts.Check(host); (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
	}
}
