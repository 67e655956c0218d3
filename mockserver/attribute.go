package mockserver

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// naming are the parameters that name an app, and prove nothing.
var naming = []string{"appkey", "appKey", "app_key", "clientId", "client_id", "robotCode", "corpid", "corpId"}

// byRule and byConnection are what a call is attributed by that names no app.
const (
	byRule       = "rule"
	byConnection = "connection"
)

// ConnContext is for the field of that name of an http.Server that the fake is the handler of: then calls that carry no
// credential are told by the other calls of their connection, as long as all of those are of one app.
func (s *Server) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

type connectionKey struct{}

// connection is whose calls have come on one connection.
type connection struct {
	app     atomic.Pointer[app]
	several atomic.Bool
}

// attribute finds whose the call is, for the journal and the verdict alone: its app's; else that of the app which it names;
// else that of the one app whose calls came on its connection.
func (c *call) attribute(r *http.Request) {
	conn, _ := r.Context().Value(connectionKey{}).(*connection)
	if c.app != nil {
		c.owner = c.app
		if conn != nil && !conn.app.CompareAndSwap(nil, c.app) && conn.app.Load() != c.app {
			conn.several.Store(true)
		}
		return
	}
	if c.owner == nil {
		c.owner, c.by = c.named()
	}
	if c.owner == nil && conn != nil && !conn.several.Load() {
		if a := conn.app.Load(); a != nil && c.server.store.has(a) {
			c.owner, c.by = a, byConnection
		}
	}
}

// named returns the app that the call names by one of its parameters, and which parameter that is.
func (c *call) named() (*app, string) {
	for _, name := range naming {
		if value := c.Value(name); value != "" {
			if a := c.server.store.named(value); a != nil {
				return a, name
			}
		}
	}
	return nil, ""
}

// named returns the app of that appkey or corpid, or nil.
func (s *store) named(id string) *app {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if a := s.byKey[id]; a != nil {
		return a
	}
	return s.byCorp[id]
}

// has reports whether the app has not been removed.
func (s *store) has(a *app) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byName[a.name] == a
}
