package nearest_test

import (
	"testing"

	"github.com/dingmock/dingmock/internal/nearest"
)

func TestWord(t *testing.T) {
	t.Parallel()
	faults := []string{"system-busy", "token-expired", "app-throttled", "api-throttled", "ip-blocked", "ip-blocked-json"}
	for _, test := range []struct {
		word       string
		candidates []string
		want       string
	}{
		{"throttled", faults, "app-throttled"},
		{"systembusy", faults, "system-busy"},
		{"Token-Expired", faults, "token-expired"},
		{"ip-blockd", faults, "ip-blocked"},
		{"bored", faults, ""},
		{"", faults, ""},
		{"get_token", []string{"accessToken", "gettoken"}, "gettoken"},
		{"gettokne", []string{"accessToken", "gettoken"}, "gettoken"},
		{"session", []string{"gettoken", "getsession", "create_session"}, "getsession"},
		{"bye", []string{"by"}, "by"},
		{"x", []string{"by"}, ""},
		{"appkey", nil, ""},
		{"id", []string{"corpid", "appkey"}, ""},
	} {
		if got := nearest.Word(test.word, test.candidates); got != test.want {
			t.Errorf("nearest to %q is %q, want %q", test.word, got, test.want)
		}
	}
}
