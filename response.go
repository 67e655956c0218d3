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

// CheckResponse returns what the document does not allow in the reply to the request. It checks the status, that there is one
// Content-Type and which, the body, and that an error is listed for the reply. Keys may be in any order, but each only once.
// The body of a reply to HEAD is not checked. The reply to a path outside the document may be any error of the path's dialect.
func (q *Request) CheckResponse(status int, header http.Header, body []byte) []Violation {
	if q.Known == KnownDocumented || q.Known == KnownRule || q.Preflight() {
		return nil // the document does not say how it is answered
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

// refuses reports whether the body of a reply is an error.
func refuses(value any) bool {
	body, _ := value.(map[string]any)
	errcode, _ := body["errcode"].(float64)
	_, code := body["code"].(string)
	return errcode != 0 || code
}

// place is the position of a value in a JSON text.
type place struct {
	above *place // nil if the value is the whole text
	key   string // in a form that may be shown; in an array the index
}

func (p *place) pointer() string {
	if p.above == nil {
		return ""
	}
	return p.above.pointer() + "/" + p.key
}

// repeatedKeys adds a finding for each key that an object of the next value has more than once, up to maxNoted in all. The next
// value must be valid JSON.
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

// Reply returns the document's reply to the request with that HTTP status, or nil if there is none.
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

// Declares reports whether the body of a success has, or may have, a top-level key with that name.
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
