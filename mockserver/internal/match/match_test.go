package match

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver/api"
)

// TestImplies draws random matches and calls: if one match is said to imply another, no call refutes that.
func TestImplies(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(8, 8))
	pick := func(list ...string) string { return list[draw.IntN(len(list))] }
	all := []api.Condition{api.Absent(), api.Pattern("^a"), api.Pattern("b$"), api.Pattern("^[0-9]+$"), api.Pattern("")}
	for _, text := range []string{"", "a", "ab", "b", "12"} {
		all = append(all, api.Equals(text), api.Contains(text))
	}
	conditions := func(names ...string) map[string]api.Condition {
		out := map[string]api.Condition{}
		for range draw.IntN(3) {
			out[pick(names...)] = all[draw.IntN(len(all))]
		}
		return out
	}
	match := func() *api.RuleMatch {
		return &api.RuleMatch{
			Operation: pick("", "", "gettoken", "getsession"), Method: pick("", "", "GET", "POST"), Path: pick("", "", "/a", "/a*", "/a/b*", "/ab", "/*"),
			Host: pick("", "", "x.y", "*.y", "*.x.y", "y", ".y"), Headers: conditions("X-A", "x-a", "x-b"), Parameters: conditions("p", "/p", "/p/0", "/q~1r", "q"),
		}
	}
	said := 0
	for range 60_000 {
		m, n := match(), match()
		if !Implies(m, n) {
			continue
		}
		said++
		for range 20 {
			s := &Subject{
				Operation: pick("", "gettoken", "getsession"), Method: pick("GET", "POST"), Path: pick("*", "/a", "/ab", "/a/b", "/a/bc", "/"),
				Host: pick("x.y", "y", "a.x.y", ".y", ""), Header: http.Header{"X-A": {pick("a", "", "ab"), pick("ab", "b")}}, Values: map[string]any{},
			}
			for _, name := range []string{"p", "q", "q/r"} {
				if draw.IntN(2) == 0 {
					s.Values[name] = []any{nil, "ab", "a", []any{"ab"}, `["12"]`, json.Number("12")}[draw.IntN(6)]
				}
			}
			if Calls(m).Matches(s) && !Calls(n).Matches(s) {
				t.Fatalf("%+v is said to imply %+v, but %+v meets the first alone", m, n, s)
			}
		}
	}
	if said < 500 {
		t.Errorf("only %d pairs are said to imply one another", said)
	}
}

// A parameter is parsed once, however many conditions look into it.
func TestParameterReadsOnce(t *testing.T) {
	var object strings.Builder
	object.WriteString(`{"a":{"last":1`)
	for i := range 1000 {
		object.WriteString(`,"k` + strconv.Itoa(i) + `":[]`)
	}
	object.WriteString(`}}`)
	allocations := func(times int) float64 {
		return testing.AllocsPerRun(3, func() {
			s := &Subject{Values: map[string]any{"p": object.String()}}
			for range times {
				if text, ok := s.parameter([]string{"p", "a", "last"}); !ok || text != "1" {
					t.Fatalf("it is %q, %t", text, ok)
				}
			}
		})
	}
	if once, often := allocations(1), allocations(100); often > 2*once {
		t.Errorf("it takes %.0f allocations, and asked for 100 times %.0f", once, often)
	}
}
