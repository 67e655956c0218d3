package dingmock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Parse reads an OpenAPI 3.0 document in YAML or JSON. The error names the part that is not valid, or cannot be checked.
func Parse(data []byte) (*Document, error) {
	t, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if err := t.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if t.Components == nil {
		t.Components = &openapi3.Components{}
	}
	d := &Document{Title: t.Info.Title, Version: t.Info.Version, byID: map[string]*Operation{}, literal: map[string][]*Operation{}, orders: map[*openapi3.Schema]keyOrder{}}
	if err := d.read(t); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	return d, nil
}

func (d *Document) read(t *openapi3.T) error {
	if err := d.readErrors(t); err != nil {
		return err
	}
	if err := d.readFamilies(t); err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(t.Paths.Map())) {
		item := t.Paths.Value(path)
		if err := checkPath(path, item); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		methods := item.Operations()
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			op, err := d.readOperation(t, method, path, methods[method])
			if err != nil {
				return fmt.Errorf("%s %s: %w", method, path, err)
			}
			d.add(op)
		}
	}
	return nil
}

func (d *Document) add(op *Operation) {
	d.operations = append(d.operations, op)
	d.byID[op.ID] = op
	if strings.Contains(op.Path, "{") {
		d.variables = append(d.variables, op)
	} else {
		d.literal[op.Path] = append(d.literal[op.Path], op)
	}
}

// checkPath refuses a path that no request could match.
func checkPath(path string, item *openapi3.PathItem) error {
	if item == nil {
		return errors.New("has no operations")
	}
	for part := range strings.SplitSeq(path, "/") {
		name, variable := strings.CutPrefix(part, "{")
		name, whole := strings.CutSuffix(name, "}")
		if variable != whole || strings.ContainsAny(name, "{}") {
			return fmt.Errorf("has %q between slashes: a {parameter} has to stand there alone", part)
		}
	}
	return nil
}

func (d *Document) readErrors(t *openapi3.T) error {
	if err := extension(t.Extensions, "x-errors", &d.errors); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(d.errors)) {
		e := d.errors[name]
		if e == nil {
			return fmt.Errorf("x-errors: %s: is empty", name)
		}
		e.Name = name
		if e.Status == 0 {
			e.Status = http.StatusOK
		}
		if err := e.check(); err != nil {
			return fmt.Errorf("x-errors: %s: %w", name, err)
		}
		e.compiled = e.compile()
	}
	return nil
}

func (e *ErrorReply) check() error {
	switch {
	case (e.Errcode == 0) == (e.Code == ""):
		return errors.New("has to have either errcode or code")
	case e.Text == "" || e.English == "" || e.When == "":
		return errors.New("has to have zh, en and when")
	case e.Code != "" && (e.SubCode != "" || e.Errmsg != ""):
		return errors.New("has a code, and so no sub_code and no errmsg")
	case e.SubCode != "" && e.Errmsg == "":
		return errors.New("has a sub_code, and so has to have the errmsg that wraps it")
	case !isStatus(e.Status):
		return fmt.Errorf("status %d: has to be an HTTP status, 200 to 599", e.Status)
	}
	if err := e.checkKeys(); err != nil {
		return err
	}
	return checkProvenance(e.Provenance)
}

// checkKeys refuses extra keys that the error has anyway, and an order that leaves out a key, repeats one or lists one that the
// error does not have.
func (e *ErrorReply) checkKeys() error {
	own := []string{"errcode", "sub_code", "sub_msg", "errmsg", "code", "message", "request_id", "requestid"}
	for _, key := range slices.Sorted(maps.Keys(e.Extra)) {
		if slices.Contains(own, key) {
			return fmt.Errorf("extra: %q is a key that errors have anyway", key)
		}
	}
	if e.Order == nil {
		return nil
	}
	body := e.Body()
	for i, key := range e.Order {
		_, has := body[key]
		switch {
		case slices.Contains(e.Order[:i], key):
			return fmt.Errorf("order: lists %q twice", key)
		case !has && key != "request_id" && key != "requestid":
			return fmt.Errorf("order: lists %q, which the error does not have", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(body)) {
		if !slices.Contains(e.Order, key) {
			return fmt.Errorf("order: leaves out %q", key)
		}
	}
	return nil
}

// isStatus reports whether an answer may have that HTTP status.
func isStatus(code int) bool { return code >= 200 && code <= 599 }

func checkProvenance(text string) error {
	return oneOf("x-provenance", text, "", "documented", "observed", "article", "decided")
}

// oneOf returns an error if the value of a field is not one of those allowed.
func oneOf(field, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	allowed = slices.DeleteFunc(allowed, func(s string) bool { return s == "" })
	return fmt.Errorf("%s: is %q, has to be one of %s", field, value, strings.Join(allowed, ", "))
}

// family is a dialect as x-families has it.
type family struct {
	Prefix      string            `json:"prefix"`
	Hosts       []string          `json:"hosts"`
	Headers     map[string]string `json:"headers"`
	APIName     string            `json:"api_name"`
	ContentType string            `json:"content_type"`
	RequestID   string            `json:"request_id"`
	Token       string            `json:"token"`
	Unknown     string            `json:"unknown_path_reply"`
	Answers     map[string]string `json:"answers"`
	Faults      map[string]string `json:"faults"`
	Order       json.RawMessage   `json:"x-key-order"`
	Lenient     bool              `json:"x-lenient"`
	EscapeSlash bool              `json:"x-escape-slash"`
}

// answers lists the faults of a request for which a family names an error. There may also be method- with a method in lower case.
var answers = []string{
	"unknown-path", "method", "token-blank", "token-bad", "content-type", "body", "body-missing", "body-too-large", "missing-parameter", "invalid-parameter",
}

func (d *Document) readFamilies(t *openapi3.T) error {
	var list map[string]*family
	if err := extension(t.Extensions, "x-families", &list); err != nil {
		return err
	}
	byPrefix := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		x := list[name]
		if x == nil {
			return fmt.Errorf("x-families: %s: is empty", name)
		}
		if other, taken := byPrefix[x.Prefix]; taken {
			return fmt.Errorf("x-families: %s: has the prefix %q of %s", name, x.Prefix, other)
		}
		byPrefix[x.Prefix] = name
		f, err := d.readFamily(t, name, x)
		if err != nil {
			return fmt.Errorf("x-families: %s: %w", name, err)
		}
		d.families = append(d.families, f)
	}
	slices.SortStableFunc(d.families, func(a, b *Family) int { return len(b.Prefix) - len(a.Prefix) })
	return nil
}

func (d *Document) readFamily(t *openapi3.T, name string, x *family) (*Family, error) {
	f := &Family{
		Name: name, Prefix: x.Prefix, Hosts: x.Hosts, APIName: x.APIName, ContentType: x.ContentType, Headers: x.Headers,
		RequestID: x.RequestID, Answers: x.Answers, Faults: x.Faults,
		lenient: x.Lenient, wire: wire{escaped: x.EscapeSlash, own: d.orders},
	}
	if !strings.HasPrefix(x.Prefix, "/") {
		return nil, fmt.Errorf("prefix: is %q, has to begin with /", x.Prefix)
	}
	if err := oneOf("request_id", x.RequestID, "", "short", "uuid"); err != nil {
		return nil, err
	}
	if x.Order != nil {
		if err := json.Unmarshal(x.Order, &f.wire.order); err != nil {
			return nil, fmt.Errorf("x-key-order: %w", err)
		}
	}
	var err error
	if f.Token, err = readCredential(t, x.Token); err != nil {
		return nil, err
	}
	ref := t.Components.Responses[x.Unknown]
	if ref == nil || ref.Value == nil {
		return nil, fmt.Errorf("there is no response %q", x.Unknown)
	}
	var status int
	if err := extension(ref.Value.Extensions, "x-http-status", &status); err != nil {
		return nil, fmt.Errorf("response %s: %w", x.Unknown, err)
	}
	if !isStatus(status) {
		return nil, fmt.Errorf("response %s: x-http-status: is %d, has to be an HTTP status, 200 to 599", x.Unknown, status)
	}
	if f.unknown, err = d.readReply(strconv.Itoa(status), ref.Value); err != nil {
		return nil, err
	}
	f.unknown.wire = f.wire
	for _, what := range slices.Sorted(maps.Keys(f.Answers)) {
		if !strings.HasPrefix(what, "method-") {
			if err := oneOf("answers", what, answers...); err != nil {
				return nil, err
			}
		}
	}
	for _, names := range []map[string]string{f.Answers, f.Faults} {
		for _, what := range slices.Sorted(maps.Keys(names)) {
			if d.errors[names[what]] == nil {
				return nil, fmt.Errorf("%s: there is no error %q", what, names[what])
			}
		}
	}
	return f, nil
}

func readCredential(t *openapi3.T, name string) (Credential, error) {
	ref := t.Components.SecuritySchemes[name]
	if ref == nil || ref.Value == nil || ref.Value.Type != "apiKey" {
		return Credential{}, fmt.Errorf("there is no apiKey scheme %q in components/securitySchemes", name)
	}
	c := Credential{Name: ref.Value.Name, In: ref.Value.In}
	if err := oneOf("security scheme "+name+": in", c.In, openapi3.ParameterInQuery, openapi3.ParameterInHeader); err != nil {
		return c, err
	}
	if err := extension(ref.Value.Extensions, "x-credential", &c.Kind); err != nil {
		return c, fmt.Errorf("security scheme %s: %w", name, err)
	}
	kinds := []string{"", string(AppToken), string(UserToken), string(LoginCode), string(RobotToken), string(SessionWebhook), string(StreamTicket)}
	if err := oneOf("security scheme "+name+": x-credential", string(c.Kind), kinds...); err != nil {
		return c, err
	}
	return c, extension(ref.Value.Extensions, "x-form-field", &c.FormField)
}

// checkSchema refuses a schema that values cannot be checked against. at says where it is in the document.
func (d *Document) checkSchema(ref *openapi3.SchemaRef, at string) error {
	w := schemas{orders: d.orders, todo: []located{{ref, at}}, open: map[*openapi3.Schema]bool{}}
	for len(w.todo) > 0 {
		next := w.todo[0]
		w.todo = w.todo[1:]
		if err := w.visit(next.SchemaRef, next.at); err != nil {
			return err
		}
	}
	return nil
}

type located struct {
	*openapi3.SchemaRef
	at string
}

// schemas holds the schemas that are reached from one.
type schemas struct {
	orders map[*openapi3.Schema]keyOrder // the x-key-order of the schemas that have one
	todo   []located                     // the schemas of inner values, still to be visited
	open   map[*openapi3.Schema]bool     // the schemas visited; true while the visit has not ended
}

// visit checks a schema and the schemas that it is composed of. It leaves those of inner values for later, since they may lead
// back to it.
func (w *schemas) visit(ref *openapi3.SchemaRef, at string) error {
	if ref == nil || ref.Value == nil {
		return fmt.Errorf("%s: has no schema", at)
	}
	s := ref.Value
	switch open, visited := w.open[s]; {
	case open:
		return fmt.Errorf("%s: is made of itself", at)
	case visited:
		return nil
	}
	w.open[s] = true
	var expected string
	if err := extension(s.Extensions, "x-expected", &expected); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if _, ok := s.Extensions["x-key-order"]; ok {
		var order keyOrder
		if err := extension(s.Extensions, "x-key-order", &order); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		w.orders[s] = order
	}
	if closed := s.AdditionalProperties.Has; closed != nil && !*closed {
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				return fmt.Errorf("%s: required names %q, which is none of its properties", at, name)
			}
		}
	}
	parts := slices.Concat(s.AllOf, s.AnyOf, s.OneOf)
	if s.Not != nil {
		parts = append(parts, s.Not)
	}
	for _, part := range parts {
		if err := w.visit(part, at); err != nil {
			return err
		}
	}
	w.open[s] = false
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		w.todo = append(w.todo, located{s.Properties[name], at + "/" + name})
	}
	if s.AdditionalProperties.Schema != nil {
		w.todo = append(w.todo, located{s.AdditionalProperties.Schema, at + "/*"})
	}
	if s.Items != nil {
		w.todo = append(w.todo, located{s.Items, at + "/items"})
	}
	return nil
}

// extension decodes an x- field into what out points to. It leaves that as it is if there is no such field.
func extension(from map[string]any, name string, out any) error {
	value, ok := from[name]
	if !ok {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
