package mutant

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/dingmock/dingmock"
)

// fixed are parameters whose value is not the caller's choice, so that there is no case of a short or a long one.
var fixed = []string{"app_key"}

// limits move the bounds of the document by one, up and down.
func (k *kit) limits() {
	for _, op := range k.doc.Operations() {
		for _, p := range op.Parameters {
			if p.In == "body" || p.In == "query" {
				k.bounds(op, p)
			}
		}
		most := int(op.MaxBody)
		passes := func(name string, when condition) {
			k.of(op, "{body-too-large}", name, before(when, func(r *request) { r.sent = bytes.TrimSpace(r.sent) }))
		}
		passes("a body may be a byte longer", func(r *request) bool { return len(r.sent) == most+1 })
		passes("a body may have any length", func(r *request) bool { return len(r.sent) > most })
		passes("the limit is that of the Content-Length alone", func(r *request) bool { return len(r.sent) > most && r.ContentLength < 0 })
		k.of(op, "padded", "a body has to be a byte shorter", refuse(func(r *request) bool { return len(r.sent) == most }, "{body-too-large}"))
	}
}

// bounds move the bounds of a parameter.
func (k *kit) bounds(op *dingmock.Operation, p dingmock.Parameter) {
	least, most := p.Limits()
	long := func(n int) condition {
		return func(r *request) bool {
			s, ok := r.given(p.Name)
			return ok && utf8.RuneCountInString(s) == n
		}
	}
	invalid := func(rule, name string, when condition) {
		k.of(op, rule, p.Name+name, refuse(when, "{invalid-parameter}", "name", p.Name))
	}
	if p.Required {
		k.of(op, "{missing-parameter}", p.Name+" may be empty", before(long(0), func(r *request) { r.set(p.Name, "x") }))
	}
	if most < 0 {
		return
	}
	k.of(op, "{invalid-parameter}", fmt.Sprintf("%s may have %d characters", p.Name, most+1), before(long(most+1), func(r *request) {
		r.set(p.Name, string([]rune(r.value(p.Name))[:most]))
	}))
	if slices.Contains(fixed, p.Name) {
		return
	}
	invalid("longest", fmt.Sprintf(" may have %d characters", most-1), long(most))
	invalid("longest", " is measured in bytes", func(r *request) bool { return len(r.value(p.Name)) > most })
	if p.Nullable() {
		invalid("no-chat", " may not be null", func(r *request) bool { v, given := r.values()[p.Name]; return given && v == nil })
		k.of(op, "no-chat", p.Name+" may not be empty", refuse(func(r *request) bool {
			return r.value(p.Name) == "" && len(r.read().Violations) == 0
		}, "{missing-parameter}", "name", p.Name))
	}
	if least > 0 {
		invalid("shortest", fmt.Sprintf(" has to have %d characters", least+1), long(least))
		for _, blank := range []string{"0", " "} {
			k.of(op, "shortest", fmt.Sprintf("%q is no %s", blank, p.Name), refuse(func(r *request) bool {
				return r.value(p.Name) == blank
			}, "{missing-parameter}", "name", p.Name))
		}
	}
}
