package mockserver

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/dingmock/dingmock"
)

// naming are the parameters that name an app, and prove nothing.
var naming = []string{"appkey", "appKey", "app_key", "clientId", "client_id", "robotCode", "corpid", "corpId"}

// What a call is attributed by that names no app.
const (
	byRule       = "rule"
	byToken      = "token" // one that is good, or was, and stands where it does not belong
	byConnection = "connection"
)

// ConnContext is for the field of that name of an http.Server that the fake is the handler of: then calls that carry no
// credential are told by the other calls of their connection, as long as all of those are of one app.
func (s *Server) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

type connectionKey struct{}

// connection is whose calls have come on one connection: the app's name, which it keeps when it is made anew.
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

// attribute finds whose the call is, for the journal and the verdict alone: its app's; else that of the app which it names;
// else that of the one app whose calls came on its connection. It returns the app's name, which may be that of one that is
// no more, or is not yet.
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

// named returns the app that the call names by a parameter or by a token that stands in the wrong place, and by what. Of
// one that is no more, or is to be made on first use, it returns the name alone.
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
