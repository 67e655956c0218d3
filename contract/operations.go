package contract

import (
	"strings"

	"github.com/dingmock/dingmock"
)

// opCase is a case that each operation has.
type opCase struct {
	id    string // what follows the operation's id in that of the case
	first string // what goes before the operation's id
	level Level  // default MUST
	rule  string
	needs Needs                          // besides NeedsRaw and those of the operation's recipe
	shows bool                           // whether it looks at what the call did: it needs what the recipe's show does
	of    func(*dingmock.Operation) bool // default: every operation
	run   func(c *trial, op *dingmock.Operation)
}

// casesOf makes the cases of each operation.
func casesOf(doc *dingmock.Document, table []opCase) []Case {
	var list []Case
	for _, op := range doc.Operations() {
		r := recipeOf(op)
		for _, x := range table {
			if x.of != nil && !x.of(op) {
				continue
			}
			c := Case{ID: strings.Trim(x.first+"/"+op.ID+"/"+x.id, "/"), Level: x.level, Operation: op.ID, Needs: NeedsRaw | r.needs | x.needs, Rule: x.rule}
			if c.Level == "" {
				c.Level = MUST
			}
			if x.shows {
				c.Needs |= r.scene
			}
			c.run = func(c *trial) { x.run(c, c.op(op.ID)) }
			list = append(list, c)
		}
	}
	return list
}

// hasBody reports whether the operation has a body, hasForm whether that may be a form, and hasToken whether it needs a token.
func hasBody(op *dingmock.Operation) bool { return len(op.BodyTypes) > 0 }
func hasForm(op *dingmock.Operation) bool { return accepts(op, mediaForm) }

// hasFree reports whether the operation has a parameter that may be any text, up to a length.
func hasFree(op *dingmock.Operation) bool { return len(free(op)) > 0 }

func hasToken(op *dingmock.Operation) bool { return tokenOf(op) != "" }
