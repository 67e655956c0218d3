package contract

import (
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
)

// life is how long a token lives after the last token call.
const life = 7200 * time.Second

var gettokenCases = []Case{
	{
		ID: "gettoken/appkey", Level: MUST, Operation: "gettoken", Needs: needsAppPair | NeedsRaw,
		Rule: "An appkey with its appsecret gets a token that lives 7200 s.",
		run: func(c *trial) {
			wantToken(c, c.do(c.call("gettoken", "appkey", c.app().AppKey, "appsecret", c.app().AppSecret)))
		},
	},
	{
		ID: "gettoken/corpid", Level: MUST, Operation: "gettoken", Needs: needsCorpPair | NeedsRaw,
		Rule: "A corpid with its corpsecret gets a token that lives 7200 s.",
		run: func(c *trial) {
			wantToken(c, c.do(c.call("gettoken", "corpid", c.app().CorpID, "corpsecret", c.app().CorpSecret)))
		},
	},
	{
		ID: "gettoken/one-token", Level: MUST, Operation: "gettoken", Needs: NeedsBothPairs | NeedsRaw,
		Rule: "Either pair of an app gets the same token.",
		run: func(c *trial) {
			a := c.app()
			first := c.succeed(c.call("gettoken", "appkey", a.AppKey, "appsecret", a.AppSecret))
			second := c.succeed(c.call("gettoken", "corpid", a.CorpID, "corpsecret", a.CorpSecret))
			c.same("the token by the other pair", second["access_token"], first["access_token"])
		},
	},
	{
		ID: "gettoken/repeat", Level: MUST, Operation: "gettoken",
		Rule: "A repeated call within the token's life answers the same token, which then lives 7200 s from that call.",
		run: func(c *trial) {
			p := c.party(c.app())
			first := p.token()
			second := p.token()
			c.same("the token of the second call", second.value, first.value)
			c.equal(nil, "the life of the second call's token, in seconds", second.life.Seconds(), life.Seconds())
		},
	},
	{
		ID: "gettoken/renewal", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "A call within the token's life renews it to 7200 s from that call.",
		run: func(c *trial) {
			c.renewal(c.op("gettoken"))
		},
	},
	{
		ID: "gettoken/own-calls-renew", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "Only a token call of the app itself, and one that succeeds, renews its token.",
		run: func(c *trial) {
			q, other := c.tokenUser(), c.another()
			c.token(other)
			c.advance(c.app(), 7000*time.Second)
			c.token(other)
			c.wrongCalls(c.app())
			c.advance(c.app(), 200*time.Second)
			c.refused(q, "auth-token-invalid")
		},
	},
	{
		ID: "gettoken/refused-changes-nothing", Level: MUST, Operation: "gettoken", Needs: needsSessions | NeedsRaw | needsWrites,
		Rule: "A token call that is refused leaves the app's token as it was.",
		run: func(c *trial) {
			q := c.tokenUser()
			c.wrongCalls(c.app())
			c.succeed(q)
			c.same("the token after calls that were refused", c.token(c.app()), q.value(tokenOf(q.op)))
		},
	},
	{
		ID: "gettoken/use-renews-nothing", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "Using a token does not renew it.",
		run: func(c *trial) {
			q := c.tokenUser()
			c.advance(c.app(), 7000*time.Second)
			c.succeed(q)
			c.advance(c.app(), 200*time.Second)
			c.refused(q, "auth-token-invalid")
		},
	},
	{
		ID: "gettoken/refused-renews-nothing", Level: MUST, Operation: "gettoken",
		Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule:  "A call that is refused, its secret wrong, neither renews the app's token nor ends it.",
		run: func(c *trial) {
			a, q := c.app(), c.tokenUser()
			c.advance(a, 7000*time.Second)
			c.refused(c.call("gettoken", "appkey", a.AppKey, "appsecret", a.AppSecret+"x"), "appkey-or-appsecret-wrong")
			c.succeed(q)
			c.advance(a, 200*time.Second)
			c.refused(q, "auth-token-invalid")
		},
	},
	{
		ID: "gettoken/lives", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "A token is good for 7200 s after the last token call.",
		run: func(c *trial) {
			q := c.tokenUser()
			c.advance(c.app(), life-20*time.Second)
			c.succeed(q)
		},
	},
	{
		ID: "gettoken/expires", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "A token is refused from 7200 s after the last token call on, and stays refused.",
		run: func(c *trial) {
			q := c.tokenUser()
			c.advance(c.app(), life)
			c.refused(q, "auth-token-invalid")
			c.token(c.app())
			c.refused(q, "auth-token-invalid")
		},
	},
	{
		ID: "gettoken/new-after-expiry", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp,
		Rule: "The first call after a token has expired answers another one.",
		run: func(c *trial) {
			p := c.party(c.app())
			first := p.token()
			c.advance(c.app(), life)
			if p.token().value == first.value {
				c.anotherToken("the expired one")
			}
		},
	},
	{
		ID: "gettoken/per-app", Level: MUST, Operation: "gettoken", Needs: NeedsOwnApp,
		Rule: "Two apps have two tokens.",
		run: func(c *trial) {
			if c.party(c.app()).token().value == c.party(c.another()).token().value {
				c.anotherToken("the other app's")
			}
		},
	},
	{
		ID: "gettoken/per-app-clock", Level: MUST, Operation: "gettoken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "An app's clock moves that app's tokens alone.",
		run: func(c *trial) {
			q := c.tokenUser()
			c.advance(c.another(), life)
			c.succeed(q)
		},
	},
	{
		ID: "gettoken/first-complete-pair", Level: SHOULD, Operation: "gettoken", Needs: NeedsBothPairs | NeedsRaw,
		Rule: "Of two pairs the first complete one counts, appkey first.",
		run: func(c *trial) {
			a := c.app()
			c.succeed(c.call("gettoken", "corpid", a.CorpID, "corpsecret", a.CorpSecret+"x", "appkey", a.AppKey, "appsecret", a.AppSecret))
			c.succeed(c.call("gettoken", "appkey", c.id("nobody"), "corpid", a.CorpID, "corpsecret", a.CorpSecret))
			c.refused(c.call("gettoken", "corpid", a.CorpID, "corpsecret", a.CorpSecret, "appkey", a.AppKey, "appsecret", a.AppSecret+"x"), "appkey-or-appsecret-wrong")
		},
	},
	{
		ID: "gettoken/post", Level: SHOULD, Operation: "gettoken", Needs: NeedsRaw,
		Rule: "A POST with the credentials in a JSON body, a form or the query is answered as the GET is.",
		run: func(c *trial) {
			want := c.token(c.app())
			pairs := firstPair(c.app())
			fields := []pair{{pairs[0].(string), pairs[1]}, {pairs[2].(string), pairs[3]}}
			for _, q := range []*call{
				c.call("gettoken").body(mediaJSON, encodeObject(fields)),
				c.call("gettoken").body(mediaForm, []byte(encodePairs(fields))),
				c.call("gettoken", pairs...),
			} {
				body := c.succeed(q.by(http.MethodPost).off(dingmock.KindMethod))
				c.same("the token by POST", body["access_token"], want)
			}
		},
	},
	{
		ID: "gettoken/head", Level: SHOULD, Operation: "gettoken", Needs: NeedsRaw,
		Rule: "A HEAD is answered as the GET is, without the body.",
		run: func(c *trial) {
			x := c.do(c.valid(c.op("gettoken")).by(http.MethodHead))
			c.equal(x, "the body", string(x.Body), "")
			c.equal(x, "the HTTP status", x.Response.StatusCode, http.StatusOK)
		},
	},
}

// renewal checks that a token call renews a living token to just its whole life.
func (c *trial) renewal(op *dingmock.Operation) {
	q := c.tokenUser()
	c.advance(c.app(), 7000*time.Second)
	x := c.do(c.valid(op))
	wantToken(c, x)
	body := c.success(x)
	token := body["access_token"]
	if token == nil {
		token = body["accessToken"]
	}
	c.same("the token of the call that renews", token, q.value(tokenOf(q.op)))
	c.advance(c.app(), 7000*time.Second)
	c.succeed(q)
	c.advance(c.app(), 200*time.Second)
	c.refused(q, "auth-token-invalid")
}

// wrongCalls makes token calls of the app with wrong secrets.
func (c *trial) wrongCalls(app App) {
	if app.AppKey != "" {
		c.refused(c.call("gettoken", "appkey", app.AppKey, "appsecret", app.AppSecret+"x"), "appkey-or-appsecret-wrong")
		c.refused(c.call("accessToken", "appKey", app.AppKey, "appSecret", app.AppSecret+"x"), "invalidClientIdOrSecret")
	}
	if app.CorpID != "" {
		c.refused(c.call("gettoken", "corpid", app.CorpID, "corpsecret", app.CorpSecret+"x"), "corpid-or-corpsecret-wrong")
	}
}

// tokenUser makes a call with the token of the case's app.
func (c *trial) tokenUser() *call { return c.valid(c.op("getsession")) }

// wantToken ends the case if the exchange is no token of 7200 s. That it is 32 hexadecimal digits, and the order of
// keys, is checked with every reply.
func wantToken(c *trial, x *Exchange) {
	body := c.success(x)
	seconds, name := body["expires_in"], "expires_in"
	if seconds == nil {
		seconds, name = body["expireIn"], "expireIn"
	}
	c.equal(x, name, seconds, life.Seconds())
}

func pointerOfToken(operation string) string {
	if operation == "accessToken" {
		return "/body/accessToken"
	}
	return "/body/access_token"
}

// same ends the case if two secrets differ, without showing them.
func (c *trial) same(what string, got, want any) {
	if got != want {
		c.breaks(nil, otherToken(c.Operation), what+":\n-want the same token\n+got  another")
	}
}

func otherToken(operation string) Finding {
	return Finding{Operation: operation, Pointer: pointerOfToken(operation), Kind: KindValue, Found: "another token", Expected: "the same token"}
}

func sameToken(operation, than string) Finding {
	return Finding{Operation: operation, Pointer: pointerOfToken(operation), Kind: KindValue, Found: "the same token", Expected: "another token than " + than}
}

// anotherToken ends the case: a token is the same as one that it may not be.
func (c *trial) anotherToken(than string) {
	c.breaks(nil, sameToken(c.Operation, than), "-want another token than "+than+"\n+got  the same")
}
