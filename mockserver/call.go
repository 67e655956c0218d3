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
	size     int             // of the body in bytes, as far as it was read
	unread   error           // why the body could not be read
	app      *tenant         // nil until found, and where there is none
	done     <-chan struct{} // closed when the app is removed or reset; nil without an app
	proven   bool            // whether the request's secret is the app's
	full     bool            // whether the cap of apps kept one from being made
	rule     *rules.Rule     // the rule that fired, or nil
	owner    *tenant         // whose journal and verdict the call is in: app, or one that the call was attributed to
	by       string          // what it was attributed by
	stubbed  bool            // whether some app's fixed reply, which asks for a token, makes the path known
	id       string          // of the call, "" until asked for
	http     *http.Request
	body     []byte
	about    *match.Subject // nil until a rule asks
}

// operationID is the id of the call, also of one that DingTalk has and that is not modelled; "" where there is none.
func (c *call) operationID() string {
	switch {
	case c.Operation != nil:
		return c.Operation.ID
	case c.Listed != nil:
		return c.Listed.ID
	}
	return ""
}

// now is the time by the app's clock; without an app, real time.
func (c *call) now() time.Time {
	if c.app == nil {
		return c.received
	}
	return c.app.now()
}

// drained is how much of a body over the limit is read and dropped, so that its sender gets the answer.
const drained = 64 << 20

// readBody reads as much of the body as the checks need, and drops what is beyond so that the sender gets an answer.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	var body bytes.Buffer
	if 0 < r.ContentLength && r.ContentLength <= limit {
		body.Grow(int(r.ContentLength) + bytes.MinRead) // so that the end is found without another buffer
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
