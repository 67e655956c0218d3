package world

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
)

// What is known of a credential: whose it is, what became of its app, and what it is mistaken for.
func TestCredentials(t *testing.T) {
	t.Parallel()
	x := NewCredentials[string]()
	mine := x.Of("a")
	for _, c := range []Credential{{dingmock.AppToken, "t"}, {dingmock.UserToken, "u"}, {dingmock.LoginCode, "c"}, {dingmock.AppToken, "both"}, {dingmock.UserToken, "both"}} {
		mine.Put(c)
	}
	mine.Put(Credential{dingmock.AppToken, "dropped"})
	mine.Drop(Credential{dingmock.AppToken, "dropped"})
	gone := Fate{App: "b", Why: "its app b was deleted"}
	x.Of("b").Put(Credential{dingmock.AppToken, "gone"})
	x.Bury(gone, Credential{dingmock.AppToken, "gone"})
	type known struct {
		Owner    string
		Fate     Fate
		Mistaken string
	}
	for _, test := range []struct {
		kind  dingmock.CredentialKind
		value string
		want  known
	}{
		{dingmock.AppToken, "t", known{Owner: "a"}},
		{dingmock.AppToken, "u", known{Mistaken: "a user's access token, not an app's access token"}},
		{dingmock.AppToken, "c", known{Mistaken: "a login code, not an app's access token"}},
		{dingmock.UserToken, "t", known{Mistaken: "an app's access token, not a user's access token"}},
		{dingmock.StreamTicket, "t", known{Mistaken: "an app's access token, not the ticket of a Stream connection"}},
		{dingmock.AppToken, "gone", known{Fate: gone}},
		{dingmock.UserToken, "gone", known{}},
		{dingmock.AppToken, "dropped", known{}},
		{dingmock.AppToken, "never", known{}},
		{dingmock.AppToken, "", known{}},
	} {
		owner, fate := x.Find(test.kind, test.value)
		got := known{owner, fate, x.Mistaken(test.kind, test.value)}
		if test.want.Owner != "" {
			got.Mistaken = "" // it is good as it is
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %q (-want +got)\n%s", test.kind, test.value, diff)
		}
	}
}

// Of credentials whose apps are no more the latest are remembered.
func TestFatesAreBounded(t *testing.T) {
	t.Parallel()
	x := NewCredentials[int]()
	for i := range fatesKept + 10 {
		x.Bury(Fate{App: strconv.Itoa(i)}, Credential{dingmock.AppToken, strconv.Itoa(i)})
	}
	for i, want := range map[int]string{9: "", 10: "10", fatesKept + 9: strconv.Itoa(fatesKept + 9)} {
		if _, fate := x.Find(dingmock.AppToken, strconv.Itoa(i)); fate.App != want {
			t.Errorf("the fate of %d is %+v, want that of %q", i, fate, want)
		}
	}
	if len(x.gone) != fatesKept || len(x.oldest) != fatesKept {
		t.Errorf("%d fates and %d names are kept, want %d", len(x.gone), len(x.oldest), fatesKept)
	}
}
