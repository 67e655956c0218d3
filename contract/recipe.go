package contract

import (
	"slices"
	"sync"

	"github.com/dingmock/dingmock"
)

// recipe is what the document cannot tell of an operation: how to make a call that succeeds, and how to check its effect. The zero
// recipe is that of an operation without parameters of which a success is enough.
type recipe struct {
	needs   Needs                         // of every case that calls it
	params  func(c *trial, app App) []any // name, value, …: the parameters of a call that succeeds, its token aside
	given   []string                      // the parameters whose values have to be those
	user    string                        // the parameter that names a user
	own     []string                      // the parameters whose values each call has for itself, such as ids
	prepare func(c *trial, q *call)       // makes what the call needs to succeed
	undo    func(c *trial, q *call)       // takes back what the call did
	spoil   func(c *trial, q *call)       // makes it a call that the document allows and the operation refuses
	missing string                        // what an error names if a call has none of the credentials, of which there are several
	wrong   func(g *generated, turn int)  // makes one thing wrong that the document does not tell of, in a generated call
	scene   Needs                         // what show needs besides
	show    func(c *trial, q *call) shown // prepares for a call to show that it did what it is for
}

// shown ends the case if a call that succeeded did not do what it is for.
type shown func(x *Exchange)

// recipes are those of the operations, by id. An operation without one has the zero recipe.
func recipes() map[string]recipe {
	return map[string]recipe{
		"gettoken": {
			params:  func(_ *trial, app App) []any { return firstPair(app) },
			missing: "corpid or appkey", wrong: wrongPairs, show: showToken,
		},
		"accessToken": {
			needs:  needsAppPair,
			params: func(_ *trial, app App) []any { return []any{"appKey", app.AppKey, "appSecret", app.AppSecret} },
			given:  []string{"appKey", "appSecret"},
			spoil:  func(c *trial, q *call) { q.set("appKey", c.id("nobody")) },
			show:   showToken,
		},
		"user.count": {
			params: func(*trial, App) []any { return []any{"only_active", false} },
		},
		"getsession": {
			params: func(c *trial, _ App) []any { return []any{"userid", c.id("u")} },
			own:    []string{"userid"}, user: "userid",
			scene: sessionNeeds,
			show: func(c *trial, q *call) shown {
				s := c.sessionFor(q)
				c.succeed(s)
				return func(x *Exchange) { c.found(x, s) }
			},
		},
		"create_session": {
			needs: sessionNeeds, params: sessionParams, given: []string{"app_key"}, own: []string{"session_id", "user_id"}, user: "user_id",
			undo:  func(c *trial, q *call) { c.succeed(c.closing(q)) },
			spoil: noSession,
			show: func(c *trial, q *call) shown {
				s := q.clone()
				return func(*Exchange) { c.finds(c.getting(s), s) }
			},
		},
		"close_session": {
			needs: sessionNeeds, params: sessionParams, given: []string{"app_key"}, own: []string{"session_id", "user_id"}, user: "user_id",
			prepare: func(c *trial, q *call) { c.prepare(q.of(c.op("create_session"))) },
			spoil:   noSession,
			show: func(c *trial, q *call) shown {
				s := q.clone()
				return func(*Exchange) { c.gone(s) }
			},
		},
	}
}

var recipeTable struct {
	sync.Once
	list map[string]recipe
}

func recipeOf(op *dingmock.Operation) recipe {
	recipeTable.Do(func() { recipeTable.list = recipes() })
	return recipeTable.list[op.ID]
}

// showToken compares the token that a call answers with the app's.
func showToken(c *trial, q *call) shown {
	return func(x *Exchange) {
		wantToken(c, x)
		if body, want := c.success(x), c.token(c.app()); body["access_token"] != want && body["accessToken"] != want {
			c.breaks(x, otherToken(q.op.ID), "the token of the altered call:\n-want the same token\n+got  another")
		}
	}
}

// valid makes a call of the operation that succeeds, by the app of the case. Values are name, value, …, in place of the recipe's.
func (c *trial) valid(op *dingmock.Operation, values ...any) *call {
	return c.validFor(op, c.app(), values...)
}

func (c *trial) validFor(op *dingmock.Operation, app App, values ...any) *call {
	r := recipeOf(op)
	q := newCall(op)
	if token := tokenOf(op); token != "" {
		q.set(token, c.token(app))
	}
	if r.params != nil {
		q.setAll(r.params(c, app))
	}
	q.setAll(values)
	if r.prepare != nil {
		r.prepare(c, q)
	}
	return q
}

// anew makes a call that succeeds of one that did: with ids of its own, and prepared. Values are name, value, ….
func (c *trial) anew(q *call, values ...any) *call {
	r, q := recipeOf(q.op), q.clone()
	for _, name := range r.own {
		q.set(name, c.id("own"))
	}
	q.setAll(values)
	if r.prepare != nil {
		r.prepare(c, q)
	}
	return q
}

// token gets the token of an app by gettoken.
func (c *trial) token(app App) string {
	token, _ := c.prepare(c.call("gettoken", firstPair(app)...))["access_token"].(string)
	return token
}

// works ends the case if a call of the operation, altered in a way that has to make no difference, does not do what it is for.
func (c *trial) works(op *dingmock.Operation, alter func(q *call)) { c.worksWith(op, nil, alter) }

// worksWith is works with these values, name, value, …, in place of the recipe's.
func (c *trial) worksWith(op *dingmock.Operation, values []any, alter func(q *call)) {
	q := c.valid(op, values...)
	show := func(*Exchange) {}
	if r := recipeOf(op); r.show != nil {
		show = r.show(c, q)
	}
	alter(q)
	x := c.do(q)
	c.success(x)
	show(x)
}

// undo takes back what a call did.
func (c *trial) undo(q *call) {
	if undo := recipeOf(q.op).undo; undo != nil {
		undo(c, q)
	}
}

// bare makes a call of the operation without anything that it needs, and returns the error that has to answer it, with what stands
// in the holes of its text.
func (c *trial) bare(op *dingmock.Operation) (q *call, name string, holes []string) {
	q = newCall(op)
	required := slices.DeleteFunc(parameters(op), func(p dingmock.Parameter) bool { return !p.Required })
	if len(required) > 0 {
		q.off(dingmock.KindMissingParameter)
		name, holes = op.Family.Answers["missing-parameter"], []string{"name", required[0].Name}
	}
	if len(op.Security) > 0 {
		q.off(dingmock.KindMissingCredential)
		name, holes = op.Family.Answers["token-blank"], nil
		if tokenOf(op) == "" {
			name, holes = op.Family.Answers["missing-parameter"], []string{"name", recipeOf(op).missing}
		}
	}
	if name == "" {
		c.halt(Errored, "a call of %s needs nothing, so that none is refused for want of it", op.ID)
	}
	return q, name, holes
}
