package contract

import (
	"net/http"

	"github.com/dingmock/dingmock"
)

var journalCases = []Case{
	{
		ID: "journal/noted", Level: MUST, Operation: "gettoken", Needs: NeedsJournal | NeedsOwnApp | NeedsRaw,
		Rule: "A judge notes each request that the document does not allow, whatever it was answered, before its answer arrives.",
		run: func(c *trial) {
			q := c.valid(c.op("gettoken")).by(http.MethodPost).off(dingmock.KindMethod, dingmock.KindUndeclaredParameter)
			q.query = append(q.query, pair{"contract_unknown", "1"})
			c.succeed(q)
			noted := map[string]bool{}
			for _, v := range c.noted() {
				noted[v.Operation+" "+v.Kind] = true
			}
			for _, rule := range q.breaks {
				if !noted["gettoken "+rule] {
					c.fail(nil, "one that is not noted", "the target's violations of the app:\n-want gettoken %s among them\n+got  %v", rule, c.noted())
				}
			}
		},
	},
	{
		ID: "journal/no-false-alarm", Level: MUST, Operation: "gettoken", Needs: NeedsJournal | NeedsOwnApp | NeedsRaw,
		Rule: "A judge notes nothing of a request that the document allows; a wrong credential is none of its rules.",
		run: func(c *trial) {
			c.succeed(c.valid(c.op("gettoken")))
			q := c.valid(c.op("accessToken"))
			c.succeed(q)
			c.refused(q.set("appSecret", "wrong"), "invalidClientIdOrSecret")
			if list := c.noted(); len(list) > 0 {
				c.fail(nil, "some", "the target's violations of the app:\n-want none\n+got  %v", list)
			}
		},
	},
}

// noted returns the violations that the target found in the calls of the case's app.
func (c *trial) noted() []dingmock.Violation {
	list, err := c.runner.target.Powers.Violations(c.ctx, c.app())
	if err != nil {
		c.halt(Errored, "the target's power to tell violations failed: %v", err)
	}
	return list
}
