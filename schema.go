package dingmock

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock/internal/redact"
)

// finding is one way in which a value differs from its schema.
type finding struct {
	pointer         string // into the value
	found, expected string
	constant        bool // whether the schema tells alternatives apart: it allows one number only, or excludes some values
}

// check returns how value differs from schema, in the order of pointers.
func check(schema *openapi3.Schema, value any) []finding {
	if len(schema.OneOf) > 0 {
		return checkOneOf(schema, value)
	}
	err := schema.VisitJSON(value, openapi3.MultiErrors())
	return findings(err, "")
}

// checkOneOf returns the findings for the alternative that is nearest to the value: one whose constants, such as errcode, the
// value has; and among these the one with the fewest findings.
func checkOneOf(schema *openapi3.Schema, value any) []finding {
	var nearest []finding
	least := math.MaxInt
	for _, ref := range schema.OneOf {
		list := check(ref.Value, value)
		if len(list) == 0 {
			return nil
		}
		far := len(list)
		for _, f := range list {
			if f.constant {
				far += 1000
			}
		}
		if far < least {
			nearest, least = list, far
		}
	}
	return nearest
}

func findings(err error, prefix string) []finding {
	if err == nil {
		return nil
	}
	var many openapi3.MultiError
	var one *openapi3.SchemaError
	switch {
	case errors.As(err, &many):
		var list []finding
		for _, e := range many {
			list = append(list, findings(e, prefix)...)
		}
		return list
	case errors.As(err, &one):
		pointer := prefix
		for _, key := range one.JSONPointer() {
			pointer += "/" + jsonpointer.Escape(key)
		}
		if one.Origin != nil && one.SchemaField == "allOf" {
			return findings(one.Origin, pointer)
		}
		if number, ok := one.Value.(json.Number); ok && one.SchemaField == "type" { // a number that no float64 can hold
			return findings(one.Schema.VisitJSON(clamped(number), openapi3.MultiErrors()), pointer)
		}
		switch one.SchemaField {
		case "required":
			return []finding{{pointer: pointer, found: "nothing", expected: "a value"}}
		case "properties":
			if name, err := strconv.Unquote(strings.TrimSuffix(strings.TrimPrefix(one.Reason, "property "), " is unsupported")); err == nil {
				pointer += "/" + redact.Name(name)
			}
			return []finding{{pointer: pointer, found: "an undeclared field", expected: "no such field"}}
		}
		s := one.Schema
		constant := s.Not != nil || s.Min != nil && s.Max != nil && *s.Min == *s.Max
		return []finding{{pointer, describe(one.Value), expectation(s), constant}}
	}
	return []finding{{pointer: prefix, found: err.Error(), expected: "a valid value"}}
}

// describe returns the kind and size of a value. It never shows a string, which may be a secret.
func describe(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return describe(clamped(v)) // the text of a number may be as long as a body
	case float64:
		if math.Abs(v) < 1e21 {
			return "the number " + strconv.FormatFloat(v, 'f', -1, 64)
		}
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return fmt.Sprintf("a string of %d characters", len([]rune(v)))
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		if len(v) == 0 {
			return "an empty object"
		}
	}
	return "an object"
}

// clamped returns the number, or the nearest one that a float64 can hold.
func clamped(n json.Number) float64 {
	f, _ := n.Float64() // an infinity if it is too large
	return max(-math.MaxFloat64, min(f, math.MaxFloat64))
}

// expectation says in a few words what a schema allows. If the schema has x-expected, these are the words.
func expectation(s *openapi3.Schema) string {
	if len(s.AllOf) == 1 {
		return expectation(s.AllOf[0].Value)
	}
	var text string
	own, _ := s.Extensions["x-expected"].(string)
	switch {
	case own != "":
		text = own
	case len(s.Enum) > 0:
		quoted := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			quoted[i] = fmt.Sprintf("%#v", v)
		}
		text = strings.Join(quoted, " or ")
	case s.Type.Is("string"):
		text = "a string"
		if s.MaxLength != nil {
			text += fmt.Sprintf(" of %d to %d characters", s.MinLength, *s.MaxLength)
		} else if s.MinLength > 0 {
			text += fmt.Sprintf(" of %d characters or more", s.MinLength)
		}
		if s.Pattern != "" {
			text += " like " + s.Pattern
		}
		if s.Format != "" {
			text += " (" + s.Format + ")"
		}
	case s.Type.Is("integer"), s.Type.Is("number"):
		text = "an " + strings.Join(s.Type.Slice(), "")
		if s.Type.Is("number") {
			text = "a number"
		}
		switch {
		case s.Min != nil && s.Max != nil && *s.Min == *s.Max:
			text = fmt.Sprintf("the number %v", *s.Min)
		case s.Min != nil && s.Max != nil:
			text += fmt.Sprintf(" from %v to %v", *s.Min, *s.Max)
		case s.Min != nil:
			text += fmt.Sprintf(" from %v up", *s.Min)
		}
		if s.Not != nil {
			text += fmt.Sprintf(" other than %v", s.Not.Value.Enum)
		}
	case s.Type.Is("boolean"):
		text = "a boolean"
	case s.Type.Is("array"):
		text = "an array"
		if s.MaxItems != nil {
			text += fmt.Sprintf(" of at most %d", *s.MaxItems)
		}
	default:
		text = "an object"
	}
	if s.Nullable {
		text += " or null"
	}
	return text
}
