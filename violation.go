package dingmock

import (
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock/internal/printable"
)

// The rules of a request. A request that breaks one is off-spec, whatever it was answered, unless the break is but a
// note: see [Level].
const (
	KindUnknownPath         = "unknown-path" // DingTalk has no such path
	KindNotModelled         = "not-modelled" // DingTalk has the call, and the document does not model it; always a note
	KindWrongHost           = "wrong-host"   // the call came to the other of the platform's hosts; always a note
	KindMethod              = "method"
	KindMissingCredential   = "missing-credential"
	KindContentType         = "content-type"
	KindBody                = "body"
	KindMissingParameter    = "missing-parameter"
	KindInvalidParameter    = "invalid-parameter"
	KindUndeclaredParameter = "undeclared-parameter"
	KindRepeatedParameter   = "repeated-parameter"
)

// The rules of a reply.
const (
	KindReplyStatus      = "reply-status"
	KindReplyContentType = "reply-content-type"
	KindReplyBody        = "reply-body"
	KindReplyError       = "reply-error" // an error that is none of those that the reply may be
)

// Violation is one way in which a request or a reply is not what the document allows. Of what
// the other side sent it holds the path, a method, a media type, a number or a parameter's name at most: never a text, which
// might be a secret.
type Violation struct {
	Operation string `json:"operation"` // "" where DingTalk has no such path
	Kind      string `json:"kind"`      // one of the Kind constants
	Level     Level  `json:"level"`     // whether it is held against who sent it
	Pointer   string `json:"pointer"`   // where: a JSON pointer into {method, path, query, header, body} or {status, header, body}
	Found     string `json:"found"`
	Expected  string `json:"expected"`

	// Answer is the name of the error that the path's dialect refuses such a request with, "" where it is
	// answered all the same.
	Answer string `json:"-"`
}

// Name returns the last part of the pointer: the parameter's name, or the header's.
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
