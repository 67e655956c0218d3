package dingmock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// field is one name and value of a query, a form or a JSON object.
type field struct {
	name  string
	value any
	json  bool
}

func (f field) text() string {
	s, _ := f.value.(string)
	return s
}

// parsePairs reads a query or a form, in order. Text with invalid escapes is taken as it is.
func parsePairs(raw string) []field {
	if raw == "" {
		return nil
	}
	list := make([]field, 0, min(strings.Count(raw, "&")+1, 16))
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, field{name: unescape(name), value: unescape(value)})
	}
	return list
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// parseFlat is a fast path for JSON objects whose values are all strings without escapes, as most are. It returns false for
// anything else, whether or not it is JSON.
func parseFlat(body []byte) ([]field, bool) {
	rest := bytes.TrimLeft(body, jsonSpace)
	if len(rest) == 0 || rest[0] != '{' {
		return nil, false
	}
	list := make([]field, 0, 8)
	for {
		rest = bytes.TrimLeft(rest[1:], jsonSpace) // cuts off { or ,
		name, ok := "", false
		if name, rest, ok = cutText(rest); !ok {
			return nil, false
		}
		if rest = bytes.TrimLeft(rest, jsonSpace); len(rest) == 0 || rest[0] != ':' {
			return nil, false
		}
		f := field{name: name, json: true}
		if f.value, rest, ok = cutText(bytes.TrimLeft(rest[1:], jsonSpace)); !ok {
			return nil, false
		}
		list = append(list, f)
		rest = bytes.TrimLeft(rest, jsonSpace)
		switch {
		case len(rest) > 0 && rest[0] == ',':
		case len(rest) > 0 && rest[0] == '}' && len(bytes.TrimLeft(rest[1:], jsonSpace)) == 0:
			return list, true
		default:
			return nil, false
		}
	}
}

const jsonSpace = " \t\r\n"

// cutText reads a JSON string without escapes. It returns the string and the rest of the text.
func cutText(text []byte) (string, []byte, bool) {
	if len(text) == 0 || text[0] != '"' {
		return "", nil, false
	}
	for i, c := range text[1:] {
		switch {
		case c == '"':
			return string(text[1 : i+1]), text[i+2:], true
		case c < ' ' || c == '\\':
			return "", nil, false
		}
	}
	return "", nil, false
}

// parseObject reads the fields of one JSON object.
func parseObject(body []byte) ([]field, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // ids of 18 digits are common
	start, err := dec.Token()
	if err != nil {
		return nil, errors.New("text that is not JSON")
	}
	if start != json.Delim('{') {
		return nil, errors.New("JSON that is not an object")
	}
	var list []field
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("JSON that is broken near byte %d", dec.InputOffset())
		}
		f := field{name: name.(string), json: true}
		if err := dec.Decode(&f.value); err != nil {
			return nil, fmt.Errorf("JSON that is broken near byte %d", dec.InputOffset())
		}
		list = append(list, f)
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("JSON that ends too early")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the JSON, near byte %d", dec.InputOffset())
	}
	return list, nil
}

// FormValues returns the first value of each name in a query or a form. Text with invalid escapes is taken as it is.
func FormValues(raw string) map[string]string {
	values := map[string]string{}
	for _, f := range parsePairs(raw) {
		if _, there := values[f.name]; !there {
			values[f.name] = f.text()
		}
	}
	return values
}

// fields holds the fields of one place, each name once.
type fields []field

func (list fields) get(name string) (any, bool) {
	for _, f := range list {
		if f.name == name {
			return f.value, true
		}
	}
	return nil, false
}

// index finds fields by name. It searches a short list, and uses a map for a long one.
type index struct {
	fields fields
	byName map[string]int
}

func (x *index) find(name string) (int, bool) {
	if x.byName != nil {
		i, ok := x.byName[name]
		return i, ok
	}
	for i, f := range x.fields {
		if f.name == name {
			return i, true
		}
	}
	return 0, false
}

func (x *index) put(f field) {
	x.fields = append(x.fields, f)
	switch {
	case x.byName != nil:
		x.byName[f.name] = len(x.fields) - 1
	case len(x.fields) > 16:
		x.byName = make(map[string]int, cap(x.fields))
		for i, f := range x.fields {
			x.byName[f.name] = i
		}
	}
}

// pick returns the field with that name. If there are several, the last one counts in a JSON object, and the first elsewhere.
func pick(fields []field, name string) (f field, ok bool) {
	for _, x := range fields {
		if x.name != name {
			continue
		}
		f, ok = x, true
		if !x.json {
			break
		}
	}
	return f, ok
}
