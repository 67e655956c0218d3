package mutant

import "github.com/dingmock/dingmock"

// A check is one of those that a request goes through, in an order that the kit's cases name.
type check struct {
	name  string
	finds condition
	mend  func(r *request) // what it finds; nil: nothing does
}

var checks = []check{
	{"method", failed("{method}"), func(r *request) { r.Method = r.op.Method }},
	{"token", failed("{token-blank}", "{token-bad}"), func(r *request) { r.setToken(r.spare()) }},
	{"content-type", failed("{content-type}"), func(r *request) { r.Header.Set("Content-Type", "application/json") }},
	{"body", failed("{body}"), nil},
	{"missing", failed("{missing-parameter}"), fill},
	{"invalid", failed("{invalid-parameter}"), discard},
	{"parameters", failed("{missing-parameter}", "{invalid-parameter}"), func(r *request) { discard(r); fill(r) }},
	{"call", byItself, nil},
}

// byItself is the condition that the call itself refuses what passes the checks of its dialect.
func byItself(r *request) bool {
	e := r.error()
	for _, name := range r.op.Family.Answers {
		if name == e {
			return false
		}
	}
	return e != ""
}

// fill gives required parameters a value that have none.
func fill(r *request) {
	for _, p := range r.op.Parameters {
		if v := r.read().Values[p.Name]; p.Required && (v == nil || v == "") {
			r.set(p.Name, "x")
		}
	}
}

// discard takes away parameters that are no text.
func discard(r *request) {
	for name, v := range r.values() {
		if _, text := v.(string); !text {
			r.set(name, nil)
		}
	}
}

// spare is the token of an app that no case has.
func (r *request) spare() string {
	return r.call("gettoken", "", map[string]any{"appkey": "mock-mutant", "appsecret": "s"}).token()
}

// orders make two checks change places, of each pair that there is a case of: where the first refuses a request, that is mended, and if
// the second refuses it then, it does so in place of the first.
func (k *kit) orders() {
	ops := k.doc.Operations()
	for _, first := range checks {
		for _, second := range checks {
			f := after(first.finds, func(r *request) {
				if then := r.but(first.mend); second.finds(then) {
					r.out = then.out
				}
			})
			for _, op := range ops {
				if rule := op.ID + "/order-" + first.name + "-" + second.name; first.mend != nil && k.rules[rule] {
					k.add(rule, second.name+" before "+first.name, f)
				}
			}
		}
	}
	seen := map[*dingmock.Family]bool{}
	for _, op := range ops {
		if f := op.Family; secured(op) && !seen[f] {
			seen[f] = true
			k.all("paths/"+f.Name+"-unknown", "token before path", before(func(r *request) bool {
				return r.op == nil && k.doc.Family(r.URL.Path) == f && r.tokenAt(f) != ""
			}, func(r *request) { r.path(op.Path) }))
		}
	}
}
