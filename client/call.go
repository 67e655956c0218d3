package client

import (
	"context"
	"errors"
	"reflect"
	"strings"
)

// Call makes any call of the platform, with the client's token.
//
// The path begins with a slash and may hold a query, well escaped. One that begins with a version, such as
// /v1.0/contact/users/me, is called at APIBaseURL with the token in a header, and any other at BaseURL with the token in the
// query; one whose query has an access_token of its own, as a robot's webhook, goes with that alone.
//
// in is the body: nil for none, url.Values for a form, and anything else as JSON. out is a pointer to what the whole reply is
// decoded into, errcode and all, by encoding/json; nil where the reply does not matter. *json.RawMessage takes it as
// it came. Whatever Call returns, out may have been written to.
//
// Where the platform throttles the call, which says that it was not run, it is tried again after a pause; see
// [Options].Tries. GetSession, CreateSession and the token calls are tried again where the platform is busy, too:
// running them twice is running them once. Call and CloseSession are not.
//
// A success is errcode 0, or an HTTP status of 2xx where the path begins with a version. What the platform refuses is an
// *Error, in each of its dialects.
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
