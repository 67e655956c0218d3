package rules_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

// The first rule that is due fires, those tried before count the call, and a used-up rule is no longer tried.
func TestFire(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := start
	var set rules.Set
	set.Replace([]api.Rule{
		{ID: "all", Effect: api.Effect{Status: 503}},
		{ID: "hidden", Match: api.RuleMatch{Operation: "gettoken"}, Effect: api.Effect{Hang: true}},
		{ID: "second", When: api.RuleWhen{Skip: 1, Times: 1}, Effect: api.Effect{Fault: "system-busy"}},
		{ID: "hour", Priority: 1, Match: api.RuleMatch{Path: "/a*"}, When: api.RuleWhen{For: api.Duration(time.Hour)}, Effect: api.Effect{Errcode: 7}},
		{ID: "tls", Effect: api.Effect{Fault: "tls-expired"}},
	}, now)
	fired := func(path string) string {
		r := set.Fire(func() *match.Subject { return &match.Subject{Path: path} }, true, func() time.Time { return now })
		if r == nil {
			return ""
		}
		return r.ID + ": " + r.Effect.Name()
	}
	var got []string
	for _, path := range []string{"/b", "/b", "/b", "/ab"} {
		got = append(got, fired(path))
	}
	now = start.Add(time.Hour)
	got = append(got, fired("/ab"))
	if r := set.FireTLS("x", func() time.Time { return now }); r != nil {
		got = append(got, r.ID+": "+r.Effect.Name())
	}
	want := []string{"all: status 503", "second: system-busy", "all: status 503", "hour: errcode 7", "all: status 503", "tls: tls-expired"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fired (-want +got)\n%s", diff)
	}
	type counts struct {
		ID, ShadowedBy string
		Matched, Fired int64
	}
	var asked []counts
	for _, r := range set.Judged(now) {
		asked = append(asked, counts{r.ID, r.ShadowedBy, r.Matched, r.Fired})
	}
	if diff := cmp.Diff([]counts{{"all", "", 3, 3}, {"hidden", "all", 0, 0}, {"tls", "", 1, 1}}, asked); diff != "" {
		t.Errorf("rules (-want +got)\n%s", diff)
	}
	if r, ok := set.Get("second", now); !ok || !r.UsedUp || r.Matched != 2 || r.Fired != 1 {
		t.Errorf("of the used-up rule there is %+v, %t", r, ok)
	}
	for u := range set.Unfired(now) {
		if diff := cmp.Diff(api.UnfiredRule{ID: "hidden", Effect: "hang", For: "gettoken"}, u); diff != "" {
			t.Errorf("unfired (-want +got)\n%s", diff)
		}
	}
	if !set.Remove("all") || set.Remove("all") || fired("/b") != "" {
		t.Error("a rule that is removed is still there")
	}
}
