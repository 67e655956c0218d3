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

// Subject is a call as a match sees it: on its way through the server, or in a journal, where its answer is known
// as well. It is not safe for concurrent use.
type Subject struct {
	Operation, Method, Path string // the path is decoded
	Host                    string // without a port, in lower case
	Header                  http.Header
	Values, Others          map[string]any // parameters by name: those in the document, and others
	Kept                    bool           // whether the values are already as the journal keeps them
	Code, Rule              string         // of an answer
	Broken                  bool           // whether the call broke the document

	known map[string]*parameter // parameters that have been looked up
}

// parameter is one parameter as the journal keeps it, and its parsed text.
type parameter struct {
	value any
	node  *jsonvalue.Node // nil until something in it is looked up
}

// parameter returns the text of a parameter as the journal keeps it, with what may be secret masked; false if
// there is none. The path leads to it: a name, then the keys of objects and the indexes of arrays, also through
// strings that hold JSON.
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

// Kept returns a parameter as it is kept and matched: what may be secret is masked, and an object or an array
// becomes its JSON text, without spaces and with sorted keys.
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
