package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver/internal/strictjson"
)

type shape struct {
	Name  string           `json:"name,omitempty"`
	Size  *int64           `json:"size"`
	Share float64          `json:"share"`
	Odd   odd              `json:"odd"`
	At    time.Time        `json:"at"`
	Any   json.RawMessage  `json:"any"`
	List  []shape          `json:"list"`
	Named map[string]shape `json:"named"`
}

// odd accepts an object as well as a string.
type odd struct{ text string }

func (o *odd) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return errors.New("is an array: write a string")
	}
	o.text = string(text)
	return nil
}

func TestRead(t *testing.T) {
	t.Parallel()
	size := int64(7)
	var got shape
	err := strictjson.Read([]byte(`{"name":"a","size":7,"odd":{"x":1},"any":{"a":{"b":1},"a/b":2},"list":[{"name":"b"},null],"named":{"c":{"name":"d"}}}`), &got)
	want := shape{
		Name: "a", Size: &size, Odd: odd{`{"x":1}`}, Any: json.RawMessage(`{"a":{"b":1},"a/b":2}`),
		List: []shape{{Name: "b"}, {}}, Named: map[string]shape{"c": {Name: "d"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(odd{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, text, want string }{
		{"nothing", "", "1: is not JSON: it ends too early"},
		{"null", "\nnull", "2: has to be an object, not null"},
		{"an array", "[]", "1: has to be an object, not an array"},
		{"text after it", "{}\n\n{}", "3: there is text after the JSON object"},
		{"ends early", "{\n\"name\":", "2: is not JSON: it ends too early"},
		{"no token", "{\n\"list\":\n[}", "3: is not JSON: invalid character '}' looking for beginning of value"},
		{"a broken word after others", "{\"name\":\"\",\n\"list\":[{},\n{\"size\":nul}]}", "3: is not JSON: invalid character '}' in literal null (expecting 'l')"},
		{"a broken word where any value may be", "{\"any\":[\n1,\ntru]}", "3: is not JSON: invalid character ']' in literal true (expecting 'e')"},
		{"too deep", "{\"any\":\n" + strings.Repeat("[", 100_000), "2: is nested too deep"},
		{"unknown field", "{\n\"nam\":1}", "2: nam: there is no such field; did you mean name?"},
		{"in another case", "{\"list\":[{},\n{\"Name\":1}]}", "2: list/1/Name: there is no such field; did you mean name?"},
		{"twice", "{\"named\":{\"a\":{},\n\"a\":{}}}", "2: named/a: stands here twice"},
		{"twice where any value may be", "{\"any\":[{\"a\":1,\n\"a\":2}]}", "2: any/0/a: stands here twice"},
		{"no string", "{\"name\":\n7}", "2: name: has to be a string, not the number 7"},
		{"no whole number", `{"size":1.5}`, "1: size: has to be a whole number, not the number 1.5"},
		{"no number", `{"share":"1"}`, "1: share: has to be a number, not a string"},
		{"a number too large", "{\n\"share\":1e999}", "2: share: has to be a number, not a number 1e999"},
		{"no time", "{\"at\":\n\"noon\"}", "2: at: has to be a time such as \"2026-09-03T00:01:02Z\""},
		{"what the type itself does not take", "{\"named\":{\"a\":{\n\"odd\":[]}}}", "2: named/a/odd: is an array: write a string"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			err := strictjson.Read([]byte(x.text), new(shape))
			if err == nil || err.Error() != x.want {
				t.Errorf("\n got %v\nwant %s", err, x.want)
			}
		})
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	const text = `{
"list": [
  {"name": "a",
   "size": 1},

  {"name": "b"}, 7
],
"any":
  {"0": [
    1]}
}`
	for pointer, want := range map[string]int{
		"": 1, "/list": 2, "/list/0": 3, "/list/0/name": 3, "/list/0/size": 4, "/list/1": 6, "/list/1/size": 6, "/list/2": 6,
		"/list/3": 2, "/list/2/0": 6, "/any": 8, "/any/0": 9, "/any/0/0": 10, "/name": 1, "/list/x": 2,
	} {
		if got := strictjson.Line([]byte(text), pointer); got != want {
			t.Errorf("%q: %d, want %d", pointer, got, want)
		}
	}
}
