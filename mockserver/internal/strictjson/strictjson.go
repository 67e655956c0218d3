// Package strictjson reads JSON strictly into a Go type, and says where it is wrong.
//
// encoding/json accepts field names in any case, and the last of two fields of the same name; its errors give byte
// offsets. Here both are errors, and an error gives a line and a JSON pointer. Reading takes time proportional to
// the length of the text.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock/internal/nearest"
)

// deepest is how deep values may be nested.
const deepest = 64

// Error says what is wrong with one value, and what would be right.
type Error struct {
	Line    int
	Pointer string // JSON pointer; "" is the whole text
	Text    string

	ofText bool // whether it is about the text, not a value: it gets no pointer
}

// in prepends a step to the pointer.
func (e *Error) in(step string) *Error {
	if !e.ofText {
		e.Pointer = "/" + step + e.Pointer
	}
	return e
}

// Error returns "LINE: POINTER: TEXT", without the pointer's first slash, or "LINE: TEXT" if the pointer is empty.
func (e *Error) Error() string {
	if e.Pointer == "" {
		return fmt.Sprintf("%d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("%d: %s: %s", e.Line, strings.TrimPrefix(e.Pointer, "/"), e.Text)
}

// Read reads the single JSON object in data into the struct that out points to. Its fields, and those within, are
// named by json tags. The error is an *Error.
func Read(data []byte, out any) error {
	root := reflect.TypeOf(out).Elem()
	r := &reader{dec: json.NewDecoder(bytes.NewReader(data)), data: data, known: map[reflect.Type]fields{}}
	r.dec.UseNumber()
	if err := r.whole(root); err != nil {
		return err
	}
	if string(bytes.TrimSpace(data)) == "null" {
		return &Error{Line: Line(data, ""), Text: "has to be an object, not null"}
	}
	if err := json.Unmarshal(data, out); err != nil {
		line := 1
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			line = lineAt(data, wrong.Offset)
		}
		return &Error{Line: line, Text: Explain(err)}
	}
	return nil
}

// Explain returns what an error of encoding/json means, and which field it is about.
func Explain(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	text := fmt.Sprintf("has to be %s, not %s", article(wrong.Type.Kind().String()), article(wrong.Value))
	if wrong.Field != "" {
		text = wrong.Field + ": " + text
	}
	return text
}

// Line returns the line of the value at a JSON pointer, in JSON that Read has accepted; for a field, the line of
// its name. If there is no such value, it returns the line of the innermost existing value around it.
func Line(data []byte, pointer string) int {
	dec := json.NewDecoder(bytes.NewReader(data))
	var found int64
	named := false // found is already the place of the value's name
	for _, step := range append(strings.Split(pointer, "/")[1:], "") {
		step = jsonpointer.Unescape(step)
		open, err := dec.Token()
		if err != nil {
			break
		}
		if !named {
			found = dec.InputOffset()
		}
		if _, ok := open.(json.Delim); !ok || step == "" || !enter(dec, open == json.Delim('{'), step) {
			break
		}
		if named = open == json.Delim('{'); named {
			found = dec.InputOffset()
		}
	}
	return lineAt(data, found)
}

// enter reads up to the value of a name or an index, and reports whether there is one.
func enter(dec *json.Decoder, object bool, step string) bool {
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if object {
			key, err := dec.Token()
			if err != nil {
				return false
			}
			name, _ = key.(string)
		}
		if name == step {
			return true
		}
		var other json.RawMessage
		if err := dec.Decode(&other); err != nil {
			return false
		}
	}
	return false
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(offset, int64(len(data)))], []byte("\n"))
}

// reader checks that fields and kinds of values fit a type.
type reader struct {
	dec   *json.Decoder
	data  []byte
	known map[reflect.Type]fields
}

func (r *reader) wrong(text string) *Error {
	return &Error{Line: lineAt(r.data, r.dec.InputOffset()), Text: text}
}

func (r *reader) wrongText(text string) *Error {
	e := r.wrong(text)
	e.ofText = true
	return e
}

// broken returns the error for a missing next token.
func (r *reader) broken(err error) *Error {
	if _, ok := errors.AsType[*json.SyntaxError](err); ok { // its offset counts only what Token has scanned
		return r.wrongText("is not JSON: " + err.Error())
	}
	return r.wrongText("is not JSON: it ends too early")
}

// whole checks the whole text.
func (r *reader) whole(root reflect.Type) error {
	if err := r.value(0, root); err != nil {
		return err
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return r.wrongText("there is text after the JSON object")
	}
	return nil
}

// value checks one value. The caller prepends the pointer to the value to that of the error.
func (r *reader) value(depth int, t reflect.Type) *Error {
	t = plainType(t)
	if readsItself(t) {
		var text json.RawMessage
		if err := r.dec.Decode(&text); err != nil {
			return r.broken(err)
		}
		if wrong := unreadable(text, t); wrong != "" {
			return r.wrong(wrong)
		}
		return nil
	}
	tok, err := r.dec.Token()
	if err != nil {
		return r.broken(err)
	}
	if wrong := misfit(tok, t); wrong != "" {
		return r.wrong(wrong)
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	if depth > deepest {
		return r.wrongText("is nested too deep")
	}
	if open == '{' {
		return r.object(depth, t)
	}
	for i := 0; r.dec.More(); i++ {
		if err := r.value(depth+1, element(t)); err != nil {
			return err.in(strconv.Itoa(i))
		}
	}
	return r.end()
}

// object checks the fields and the end of an object whose beginning has been read.
func (r *reader) object(depth int, t reflect.Type) *Error {
	fields, seen := r.fields(t), names{}
	for r.dec.More() {
		key, err := r.dec.Token()
		if err != nil {
			return r.broken(err)
		}
		name := key.(string)
		inner, ok := fields.find(name)
		switch {
		case seen.add(name, inner):
			return r.wrong("stands here twice").in(name)
		case !ok:
			return r.wrong("there is no such field" + nearest.DidYouMean(name, slices.Sorted(maps.Keys(fields.named)))).in(name)
		}
		if err := r.value(depth+1, inner.t); err != nil {
			return err.in(name)
		}
	}
	return r.end()
}

// end checks the end of an array or an object.
func (r *reader) end() *Error {
	if _, err := r.dec.Token(); err != nil {
		return r.broken(err)
	}
	return nil
}
