package field_test

import (
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver/internal/field"
)

func TestHeaderName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Env": true, "x_y.z~": true, strings.Repeat("x", 256): true,
		"": false, "x y": false, "x:": false, "é": false, strings.Repeat("x", 257): false,
	} {
		if got := field.HeaderName(name); got != want {
			t.Errorf("%.20q: %t, want %t", name, got, want)
		}
	}
}
