package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
)

// Condition says what the value of one parameter or header must be. In JSON it is the value to equal, or an object
// with one of equals, contains, absent and pattern. Values are compared by their text: a string as it is, a number
// as it was sent, an object or an array as JSON without spaces. The zero value equals the empty string.
type Condition struct {
	kind    string // "" means equals
	text    string
	given   string // the JSON that it was read from, if any
	pattern *regexp.Regexp
	wrong   string // why it is not valid, worded for the error that rejects it
}

const maxPattern = 1000 // bytes

// Equals is met by a value with this text: Equals("12") by 12 and by "12".
func Equals(text string) Condition { return Condition{text: text} }

// Contains is met by a value whose text contains this text; Contains("") by any value.
func Contains(text string) Condition { return Condition{kind: "contains", text: text} }

// Absent is met if there is no such parameter or header.
func Absent() Condition { return Condition{kind: "absent"} }

// Pattern is met by a value whose text matches a Go regular expression of at most 1000 bytes. The server rejects
// an expression that is not valid.
func Pattern(expression string) Condition {
	c := Condition{kind: "pattern", text: expression}
	if len(expression) > maxPattern {
		c.wrong = fmt.Sprintf("has a pattern of %d bytes: at most %d are allowed", len(expression), maxPattern)
		return c
	}
	var err error
	if c.pattern, err = regexp.Compile(expression); err != nil {
		c.wrong = "has a pattern that is no Go regular expression (RE2): " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return c
}

// MarshalJSON writes the condition as UnmarshalJSON reads it.
func (c Condition) MarshalJSON() ([]byte, error) {
	switch {
	case c.given != "":
		return []byte(c.given), nil
	case c.kind == "":
		return json.Marshal(c.text)
	case c.kind == "absent":
		return []byte(`{"absent":true}`), nil
	}
	return json.Marshal(map[string]string{c.kind: c.text})
}

const (
	acceptedCondition = `a string, a number, true, false or null, or an object with exactly one of "equals", "contains", "absent": true and "pattern"`
	conditionShape    = "has to be " + acceptedCondition
)

// UnmarshalJSON reads a condition from any JSON. If the JSON is not a valid condition, the error comes, with its
// place, when the condition is used.
func (c *Condition) UnmarshalJSON(data []byte) error {
	*c = readCondition(data)
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return err
	}
	c.given = compact.String()
	return nil
}

func readCondition(data []byte) Condition {
	if text, ok := jsonvalue.Scalar(data); ok {
		return Equals(text)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || len(fields) != 1 {
		return Condition{wrong: conditionShape}
	}
	for name, value := range fields {
		text, plain := jsonvalue.Scalar(value)
		isText := plain && value[0] == '"'
		switch {
		case name == "equals" && plain:
			return Equals(text)
		case name == "contains" && isText:
			return Contains(text)
		case name == "pattern" && isText:
			return Pattern(text)
		case name == "absent" && string(value) == "true":
			return Absent()
		}
	}
	return Condition{wrong: conditionShape}
}

// Check returns an error that says why the condition is not valid and what would be; nil if it is valid.
func (c Condition) Check() *FieldError {
	if c.wrong == "" {
		return nil
	}
	return &FieldError{Text: c.wrong, Accepted: acceptedCondition}
}

// Equal reports whether both conditions are the same.
func (c Condition) Equal(d Condition) bool { return c.kind == d.kind && c.text == d.text }

// Met reports whether a value with this text meets the condition; ok is false if there is no value. Nothing meets
// a condition that is not valid.
func (c Condition) Met(text string, ok bool) bool {
	if c.wrong != "" {
		return false
	}
	switch c.kind {
	case "absent":
		return !ok
	case "contains":
		return ok && strings.Contains(text, c.text)
	case "pattern":
		return ok && c.pattern.MatchString(text)
	}
	return ok && c.text == text
}

// Implies reports whether every value that meets c also meets d. It returns false if it cannot tell.
func (c Condition) Implies(d Condition) bool {
	switch {
	case d.wrong != "":
		return false
	case c.Equal(d):
		return true
	case c.kind == "":
		return d.Met(c.text, true)
	}
	return c.kind == "contains" && d.kind == "contains" && strings.Contains(c.text, d.text)
}

// String returns what the condition expects.
func (c Condition) String() string {
	switch c.kind {
	case "absent":
		return "nothing"
	case "contains":
		return fmt.Sprintf("a text with %q in it", c.text)
	case "pattern":
		return fmt.Sprintf("a text like %q", c.text)
	}
	return strconv.Quote(c.text)
}
