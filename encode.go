package dingmock

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Encode writes a decoded JSON value as the reply sends it, byte for byte: the keys of an object in the order of
// the schema's required, then the others by name; no spaces; no escapes that JSON does not ask for.
func (r *Reply) Encode(value any) []byte {
	var buf bytes.Buffer
	encode(&buf, r.schema, value)
	return buf.Bytes()
}

func encode(buf *bytes.Buffer, schema *openapi3.Schema, value any) {
	schema = alternative(schema, value)
	switch v := value.(type) {
	case map[string]any:
		var keys []string
		if schema != nil {
			for _, key := range schema.Required {
				if _, ok := v[key]; ok {
					keys = append(keys, key)
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		buf.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				buf.WriteByte(',')
			}
			encodePlain(buf, key)
			buf.WriteByte(':')
			var inner *openapi3.Schema
			if schema != nil && schema.Properties[key] != nil {
				inner = schema.Properties[key].Value
			}
			encode(buf, inner, v[key])
		}
		buf.WriteByte('}')
	case []any:
		var inner *openapi3.Schema
		if schema != nil && schema.Items != nil {
			inner = schema.Items.Value
		}
		buf.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				buf.WriteByte(',')
			}
			encode(buf, inner, item)
		}
		buf.WriteByte(']')
	default:
		encodePlain(buf, v)
	}
}

// alternative returns the schema that says how the value's keys are ordered: of oneOf the one that it is, or is
// nearest to.
func alternative(schema *openapi3.Schema, value any) *openapi3.Schema {
	for schema != nil {
		switch {
		case len(schema.OneOf) > 0:
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

func encodePlain(buf *bytes.Buffer, value any) {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // strings, numbers, booleans and null of decoded JSON: cannot fail
	buf.Truncate(buf.Len() - 1)
}
