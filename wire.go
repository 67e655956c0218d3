package dingmock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dingmock/dingmock/internal/jsontext"
)

// keyOrder is the order in which the keys of an object are sent, as x-key-order has it: the name of a rule, or a list of keys.
// In a family it applies to all objects, in a schema only to the schema's own.
type keyOrder struct {
	rule    string
	buckets int      // of the Java HashMap before it grows
	keys    []string // the keys that go first
}

// The rules of x-key-order.
const (
	orderDeclared = "declared"  // first as in the schema's required, then as in the value: a struct by field, a map by name
	orderASCII    = "ascii"     // by name; in an envelope after errcode and errmsg, and before request_id
	orderJavaHash = "java-hash" // as a Java 8 HashMap iterates that was filled in declared order; -N: with N buckets at first
	orderList     = "list"
)

// javaBuckets is the number of buckets of a Java HashMap that was made without a size.
const javaBuckets = 16

func (o *keyOrder) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &o.keys) == nil && len(o.keys) > 0 {
		o.rule = orderList
		seen := map[string]bool{}
		for _, key := range o.keys {
			if seen[key] {
				return fmt.Errorf("lists %q twice", key)
			}
			seen[key] = true
		}
		return nil
	}
	wrong := errors.New("has to be declared, ascii, java-hash, java-hash-N with a power of two, or a list of keys")
	if json.Unmarshal(data, &o.rule) != nil {
		return wrong
	}
	if size, sized := strings.CutPrefix(o.rule, orderJavaHash+"-"); sized {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > 1<<20 || n&(n-1) != 0 {
			return wrong
		}
		o.rule, o.buckets = orderJavaHash, n
		return nil
	}
	if oneOf("", o.rule, orderDeclared, orderASCII, orderJavaHash) != nil {
		return wrong
	}
	o.buckets = javaBuckets
	return nil
}

// sort puts members, which must be in declared order, in the order in which they are sent.
func (o *keyOrder) sort(list []member, envelope bool) {
	var rank func(key string) int
	switch o.rule {
	case orderASCII:
		slices.SortStableFunc(list, func(a, b member) int { return strings.Compare(a.key, b.key) })
		ends := map[string]int{"errcode": -2, "errmsg": -1, "request_id": 1}
		rank = func(key string) int {
			if !envelope {
				return 0
			}
			return ends[key]
		}
	case orderJavaHash:
		size := o.buckets
		for len(list)*4 > size*3 {
			size *= 2
		}
		rank = func(key string) int { return javaBucket(key, size) }
	case orderList:
		rank = func(key string) int {
			if i := slices.Index(o.keys, key); i >= 0 {
				return i
			}
			return len(o.keys)
		}
	default:
		return
	}
	slices.SortStableFunc(list, func(a, b member) int { return rank(a.key) - rank(b.key) })
}

// javaBucket returns the bucket in which a Java 8 HashMap<String, …> keeps a key. Growing keeps the order within a bucket.
// A bucket of eight keys or more becomes a tree, whose order is not modelled.
func javaBucket(key string, size int) int {
	var h uint32
	for _, unit := range utf16.Encode([]rune(key)) {
		h = 31*h + uint32(unit)
	}
	return int((h ^ h>>16) & uint32(size-1))
}

// wire says how the bodies of a dialect are written.
type wire struct {
	order   keyOrder
	escaped bool                          // whether / in a string is written as \/
	own     map[*openapi3.Schema]keyOrder // for the schemas that have an order of their own
}

// Encode returns the exact bytes of the reply's body for a value. There are no spaces, and no escapes beyond those that JSON or
// the family requires; numbers have all their digits. The keys are in the order of the error that the body is, or else of their
// schema, or else of the family. If none of these has an order, the keys come first as in the schema's required, then as in the
// value: a struct by field, a map by name. Encode panics if encoding/json cannot encode the value.
func (r *Reply) Encode(value any) []byte {
	data, err := jsontext.Marshal(value)
	if err != nil {
		panic("dingmock: a reply that is no JSON: " + err.Error())
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	root := readNode(dec)
	own := r.wire.order
	schema := alternative(r.schema, root)
	if o, ok := r.wire.own[schema]; ok {
		own = o
	}
	if slices.ContainsFunc(r.errors, func(e *ErrorReply) bool { return len(e.Order) > 0 }) {
		if e := r.Identify(data); e != nil && len(e.Order) > 0 {
			own = keyOrder{rule: orderList, keys: e.Order}
		}
	}
	var buf bytes.Buffer
	r.wire.write(&buf, schema, root, own, true)
	return buf.Bytes()
}

func (w *wire) encode(buf *bytes.Buffer, schema *openapi3.Schema, n node) {
	schema = alternative(schema, n)
	order, ok := w.own[schema]
	if !ok {
		order = w.order
	}
	w.write(buf, schema, n, order, false)
}

func (w *wire) write(buf *bytes.Buffer, schema *openapi3.Schema, n node, order keyOrder, envelope bool) {
	switch {
	case n.object:
		buf.WriteByte('{')
		for i, m := range arranged(schema, n.members, order, envelope) {
			if i > 0 {
				buf.WriteByte(',')
			}
			writeScalar(buf, m.key, false)
			buf.WriteByte(':')
			var inner *openapi3.Schema
			if schema != nil && schema.Properties[m.key] != nil {
				inner = schema.Properties[m.key].Value
			}
			w.encode(buf, inner, m.value)
		}
		buf.WriteByte('}')
	case n.array:
		var inner *openapi3.Schema
		if schema != nil && schema.Items != nil {
			inner = schema.Items.Value
		}
		buf.WriteByte('[')
		for i, m := range n.members {
			if i > 0 {
				buf.WriteByte(',')
			}
			w.encode(buf, inner, m.value)
		}
		buf.WriteByte(']')
	default:
		writeScalar(buf, n.scalar, w.escaped)
	}
}

// arranged returns the members of an object as they are sent.
func arranged(schema *openapi3.Schema, members []member, order keyOrder, envelope bool) []member {
	list := slices.Clone(members)
	if schema != nil {
		declared := keyOrder{rule: orderList, keys: schema.Required}
		declared.sort(list, false)
	}
	order.sort(list, envelope)
	return list
}

func writeScalar(buf *bytes.Buffer, value any, escaped bool) {
	if n, ok := value.(json.Number); ok && strings.ContainsAny(n.String(), ".eE") {
		if f, err := n.Float64(); err == nil {
			value = f // written like any other number
		}
	}
	data, _ := jsontext.Marshal(value) // strings, numbers, booleans and null: cannot fail
	if _, ok := value.(string); ok && escaped {
		data = bytes.ReplaceAll(data, []byte("/"), []byte(`\/`))
	}
	buf.Write(data)
}

// node is a JSON value that keeps the order of its keys.
type node struct {
	object, array bool
	members       []member // in an array without keys
	scalar        any      // string, json.Number, bool or nil
}

type member struct {
	key   string
	value node
}

// readNode reads the next value, which must be valid JSON.
func readNode(dec *json.Decoder) node {
	token, _ := dec.Token()
	n := node{object: token == json.Delim('{'), array: token == json.Delim('[')}
	if !n.object && !n.array {
		n.scalar = token
		return n
	}
	for dec.More() {
		var m member
		if n.object {
			key, _ := dec.Token()
			m.key, _ = key.(string)
		}
		m.value = readNode(dec)
		n.members = append(n.members, m)
	}
	_, _ = dec.Token() // the end of it
	return n
}

// decoded returns the value as encoding/json decodes it.
func (n node) decoded() any {
	switch {
	case n.object:
		value := map[string]any{}
		for _, m := range n.members {
			value[m.key] = m.value.decoded()
		}
		return value
	case n.array:
		value := []any{}
		for _, m := range n.members {
			value = append(value, m.value.decoded())
		}
		return value
	}
	return n.scalar
}

// shaped returns the one alternative of which an object has all required keys and no undeclared one, or nil if the keys do not tell.
// It spares each reply a check against all alternatives.
func shaped(list openapi3.SchemaRefs, n node) *openapi3.Schema {
	var only *openapi3.Schema
	for _, ref := range list {
		s := ref.Value
		closed := s.AdditionalProperties.Has != nil && !*s.AdditionalProperties.Has
		if !n.object || !closed || len(s.OneOf)+len(s.AllOf)+len(s.AnyOf) > 0 {
			return nil
		}
		has := func(key string) bool {
			return slices.ContainsFunc(n.members, func(m member) bool { return m.key == key })
		}
		fits := !slices.ContainsFunc(s.Required, func(key string) bool { return !has(key) }) &&
			!slices.ContainsFunc(n.members, func(m member) bool { return s.Properties[m.key] == nil })
		switch {
		case fits && only != nil:
			return nil
		case fits:
			only = s
		}
	}
	return only
}

// alternative returns the schema that decides the order of the value's keys. In a oneOf that is the alternative that the value
// fits, or comes nearest to.
func alternative(schema *openapi3.Schema, n node) *openapi3.Schema {
	for schema != nil {
		switch {
		case len(schema.OneOf) > 0:
			if only := shaped(schema.OneOf, n); only != nil {
				schema = only
				continue
			}
			value := n.decoded()
			best, least := schema.OneOf[0].Value, -1
			for _, ref := range schema.OneOf {
				if n := len(check(ref.Value, value)); least < 0 || n < least {
					best, least = ref.Value, n
				}
			}
			schema = best
		case len(schema.AllOf) > 0:
			schema = schema.AllOf[0].Value
		default:
			return schema
		}
	}
	return nil
}
