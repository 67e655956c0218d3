package dingmock

import (
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock/internal/printable"
)

// The rules for requests. A request that breaks one is off-spec, whatever the answer was, unless the violation is only a note:
// see [Level].
const (
	KindUnknownPath         = "unknown-path" // DingTalk has no such path
	KindNotModelled         = "not-modelled" // DingTalk has the call, but the document does not model it; always a note
	KindWrongHost           = "wrong-host"   // the call went to another of the platform's hosts; always a note
	KindMethod              = "method"
	KindMissingCredential   = "missing-credential"
	KindContentType         = "content-type"
	KindBody                = "body"
	KindMissingParameter    = "missing-parameter"
	KindInvalidParameter    = "invalid-parameter"
	KindUndeclaredParameter = "undeclared-parameter"
	KindRepeatedParameter   = "repeated-parameter"
)

// The rules for replies.
const (
	KindReplyStatus      = "reply-status"
	KindReplyContentType = "reply-content-type"
	KindReplyBody        = "reply-body"
	KindReplyError       = "reply-error" // an error that the document does not list for this reply
)

// Violation is one way in which a request or a reply is not what the document allows. It repeats at most the path, a method,
// a media type, a number or a parameter's name of what was sent, and never a string value, which might be a secret.
type Violation struct {
	Operation string `json:"operation"` // "" if DingTalk has no such path
	Kind      string `json:"kind"`      // one of the Kind constants
	Level     Level  `json:"level"`     // whether it counts against the sender
	Pointer   string `json:"pointer"`   // where: a JSON pointer into {method, path, query, header, body} or {status, header, body}
	Found     string `json:"found"`
	Expected  string `json:"expected"`

	// Answer is the name of the error with which the path's dialect refuses such a request; "" if the platform answers it
	// nevertheless.
	Answer string `json:"-"`
}

// Name returns the last part of the pointer: the name of the parameter or header.
func (v Violation) Name() string {
	name := v.Pointer[strings.LastIndexByte(v.Pointer, '/')+1:]
	return jsonpointer.Unescape(name)
}

// String returns the violation as one printable line.
func (v Violation) String() string {
	line := v.Kind + " at " + v.Pointer + ": found " + v.Found + ", expected " + v.Expected
	if v.Operation != "" {
		line = v.Operation + ": " + line
	}
	return printable.Line(line)
}

func pointer(place, name string) string {
	return "/" + place + "/" + jsonpointer.Escape(name)
}
