package contract

var accessTokenCases = []Case{
	{
		ID: "accessToken/success", Level: MUST, Operation: "accessToken", Needs: needsAppPair | NeedsRaw,
		Rule: "An appKey with its appSecret gets a token that lives 7200 s.",
		run:  func(c *trial) { wantToken(c, c.do(c.valid(c.op("accessToken")))) },
	},
	{
		ID: "accessToken/one-token", Level: MUST, Operation: "accessToken", Needs: needsAppPair,
		Rule: "gettoken and accessToken answer the same token, whichever was called first.",
		run: func(c *trial) {
			p := c.party(c.app())
			c.same("the token of gettoken after that of accessToken", p.newToken().value, p.token().value)
			c.same("the token of accessToken after that of gettoken", p.token().value, p.newToken().value)
		},
	},
	{
		ID: "accessToken/renewal", Level: MUST, Operation: "accessToken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "accessToken renews a living token to 7200 s from that call.",
		run: func(c *trial) {
			c.renewal(c.op("accessToken"))
		},
	},
	{
		ID: "accessToken/expires", Level: MUST, Operation: "accessToken", Needs: NeedsClock | NeedsOwnApp | needsSessions | NeedsRaw | needsWrites,
		Rule: "A token of accessToken is refused from 7200 s after the last token call on, and the next call answers another.",
		run: func(c *trial) {
			first := c.succeed(c.valid(c.op("accessToken")))["accessToken"]
			get := c.op("getsession")
			q := newCall(get, tokenOf(get), first, "userid", c.id("u"))
			c.succeed(q)
			c.advance(c.app(), life)
			c.refused(q, "auth-token-invalid")
			if c.succeed(c.valid(c.op("accessToken")))["accessToken"] == first {
				c.anotherToken("the expired one")
			}
		},
	},
	{
		ID: "accessToken/good-on-topapi", Level: MUST, Operation: "accessToken", Needs: needsAppPair | needsSessions | needsWrites,
		Rule: "A token of accessToken is good for the calls that need one.",
		run: func(c *trial) {
			p := c.party(c.app())
			p.newToken()
			p.get(c.id("u"))
		},
	},
}
