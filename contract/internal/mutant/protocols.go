package mutant

import (
	"slices"
	"strings"
)

// protocols are servers that go wrong over one version of HTTP alone.
func (k *kit) protocols() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		for major, rule := range map[int]string{1: "/http-1.1", 2: "/http-2"} {
			list = append(list, k.wrap(op.ID+rule, "over this version a reply says no Content-Type", func(r *request) *reply {
				out := r.pass()
				if r.is(op.ID) && r.ProtoMajor == major {
					out.header["Content-Type"] = nil
				}
				return out
			}))
		}
	}
	slices.SortFunc(list, func(a, b Mutant) int { return strings.Compare(a.Name, b.Name) })
	return list
}
