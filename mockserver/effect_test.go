package mockserver_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

// Each kind of effect has a function that makes it, and rules accept the result.
func TestEffectsMade(t *testing.T) {
	t.Parallel()
	all := appOf(t, fake(t, mockserver.Options{}), "default").Rules()
	kinds := rules.Kinds()
	for _, x := range []struct {
		effect mockserver.Effect
		want   string
	}{
		{mockserver.FaultEffect("system-busy"), `{"fault":"system-busy"}`},
		{mockserver.ErrcodeEffect(34001, ""), `{"errcode":34001}`},
		{mockserver.ErrcodeEffect(34001, "no"), `{"errcode":34001,"errmsg":"no"}`},
		{mockserver.StatusEffect(503), `{"status":503}`},
		{mockserver.LatencyEffect(time.Second), `{"latency":"1s"}`},
		{mockserver.HangEffect(), `{"hang":true}`},
		{mockserver.ResetEffect(), `{"reset":true}`},
		{mockserver.EmptyEffect(), `{"empty":true}`},
		{mockserver.TruncateEffect(), `{"truncate":true}`},
		{mockserver.SlowEffect(time.Millisecond), `{"slow":"1ms"}`},
		{mockserver.MalformedEffect(), `{"malformed":true}`},
		{mockserver.TokenLifeEffect(2 * time.Second), `{"token_life":"2s"}`},
		{mockserver.ReplyEffect(mockserver.FixedReply{Status: 201}), `{"reply":{"status":201}}`},
	} {
		data, err := json.Marshal(x.effect)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(x.want, string(data)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, err := all.Add(t.Context(), mockserver.Rule{Effect: x.effect}); err != nil {
			t.Errorf("%s: %v", x.want, err)
		}
		kind := rules.Effect{Effect: x.effect}
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == kind.Kind() })
	}
	if len(kinds) > 0 {
		t.Errorf("nothing makes effects of the kinds %q", kinds)
	}
}
