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
	t   reflect.Type // nil for what may be anything
	bit uint64       // its own among those of a struct; 0 for a field of any name
}

// fields are those that an object may have.
type fields struct {
	named map[string]field
	other *field // of any name; nil where there is none
}

func (f fields) find(name string) (field, bool) {
	if f.other != nil {
		return *f.other, true
	}
	x, ok := f.named[name]
	return x, ok
}

// fields returns the fields of a type, which has 64 at most.
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

// names are those that an object has had so far.
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

// element returns the type of an array's elements; nil for what may be anything.
func element(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	return t.Elem()
}

// plainType returns the type that a pointer is to, and nil for JSON of any kind.
func plainType(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() || t != nil && t.Kind() == reflect.Interface {
		return nil
	}
	return t
}

// readsItself reports whether a type says itself what JSON it takes.
func readsItself(t reflect.Type) bool {
	return t != nil && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// unreadable says why such a type does not take a text; "" where it does.
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

// misfit says why a JSON token cannot begin a value of a type; "" where it can. null is no value, and fits.
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
