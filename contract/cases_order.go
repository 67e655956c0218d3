package contract

import (
	"bytes"
	"slices"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// orderCases check which error answers a request with two things wrong: the earlier in the order of checks.
var orderCases = []opCase{
	{
		id: "order-method-token", of: hasToken, rule: "A wrong method is refused before a missing token.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(newCall(op).by(c.wrongMethods(op)[0]).off(dingmock.KindMethod), op.MethodError())
		},
	},
	{
		id: "order-token-content-type", of: func(op *dingmock.Operation) bool {
			return hasToken(op) && hasBody(op) && op.Family.Answers["content-type"] != ""
		},
		rule: "A bad token is refused before a wrong content type.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(newCall(op, tokenOf(op), "x").body("text/plain", []byte("x")).off(dingmock.KindContentType), op.Family.Answers["token-bad"])
		},
	},
	{
		id: "order-token-body", of: func(op *dingmock.Operation) bool {
			return hasToken(op) && hasBody(op) && op.Family.Answers["body"] != ""
		},
		rule: "A missing token is refused before a broken body.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(newCall(op).body(mediaJSON, []byte("{")).off(dingmock.KindMissingCredential, dingmock.KindBody), op.Family.Answers["token-blank"])
		},
	},
	{
		id: "order-token-parameters", of: func(op *dingmock.Operation) bool { return hasToken(op) && len(required(op)) > 0 },
		rule: "A bad token is refused before a missing parameter.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(newCall(op, tokenOf(op), "x").off(dingmock.KindMissingParameter), op.Family.Answers["token-bad"])
		},
	},
	{
		id: "order-method-parameters", of: hasPairs, rule: "A wrong method is refused before a missing credential.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(newCall(op).by(c.wrongMethods(op)[0]).off(dingmock.KindMethod), op.MethodError())
		},
	},
	{
		id: "order-content-type-body", of: func(op *dingmock.Operation) bool { return hasBody(op) && op.Family.Answers["content-type"] != "" }, rule: "A wrong content type is refused before a broken body.",
		run: func(c *trial, op *dingmock.Operation) {
			c.refused(c.valid(op).body("text/plain", []byte("{")).off(dingmock.KindContentType), op.Family.Answers["content-type"])
		},
	},
	{
		id: "order-missing-invalid", of: func(op *dingmock.Operation) bool { return hasBody(op) && len(required(op)) > 1 },
		rule: "Of the parameters, the first that is wrong is named, in the document's order: missing ones first.",
		run: func(c *trial, op *dingmock.Operation) {
			q, list := c.valid(op), required(op)
			last := list[len(list)-1]
			for _, p := range list[:len(list)-1] {
				q.set(p.Name, wrongValues(p)[0].value)
			}
			q.drop(last.Name).off(dingmock.KindMissingParameter, dingmock.KindInvalidParameter)
			c.refused(q, op.Family.Answers["missing-parameter"], "name", last.Name)
		},
	},
	{
		id: "order-parameters-call", of: func(op *dingmock.Operation) bool { return recipeOf(op).spoil != nil },
		rule: "A wrong or missing parameter is refused before what the call itself would refuse.",
		run: func(c *trial, op *dingmock.Operation) {
			q := c.valid(op)
			spoilt := q.clone()
			recipeOf(op).spoil(c, spoilt)
			left := slices.DeleteFunc(parameters(op), func(p dingmock.Parameter) bool {
				return !bytes.Equal(jsontext.MustMarshal(spoilt.value(p.Name)), jsontext.MustMarshal(q.value(p.Name)))
			})
			if len(left) == 0 {
				c.halt(Errored, "the recipe of %s spoils every parameter, so that none is left to be wrong", op.ID)
			}
			last := left[len(left)-1]
			c.refused(spoilt.clone().set(last.Name, wrongValues(last)[0].value).off(dingmock.KindInvalidParameter), op.Family.Answers["invalid-parameter"], "name", last.Name)
			for _, p := range left {
				if p.Required {
					c.refused(spoilt.clone().drop(p.Name).off(dingmock.KindMissingParameter), op.Family.Answers["missing-parameter"], "name", p.Name)
				}
			}
		},
	},
}
