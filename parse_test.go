package dingmock

import (
	"fmt"
	"testing"
	"unicode/utf8"
)

// FuzzParseFlat compares the quick reader of JSON objects with encoding/json wherever it says that it has read one.
func FuzzParseFlat(f *testing.F) {
	for _, text := range []string{
		`{"a":"b"}`, " {\n\"a\" :\t\"会\" , \"a\":\"\" }\r\n", `{}`, `{"a":"b",}`, `{"a":"b"}}`, `{"a":"\u0062"}`, `{"a":1}`, `{,"a":"b"}`,
		`{"a":"b" "c":"d"}`, "{\"a\":\"\n\"}", `{"a"`, `{"a":`, `{"a":"`, `{"a":"b"`, `[{"a":"b"}]`, `"a"`, ``, "\ufeff{\"a\":\"b\"}", "{\"a\":\"\u007f\u2028\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		quick, ok := parseFlat(body)
		if !ok || !utf8.Valid(body) {
			return
		}
		slow, err := parseObject(body)
		if err != nil || fmt.Sprint(quick) != fmt.Sprint(slow) {
			t.Errorf("%q\nquick %v\n slow %v, %v", body, quick, slow, err)
		}
	})
}

func TestParseFlat(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a":"b"}`: true, " {\"a\" : \"b\",\n\"c\":\"会话\"} \n": true,
		`{}`: false, `{"a":1}`: false, `{"a":null}`: false, `{"a":"\n"}`: false, `{"a":"b"} x`: false, `{"a":"b",}`: false, `{"a":"b"`: false, ``: false,
	} {
		if _, ok := parseFlat([]byte(text)); ok != want {
			t.Errorf("%s is read quickly: %t, want %t", text, ok, want)
		}
	}
}

// TestIndex has more fields than are looked through one by one.
func TestIndex(t *testing.T) {
	t.Parallel()
	var x index
	for i := range 100 {
		name := fmt.Sprint(i)
		if _, ok := x.find(name); ok {
			t.Fatalf("field %d is there before it was put", i)
		}
		x.put(field{name: name})
		for j := range i + 1 {
			if at, ok := x.find(fmt.Sprint(j)); !ok || at != j {
				t.Fatalf("of %d fields, %d is found at %d, %t", i+1, j, at, ok)
			}
		}
	}
}
