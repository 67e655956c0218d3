package mockserver

import (
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
