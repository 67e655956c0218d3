package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/api"
)

// A condition is encoded as it was given, and means the same when it is decoded again.
func TestConditionJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		given string
		want  api.Condition
		wrong string
	}{
		{`"a"`, api.Equals("a"), ""},
		{`12.0`, api.Equals("12.0"), ""},
		{`null`, api.Equals("null"), ""},
		{`{"equals":12}`, api.Equals("12"), ""},
		{`{"contains":"<"}`, api.Contains("<"), ""},
		{`{"pattern":"^a$"}`, api.Pattern("^a$"), ""},
		{`{"absent":true}`, api.Absent(), ""},
		{`{"pattern":"("}`, api.Pattern("("), "has a pattern that is no Go regular expression (RE2): missing closing ): `(`"},
		{`{"absent":false}`, api.Condition{}, `has to be a string, a number, true, false or null, or an object with exactly one of "equals", "contains", "absent": true and "pattern"`},
		{`[]`, api.Condition{}, `has to be a string, a number, true, false or null, or an object with exactly one of "equals", "contains", "absent": true and "pattern"`},
	} {
		var got api.Condition
		if err := json.Unmarshal([]byte(test.given), &got); err != nil {
			t.Fatal(err)
		}
		wrong := ""
		if err := got.Check(); err != nil {
			wrong = err.Text
		}
		if diff := cmp.Diff(test.wrong, wrong); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.given, diff)
		}
		if !got.Equal(test.want) {
			t.Errorf("%s is read as %s, want %s", test.given, got, test.want)
		}
		again, err := json.Marshal(map[string]api.Condition{"c": got})
		if want := `{"c":` + strings.NewReplacer("<", `\u003c`).Replace(test.given) + `}`; err != nil || string(again) != want {
			t.Errorf("%s is written as %s, %v", test.given, again, err)
		}
		made, err := json.Marshal(test.want)
		var back api.Condition
		if err == nil {
			err = json.Unmarshal(made, &back)
		}
		if wrong == "" && (err != nil || !back.Equal(test.want)) {
			t.Errorf("%s is written as %s and read as %s, %v", test.want, made, back, err)
		}
		if wrong != "" && (got.Met("", true) || got.Met("", false) || api.Equals("").Implies(got)) {
			t.Errorf("%s is met by something", test.given)
		}
	}
}

func TestConditionMet(t *testing.T) {
	t.Parallel()
	const none = "\x00"
	for _, test := range []struct {
		condition api.Condition
		met       string
		not       string
	}{
		{api.Equals("a"), "a", "ab"},
		{api.Equals(""), "", none},
		{api.Contains("a"), "bab", "b"},
		{api.Contains(""), "", none},
		{api.Pattern("^[0-9]+$"), "12", "1a"},
		{api.Pattern(""), "", none},
		{api.Absent(), none, ""},
	} {
		if !test.condition.Met(test.met, test.met != none) || test.condition.Met(test.not, test.not != none) {
			t.Errorf("%s: %q meets it %t, and %q %t", test.condition, test.met, test.condition.Met(test.met, test.met != none), test.not, test.condition.Met(test.not, test.not != none))
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{`"1h30m"`: 90 * time.Minute, `"7201s"`: 7201 * time.Second, `"-1s"`: -time.Second} {
		var d api.Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s is read as %s, %v", text, time.Duration(d), err)
		}
		again, err := json.Marshal(d)
		if wrote := `"` + want.String() + `"`; err != nil || string(again) != wrote {
			t.Errorf("%s is written as %s, %v", text, again, err)
		}
	}
	for _, text := range []string{`7200`, `"7200"`, `"300000000h"`} {
		var d api.Duration
		err := json.Unmarshal([]byte(text), &d)
		if want := text + ` is no duration up to 292 years: write a duration such as "7200s"`; err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestFieldError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  api.FieldError
		want string
	}{
		{api.FieldError{Pointer: "/apps/0/name", Text: "is taken", Accepted: "another"}, "apps/0/name: is taken"},
		{api.FieldError{Pointer: "/qps", Accepted: "0 or more"}, "qps: has to be 0 or more"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
