package mockserver

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
)

// call is one request on its way through the server.
type call struct {
	*dingmock.Request
	server   *Server
	received time.Time       // real time
	remote   string          // address and port of the client
	size     int             // bytes of the body that were read
	unread   error           // why the body could not be read
	app      *tenant         // nil until found, and if there is none
	done     <-chan struct{} // closed when the app is removed or reset; nil without an app
	proven   bool            // whether the request's secret is the app's
	full     bool            // whether the limit of apps kept one from being made
	rule     *rules.Rule     // the rule that fired, or nil
	owner    *tenant         // the app whose journal and verdict the call is in: app, or the one that the call was attributed to
	by       string          // how the call was attributed to owner
	stubbed  bool            // whether the path is known only by some app's fixed reply that requires a token
	id       string          // of the call, "" until asked for
	http     *http.Request
	body     []byte
	about    *match.Subject // nil until a rule asks
}

// operationID returns the id of the call, even if DingTalk has the call and the fake does not model it; "" if
// there is none.
func (c *call) operationID() string {
	switch {
	case c.Operation != nil:
		return c.Operation.ID
	case c.Listed != nil:
		return c.Listed.ID
	}
	return ""
}

// now returns the time by the app's clock, or real time if there is no app.
func (c *call) now() time.Time {
	if c.app == nil {
		return c.received
	}
	return c.app.now()
}

// drained is how many bytes above the limit of a body are read and dropped, so that the sender gets the answer.
const drained = 64 << 20

// readBody reads as much of the body as the checks need, and drops the rest so that the sender gets an answer.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var body bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= limit {
		body.Grow(int(r.ContentLength) + bytes.MinRead) // so that reading to the end needs no further buffer
	}
	if _, err := body.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(body.Len()) > limit {
		if _, err := io.CopyN(io.Discard, r.Body, drained); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return body.Bytes(), nil
}
