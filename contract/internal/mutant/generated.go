package mutant

import (
	"bytes"
	"encoding/json"
	"regexp"
	"unicode/utf8"
)

var twoKeys = regexp.MustCompile(`^\{"(\w+)":"first"`)

// generated are the mutants that only odd values, or long sequences, show.
func (k *kit) generated() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		add := func(name string, spoil func(r *request) *reply) {
			list = append(list, k.wrap("generated/"+op.ID, name, func(r *request) *reply {
				if !r.is(op.ID) {
					return r.pass()
				}
				return spoil(r)
			}))
		}
		if len(op.BodyTypes) == 0 {
			add("a query of over 300 bytes is refused", func(r *request) *reply {
				if len(r.URL.RawQuery) > 300 {
					return r.refuse(op.Family.Answers["invalid-parameter"], "name", "query")
				}
				return r.pass()
			})
			continue
		}
		add("undeclared fields may be 40 levels deep", func(r *request) *reply {
			if bytes.Count(r.sent, []byte("["))+bytes.Count(r.sent, []byte("{")) > 40 && bytes.Contains(r.sent, []byte("contract_unknown")) {
				return r.refuse(op.Family.Answers["body"])
			}
			return r.pass()
		})
		add("of a key that is there twice the first counts", func(r *request) *reply {
			if twoKeys.Match(r.sent) {
				return r.refuse(op.Family.Answers["invalid-parameter"], "name", "x")
			}
			return r.pass()
		})
		add("a body that breaks off is completed", func(r *request) *reply {
			if whole := append(bytes.Clone(r.sent), `"}`...); !json.Valid(r.sent) && json.Valid(whole) {
				return r.body(whole)
			}
			return r.pass()
		})
		add("only the first 20 bytes are checked to be UTF-8", func(r *request) *reply {
			if at := bytes.IndexByte(r.sent, 0xff); at > 20 && !utf8.Valid(r.sent) {
				return r.body(bytes.ToValidUTF8(r.sent, []byte("?")))
			}
			return r.pass()
		})
	}
	return append(list,
		k.remember("model/sequences", "a user has two sessions at most", func(m *memory, r *request) *reply {
			out := r.pass()
			m.note(r, out)
			if mine := of(m.opened, session{values: r.values()}, "user_id"); r.is("create_session") && len(mine) > 2 {
				r.call("close_session", r.token(), mine[0].values)
			}
			return out
		}).in("create_session"),
		k.remember("model/sequences", "closing an older session closes the younger one too", func(m *memory, r *request) *reply {
			var mine []session
			if r.is("close_session") {
				mine = of(m.opened, session{values: r.values()}, "user_id")
			}
			out := r.pass()
			if len(mine) == 2 && r.succeeded(out) && mine[0].text("session_id") == r.value("session_id") {
				r.call("close_session", r.token(), mine[1].values)
			}
			m.note(r, out)
			return out
		}).in("close_session"),
	)
}
