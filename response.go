package dingmock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"
)

// CheckResponse finds what the document does not allow in the reply to a request. The order of a JSON object's
// keys is not checked. The reply to a HEAD has no body to check.
func (d *Document) CheckResponse(q *Request, status int, header http.Header, body []byte) []Violation {
	if q.Known == KnownDocumented {
		return nil // how it is answered is not known here
	}
	var list []Violation
	add := func(rule, pointer, found, expected string) {
		v := Violation{Rule: rule, Level: Red, Pointer: pointer, Found: found, Expected: expected}
		if q.Operation != nil {
			v.Operation = q.Operation.ID
		}
		list = append(list, v)
	}
	reply := d.Reply(q, status)
	if reply == nil {
		add(RuleReplyStatus, "/status", fmt.Sprint(status), d.statuses(q))
		return list
	}
	if got := header.Get("Content-Type"); got != reply.ContentType {
		add(RuleReplyContentType, "/header/Content-Type", fmt.Sprintf("%q", printable(got)), fmt.Sprintf("%q", reply.ContentType))
	}
	if q.Method == http.MethodHead || reply.schema == nil {
		return list
	}
	var value any
	switch {
	case !utf8.Valid(body):
		add(RuleReplyBody, "/body", "bytes that are not UTF-8", "JSON")
		return list
	case json.Unmarshal(body, &value) != nil:
		add(RuleReplyBody, "/body", fmt.Sprintf("%d bytes that are not JSON", len(body)), "JSON")
		return list
	}
	for _, f := range check(reply.schema, value) {
		add(RuleReplyBody, "/body"+f.pointer, f.found, f.expected)
	}
	return list
}

// Reply returns the document's reply to a request with that HTTP status, nil where there is none.
func (d *Document) Reply(q *Request, status int) *Reply {
	var fallback *Reply
	for _, r := range d.replies(q) {
		switch r.Status {
		case status:
			return r
		case 0:
			fallback = r
		}
	}
	return fallback
}

func (d *Document) replies(q *Request) []*Reply {
	switch {
	case q.Operation != nil:
		return q.Operation.Replies
	case q.Family != nil:
		return []*Reply{q.Family.unknown}
	}
	return nil
}

func (d *Document) statuses(q *Request) string {
	var text string
	for _, r := range d.replies(q) {
		if text != "" {
			text += " or "
		}
		text += fmt.Sprint(r.Status)
	}
	return text
}
