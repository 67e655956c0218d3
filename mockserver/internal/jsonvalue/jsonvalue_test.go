package jsonvalue_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/jsontext"
	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
)

func TestText(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		` "a<\u0062" `: "a<b", `1.50`: "1.50", `1e400`: "1e400", ` true`: "true", `null`: "null",
		`{ "b": [1, 2] }`: `{"b":[1,2]}`, `["a b"]`: `["a b"]`, `{`: `{`, ``: ``,
	} {
		if got := jsonvalue.Text([]byte(data)); got != want {
			t.Errorf("the text of %s is %q, want %q", data, got, want)
		}
		_, scalar := jsonvalue.Scalar([]byte(data))
		if want := data != "" && !strings.ContainsAny(data, "[{"); scalar != want {
			t.Errorf("%s is a scalar: %t, want %t", data, scalar, want)
		}
	}
	if got := string(jsontext.MustMarshal(map[string]any{"b": "<&>", "a": nil})); got != `{"a":null,"b":"<&>"}` {
		t.Errorf("encoded as %s", got)
	}
}

func TestDescend(t *testing.T) {
	t.Parallel()
	n := jsonvalue.New([]byte(`{"a":{"b":[0,{"c":"x"}]},"text":"{\"in\":[true]}","none":null,"01":1}`))
	for path, want := range map[string]string{
		"a b 0": "0", "a b 1 c": `"x"`, "text in 0": "true", "none": "null", "01": "1",
		"a b 2": "nothing", "a b -1": "nothing", "a b 01": "nothing", "a b 0 c": "nothing", "A": "nothing", "none x": "nothing", "text in in": "nothing",
	} {
		for range 2 { // the same when it is looked up again
			got := "nothing"
			if data, ok := n.Descend(strings.Fields(path)); ok {
				got = string(data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", path, diff)
			}
		}
	}
	if _, ok := new(jsonvalue.Node).Descend([]string{"a"}); ok {
		t.Error("there is something in nothing")
	}
}
