package mockserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

func (c *controlCall) listApps() (any, error) {
	of := "apps/" + c.Value("order") + "/" + c.server.tenants.lifeID
	after, err := c.after(of)
	if err != nil {
		return nil, err
	}
	list, next := c.server.tenants.page(after, c.limit(), c.newest())
	return struct {
		State
		Next string `json:"next,omitempty"`
	}{identities(list), nextAfter(of, next)}, nil
}

func identities(apps []*tenant) State {
	list := State{Apps: make([]AppState, 0, len(apps))}
	for _, a := range apps {
		a.mu.Lock()
		list.Apps = append(list.Apps, a.identity())
		a.mu.Unlock()
	}
	return list
}

func (c *controlCall) createApp() (any, error) {
	var x AppState
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	a, err := c.server.createApp(x)
	if err != nil {
		return nil, err
	}
	return controlReply{status: http.StatusCreated, value: identities([]*tenant{a}).Apps[0]}, nil
}

// createApp makes an app. If the state gives no id, all ids are made up.
func (s *Server) createApp(x AppState) (*tenant, error) {
	if x.AppKey == "" && x.CorpID == "" && x.AppSecret == "" && x.CorpSecret == "" {
		x.AppKey, x.AppSecret = randomAppKey(), randomSecret()
	}
	if err := validateApp(&x, s.doc); err != nil {
		return nil, err
	}
	complete(&x)
	return s.tenants.add(x)
}

func (c *controlCall) getApp() (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	return identities([]*tenant{a}).Apps[0], nil
}

// setting is one setting in a change: absent, which leaves it as it is; null, which restores the default; or a
// value.
type setting[T any] struct {
	given, null bool
	value       T
}

func (s *setting[T]) UnmarshalJSON(data []byte) error {
	if s.given, s.null = true, string(data) == "null"; s.null {
		return nil
	}
	return json.Unmarshal(data, &s.value)
}

func (c *controlCall) updateApp() (any, error) {
	var x struct {
		Users setting[[]string] `json:"users"`
		QPS   setting[*int]     `json:"qps"`
		Life  setting[Duration] `json:"token_life"`
		Judge *bool             `json:"judge"`
	}
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	if x.Life.given && !x.Life.null {
		if err := tokenlife.Check(time.Duration(x.Life.value)); err != nil {
			return nil, field.Wrong("/token_life", err.Error(), tokenlife.Accepted+", or null for the server's")
		}
	}
	return c.changed(func(a *tenant) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if x.Users.given {
			a.world.Users = world.NewUsers(x.Users.value)
		}
		if x.QPS.given {
			a.qps = x.QPS.value
		}
		if x.Life.given {
			a.world.TokenLife = time.Duration(x.Life.value)
		}
		if x.Judge != nil {
			a.ignored = !*x.Judge
		}
		return nil
	})
}

// changed applies do to the app and returns the app as it is afterwards.
func (c *controlCall) changed(do func(*tenant) error) (any, error) {
	a, err := c.change(do)
	if err != nil {
		return nil, err
	}
	return identities([]*tenant{a}).Apps[0], nil
}

func (c *controlCall) deleteApp() (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	c.server.tenants.delete(a)
	return controlReply{status: http.StatusNoContent}, nil
}

func (c *controlCall) resetApp() (any, error) {
	return c.changed(func(a *tenant) error {
		a.reset()
		return nil
	})
}

func (c *controlCall) listTokens() (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	of := "tokens/" + a.lifeID
	after, err := c.after(of)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list, next := a.world.Tokens.Page(a.clock.Now(), after, c.limit())
	return struct {
		Tokens []TokenState `json:"tokens"`
		Next   string       `json:"next,omitempty"`
	}{list, nextAfter(of, next)}, nil
}

func (c *controlCall) expireTokens() (any, error) {
	var due Expired
	_, err := c.remove(func(a *tenant) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		due.Tokens = a.world.Tokens.Expire(a.clock.Now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return due, nil
}

func (c *controlCall) listSessions() (any, error) {
	a, err := c.app()
	if err != nil {
		return nil, err
	}
	of := "sessions/" + c.Value("order") + "/" + a.lifeID
	after, err := c.after(of)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list, next := a.world.Sessions.Page(a.clock.Now(), after, c.limit(), c.newest())
	return struct {
		Sessions []SessionState `json:"sessions"`
		Next     string         `json:"next,omitempty"`
	}{list, nextAfter(of, next)}, nil
}

func (c *controlCall) getState() (any, error) {
	apps, list := c.server.tenants.all(), State{Apps: []AppState{}}
	if _, ok := c.Values["app"]; ok {
		a, err := c.app()
		if err != nil {
			return nil, err
		}
		apps = []*tenant{a}
	} else {
		list.Rules = c.server.rules.All(c.server.options.Now())
	}
	for _, a := range apps {
		list.Apps = append(list.Apps, a.state())
	}
	return list, nil
}

func (c *controlCall) putState() (any, error) {
	var x State
	if err := c.decode(&x); err != nil {
		return nil, err
	}
	if name := c.Value("app"); name != "" {
		a, err := c.app()
		switch {
		case err == nil:
			name = a.name
		case !c.mayCome():
			return nil, err
		}
		if len(x.Apps) != 1 || x.Apps[0].Name != name && (x.Apps[0].Name != "" || x.Apps[0].AppKey != name) {
			return nil, field.Wrong("/apps", fmt.Sprintf("has to hold one app, of the name %q", name), "one app of that name")
		}
		if x.Rules != nil {
			return nil, field.Wrong("/rules", "are for every app: put them to "+controlPrefix+"state", "nothing")
		}
	}
	if err := validateState(&x, c.server.doc); err != nil {
		return nil, err
	}
	list, err := c.server.tenants.replace(x.Apps)
	if err != nil {
		return nil, err
	}
	if x.Rules != nil {
		c.server.replaceRules(x.Rules)
	}
	return identities(list), nil
}
