package tokenlife_test

import (
	"testing"
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]string{
		time.Second: "", tokenlife.Usual: "", 720 * time.Hour: "",
		0: "0s has to be 1s to 720h0m0s", -time.Hour: "-1h0m0s has to be 1s to 720h0m0s",
		720*time.Hour + 1: "720h0m0.000000001s has to be 1s to 720h0m0s",
	} {
		got := ""
		if err := tokenlife.Check(life); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", life, got, want)
		}
	}
}
