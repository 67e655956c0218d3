package control

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// App is one app of the server.
type App struct {
	client *Client
	name   string
	state  api.AppState
}

// Name returns the name or appkey that the App was made with.
func (a *App) Name() string { return a.name }

// Made returns the app as NewApp made it, with its credentials; the zero value if NewApp did not make the app.
func (a *App) Made() api.AppState { return a.state }

// Change is a change to an app. A field of the zero value leaves its setting alone.
type Change struct {
	Users     []string      // the users that exist; an empty list that is not nil: none does
	AnyUser   bool          // every user exists; excludes Users
	QPS       *int          // calls per second of each kind; a 0: no limit
	TokenLife time.Duration // lifetime of tokens from their next token call on, 1s to 720h
	Judge     *bool         // whether off-spec calls make the verdict red
}

// fields returns the change in the form of the control API.
func (c *Change) fields() (map[string]any, error) {
	fields := map[string]any{}
	switch {
	case c.AnyUser && c.Users != nil:
		return nil, errors.New("control: Change: Users and AnyUser: only one of them can be")
	case c.AnyUser:
		fields["users"] = nil
	case c.Users != nil:
		fields["users"] = c.Users
	}
	if c.QPS != nil {
		fields["qps"] = *c.QPS
	}
	if c.TokenLife != 0 {
		fields["token_life"] = api.Duration(c.TokenLife)
	}
	if c.Judge != nil {
		fields["judge"] = *c.Judge
	}
	return fields, nil
}

func (a *App) path(rest string) string { return "/apps/" + url.PathEscape(a.name) + rest }

// Get returns the app without tokens, sessions and rules.
func (a *App) Get(ctx context.Context) (api.AppState, error) {
	var state api.AppState
	err := a.client.get(ctx, a.path(""), nil, &state)
	return state, err
}

// Update changes the app.
func (a *App) Update(ctx context.Context, change Change) error {
	fields, err := change.fields()
	if err != nil {
		return err
	}
	return a.client.call(ctx, http.MethodPatch, a.path(""), nil, fields, nil)
}

// Delete removes the app. Its waits, hanging calls and streams end; its verdict stays.
func (a *App) Delete(ctx context.Context) error {
	return a.client.call(ctx, http.MethodDelete, a.path(""), nil, nil, nil)
}

// Reset returns the app to the users, tokens, sessions, rules and clock that it was made with, and clears its
// journal. Credentials, qps, token_life, judge and verdict stay.
func (a *App) Reset(ctx context.Context) error {
	return a.client.call(ctx, http.MethodPost, a.path("/reset"), nil, nil, nil)
}

// Clock returns the app's clock.
func (a *App) Clock(ctx context.Context) (api.Clock, error) {
	return a.clock(ctx, http.MethodGet, "", nil)
}

// Advance moves the app's clock forward and returns it, with what the move ended. It returns an error, without
// moving the clock, if by is negative or leads beyond the year 9999 or more than 200 years from real time.
func (a *App) Advance(ctx context.Context, by time.Duration) (api.Clock, error) {
	return a.clock(ctx, http.MethodPost, "/advance", map[string]string{"by": by.String()})
}

// Freeze stops the app's clock. It can still be advanced.
func (a *App) Freeze(ctx context.Context) (api.Clock, error) {
	return a.clock(ctx, http.MethodPost, "/freeze", nil)
}

// Resume lets the app's clock run on from its time.
func (a *App) Resume(ctx context.Context) (api.Clock, error) {
	return a.clock(ctx, http.MethodPost, "/resume", nil)
}

func (a *App) clock(ctx context.Context, method, rest string, in any) (api.Clock, error) {
	var clock api.Clock
	err := a.client.call(ctx, method, a.path("/clock"+rest), nil, in, &clock)
	return clock, err
}

// Tokens returns the app's live tokens. gettoken renews the last one that is not Apart.
func (a *App) Tokens(ctx context.Context) ([]api.TokenState, error) {
	return pages[api.TokenState](ctx, a.client, a.path("/tokens"), "tokens")
}

// ExpireTokens expires the app's tokens now, and returns how many there were.
func (a *App) ExpireTokens(ctx context.Context) (api.Expired, error) {
	var due api.Expired
	err := a.client.call(ctx, http.MethodDelete, a.path("/tokens"), nil, nil, &due)
	return due, err
}

// Sessions returns the app's open sessions, in order of creation. It reads page by page; a session that is open
// all the time is in the list exactly once.
func (a *App) Sessions(ctx context.Context) ([]api.SessionState, error) {
	return pages[api.SessionState](ctx, a.client, a.path("/sessions"), "sessions")
}

// State returns a snapshot of the app.
func (a *App) State(ctx context.Context) (api.AppState, error) {
	var state api.State
	if err := a.client.get(ctx, a.path("/state"), nil, &state); err != nil || len(state.Apps) == 0 {
		return api.AppState{}, err
	}
	return state.Apps[0], nil
}

// PutState replaces the app by another of the same name.
func (a *App) PutState(ctx context.Context, state api.AppState) error {
	return a.client.call(ctx, http.MethodPut, a.path("/state"), nil, api.State{Apps: []api.AppState{state}}, nil)
}

// Verdict judges the app's calls so far. It remains available after the app is deleted. Nil options are the
// strictest; Apps of the options is ignored.
func (a *App) Verdict(ctx context.Context, options *api.VerdictOptions) (api.Verdict, error) {
	var o api.VerdictOptions
	if options != nil {
		o = *options
	}
	o.Apps = nil
	return a.client.verdict(ctx, a.path("/verdict"), &o)
}

// ClearVerdict forgets the app's calls and violations.
func (a *App) ClearVerdict(ctx context.Context) error {
	return a.client.call(ctx, http.MethodDelete, a.path("/verdict"), nil, nil, nil)
}

// Rules returns the app's rules.
func (a *App) Rules() *Rules { return &Rules{client: a.client, path: a.path("/rules")} }

// Rules gives access to the rules of one app, or to those for every app. Rules of higher Priority are tried first.
type Rules struct {
	client *Client
	path   string
}

// Add adds a rule after those of the same priority, and returns it with its id. A rule that ends by itself (Times,
// For) comes before those that do not. ShadowedBy names a rule that will always hide it.
func (r *Rules) Add(ctx context.Context, rule api.Rule) (api.Rule, error) {
	in := struct { // without what the server sets and counts
		Priority int           `json:"priority,omitempty"`
		Match    api.RuleMatch `json:"match,omitzero"`
		When     api.RuleWhen  `json:"when,omitzero"`
		Effect   api.Effect    `json:"effect"`
	}{rule.Priority, rule.Match, rule.When, rule.Effect}
	var made api.Rule
	err := r.client.call(ctx, http.MethodPost, r.path, nil, in, &made)
	return made, err
}

// All returns the rules that may still fire, in the order they are tried, with how often each matched and fired.
func (r *Rules) All(ctx context.Context) ([]api.Rule, error) {
	return pages[api.Rule](ctx, r.client, r.path, "rules")
}

// Get returns one rule, with how often it matched and fired. The rule may be one of the last 100 that were used
// up.
func (r *Rules) Get(ctx context.Context, id string) (api.Rule, error) {
	var rule api.Rule
	err := r.client.get(ctx, r.path+"/"+url.PathEscape(id), nil, &rule)
	return rule, err
}

// Delete removes one rule.
func (r *Rules) Delete(ctx context.Context, id string) error {
	return r.client.call(ctx, http.MethodDelete, r.path+"/"+url.PathEscape(id), nil, nil, nil)
}

// DeleteAll removes all rules.
func (r *Rules) DeleteAll(ctx context.Context) error {
	return r.client.call(ctx, http.MethodDelete, r.path, nil, nil, nil)
}
