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

// MaxBody is the size of the largest request body that is read, in bytes, where the document says nothing else.
const MaxBody = 1 << 20

// maxNoted is how many undeclared and repeated parameters of one request are noted.
const maxNoted = 100

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// Request is what the document makes of one HTTP request.
type Request struct {
	Operation  *Operation  // nil where the path is not in the document
	Known      Known       // where the call is known from
	Listed     *paths.Call // the call that DingTalk has, where Known is KnownDocumented; of several methods the one asked for, else the first
	Family     *Family     // of the path; nil in a document without families
	Method     string
	Path       string
	Token      string         // where the family carries it: query or header, then a form body; "" for none
	Values     map[string]any // the parameters that were given, wherever from, credentials among them; numbers are json.Number
	Others     map[string]any // what else was given and has a name that may be shown: at most 64 letters, digits and _-.$@[]; of them 100 at most
	Violations []Violation    // in the order of checks
}

// Value returns the parameter of that name, "" where it is absent, null or no string.
func (q *Request) Value(name string) string {
	s, _ := q.Values[name].(string)
	return s
}

// CheckRequest reads r as a call of op, which is nil where the path is not in the document, and finds what
// the document does not allow. The body is r's, of which at most one byte more than the limit is needed; r.Body is
// not read.
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
			return q // what it is about comes next
		}
	}
	if op == nil {
		d.checkListed(q, calls, query, r, media, body, form)
		fields := form
		if int64(len(body)) <= limit && (media != mediaForm || bytes.HasPrefix(body, []byte("{"))) { // curl -d says of any body that it is a form
			var ok bool
			if fields, ok = parseFlat(body); !ok {
				fields, _ = parseObject(body) // what is no JSON has no parameters
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
			for _, set := range op.Security { // whose call it is can be told all the same
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

// CutOff says that the body could not be read to its end: what was made of it does not count.
func (q *Request) CutOff() {
	q.Violations = slices.DeleteFunc(q.Violations, func(v Violation) bool {
		return v.Kind == KindBody || strings.HasPrefix(v.Pointer, "/body")
	})
	q.add(KindBody, "/body", "a body that breaks off", "as many bytes as its headers announce", "body")
	q.sort()
}

// sort orders the violations as the checks of the platform are ordered.
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

// addMethod notes that the call is made by another method; answered says that it is answered all the same.
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

// give adds the fields whose names may be shown, up to maxNoted: first those of a body, then those of a query. Of a
// repeated name the first counts, of a key of JSON the last.
func give(to map[string]any, list []field) {
	for _, f := range list {
		_, there := to[f.name]
		if there && f.json || !there && len(to) < maxNoted && redact.IsName(f.name) {
			to[f.name] = f.value
		}
	}
}

// keepOthers notes the fields that are no parameters of the operation. Most calls have none.
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

// readBody returns the fields of the body as they stand there, or notes why it has none.
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

// missCredential notes what is missing of the first set that has its first credential, else the first of all.
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

// many reports whether the parameter may be given more than once, each time with one value.
func (p Parameter) many() bool { return p.In == "query" && p.schema.Type.Is("array") }

func (op *Operation) repeats(name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p Parameter) bool { return p.Name == name && p.many() })
}

// all returns the values of a parameter that is given more than once.
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

// note returns the fields without those that do not count, and notes which are repeated or not declared: each name
// once, and no more than maxNoted of them.
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
		if f.json { // the last counts, else the first
			at.fields[i].value = f.value
		}
	}
	return at.fields
}

// secures reports whether that is the name of one of the operation's credentials.
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

// variables returns the values of the path's parameters, and whether the path is one of the operation's.
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

// find returns the value of a credential and whether it was given at all.
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

// unquoted is a value with the numbers and booleans in it that were given as strings. What its schema has otherwise, or what cannot be read, stays.
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

// typed reads the text of a path or query parameter as its schema's type; what cannot be read stays text.
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

// mediaType returns the type of the body, in lower case and without parameters. Without a Content-Type it is
// JSON if the body begins so and a form otherwise; "" if there is no body either.
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
		return text // parameters of no type are a type that nothing allows
	}
	return media
}

// short shortens text from outside to what may stand in a line: at most 64 characters, each of them printable.
func short(text string) string { return printed(text, 64) }

// shortPath shortens a path to what may stand in a line.
func shortPath(path string) string { return printed(path, 256) }

// printed returns a text as it may be shown, of most characters at most; an ellipsis says that there is more.
func printed(text string, most int) string {
	whole, n := true, 0
	for i := range text {
		if n++; n > most {
			text, whole = text[:i], false
			break
		}
	}
	shown := []rune(printable.Line(text)) // what is not printable takes more room than it did
	if len(shown) > most {
		shown, whole = shown[:most], false
	}
	if whole {
		return string(shown)
	}
	return string(shown) + "…"
}
