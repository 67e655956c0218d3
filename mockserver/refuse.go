package mockserver

import (
	"fmt"
	"slices"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// fail returns the document's error of that name. holes are the names and values for the holes of its text: name,
// value, ….
func (c *call) fail(e world.ErrorName, explain string, holes ...string) *world.Failure {
	return world.Fail(c.server.doc, e, explain, holes...)
}

// answers returns the error that the path's family gives in the case what.
func (c *call) answers(what, explain string) *world.Failure {
	return &world.Failure{Reply: c.server.doc.ErrorReply(c.Family.Answers[what]), Explain: explain}
}

// checkFamilies returns an error if a family of the document lacks an answer for a case that any call may meet.
func checkFamilies(doc *dingmock.Document) error {
	for _, f := range doc.Families() {
		for _, what := range []string{"token-blank", "token-bad", "invalid-parameter"} {
			if doc.ErrorReply(f.Answers[what]) == nil {
				return fmt.Errorf("the document's family %s does not say what answers %s", f.Name, what)
			}
		}
		for _, fault := range api.Faults() {
			if fault != faultBlocked && fault != faultBlockedJSON && doc.ErrorReply(f.Faults[fault]) == nil {
				return fmt.Errorf("the document's family %s does not say what answers the fault %s", f.Name, fault)
			}
		}
	}
	return nil
}

// broken returns the first violation of those kinds that the path's family rejects, and the name of the error for
// it.
func (c *call) broken(kinds ...string) (v dingmock.Violation, name string) {
	for _, v := range c.Violations {
		if !slices.Contains(kinds, v.Kind) {
			continue
		}
		name := v.Answer
		if v.Kind == dingmock.KindUndeclaredParameter || v.Kind == dingmock.KindRepeatedParameter {
			name = c.Family.Answers["invalid-parameter"]
		}
		if name != "" {
			return v, name
		}
	}
	return dingmock.Violation{}, ""
}

// refuses reports whether refuse would return an error.
func (c *call) refuses(kinds ...string) bool {
	_, name := c.broken(kinds...)
	return name != ""
}

// refuse returns the error for the first violation of those kinds that the path's family rejects, or nil.
func (c *call) refuse(kinds ...string) *world.Failure {
	v, name := c.broken(kinds...)
	if name == "" {
		return nil
	}
	why := v.String()
	switch {
	case v.Kind == dingmock.KindUndeclaredParameter || v.Kind == dingmock.KindRepeatedParameter:
		why += "; this server refuses undeclared and repeated parameters (option refuse-undeclared)"
	case v.Kind == dingmock.KindUnknownPath && c.server.options.WithoutSessions:
		if op := c.server.doc.Match(c.Method, c.Path); op != nil {
			why = op.ID + " is answered as the public platform does, which has no such API: this server was started without the session calls (option without-sessions)"
		}
	}
	return &world.Failure{Reply: c.server.doc.ErrorReply(name), Explain: why, Holes: []string{"name", v.Name(), "apiName", c.Family.API(c.Path)}}
}

// checkBody rejects a call whose body ended early, if the path's family does.
func (c *call) checkBody() *world.Failure {
	if c.unread == nil || c.Family.Answers["body"] == "" {
		return nil
	}
	return c.answers("body", "the body could not be read to its end")
}
