package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxReply   = 8 << 20 // the longest reply that is read, in bytes
	maxShown   = 256     // the most of a reply that an error shows, in bytes
	maxMessage = 1 << 10 // the longest message in an error, in bytes
	maxBlock   = 1 << 20 // the longest block that is believed, in minutes
)

// reply is the reply of one exchange.
type reply struct {
	call        *call
	token       string // the token that the call was made with, to be masked
	sent        time.Time
	status      int
	contentType string
	body        []byte
}

// bad returns the error for a reply that is not a proper answer to its call.
func (c *Client) bad(r *reply, reason string, cause error) *ReplyError {
	head := c.mask(string(r.body[:min(len(r.body), 64<<10)]), r.token)
	if r.call.givesToken {
		head = opaque.ReplaceAllString(head, masked)
	}
	return &ReplyError{
		Operation: c.mask(r.call.operation, r.token), HTTPStatus: r.status, ContentType: c.excerpt(r.contentType, 128, r.token),
		Body: cut(head, maxShown), Reason: c.mask(reason, r.token), cause: c.scrub(cause, r.token),
	}
}

// judge returns nil if the reply is a success, and an *Error or a *ReplyError otherwise. A success is JSON: in the errcode
// dialects an object with errcode 0, in the other dialect anything with an HTTP status of 2xx.
func (c *Client) judge(r *reply) error {
	switch {
	case len(bytes.TrimSpace(r.body)) == 0:
		if r.call.versioned && r.status == http.StatusNoContent {
			return nil
		}
		return c.bad(r, "it is empty", nil)
	case !utf8.Valid(r.body):
		return c.page(r, "it is not UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(r.body, &fields); err != nil || fields == nil {
		if !json.Valid(r.body) {
			if err.Error() == "unexpected end of JSON input" {
				return c.bad(r, "it is JSON that is cut off", nil)
			}
			return c.page(r, "it is not JSON")
		}
		if r.call.versioned && r.success() {
			return nil
		}
		return c.bad(r, "it is not a JSON object", nil)
	}
	number, given := fields["errcode"]
	errcode, err := strconv.Atoi(text(number))
	if given && err != nil {
		return c.bad(r, "errcode is not a number", nil)
	}
	if errcode != 0 || r.status >= 400 && text(fields["code"]) != "" {
		return c.refusal(r, errcode, fields)
	}
	switch {
	case !r.success():
		return c.bad(r, "its HTTP status is not that of a success, and it says no error", nil)
	case !given && text(fields["status"]) == "1111" && fields["punish"] != nil:
		e := c.bad(r, "the caller's address is blocked", nil)
		e.blocked, e.Wait = true, minutes(text(fields["wait"]))
		return e
	case !r.call.versioned && !given:
		return c.bad(r, "it has no errcode", nil)
	}
	return nil
}

// named finds how long a block page asks to wait, in minutes.
var named = regexp.MustCompile(`(\d+) ?分钟[后之]`)

// page returns the error for a reply that is not JSON. An HTML page, in whatever encoding, most likely means a block.
func (c *Client) page(r *reply, reason string) *ReplyError {
	e := c.bad(r, reason, nil)
	start := bytes.TrimSpace(bytes.TrimPrefix(r.body, []byte("\ufeff")))
	if e.blocked = r.status == http.StatusOK && bytes.HasPrefix(start, []byte("<")); !e.blocked {
		return e
	}
	if found := named.FindSubmatch(r.body); found != nil {
		e.Wait = minutes(string(found[1]))
	}
	return e
}

// minutes reads how long a block lasts. It returns 0 if the number is not credible.
func minutes(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxBlock {
		return 0
	}
	return time.Duration(n) * time.Minute
}

func (r *reply) success() bool { return r.status >= 200 && r.status < 300 }

var subcode = regexp.MustCompile(`\[subcode=([^,\]]+),`)

func (c *Client) refusal(r *reply, errcode int, fields map[string]json.RawMessage) *Error {
	e := &Error{Errcode: errcode, SubCode: text(fields["sub_code"]), HTTPStatus: r.status}
	if errcode == 0 {
		e.Code = text(fields["code"])
	}
	if e.SubCode == "" && errcode == 88 {
		if found := subcode.FindStringSubmatch(text(fields["errmsg"])); found != nil {
			e.SubCode = found[1]
		}
	}
	if e.kind() == nil { // known codes are the platform's own words and hold no secret
		e.SubCode, e.Code = c.excerpt(e.SubCode, 128, r.token), c.excerpt(e.Code, 128, r.token)
	}
	e.Operation = c.mask(r.call.operation, r.token)
	e.Message = c.excerpt(first(fields, "sub_msg", "errmsg", "message"), maxMessage, r.token)
	e.Until = until(e.Message)
	e.RequestID = c.excerpt(first(fields, "request_id", "requestid", "requestId"), 128, r.token)
	return e
}

// first returns the text of the first of the fields that has one.
func first(fields map[string]json.RawMessage, names ...string) string {
	for _, name := range names {
		if s := text(fields[name]); s != "" {
			return s
		}
	}
	return ""
}

// text returns the value of a JSON string, or a number as it is written; "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// decode reads a success into a model of package wire. All fields of the model must be there, except errmsg and request_id, on
// which nobody depends.
func (c *Client) decode(r *reply, model any) error {
	if err := c.unmarshal(r, model); err != nil {
		return err
	}
	if name := absent(reflect.TypeOf(model).Elem(), r.body, ""); name != "" {
		return c.bad(r, name+" is missing", nil)
	}
	return nil
}

func (c *Client) unmarshal(r *reply, out any) error {
	if len(r.body) == 0 {
		return c.bad(r, "it is empty", nil)
	}
	err := json.Unmarshal(r.body, out)
	var wrong *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong):
		kind, _, _ := strings.Cut(wrong.Value, " ") // what follows is the value
		return c.bad(r, cmp.Or(wrong.Field, "it")+" is of the wrong type, "+kind, nil)
	}
	return c.bad(r, "it does not decode", err)
}

// absent returns the first field of a model that the JSON object raw does not have, or has as null although it must not be.
func absent(model reflect.Type, raw json.RawMessage, at string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return strings.TrimSuffix(at, ".")
	}
	for field := range model.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options == "omitempty" || name == "errmsg" || name == "request_id" {
			continue
		}
		value, given := fields[name]
		null := string(value) == "null"
		inner, nullable := field.Type, field.Type.Kind() == reflect.Pointer
		if !given || null && !nullable {
			return at + name
		}
		if nullable {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && !null {
			if missing := absent(inner, value, at+name+"."); missing != "" {
				return missing
			}
		}
	}
	return ""
}
