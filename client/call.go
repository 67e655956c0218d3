package client

import (
	"context"
	"errors"
	"reflect"
	"strings"
)

// Call makes any call of the platform, with the client's token.
//
// The path must begin with a slash and may include an escaped query. A path that begins with a version, such as
// /v1.0/contact/users/me, is called at APIBaseURL with the token in a header. Any other path is called at BaseURL with the
// token in the query. If that query already has an access_token, as a robot's webhook does, only that one is sent.
//
// in is the body: nil for none, url.Values for a form, and anything else as JSON. out points to the value into which
// encoding/json decodes the whole reply, including errcode; it is nil if the reply does not matter. A *json.RawMessage
// receives the reply as it came. Call may write to out even if it returns an error.
//
// If the platform throttles the call, it was not run, and Call retries it after a pause; see [Options].Tries. All
// methods but Call and CloseSession are also retried if the platform is busy, because running them twice has the same effect
// as running them once.
//
// Success is errcode 0, or an HTTP status of 2xx if the path begins with a version. A refusal by the platform is an *Error,
// whatever the dialect.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	plain, _, _ := strings.Cut(path, "?")
	if out != nil && (reflect.TypeOf(out).Kind() != reflect.Pointer || reflect.ValueOf(out).IsNil()) {
		return errors.New("dingtalk: Call: out has to be a pointer that is not nil, or nil itself")
	}
	q, err := c.call(method+" "+plain, method, path, in)
	if err != nil {
		return err
	}
	r, err := c.do(ctx, q)
	if err != nil || out == nil {
		return err
	}
	return c.unmarshal(r, out)
}
