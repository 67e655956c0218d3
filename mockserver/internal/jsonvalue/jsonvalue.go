// Package jsonvalue reads JSON values the way rules, conditions and templates do: as text, and by what they
// contain.
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Scalar returns the text of a JSON value that is neither an object nor an array: a number as it was sent. It
// returns false for an object, an array and an empty text.
func Scalar(data []byte) (string, bool) {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] == '{' || data[0] == '[' {
		return "", false
	}
	if data[0] != '"' {
		return string(data), true
	}
	var text string
	return text, json.Unmarshal(data, &text) == nil
}

// Text returns the text of a JSON value: a string as it is, anything else as JSON without spaces.
func Text(data []byte) string {
	if text, ok := Scalar(data); ok {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, data) != nil {
		return string(data)
	}
	return compact.String()
}

// Node is a JSON value that is parsed only once, however often something in it is looked up.
type Node struct {
	data   []byte
	read   bool
	fields map[string]json.RawMessage // of an object
	list   []json.RawMessage          // of an array
	inner  map[string]*Node           // what has been looked up
}

// New makes the node of a JSON value.
func New(data []byte) *Node { return &Node{data: data} }

// Descend returns the JSON value at a path of keys and indexes; false if there is none. A string on the way may
// itself hold JSON.
func (n *Node) Descend(path []string) ([]byte, bool) {
	for _, part := range path {
		if n = n.step(part); n == nil {
			return nil, false
		}
	}
	return n.data, true
}

// step returns the value of a key or at an index; nil if there is none.
func (n *Node) step(part string) *Node {
	if inner := n.inner[part]; inner != nil {
		return inner
	}
	if !n.read {
		n.read = true
		data := bytes.TrimSpace(n.data)
		if bytes.HasPrefix(data, []byte(`"`)) {
			data = bytes.TrimSpace([]byte(Text(data)))
		}
		switch {
		case bytes.HasPrefix(data, []byte("{")):
			if json.Unmarshal(data, &n.fields) != nil {
				n.fields = nil
			}
		case bytes.HasPrefix(data, []byte("[")):
			if json.Unmarshal(data, &n.list) != nil {
				n.list = nil
			}
		}
	}
	value, ok := n.fields[part]
	if i, err := strconv.Atoi(part); err == nil && strconv.Itoa(i) == part && 0 <= i && i < len(n.list) {
		value, ok = n.list[i], true
	}
	if !ok {
		return nil
	}
	if n.inner == nil {
		n.inner = map[string]*Node{}
	}
	n.inner[part] = &Node{data: value}
	return n.inner[part]
}
