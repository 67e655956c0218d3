package contract

import "github.com/dingmock/dingmock"

// valid makes a call of the operation that succeeds, by the app of the case.
func (c *Trial) valid(op *dingmock.Operation) *call { return c.validFor(op, c.app()) }

func (c *Trial) validFor(op *dingmock.Operation, app App) *call {
	switch op.ID {
	case "gettoken":
		return newCall(op, firstPair(app)...)
	case "accessToken":
		return newCall(op, "appKey", app.AppKey, "appSecret", app.AppSecret)
	case "getsession":
		return newCall(op, tokenOf(op), c.token(app), "userid", c.id("u"))
	case "create_session", "close_session":
		s := Session{SessionID: c.id("s"), AppKey: app.AppKey, UserID: c.id("u"), ChatID: c.id("chat")}
		token := c.token(app)
		if op.ID == "close_session" {
			create := c.op("create_session")
			c.prepare(newCall(create, append(s.values(), tokenOf(create), token)...))
		}
		return newCall(op, append(s.values(), tokenOf(op), token)...)
	}
	c.halt(Errored, "the kit does not know how to call %s", op.ID)
	return nil
}

// token gets the token of an app by gettoken.
func (c *Trial) token(app App) string {
	token, _ := c.prepare(c.call("gettoken", firstPair(app)...))["access_token"].(string)
	return token
}
