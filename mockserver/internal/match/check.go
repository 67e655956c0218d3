package match

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/nearest"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
)

var (
	methodShape = regexp.MustCompile(`^[A-Z]+$`)
	hostShape   = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9._:\[\]-]{1,253}$`)
)

// What the fields of a match accept.
const (
	acceptedPath      = "a path that begins with /, decoded and without a query, or its beginning followed by *"
	acceptedParameter = "a name of at most 64 letters, digits and _-.$@[], or a JSON pointer that begins with / and such a name"
)

const notKept = "may be a secret or a token: those are not kept, so that no call can be matched by them; match by another parameter or header"

// hasOperation reports whether id is an operation of the document, or a DingTalk call that is not modelled.
func hasOperation(doc *dingmock.Document, id string) bool {
	return doc.Operation(id) != nil ||
		slices.ContainsFunc(paths.All(), func(c paths.Call) bool { return c.ID == id })
}

// CheckCalls checks a match against the document.
func CheckCalls(m *api.RuleMatch, doc *dingmock.Document) *api.FieldError {
	if op := m.Operation; op != "" && !hasOperation(doc, op) {
		var ids []string
		for _, o := range doc.Operations() {
			ids = append(ids, o.ID)
		}
		return field.Wrong("/operation", fmt.Sprintf("%.40q is no operation: it is one of %s, or the id of another call of DingTalk's; for other paths use method and path%s",
			op, strings.Join(ids, ", "), nearest.DidYouMean(op, ids)), "one of "+strings.Join(ids, ", ")+", or the id of another call of DingTalk's")
	}
	switch {
	case m.Method != "" && !methodShape.MatchString(m.Method):
		return field.Wrong("/method", "", "a method in capitals, such as POST")
	case strings.Contains(m.Path, "?"):
		return field.Wrong("/path", "a path has no query: match its values by parameters", acceptedPath)
	case m.Path != "" && m.Path[0] != '/':
		return field.Wrong("/path", "has to begin with /", acceptedPath)
	case strings.Contains(strings.TrimSuffix(m.Path, "*"), "*"):
		return field.Wrong("/path", "has a * before its end: a * stands for the rest of a path, at its end alone", acceptedPath)
	case m.Host != "" && !hostShape.MatchString(m.Host):
		return field.Wrong("/host", "", "a name such as oapi.dingtalk.com, or *. and the end of one")
	}
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		at, c := pointerTo("/headers", name), m.Headers[name]
		switch {
		case !field.HeaderName(name):
			return field.Wrong(at, "is no name of a header", "the name of a header, with a condition")
		case strings.EqualFold(name, "Host"):
			return field.Wrong(at, "is matched by host", "the name of another header")
		case redact.SecretHeader(name):
			return field.Wrong(at, notKept, "another parameter or header")
		}
		if err := c.Check(); err != nil {
			err.Pointer = at
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		at, c, path := pointerTo("/parameters", name), m.Parameters[name], parameterPath(name)
		switch {
		case slices.ContainsFunc(path, redact.SecretName):
			return field.Wrong(at, notKept, "another parameter or header")
		case !redact.IsName(path[0]):
			return field.Wrong(at, fmt.Sprintf("%.40q is no name of a parameter: at most 64 letters, digits and _-.$@[], or a JSON pointer that begins with / and such a name", path[0]), acceptedParameter)
		}
		if err := c.Check(); err != nil {
			err.Pointer = at
			return err
		}
	}
	return nil
}

func pointerTo(place, name string) string {
	return place + "/" + jsonpointer.Escape(name)
}

// CheckEntries checks a match of a journal against the document.
func CheckEntries(m *api.Match, doc *dingmock.Document) *api.FieldError {
	return CheckCalls(callsOf(m), doc)
}
