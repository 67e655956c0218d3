package contract

import (
	"net/http"

	"github.com/dingmock/dingmock"
)

// orderCases check which error answers a request with two things wrong: the earlier in the order of checks.
func orderCases(doc *dingmock.Document) []Case {
	var list []Case
	for _, op := range doc.Operations() {
		token, answers := tokenOf(op), op.Family.Answers
		needs := NeedsRaw
		if token != "" {
			needs |= sessionNeeds
		} else if len(op.BodyTypes) > 0 {
			needs |= needsAppPair
		}
		add := func(name, rule string, make func(c *Trial, op *dingmock.Operation) (*call, string, []string)) {
			list = append(list, Case{
				ID: op.ID + "/order-" + name, Level: MUST, Operation: op.ID, Needs: needs, Rule: rule,
				run: func(c *Trial) {
					q, want, holes := make(c, c.op(op.ID))
					c.refused(q, want, holes...)
				},
			})
		}
		if token != "" {
			add("method-token", "A wrong method is refused before a missing token.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op).by(http.MethodPut).off(dingmock.KindMethod), answers["method"], nil
			})
			add("token-content-type", "A bad token is refused before a wrong content type.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op, token, "x").body("text/plain", []byte("x")).off(dingmock.KindContentType), answers["token-bad"], nil
			})
			add("token-body", "A missing token is refused before a broken body.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op).body(mediaJSON, []byte("{")).off(dingmock.KindMissingCredential, dingmock.KindBody), answers["token-blank"], nil
			})
			add("token-parameters", "A bad token is refused before a missing parameter.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op, token, "x").off(dingmock.KindMissingParameter), answers["token-bad"], nil
			})
		}
		if len(op.BodyTypes) == 0 {
			add("method-parameters", "A wrong method is refused before a missing credential.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op).by(http.MethodPut).off(dingmock.KindMethod), answers["method"], nil
			})
			continue
		}
		add("content-type-body", "A wrong content type is refused before a broken body.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
			return c.valid(op).body("text/plain", []byte("{")).off(dingmock.KindContentType), answers["content-type"], nil
		})
		if op.ID != "getsession" {
			add("missing-invalid", "Of the parameters, the first that is wrong is named, in the document's order: missing ones first.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				q, required := c.valid(op), bodyParameters(op)
				q.off(dingmock.KindMissingParameter)
				last := ""
				for _, p := range required {
					if p.Required {
						last = p.Name
					}
				}
				for _, p := range required {
					if p.Name == last {
						q.drop(p.Name)
					} else if p.Required {
						q.set(p.Name, 1)
						q.breaks = []string{dingmock.KindMissingParameter, dingmock.KindInvalidParameter}
					}
				}
				return q, answers["missing-parameter"], []string{"name", last}
			})
		}
		if op.ID == "create_session" || op.ID == "close_session" {
			add("parameters-call", "A wrong parameter is refused before what the call itself would refuse.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				q := c.valid(op).set("app_key", c.id("nobody")).set("session_id", c.id("never")).set("chatid", 1)
				return q.off(dingmock.KindInvalidParameter), answers["invalid-parameter"], []string{"name", "chatid"}
			})
		}
		if op.ID == "accessToken" {
			add("parameters-credentials", "A missing parameter is refused before a wrong appKey.", func(c *Trial, op *dingmock.Operation) (*call, string, []string) {
				return newCall(op, "appKey", c.id("nobody")).off(dingmock.KindMissingParameter), answers["missing-parameter"], []string{"name", "appSecret"}
			})
		}
	}
	return list
}
