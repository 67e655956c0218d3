// Package mutant holds servers with a fault planted in them, to prove that package contract can fail: each names the
// rule that it breaks, and a case of that rule has to notice.
//
// A mutant stands in front of an honest server and spoils what goes through: a request on its way in, a reply on its way
// out, the clock. Most lie on an axis, which is made from the document for each operation; what keeps state has mutants
// that are written by hand. None is of use for testing a client: for that the fake has rules.
package mutant

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
)

// World is a server and what can be done to it beside its calls.
type World struct {
	Handler http.Handler
	Powers  contract.Powers
}

// Mutant is a world with one fault.
type Mutant struct {
	Name       string   // the rule and what is wrong
	Rule       string   // the id of the case whose rule it breaks
	Axis       string   // reply, comparison, limit, order, form or, by hand, state
	Operations []string // that do not do as they have to, "" for paths that are no operation's
	At         string   // where in their replies, as a contract.Finding says it; "" where it is no one place
	Plant      func(World) World
}

// All returns the mutants of the document, sorted by name. It is an error if there is no case of a rule, or two have one name.
func All() ([]*Mutant, error) {
	doc, err := dingmock.Load()
	if err != nil {
		return nil, err
	}
	cases, err := contract.Cases()
	if err != nil {
		return nil, err
	}
	k := &kit{doc: doc, rules: map[string]bool{}, known: map[string]bool{}}
	for _, c := range cases {
		k.rules[c.ID] = true
	}
	for _, axis := range []struct {
		name  string
		plant func()
	}{
		{"reply", k.replies}, {"comparison", k.comparisons}, {"limit", k.limits}, {"order", k.orders}, {"form", k.forms},
		{"state", k.tokens}, {"state", k.gettoken}, {"state", k.scopes}, {"state", k.users}, {"state", k.shown}, {"state", k.created}, {"state", k.closed},
	} {
		k.axis = axis.name
		axis.plant()
	}
	for _, rule := range slices.Sorted(maps.Keys(k.known)) {
		if !k.known[rule] {
			return nil, fmt.Errorf("mutant: no operation has a case of the rule %q", rule)
		}
	}
	slices.SortFunc(k.list, func(a, b *Mutant) int { return cmp.Compare(a.Name, b.Name) })
	for i, m := range k.list {
		if !k.rules[m.Rule] {
			return nil, fmt.Errorf("mutant: %q breaks the rule %q, of which there is no case", m.Name, m.Rule)
		}
		if i > 0 && m.Name == k.list[i-1].Name {
			return nil, fmt.Errorf("mutant: two are called %q", m.Name)
		}
	}
	return k.list, nil
}

// Honest is the world behind the same wrapper as that of the mutants, with no fault in it: it passes every case.
func Honest() *Mutant { return (&kit{doc: &dingmock.Document{}}).all("", "honest", (*request).send) }

// kit makes mutants from a document.
type kit struct {
	doc   *dingmock.Document
	rules map[string]bool // the ids of the cases
	known map[string]bool // whether any operation has the case of a rule of them all
	axis  string          // that is being made
	list  []*Mutant
}

// plant plants a fault of a world. In are the operations that do not do as they have to; none: the rule's.
func (k *kit) plant(rule, name string, spoil func(l *ledger, w *World), in ...string) *Mutant {
	if in == nil {
		op, _, _ := strings.Cut(rule, "/")
		in = []string{strings.TrimSuffix(op, "paths")}
	}
	m := &Mutant{Name: rule + ": " + name, Rule: rule, Axis: k.axis, Operations: in, Plant: func(w World) World {
		l := newLedger(k.doc, &w.Powers)
		spoil(l, &w)
		return w
	}}
	k.list = append(k.list, m)
	return m
}

// all plants a fault of all calls.
func (k *kit) all(rule, name string, f fault, in ...string) *Mutant {
	return k.plant(rule, name, func(l *ledger, w *World) { w.Handler = l.handler(w.Handler, f) }, in...)
}

// add plants a fault of the calls of one operation: the rule's, or the first of in.
func (k *kit) add(rule, name string, f fault, in ...string) *Mutant {
	op, _, _ := strings.Cut(rule, "/")
	return k.all(rule, name, only(append(in, op)[0], f), in...)
}

// of plants a fault of an operation, if there is a case of the rule. A rule such as {body} is the error that the operation answers
// a wrong body with.
func (k *kit) of(op *dingmock.Operation, rule, name string, f fault) {
	id := op.ID + "/" + named(op, rule)
	if rule == "generated" {
		id = "generated/" + op.ID
	}
	if k.known[rule] = k.known[rule] || k.rules[id]; k.rules[id] {
		k.add(id, name, f, op.ID)
	}
}

// named is the name of an error: in braces stands what is wrong with a request of the operation.
func named(op *dingmock.Operation, name string) string {
	wrong, ok := strings.CutPrefix(strings.TrimSuffix(name, "}"), "{")
	if wrong == "method" {
		return op.MethodError()
	}
	if ok {
		return op.Family.Answers[wrong]
	}
	return name
}

// A fault answers a request in place of the honest server.
type fault func(*request)

// A condition is one of a request, or of the reply that it has got.
type condition func(*request) bool

// only leaves a fault the calls of an operation.
func only(op string, f fault) fault {
	return func(r *request) {
		if r.is(op) {
			f(r)
		} else {
			r.send()
		}
	}
}

// before alters the requests that are as when says, or answers them itself.
func before(when condition, edit func(*request)) fault {
	return func(r *request) {
		if when(r) {
			edit(r)
		}
		if r.out == nil {
			r.send()
		}
	}
}

// refuse answers such requests with an error of the document. Holes are name, value, ….
func refuse(when condition, name string, holes ...string) fault {
	return before(when, refusal(name, holes...))
}

// after alters the replies that are as when says, or makes further calls behind the client's back.
func after(when condition, edit func(*request)) fault {
	return func(r *request) {
		if r.send(); when(r) {
			edit(r)
		}
	}
}

// retry makes the calls again, altered, whose replies are as when says: what is refused may pass so.
func retry(when condition, edit func(*request)) fault {
	return after(when, func(r *request) {
		edit(r)
		r.send()
	})
}

// refusal makes the reply an error of the document.
func refusal(name string, holes ...string) func(*request) {
	return func(r *request) { r.refuse(name, holes...) }
}

// text changes a text of the reply.
func text(old, text string) func(*request) {
	return func(r *request) { r.out.replace(old, text) }
}

func always(*request) bool { return true }

// failed is the condition that the reply is an error of one of those names.
func failed(names ...string) condition {
	return func(r *request) bool {
		e := r.error()
		return e != "" && slices.ContainsFunc(names, func(name string) bool { return named(r.op, name) == e })
	}
}

// secured reports whether a call of an operation needs a token.
func secured(op *dingmock.Operation) bool {
	return len(op.Security) > 0 && slices.Contains(op.Security[0], op.Family.Token)
}
