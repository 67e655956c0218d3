package dingmock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dingmock/dingmock"
)

// Every example of an error is matched by the error whose name it has, and by no other that has no holes; and
// encoding what an example decodes to gives its keys in the order of the wire.
func TestMatchAndEncodeExamples(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range doc.Operations() {
		for _, reply := range op.Replies {
			for name, body := range reply.Examples {
				if e := doc.ErrorReply(name); e != nil {
					if _, ok := e.Match(reply.Status, body); !ok {
						t.Errorf("%s %d: the example %s is not matched by the error: %s", op.ID, reply.Status, name, body)
					}
				}
				for _, other := range reply.Errors {
					if _, ok := doc.ErrorReply(other).Match(reply.Status, body); ok && other != name && len(doc.ErrorReply(other).Holes()) == 0 {
						t.Errorf("%s %d: the example %s is matched by %s", op.ID, reply.Status, name, other)
					}
				}
			}
		}
	}

	var value any
	if err := json.Unmarshal([]byte(`{"request_id":"16l4ew3d47pdp","errmsg":"ok","result":{"session":{"chatid":"<&>","create_time":1693670462000,"user_id":"u","app_key":"k","session_id":"s"}},"errcode":0}`), &value); err != nil {
		t.Fatal(err)
	}
	want := `{"errcode":0,"errmsg":"ok","result":{"session":{"session_id":"s","app_key":"k","user_id":"u","chatid":"<&>","create_time":1693670462000}},"request_id":"16l4ew3d47pdp"}`
	if got := string(doc.Operation("getsession").Replies[0].Encode(value)); got != want {
		t.Errorf("Encode\n got %s\nwant %s", got, want)
	}
}

// A number means the same however JSON spells it.
func TestMatchNumbers(t *testing.T) {
	t.Parallel()
	e := &dingmock.ErrorReply{Name: "x", Errcode: 40096, Status: 200, Text: "t"}
	for number, want := range map[string]bool{
		"40096": true, "40096.0": true, "4.0096e4": true, "40096e0": true, "40096.5": false, "40097": false, "-40096": false, `"40096"`: false, "1e999": false, "null": false,
	} {
		body := []byte(`{"errcode":` + number + `,"errmsg":"t"}`)
		if _, got := e.Match(200, body); got != want || e.Same(body) != want {
			t.Errorf("errcode %s: matches %t, is the same %t, want %t", number, got, e.Same(body), want)
		}
	}
}

func TestMatchHoles(t *testing.T) {
	t.Parallel()
	e := &dingmock.ErrorReply{Name: "x", Errcode: 7, Status: 200, Text: "a {n} b {n} c {m}"}
	for _, tt := range []struct {
		name, text string
		want       string // "" no match
	}{
		{"all", "a 1 b 1 c 2", "1 2"},
		{"one name, two values", "a 1 b 2 c 2", ""},
		{"an empty hole", "a  b  c 2", ""},
		{"more after it", "a 1 b 1 c 2\n", "1 2\n"},
		{"more before it", "x a 1 b 1 c 2", ""},
		{"the end of the template in a hole", "a 1 b 1 c 2 c 3", "1 2 c 3"},
		{"the middle of the template in a hole", "a b  b b  c 2", "b  2"},
		{"characters of several bytes", "a 会 b 会 c 话", "会 话"},
		{"cut", "a 1 b 1 c ", ""},
		{"cut in the middle", "a 1 b", ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body, _ := json.Marshal(map[string]any{"errcode": 7, "errmsg": tt.text})
			holes, ok := e.Match(200, body)
			got := strings.TrimPrefix(holes["n"]+" "+holes["m"], " ")
			if !ok {
				got = ""
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
