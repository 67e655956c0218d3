package dingmock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dingmock/dingmock/internal/redact"
)

// CheckResponse finds what the document does not allow in the reply to a request: its status, its one Content-Type, its
// body, and which errors it may be. Keys may stand in any order, but each once. The reply to a HEAD has no body to
// check; that to a path outside the document may be any error of the path's dialect.
func (q *Request) CheckResponse(status int, header http.Header, body []byte) []Violation {
	if q.Known == KnownDocumented || q.Known == KnownRule || q.Preflight() {
		return nil // how it is answered is not known here
	}
	var list []Violation
	add := func(rule, pointer, found, expected string) {
		v := Violation{Kind: rule, Level: Red, Pointer: pointer, Found: found, Expected: expected}
		if q.Operation != nil {
			v.Operation = q.Operation.ID
		}
		list = append(list, v)
	}
	reply := q.Reply(status)
	if reply == nil {
		add(KindReplyStatus, "/status", fmt.Sprint(status), q.statuses())
		return list
	}
	types := header.Values("Content-Type")
	switch got := header.Get("Content-Type"); {
	case len(types) > 1:
		add(KindReplyContentType, "/header/Content-Type", fmt.Sprintf("%d of them, the first \"%s\"", len(types), short(got)), fmt.Sprintf("%q alone", reply.ContentType))
	case got != reply.ContentType:
		add(KindReplyContentType, "/header/Content-Type", `"`+short(got)+`"`, fmt.Sprintf("%q", reply.ContentType))
	}
	if q.Method == http.MethodHead || reply.schema == nil {
		return list
	}
	var value any
	switch {
	case !utf8.Valid(body):
		add(KindReplyBody, "/body", "bytes that are not UTF-8", "JSON")
		return list
	case json.Unmarshal(body, &value) != nil:
		add(KindReplyBody, "/body", fmt.Sprintf("%d bytes that are not JSON", len(body)), "JSON")
		return list
	}
	broken := repeatedKeys(json.NewDecoder(bytes.NewReader(body)), &place{}, nil)
	broken = append(broken, check(reply.schema, value)...)
	for _, f := range broken {
		add(KindReplyBody, "/body"+f.pointer, f.found, f.expected)
	}
	if q.Operation != nil && len(broken) == 0 && len(reply.Errors) > 0 && refuses(value) && reply.Identify(body) == nil {
		add(KindReplyError, "/body", "an error that is none of those that the document lists for this reply", "one of "+strings.Join(reply.Errors, ", "))
	}
	return list
}

// refuses reports whether a reply's body is an error's.
func refuses(value any) bool {
	body, _ := value.(map[string]any)
	errcode, _ := body["errcode"].(float64)
	_, code := body["code"].(string)
	return errcode != 0 || code
}

// place is where a value stands in a JSON text.
type place struct {
	above *place // nil: the value is the whole text
	key   string // as far as it may be shown; in an array the number
}

func (p *place) pointer() string {
	if p.above == nil {
		return ""
	}
	return p.above.pointer() + "/" + p.key
}

// repeatedKeys adds the keys that stand more than once in one object of the next value, which is valid JSON: each
// once, and no more than maxNoted of them.
func repeatedKeys(dec *json.Decoder, at *place, list []finding) []finding {
	start, _ := dec.Token()
	switch start {
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			list = repeatedKeys(dec, &place{at, strconv.Itoa(i)}, list)
		}
	case json.Delim('{'):
		times := map[string]int{}
		for dec.More() {
			token, _ := dec.Token()
			key, _ := token.(string)
			inner := &place{at, redact.Name(key)}
			if times[key]++; times[key] == 2 && len(list) < maxNoted {
				list = append(list, finding{pointer: inner.pointer(), found: "a repeated key", expected: "one value"})
			}
			list = repeatedKeys(dec, inner, list)
		}
	default:
		return list
	}
	_, _ = dec.Token() // the end of it
	return list
}

// Reply returns the document's reply to a request with that HTTP status, nil where there is none.
func (q *Request) Reply(status int) *Reply {
	var fallback *Reply
	for _, r := range q.replies() {
		switch r.Status {
		case status:
			return r
		case 0:
			fallback = r
		}
	}
	return fallback
}

func (q *Request) replies() []*Reply {
	switch {
	case q.Operation != nil:
		return q.Operation.Replies
	case q.Family != nil:
		return []*Reply{q.Family.unknown}
	}
	return nil
}

func (q *Request) statuses() string {
	var text string
	for _, r := range q.replies() {
		if text != "" {
			text += " or "
		}
		text += fmt.Sprint(r.Status)
	}
	return text
}

// Declares reports whether a success has a key of that name at the top, or may have.
func (r *Reply) Declares(key string) bool { return declares(r.schema, key) }

func declares(schema *openapi3.Schema, key string) bool {
	if schema == nil {
		return false
	}
	if schema.Properties[key] != nil {
		return true
	}
	for _, part := range slices.Concat(schema.OneOf, schema.AllOf) {
		if declares(part.Value, key) {
			return true
		}
	}
	return false
}
