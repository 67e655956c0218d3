package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// trigger is what leads to one error of the document.
type trigger struct {
	when  string // completes "A call of <operation> … is answered with"
	needs Needs
	level Level                                              // default MUST
	ways  func(c *trial, op *dingmock.Operation, add addWay) // sends nothing but what sets the scene
}

// addWay takes one way to an error: a request that has to be answered with it, and what stands in the holes of its text.
type addWay func(name string, q *call, holes ...string)

// rowCases makes a case of each error that an operation may answer. A new error in the document without a trigger here
// is an error of the kit.
func rowCases(doc *dingmock.Document) ([]Case, error) {
	var list []Case
	for _, op := range doc.Operations() {
		if list := required(op); len(list) > 0 && recipeOf(op).params == nil {
			return nil, fmt.Errorf("contract: there is no recipe that says how to call %s, which requires %s", op.ID, list[0].Name)
		}
		for _, reply := range op.Replies {
			for _, name := range reply.Errors {
				what, ok := triggerOf(op, name)
				if !ok {
					return nil, fmt.Errorf("contract: there is no trigger for the error %s of %s", name, op.ID)
				}
				list = append(list, rowCase(doc, op, reply, name, what))
			}
		}
	}
	return list, nil
}

func rowCase(doc *dingmock.Document, op *dingmock.Operation, reply *dingmock.Reply, name string, what trigger) Case {
	e := doc.ErrorReply(name)
	code := e.Code
	if code == "" {
		code = fmt.Sprint(e.Errcode)
		if e.SubCode != "" {
			code += "/" + e.SubCode
		}
	}
	level := what.level
	if level == "" {
		level = MUST
		if op.Provenance == "documented" && e.Provenance == "decided" {
			level = SHOULD // the platform has the call, and nobody has shown this answer of it
		}
	}
	needs := what.needs | NeedsRaw
	if !needs.Has(NeedsWithoutSessions) {
		needs |= recipeOf(op).needs
	}
	return Case{
		ID: op.ID + "/" + name, Level: level, Operation: op.ID, Needs: needs,
		Rule: fmt.Sprintf("A call of %s %s is answered with HTTP %d, %s and %s %s.", op.ID, what.when, reply.Status, reply.ContentType, code, strings.TrimSuffix(e.Text, ".")),
		run: func(c *trial) {
			n := 0
			what.ways(c, op, func(label string, q *call, holes ...string) {
				n++
				x := c.answerWith(q, name, holes...)
				c.during(label, func() { c.wantError(x, name, holes...) })
			})
			if n == 0 {
				c.halt(Errored, "the case has no request")
			}
		},
	}
}

// triggerOf is what leads to an error of an operation: what is known of it by name, or else all that its family answers with it, or
// the fault that it stands for.
func triggerOf(op *dingmock.Operation, name string) (trigger, bool) {
	for _, key := range []string{op.ID + "/" + name, name} {
		if what, ok := triggers[key]; ok {
			return what, true
		}
	}
	var when []string
	var ways []func(*trial, *dingmock.Operation, addWay)
	needs := ^Needs(0) // those of every way
	for _, role := range roles {
		if op.Family.Answers[role.answers] == name && applies(op, role.answers) {
			when, ways, needs = append(when, role.when), append(ways, role.ways), needs&role.needs
		}
	}
	if len(ways) == 0 {
		return faultTrigger(op, name)
	}
	return trigger{when: strings.Join(when, "; "), needs: needs, ways: func(c *trial, op *dingmock.Operation, add addWay) {
		for _, way := range ways {
			way(c, op, add)
		}
	}}, true
}

// applies reports whether a call of the operation can meet what its family answers so.
func applies(op *dingmock.Operation, what string) bool {
	switch what {
	case "token-blank", "token-bad":
		return hasToken(op)
	case "content-type", "body", "body-missing", "body-too-large":
		return hasBody(op) && (what != "body-missing" || op.NeedsBody)
	case "missing-parameter":
		return len(required(op)) > 0
	case "invalid-parameter":
		return slices.ContainsFunc(parameters(op), func(p dingmock.Parameter) bool { return len(wrongValues(p)) > 0 })
	case "method", "method-post":
		return op.Family.Answers[what] == op.MethodError()
	}
	return true
}
