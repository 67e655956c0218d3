package dingmock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
)

// MaxBody is the size of the largest request body that is read, in bytes, unless the document has another limit.
const MaxBody = 1 << 20

// maxNoted limits how many undeclared and repeated parameters of one request are noted.
const maxNoted = 100

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// Request is one HTTP request, as read and checked by a Document.
type Request struct {
	Operation  *Operation  // nil if the path is not in the document
	Known      Known       // where the call is known from
	Listed     *paths.Call // the call in DingTalk, if Known is KnownDocumented: the one with the method, or else the first
	Family     *Family     // of the path; nil in a document without families
	Method     string
	Path       string
	Token      string         // from the query or header, as the family has it, or else from a form body; "" if there is none
	Values     map[string]any // the parameters given, from anywhere, including credentials; numbers are json.Number
	Others     map[string]any // at most 100 other fields, whose names have at most 64 letters, digits and _-.$@[]
	Violations []Violation    // in the order of checks
}

// Value returns the parameter with that name, or "" if it is absent, null or not a string.
func (q *Request) Value(name string) string {
	s, _ := q.Values[name].(string)
	return s
}

// CheckRequest reads r as a call of op and finds what the document does not allow. op must be nil if the path is not in the
// document. body is the body of r, and may be cut off one byte after the limit; r.Body is not read.
func (d *Document) CheckRequest(op *Operation, r *http.Request, body []byte) *Request {
	q := &Request{
		Operation: op, Known: KnownModelled, Family: d.Family(r.URL.Path), Method: r.Method, Path: r.URL.Path,
		Values: make(map[string]any, 8),
	}
	var calls []paths.Call
	if op == nil {
		calls = q.listed()
	}
	defer q.sort()
	query := parsePairs(r.URL.RawQuery)
	media := mediaType(r.Header, body)
	var form []field
	limit := int64(MaxBody)
	if op != nil {
		limit = op.MaxBody
	}
	if media == mediaForm && int64(len(body)) <= limit {
		form = parsePairs(string(body))
	}
	if q.Family != nil {
		q.Token, _ = q.Family.Token.find(query, r.Header, form)
		d.checkHost(q, r.Host)
		if q.Preflight() {
			return q // the call that it is about comes next
		}
	}
	if op == nil {
		d.checkListed(q, calls, query, r, media, body, form)
		fields := form
		if int64(len(body)) <= limit && (media != mediaForm || bytes.HasPrefix(body, []byte("{"))) { // curl -d declares every body a form
			var ok bool
			if fields, ok = parseFlat(body); !ok {
				fields, _ = parseObject(body) // a body that is not JSON has no parameters
			}
		}
		give(q.Values, fields)
		give(q.Values, query)
		return q
	}

	place := "body" // where the fields of the body are read from
	if method := r.Method; method != op.Method && (method != http.MethodHead || op.Method != http.MethodGet) {
		if method == http.MethodHead {
			method = http.MethodGet
		}
		answered := slices.Contains(op.AlsoAnswers, method)
		if method == http.MethodGet {
			place = "query"
			answered = answered && slices.ContainsFunc(query, func(f field) bool { return op.declares("body", f.name) })
		}
		q.addMethod(op.Method, answered)
		if !answered {
			for _, set := range op.Security { // to know whose call it is
				for _, c := range set {
					if value, given := c.find(query, r.Header, form); given {
						q.Values[c.Name] = value
					}
				}
			}
			return q
		}
	}

	var fields []field
	switch {
	case len(op.BodyTypes) > 0 && place == "body":
		fields = q.readBody(op.BodyTypes, r, media, body, form)
	case place == "body" && r.Method == http.MethodPost && len(body) > 0:
		fields = q.readBody([]string{mediaForm, mediaJSON}, r, media, body, form)
	}

	q.checkCredentials(query, r.Header, form, fields)
	q.checkFields(query, r, media, fields, place)
	q.keepOthers(fields)
	q.keepOthers(query)
	return q
}

// CutOff records that the body could not be read to its end. It replaces all violations that concern the body by that one.
func (q *Request) CutOff() {
	q.Violations = slices.DeleteFunc(q.Violations, func(v Violation) bool {
		return v.Kind == KindBody || strings.HasPrefix(v.Pointer, "/body")
	})
	q.add(KindBody, "/body", "a body that breaks off", "as many bytes as its headers announce", "body")
	q.sort()
}

// sort puts the violations in the order in which the platform checks.
func (q *Request) sort() {
	if len(q.Violations) > 1 {
		slices.SortStableFunc(q.Violations, func(a, b Violation) int { return order(a.Kind) - order(b.Kind) })
	}
}

func order(rule string) int {
	return slices.Index([]string{
		KindUnknownPath, KindMethod, KindMissingCredential, KindContentType, KindBody,
		KindMissingParameter, KindInvalidParameter, KindUndeclaredParameter, KindRepeatedParameter, KindNotModelled, KindWrongHost,
	}, rule)
}

func (q *Request) add(rule, pointer, found, expected, answer string) {
	v := Violation{Kind: rule, Level: q.level(rule), Pointer: pointer, Found: found, Expected: expected}
	switch {
	case q.Operation != nil:
		v.Operation = q.Operation.ID
	case q.Listed != nil:
		v.Operation = q.Listed.ID
	}
	if q.Family != nil && answer != "" {
		v.Answer = q.Family.Answers[answer]
	}
	q.Violations = append(q.Violations, v)
}

// addMethod notes that the call has the wrong method; answered says whether the platform answers it nevertheless.
func (q *Request) addMethod(want string, answered bool) {
	answer := "method"
	switch {
	case answered:
		answer = ""
	case q.Family != nil && q.Family.Answers["method-"+strings.ToLower(want)] != "":
		answer += "-" + strings.ToLower(want)
	}
	q.add(KindMethod, "/method", short(q.Method), want, answer)
}

func (q *Request) broken() bool {
	return slices.ContainsFunc(q.Violations, func(v Violation) bool { return v.Kind == KindContentType || v.Kind == KindBody })
}

// give adds the fields whose names may be shown, up to maxNoted. If a name is repeated the first value counts; if a JSON key is
// repeated, the last.
func give(to map[string]any, list []field) {
	for _, f := range list {
		_, there := to[f.name]
		if there && f.json || !there && len(to) < maxNoted && redact.IsName(f.name) {
			to[f.name] = f.value
		}
	}
}

// keepOthers keeps the fields that are not parameters of the operation. Most calls have none.
func (q *Request) keepOthers(list []field) {
	others := slices.DeleteFunc(list, func(f field) bool {
		_, known := q.Values[f.name]
		return known
	})
	if len(others) == 0 {
		return
	}
	if q.Others == nil {
		q.Others = map[string]any{}
	}
	give(q.Others, others)
}

// readBody returns the fields of the body, unchecked, or notes why they cannot be read.
func (q *Request) readBody(types []string, r *http.Request, media string, body []byte, form []field) []field {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		q.add(KindContentType, "/header/Content-Encoding", short(encoding), "no Content-Encoding", "content-type")
		return nil
	}
	if media != "" && !slices.Contains(types, media) {
		q.add(KindContentType, "/header/Content-Type", short(media), strings.Join(types, " or "), "content-type")
		return nil
	}
	switch {
	case int64(len(body)) > q.Operation.MaxBody:
		q.add(KindBody, "/body", fmt.Sprintf("more than %d bytes", q.Operation.MaxBody), fmt.Sprintf("at most %d bytes", q.Operation.MaxBody), "body-too-large")
		return nil
	case len(body) == 0:
		if q.Operation.NeedsBody {
			q.add(KindBody, "/body", "no body", "a JSON object", "body-missing")
		}
		return nil
	case !utf8.Valid(body):
		q.add(KindBody, "/body", "bytes that are not UTF-8", "UTF-8", "body")
		return nil
	case media == mediaForm:
		if slices.ContainsFunc(form, func(f field) bool { return !utf8.ValidString(f.name) || !utf8.ValidString(f.text()) }) {
			q.add(KindBody, "/body", "a form whose values are not UTF-8", "UTF-8", "body")
			return nil
		}
		return form
	}
	if fields, ok := parseFlat(body); ok {
		return fields
	}
	fields, err := parseObject(body)
	if err != nil {
		q.add(KindBody, "/body", err.Error(), "a JSON object", "body")
		return nil
	}
	return fields
}

// checkCredentials collects the values of the operation's credentials, and notes when no set of them is complete.
func (q *Request) checkCredentials(query []field, header http.Header, form, fields []field) {
	op := q.Operation
	complete := len(op.Security) == 0
	for _, set := range op.Security {
		whole := true
		for _, c := range set {
			value, given := c.find(query, header, form)
			if value == "" && q.Method == http.MethodPost && op.Method == http.MethodGet {
				if f, ok := pick(fields, c.Name); ok {
					if s, ok := f.value.(string); ok {
						value, given = s, true
					} else if f.value != nil {
						q.add(KindInvalidParameter, pointer("body", c.Name), describe(f.value), "a string", "invalid-parameter")
					}
				}
			}
			if given {
				q.Values[c.Name] = value
			}
			whole = whole && strings.TrimSpace(value) != ""
		}
		complete = complete || whole
	}
	if !complete {
		q.missCredential()
	}
}

// missCredential notes the first credential that is missing in the first set whose first credential was given; or else the first
// credential of the first set.
func (q *Request) missCredential() {
	given := func(c Credential) bool { return strings.TrimSpace(q.Value(c.Name)) != "" }
	sets := q.Operation.Security
	miss := sets[0][0]
	var expected string
	if i := slices.IndexFunc(sets, func(set Requirement) bool { return given(set[0]) }); i >= 0 {
		miss = sets[i][slices.IndexFunc(sets[i], func(c Credential) bool { return !given(c) })]
		expected = miss.Name + " to go with " + sets[i][0].Name
	} else {
		var texts []string
		for _, set := range sets {
			var names []string
			for _, c := range set {
				names = append(names, c.Name)
			}
			texts = append(texts, strings.Join(names, " and "))
		}
		expected = strings.Join(texts, ", or ")
	}
	value, there := q.Values[miss.Name]
	found := missing(value, there)
	if there && value != "" {
		found = "blanks"
	}
	q.add(KindMissingCredential, pointer(miss.In, miss.Name), found, expected, "")
}

// checkFields collects the values of the operation's parameters and compares them with their schemas.
func (q *Request) checkFields(query []field, r *http.Request, media string, body []field, place string) {
	op := q.Operation
	broken := q.broken()
	variables, _ := op.variables(r.URL.Path)
	inQuery := q.note(query, "query", func(name string) bool {
		return op.secures(name) || op.declares("query", name) || place == "query" && op.declares("body", name)
	})
	inBody := inQuery
	if place == "body" {
		inBody = q.note(body, "body", func(name string) bool {
			token := q.Family != nil && q.Family.Token.FormField && media == mediaForm && name == q.Family.Token.Name
			return token || op.extras && len(op.BodyTypes) > 0 || op.declares("body", name) || q.Method != op.Method && op.secures(name)
		})
	}
	for _, p := range op.Parameters {
		from := p.In
		var value any
		var ok bool
		switch p.In {
		case "body":
			from = place
			value, ok = inBody.get(p.Name)
		case "query":
			value, ok = inQuery.get(p.Name)
			if ok && p.many() {
				value = all(query, p.Name)
			}
		case "path":
			value, ok = variables[p.Name], true
		case "header":
			value, ok = r.Header.Get(p.Name), r.Header.Get(p.Name) != ""
		}
		if p.In == "body" && broken {
			continue
		}
		if p.Required && (!ok || value == nil || value == "") {
			q.add(KindMissingParameter, pointer(from, p.Name), missing(value, ok), expectation(p.schema), "missing-parameter")
			continue
		}
		if !ok {
			continue
		}
		if p.lenient {
			value = unquoted(p.schema, value)
		}
		q.Values[p.Name] = value
		if text, is := value.(string); is && from != "body" {
			if !utf8.ValidString(text) {
				q.add(KindInvalidParameter, pointer(from, p.Name), "bytes that are not UTF-8", expectation(p.schema), "invalid-parameter")
				continue
			}
			if p.In != "body" {
				value = typed(text, p)
			}
		}
		if p.allows(value) {
			continue
		}
		for _, f := range check(p.schema, value) {
			q.add(KindInvalidParameter, pointer(from, p.Name)+f.pointer, f.found, f.expected, "invalid-parameter")
		}
	}
}

// many reports whether the parameter may be repeated in the query, each time with one value.
func (p Parameter) many() bool { return p.In == "query" && p.schema.Type.Is("array") }

func (op *Operation) repeats(name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p Parameter) bool { return p.Name == name && p.many() })
}

// all returns all values of a query parameter.
func all(query []field, name string) []any {
	var values []any
	for _, f := range query {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}

func missing(value any, given bool) string {
	switch {
	case !given:
		return "nothing"
	case value == nil:
		return "null"
	}
	return "an empty string"
}

// note returns the fields, each name once, and notes which names are repeated or not declared, up to maxNoted in all.
func (q *Request) note(list []field, place string, declared func(string) bool) fields {
	at := index{fields: make(fields, 0, len(list))}
	var repeated map[string]bool
	noted := 0
	add := func(rule, name, found, expected string) {
		if noted++; noted <= maxNoted {
			q.add(rule, pointer(place, redact.Name(name)), found, expected, "")
		}
	}
	for _, f := range list {
		i, again := at.find(f.name)
		if again && place == "query" && q.Operation.repeats(f.name) {
			continue
		}
		if !again {
			if !declared(f.name) {
				add(KindUndeclaredParameter, f.name, "an undeclared parameter", "no such parameter")
			}
			at.put(f)
			continue
		}
		if !repeated[f.name] {
			if repeated == nil {
				repeated = map[string]bool{}
			}
			repeated[f.name] = true
			add(KindRepeatedParameter, f.name, "a repeated parameter", "one value")
		}
		if f.json { // the last counts; elsewhere the first
			at.fields[i].value = f.value
		}
	}
	return at.fields
}

// secures reports whether one of the operation's credentials has that name.
func (op *Operation) secures(name string) bool {
	for _, set := range op.Security {
		for _, c := range set {
			if c.Name == name {
				return true
			}
		}
	}
	return false
}

func (op *Operation) declares(in, name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p Parameter) bool { return p.In == in && p.Name == name })
}

// variables returns the values of the path's parameters, and whether the path fits the operation's.
func (op *Operation) variables(path string) (map[string]string, bool) {
	want, got := strings.Split(op.Path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var values map[string]string
	for i, part := range want {
		switch name, ok := strings.CutPrefix(part, "{"); {
		case ok && got[i] != "":
			if values == nil {
				values = map[string]string{}
			}
			values[strings.TrimSuffix(name, "}")] = got[i]
		case part != got[i]:
			return nil, false
		}
	}
	return values, true
}

// find returns the value of a credential, and whether it was given at all.
func (c Credential) find(query []field, header http.Header, form []field) (string, bool) {
	if c.In == "header" {
		return header.Get(c.Name), header.Get(c.Name) != ""
	}
	var given bool
	for _, list := range [][]field{query, form} {
		for _, f := range list {
			if f.name == c.Name {
				given = true
				if f.text() != "" {
					return f.text(), true
				}
				break
			}
		}
		if !c.FormField {
			break
		}
	}
	return "", given
}

// unquoted converts the strings in a value to numbers or booleans if the schema wants those. A string that cannot be read as
// such stays as it is.
func unquoted(schema *openapi3.Schema, value any) any {
	for len(schema.AllOf) == 1 {
		schema = schema.AllOf[0].Value
	}
	switch v := value.(type) {
	case string:
		switch {
		case schema.Type.Is("boolean") && (v == "true" || v == "false"):
			return v == "true"
		case (schema.Type.Is("integer") || schema.Type.Is("number")) && jsonNumber.MatchString(v):
			return json.Number(v)
		}
	case []any:
		if schema.Items != nil {
			for i := range v {
				v[i] = unquoted(schema.Items.Value, v[i])
			}
		}
	case map[string]any:
		for name, inner := range v {
			if property := schema.Properties[name]; property != nil {
				v[name] = unquoted(property.Value, inner)
			}
		}
	}
	return value
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// typed reads the text of a path or query parameter as the type of its schema. It returns the text itself if that fails.
func typed(text string, p Parameter) any {
	if p.schema.Type.Is("string") {
		return text
	}
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	return value
}

// mediaType returns the media type of the body, in lower case and without parameters. If there is no Content-Type, it is JSON for
// a body that begins with {, a form for any other body, and "" for no body.
func mediaType(header http.Header, body []byte) string {
	text := header.Get("Content-Type")
	if text == "" {
		switch {
		case len(body) == 0:
			return ""
		case body[0] == '{':
			return mediaJSON
		}
		return mediaForm
	}
	media, _, _ := strings.Cut(text, ";")
	if media = strings.ToLower(strings.TrimSpace(media)); media == "" {
		return text // parameters without a type: a media type that no operation allows
	}
	return media
}

// short makes text from outside printable and cuts it to at most 64 characters, to be shown within a line.
func short(text string) string { return printed(text, 64) }

// shortPath makes a path printable and cuts it to at most 256 characters, to be shown within a line.
func shortPath(path string) string { return printed(path, 256) }

// printed returns a text in printable form, cut to at most most characters. An ellipsis follows if something was cut off.
func printed(text string, most int) string {
	whole, n := true, 0
	for i := range text {
		if n++; n > most {
			text, whole = text[:i], false
			break
		}
	}
	shown := []rune(printable.Line(text)) // escapes take more room than what they stand for
	if len(shown) > most {
		shown, whole = shown[:most], false
	}
	if whole {
		return string(shown)
	}
	return string(shown) + "…"
}
