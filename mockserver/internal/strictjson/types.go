package strictjson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// field is what a field of an object holds.
type field struct {
	t   reflect.Type // nil: any type
	bit uint64       // unique within a struct; 0 for a field of any name
}

// fields are the fields that an object may have.
type fields struct {
	named map[string]field
	other *field // a field of any name; nil if none is allowed
}

func (f fields) find(name string) (field, bool) {
	if f.other != nil {
		return *f.other, true
	}
	x, ok := f.named[name]
	return x, ok
}

// fields returns the fields of a type, which may have at most 64.
func (r *reader) fields(t reflect.Type) fields {
	switch {
	case t == nil:
		return fields{other: new(field)}
	case t.Kind() == reflect.Map:
		return fields{other: &field{t: t.Elem()}}
	}
	f, ok := r.known[t]
	if !ok {
		f.named = map[string]field{}
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			f.named[name] = field{t.Field(i).Type, 1 << i}
		}
		r.known[t] = f
	}
	return f
}

// names are the field names seen so far in an object.
type names struct {
	bits  uint64
	other map[string]bool
}

// add adds a name and reports whether it was there.
func (n *names) add(name string, f field) bool {
	if f.bit != 0 {
		was := n.bits&f.bit != 0
		n.bits |= f.bit
		return was
	}
	if n.other == nil {
		n.other = map[string]bool{}
	}
	was := n.other[name]
	n.other[name] = true
	return was
}

// element returns the type of an array's elements; nil for any type.
func element(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	return t.Elem()
}

// plainType returns the type that a pointer points to, or t itself; nil for JSON of any kind.
func plainType(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() || t != nil && t.Kind() == reflect.Interface {
		return nil
	}
	return t
}

// readsItself reports whether a type decodes its own JSON.
func readsItself(t reflect.Type) bool {
	return t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// unreadable returns why such a type rejects a text; "" if it accepts it.
func unreadable(text []byte, t reflect.Type) string {
	err := reflect.New(t).Interface().(json.Unmarshaler).UnmarshalJSON(text)
	switch {
	case err == nil:
		return ""
	case t == reflect.TypeFor[time.Time]():
		return "has to be a time such as \"2026-09-03T00:01:02Z\""
	}
	return err.Error()
}

// misfit returns why a JSON token cannot begin a value of a type; "" if it can. null fits any type.
func misfit(tok json.Token, t reflect.Type) string {
	if t == nil || tok == nil {
		return ""
	}
	kind, fits, found := t.Kind(), false, ""
	switch x := tok.(type) {
	case json.Delim:
		fits, found = kind == reflect.Struct || kind == reflect.Map, "an object"
		if x == '[' {
			fits, found = kind == reflect.Slice, "an array"
		}
	case string:
		fits, found = kind == reflect.String, "a string"
	case bool:
		fits, found = kind == reflect.Bool, "a bool"
	case json.Number:
		_, whole := strconv.ParseInt(x.String(), 10, 64)
		_, natural := strconv.ParseUint(x.String(), 10, 64)
		fits = kind == reflect.Float64 || whole == nil && (kind == reflect.Int || kind == reflect.Int64) || natural == nil && kind == reflect.Uint64
		found = "the number " + x.String()
	}
	if fits {
		return ""
	}
	return fmt.Sprintf("has to be %s, not %s", article(kind.String()), found)
}

func article(kind string) string {
	switch kind {
	case "slice", "array":
		return "an array"
	case "struct", "map", "ptr", "object":
		return "an object"
	case "int64", "int", "uint64":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	}
	return "a " + kind
}
