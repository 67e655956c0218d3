package contract

import "slices"

var scopesCases = []Case{{
	ID: "auth.scopes/success", Level: MUST, Operation: "auth.scopes",
	Rule: "An app may read departments or users, and of users the userid at least.",
	run: func(c *trial) {
		p := c.party(c.app())
		body, err := p.do("auth.scopes")
		p.must(err, "auth.scopes")
		scopes, _ := body["auth_org_scopes"].(map[string]any)
		departments, _ := scopes["authed_dept"].([]any)
		users, _ := scopes["authed_user"].([]any)
		if len(departments)+len(users) == 0 {
			c.fail(nil, "an app that may read nobody", "auth_org_scopes:\n-want a department or a user\n+got  none")
		}
		if fields, _ := body["auth_user_field"].([]any); !slices.Contains(fields, any("userid")) {
			c.fail(nil, "fields without the userid", "auth_user_field:\n-want userid among them\n+got  %v", fields)
		}
	},
}}
