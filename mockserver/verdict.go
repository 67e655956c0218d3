package mockserver

import "github.com/dingmock/dingmock"

// verdict judges the calls of one app, or of all where app is "".
func (s *Server) verdict(app string, failUnknown bool) Verdict {
	v := Verdict{OK: true, Violations: []Tally{}}
	for _, row := range s.tally.list(app) {
		row.Pardoned = row.Pardoned || row.Rule == dingmock.RuleUnknownPath && !failUnknown
		v.OK = v.OK && row.Pardoned
		v.Violations = append(v.Violations, row)
	}
	return v
}
