// Package jsontext writes JSON as the platform and its clients do.
package jsontext

import (
	"bytes"
	"encoding/json"
)

// Marshal is json.Marshal without the escapes that HTML asks for.
func Marshal(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

// MustMarshal is Marshal of a value that can be encoded, as one of strings, numbers and what was decoded. It panics with any other.
func MustMarshal(value any) []byte {
	data, err := Marshal(value)
	if err != nil {
		panic("jsontext: " + err.Error())
	}
	return data
}
