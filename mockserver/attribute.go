package mockserver

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/dingmock/dingmock"
)

// naming lists the parameters that name an app and prove nothing.
var naming = []string{"appkey", "appKey", "app_key", "clientId", "client_id", "robotCode", "corpid", "corpId"}

// How a call can be attributed other than by a parameter.
const (
	byRule       = "rule"
	byToken      = "token" // a token that is or was good, in the wrong place
	byConnection = "connection"
)

// ConnContext is for the ConnContext field of the http.Server that serves the fake. Calls without a credential are
// then attributed by the other calls of their connection, as long as all of those are of one app.
func (s *Server) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

type connectionKey struct{}

// connection notes whose calls have come on one connection. It keeps the app's name, which stays the same if the
// app is made again.
type connection struct {
	app     atomic.Pointer[string]
	several atomic.Bool
}

// calledBy notes a call of an app.
func (x *connection) calledBy(name string) {
	if before := x.app.Load(); before != nil && *before == name {
		return
	}
	if !x.app.CompareAndSwap(nil, &name) && *x.app.Load() != name {
		x.several.Store(true)
	}
}

// only returns the name of the one app whose calls have come, or "".
func (x *connection) only() string {
	if name := x.app.Load(); name != nil && !x.several.Load() {
		return *name
	}
	return ""
}

// attribute decides whose call it is, for the journal and the verdict alone: the call's own app; else the app that
// the call names; else the only app whose calls came on its connection. It returns the app's name, which may be
// that of an app that is gone or not yet made.
func (c *call) attribute() string {
	conn := c.connection()
	if c.app != nil {
		c.owner = c.app
		if conn != nil && !probe(c.http) {
			conn.calledBy(c.app.name)
		}
		return c.app.name
	}
	name := ""
	if c.owner == nil {
		c.owner, name, c.by = c.named()
	}
	if c.owner == nil && name == "" && conn != nil {
		if name = conn.only(); name != "" {
			c.by = byConnection
			c.owner = c.server.tenants.app(name)
		}
	}
	switch {
	case c.owner != nil:
		return c.owner.name
	case name != "":
		return name
	}
	return NoApp
}

func (c *call) connection() *connection {
	conn, _ := c.http.Context().Value(connectionKey{}).(*connection)
	return conn
}

// named returns the app that the call names by a parameter or by a token in the wrong place, and which of these
// named it. It returns only a name if the app is gone or would be made on first use.
func (c *call) named() (a *tenant, name, by string) {
	for _, value := range []any{c.http.Header.Get("X-Acs-Dingtalk-Access-Token"), c.Values["access_token"], c.Others["access_token"], c.http.URL.Query().Get("access_token")} {
		token, _ := value.(string)
		if token == "" {
			continue
		}
		if a, gone := c.server.tenants.credentials.Find(dingmock.AppToken, token); a != nil || gone.App != "" {
			return a, gone.App, byToken
		}
	}
	for _, parameter := range naming {
		value, _ := c.Values[parameter].(string)
		if value == "" {
			value, _ = c.Others[parameter].(string)
		}
		if value == "" {
			continue
		}
		if a := c.server.tenants.named(value); a != nil {
			return a, "", parameter
		}
		if autoKey.MatchString(value) && !c.server.options.NoAutoApps {
			return nil, value, parameter
		}
	}
	return nil, "", ""
}

// named returns the app of that appkey or corpid, or nil.
func (s *tenants) named(id string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a := s.byKey[id]; a != nil {
		return a
	}
	return s.byCorp[id]
}
