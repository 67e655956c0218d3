package match

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock/internal/jsontext"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
)

// Subject is a call as it is matched: on its way through the server, or in a journal, where its answer is known too.
type Subject struct {
	Operation, Method, Path string // the path decoded
	Host                    string // without a port, in small letters
	Header                  http.Header
	Values, Others          map[string]any // parameters by name: of the document, and beside it
	Kept                    bool           // whether the values are as the journal keeps them
	Code, Rule              string         // of an answer
	Broken                  bool           // whether the call broke the document

	known map[string]*parameter // those that have been asked for
}

// parameter is one parameter as the journal keeps it, and its text, taken apart.
type parameter struct {
	value any
	node  *jsonvalue.Node // nil until something in it is asked for
}

// parameter returns the text of a parameter, as the journal keeps it: what may be secret in it is masked. The path leads
// to it, by name, by the keys of objects, the places in arrays, and through strings that hold JSON.
func (s *Subject) parameter(path []string) (string, bool) {
	p := s.known[path[0]]
	if p == nil {
		value, ok := s.Values[path[0]]
		if !ok {
			value, ok = s.Others[path[0]]
		}
		if !ok {
			return "", false
		}
		if !s.Kept {
			value = Kept(value)
		}
		p = &parameter{value: value}
		if s.known == nil {
			s.known = map[string]*parameter{}
		}
		s.known[path[0]] = p
	}
	text, isText := p.value.(string)
	switch {
	case len(path) == 1 && isText:
		return text, true
	case len(path) == 1 && p.value == nil:
		return "null", true
	case len(path) == 1:
		return fmt.Sprint(p.value), true
	case p.node == nil:
		p.node = jsonvalue.New([]byte(text))
	}
	data, ok := p.node.Descend(path[1:])
	if !ok {
		return "", false
	}
	return jsonvalue.Text(data), true
}

// Kept is how a parameter is kept, and matched: what may be secret in it is masked, and an object or an array is its
// JSON text, without spaces and with its keys sorted.
func Kept(value any) any {
	switch v := value.(type) {
	case nil, bool, json.Number:
		return v
	case string:
		if text := redact.Text(v); text != v {
			return text
		}
		return value // as it is, not boxed again
	}
	return string(jsontext.MustMarshal(redact.Value(value)))
}

// parameterPath splits the name or the JSON pointer of a parameter.
func parameterPath(key string) []string {
	pointer, ok := strings.CutPrefix(key, "/")
	if !ok {
		return []string{key}
	}
	path := strings.Split(pointer, "/")
	for i, part := range path {
		path[i] = jsonpointer.Unescape(part)
	}
	return path
}
