package contract

import "slices"

var scopesCases = []Case{
	{
		ID: "auth.scopes/success", Level: MUST, Operation: "auth.scopes",
		Rule: "An app is told what it may read.",
		run:  func(c *trial) { c.party(c.app()).scopes() },
	},
	{
		ID: "auth.scopes/company", Level: SHOULD, Operation: "auth.scopes", Needs: needsStandIn,
		Rule: "An app may read the whole company, and of its users the userid at least.",
		run: func(c *trial) {
			departments, fields := c.party(c.app()).scopes()
			c.equal(nil, "auth_org_scopes.authed_dept", departments, []int{1})
			if list, _ := fields.([]any); !slices.Contains(list, any("userid")) {
				c.equal(nil, "auth_user_field", fields, []string{"userid"})
			}
		},
	},
}

// scopes returns the departments that the app may read, and the fields of users.
func (p *party) scopes() (departments, fields any) {
	body, err := p.do("auth.scopes")
	p.must(err, "auth.scopes")
	return p.field("auth.scopes", body, err, "auth_org_scopes", "authed_dept"), p.field("auth.scopes", body, err, "auth_user_field")
}
