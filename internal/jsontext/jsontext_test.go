package jsontext_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/jsontext"
)

func TestMarshal(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		value any
		want  string
	}{
		{"<a href='x'>&\u2028\n\"", `"<a href='x'>&\u2028\n\""`},
		{map[string]any{"b": json.Number("123456789012345678"), "a": nil}, `{"a":null,"b":123456789012345678}`},
		{json.RawMessage(`{ "z": 1, "a": [ ] }`), `{"z":1,"a":[]}`},
		{struct{}{}, `{}`},
	} {
		got, err := jsontext.Marshal(x.value)
		if diff := cmp.Diff(x.want, string(got)); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if got := jsontext.MustMarshal(x.value); string(got) != x.want {
			t.Errorf("%s, want %s", got, x.want)
		}
	}
	if got, err := jsontext.Marshal(math.NaN()); err == nil {
		t.Errorf("no number is %s", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("what cannot be encoded is")
		}
	}()
	jsontext.MustMarshal(math.Inf(1))
}
