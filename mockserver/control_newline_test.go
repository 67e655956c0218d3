package mockserver_test

import (
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

// TestControlNewline checks that each answer of the control API that a terminal shows ends with a newline.
func TestControlNewline(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{CA: func() ([]byte, error) { return []byte("PEM\n"), nil }})
	for _, line := range []string{
		"GET /_mock/livez", "GET /_mock/readyz", "GET /_mock/version", "GET /_mock/openapi.yaml", "GET /_mock/control.yaml", "GET /_mock/ca.pem", "GET /_mock/ui/",
		"GET /_mock/apps", "GET /_mock/apps/default", "GET /_mock/apps/no-such-app", "POST /_mock/apps/default/clock/advance", "GET /_mock/state", "GET /_mock/verdict",
		"GET /_mock/apps/default/journal", "POST /_mock/rules", "DELETE /_mock/state", "GET /_mock/nothing",
	} {
		if got := do(s, line, "", ""); got.status != 204 && !strings.HasSuffix(got.body, "\n") {
			t.Errorf("%s: HTTP %d without a newline: %.80q", line, got.status, got.body)
		}
	}
}
