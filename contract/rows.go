package contract

import (
	"fmt"
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
