// Package dingmock holds openapi.yaml, the one document that says how the DingTalk (钉钉) open platform
// answers the calls that this module stands in for, and checks HTTP exchanges against it.
//
// It is neither a server nor a client: package mockserver is the fake, package client calls the platform, and
// package contract holds any server or client to this document. Start with [Load].
package dingmock

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-openapi/jsonpointer"
)

//go:embed openapi.yaml
var source []byte

// Source returns a copy of openapi.yaml.
func Source() []byte { return bytes.Clone(source) }

// Document is an OpenAPI 3.0 document in the form that the checks need. Any number of goroutines may use one.
type Document struct {
	Title, Version string

	operations []*Operation
	families   []*Family // longest prefix first
	errors     map[string]*ErrorReply
	suggested  suggestions
}

// Operation is one call of the document.
type Operation struct {
	ID          string // the operationId: its name everywhere
	Method      string
	Path        string // may hold {parameters}
	Summary     string
	Provenance  string   // documented, observed, article or decided
	Source      string   // where it is known from
	AlsoAnswers []string // methods outside the document that are answered all the same, and noted
	Undeclared  Level    // of parameters that are not declared
	Family      *Family  // the dialect of its path; nil in a document without families
	Security    []Requirement
	Parameters  []Parameter // in the order of checks: required ones as listed, then the others by name
	BodyTypes   []string    // the media types that a body may have, sorted; none: a body is ignored
	NeedsBody   bool        // whether an empty body is refused
	MaxBody     int64       // the size of the largest body that is read, in bytes
	Bearer      bool        // whether a bearer token may be asked for
	Replies     []*Reply    // by status

	extras bool // whether a body may have fields that are not declared
}

// Parameter is one declared input of an operation: of its path, its query, its headers, or a field of its body.
type Parameter struct {
	Name     string
	In       string // path, query, header or body
	Required bool

	schema *openapi3.Schema
}

// Limits returns the least and the greatest number of characters; most is -1 where there is no limit.
func (p Parameter) Limits() (least, most int) {
	most = -1
	if p.schema.MaxLength != nil {
		most = int(*p.schema.MaxLength)
	}
	return int(p.schema.MinLength), most
}

// allows reports that the value is what the schema allows, in the simple cases that are most; false: it may be.
func (p Parameter) allows(value any) bool {
	text, ok := value.(string)
	s := p.schema
	if !ok || !s.Type.Is("string") || s.Pattern != "" || s.Format != "" || s.Enum != nil || s.Not != nil || s.AllOf != nil || s.AnyOf != nil || s.OneOf != nil {
		return false
	}
	n := uint64(utf8.RuneCountInString(text))
	return n >= s.MinLength && (s.MaxLength == nil || n <= *s.MaxLength)
}

// Nullable reports whether the value may be null.
func (p Parameter) Nullable() bool { return p.schema.Nullable }

// Candidates returns what could have stood at a JSON pointer of a request, as a Violation has it: the texts that the value
// there may be, or, where nothing of that name is declared, the names that are. There may be none.
func (op *Operation) Candidates(pointer string) []string {
	place, rest, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	here := &openapi3.Schema{Properties: openapi3.Schemas{}}
	for _, p := range op.Parameters {
		if p.In == place {
			here.Properties[p.Name] = p.schema.NewRef()
		}
	}
	for name := range strings.SplitSeq(rest, "/") {
		name = jsonpointer.Unescape(name)
		switch {
		case here.Items != nil:
			here = here.Items.Value
		case here.Properties[name] != nil:
			here = here.Properties[name].Value
		default:
			return slices.Sorted(maps.Keys(here.Properties))
		}
	}
	var texts []string
	for _, v := range here.Enum {
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Requirement is one set of credentials that is enough for an operation.
type Requirement []Credential

// Credential is one parameter that carries a key, a secret or a token.
type Credential struct {
	Name      string // of the parameter or header
	In        string // query or header
	FormField bool   // whether a form body may carry it as well
}

// Reply is one answer of an operation: all that share an HTTP status.
type Reply struct {
	Status      int      // 0: any that no other reply has
	ContentType string   // exact, to the letter
	Errors      []string // the names of the errors it can be
	Examples    map[string]json.RawMessage

	errors []*ErrorReply
	schema *openapi3.Schema
}

// Family is the dialect of all paths with one prefix.
type Family struct {
	Name        string
	Prefix      string            // N stands for digits, one or more
	Hosts       []string          // of the platform, for its paths; none: any
	APIName     string            // what begins the dotted name of an API in errors; "" where errors say the path
	ContentType string            // of every answer
	Headers     map[string]string // of every answer; where it has Access-Control-Allow-Methods, a preflight is answered
	RequestID   string            // the shape of the id in every answer: short, uuid, or "" for none
	Token       Credential
	Answers     map[string]string // what is wrong with a request → the name of the error that says so
	Faults      map[string]string // injected fault → the name of the error

	unknown *Reply
}

// API returns the name that errors of the family call a path by.
func (f *Family) API(path string) string {
	if f.APIName == "" {
		return path
	}
	return f.APIName + strings.ReplaceAll(strings.TrimPrefix(path, f.Prefix), "/", ".")
}

// ErrorReply is one error answer of the platform, as x-errors has it.
type ErrorReply struct {
	Name       string `json:"-"`
	Errcode    int    `json:"errcode,omitempty"`  // in the errcode dialects
	SubCode    string `json:"sub_code,omitempty"` // under errcode 88
	Errmsg     string `json:"errmsg,omitempty"`   // wraps Text, which is then sub_msg; "": Text is errmsg
	Status     int    `json:"status,omitempty"`   // the HTTP status; 200 in the errcode dialects
	Code       string `json:"code,omitempty"`     // in the dialect of /v1.0/
	Text       string `json:"zh"`                 // the official text, with {holes}
	English    string `json:"en"`                 // what it says
	When       string `json:"when"`               // what leads to it
	Provenance string `json:"x-provenance"`       // documented, observed, article or decided
	Source     string `json:"source,omitempty"`   // where it is known from
}

var load = sync.OnceValues(func() (*Document, error) { return Parse(source) })

// Load reads the embedded openapi.yaml. All callers share one Document.
func Load() (*Document, error) { return load() }

// Parse reads an OpenAPI 3.0 document in YAML or JSON. The error names what is not valid in it.
func Parse(data []byte) (*Document, error) {
	t, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if err := t.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	d := &Document{Title: t.Info.Title, Version: t.Info.Version}
	if err := d.readErrors(t); err != nil {
		return nil, err
	}
	if err := d.readFamilies(t); err != nil {
		return nil, err
	}
	for _, path := range slices.Sorted(maps.Keys(t.Paths.Map())) {
		methods := t.Paths.Value(path).Operations()
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			op, err := d.readOperation(t, method, path, methods[method])
			if err != nil {
				return nil, fmt.Errorf("document: %s %s: %w", method, path, err)
			}
			d.operations = append(d.operations, op)
		}
	}
	return d, nil
}

// Operations returns the calls of the document, sorted by path and method.
func (d *Document) Operations() []*Operation { return slices.Clone(d.operations) }

// Find returns the operations of a path, which may be none: more than one differ in method. Of paths with {parameters}
// that fit, those with the fewest are meant: a literal goes before them all.
func (d *Document) Find(path string) []*Operation {
	var found []*Operation
	fewest := 0
	for _, op := range d.operations {
		if _, ok := op.variables(path); !ok {
			continue
		}
		n := strings.Count(op.Path, "{")
		if found == nil || n < fewest {
			found, fewest = nil, n
		}
		if n == fewest {
			found = append(found, op)
		}
	}
	return found
}

// Family returns the dialect of a path: that of its longest prefix, for a path with none that of the shortest.
// It is nil in a document without families.
func (d *Document) Family(path string) *Family {
	for i, f := range d.families {
		if f.has(path) || i == len(d.families)-1 {
			return f
		}
	}
	return nil
}

// Root returns a beginning that paths of the family have: the prefix with a number for each N, such as /v1.0/.
func (f *Family) Root() string {
	return strings.ReplaceAll(strings.Replace(f.Prefix, "N", "1", 1), "N", "0")
}

// has reports whether a path begins with the prefix, each N of which stands for digits.
func (f *Family) has(path string) bool {
	for i := range len(f.Prefix) {
		if f.Prefix[i] != 'N' {
			if path == "" || path[0] != f.Prefix[i] {
				return false
			}
			path = path[1:]
			continue
		}
		rest := strings.TrimLeft(path, "0123456789")
		if len(rest) == len(path) {
			return false
		}
		path = rest
	}
	return true
}

// Families returns the dialects of the document, longest prefix first.
func (d *Document) Families() []*Family { return slices.Clone(d.families) }

// ErrorReply returns the error of that name in x-errors, or nil.
func (d *Document) ErrorReply(name string) *ErrorReply { return d.errors[name] }

// ErrorReplies returns the errors of the document, sorted by name.
func (d *Document) ErrorReplies() []*ErrorReply {
	list := make([]*ErrorReply, 0, len(d.errors))
	for _, name := range slices.Sorted(maps.Keys(d.errors)) {
		list = append(list, d.errors[name])
	}
	return list
}

func (d *Document) readErrors(t *openapi3.T) error {
	if err := extension(t.Extensions, "x-errors", &d.errors); err != nil {
		return err
	}
	for name, e := range d.errors {
		e.Name = name
		if e.Status == 0 {
			e.Status = 200
		}
		if (e.Errcode == 0) == (e.Code == "") {
			return fmt.Errorf("document: x-errors: %s: has to have either errcode or code", name)
		}
		if e.Text == "" || e.English == "" || e.When == "" {
			return fmt.Errorf("document: x-errors: %s: has to have zh, en and when", name)
		}
	}
	return nil
}

func (d *Document) readFamilies(t *openapi3.T) error {
	var list map[string]struct {
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
	}
	if err := extension(t.Extensions, "x-families", &list); err != nil {
		return err
	}
	for name, x := range list {
		f := &Family{
			Name: name, Prefix: x.Prefix, Hosts: x.Hosts, APIName: x.APIName, ContentType: x.ContentType, Headers: x.Headers,
			RequestID: x.RequestID, Answers: x.Answers, Faults: x.Faults,
		}
		var err error
		if f.Token, err = readCredential(t, x.Token); err != nil {
			return fmt.Errorf("document: x-families: %s: %w", name, err)
		}
		ref := t.Components.Responses[x.Unknown]
		if ref == nil {
			return fmt.Errorf("document: x-families: %s: there is no response %q", name, x.Unknown)
		}
		status, _ := ref.Value.Extensions["x-http-status"].(float64)
		if f.unknown, err = d.readReply(strconv.Itoa(int(status)), ref.Value); err != nil {
			return fmt.Errorf("document: x-families: %s: %w", name, err)
		}
		for _, names := range []map[string]string{f.Answers, f.Faults} {
			for what, e := range names {
				if d.errors[e] == nil {
					return fmt.Errorf("document: x-families: %s: %s: there is no error %q", name, what, e)
				}
			}
		}
		d.families = append(d.families, f)
	}
	slices.SortFunc(d.families, func(a, b *Family) int { return len(b.Prefix) - len(a.Prefix) })
	return nil
}

func (d *Document) readOperation(t *openapi3.T, method, path string, x *openapi3.Operation) (*Operation, error) {
	if x.OperationID == "" {
		return nil, errors.New("has no operationId")
	}
	op := &Operation{ID: x.OperationID, Method: method, Path: path, Summary: x.Summary, Family: d.Family(path)}
	op.Provenance, _ = x.Extensions["x-provenance"].(string)
	op.Source, _ = x.Extensions["x-source"].(string)
	if err := extension(x.Extensions, "x-also-answers", &op.AlsoAnswers); err != nil {
		return nil, err
	}
	op.Undeclared = Note
	if err := extension(x.Extensions, "x-undeclared", &op.Undeclared); err != nil {
		return nil, err
	}
	op.MaxBody = MaxBody
	if err := extension(x.Extensions, "x-max-body", &op.MaxBody); err != nil {
		return nil, err
	}
	security := t.Security
	if x.Security != nil {
		security = *x.Security
	}
	for _, names := range security {
		var r Requirement
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if scheme := t.Components.SecuritySchemes[name]; scheme != nil && scheme.Value.Type == "http" {
				op.Bearer = true
				continue
			}
			c, err := readCredential(t, name)
			if err != nil {
				return nil, err
			}
			r = append(r, c)
		}
		if r != nil {
			op.Security = append(op.Security, r)
		}
	}
	for _, ref := range slices.Concat(t.Paths.Value(path).Parameters, x.Parameters) {
		p := ref.Value
		op.Parameters = append(op.Parameters, Parameter{Name: p.Name, In: p.In, Required: p.Required, schema: p.Schema.Value})
	}
	if x.RequestBody != nil {
		body := x.RequestBody.Value
		op.NeedsBody = body.Required
		op.BodyTypes = slices.Sorted(maps.Keys(body.Content))
		schema := body.Content[op.BodyTypes[0]].Schema.Value
		for _, m := range body.Content {
			if m.Schema.Value != schema {
				return nil, errors.New("its request bodies have to share one schema")
			}
		}
		op.extras = schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has
		for _, name := range schema.Required {
			op.Parameters = append(op.Parameters, Parameter{Name: name, In: "body", Required: true, schema: schema.Properties[name].Value})
		}
		for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
			if !slices.Contains(schema.Required, name) {
				op.Parameters = append(op.Parameters, Parameter{Name: name, In: "body", schema: schema.Properties[name].Value})
			}
		}
	}
	for _, status := range slices.Sorted(maps.Keys(x.Responses.Map())) {
		reply, err := d.readReply(status, x.Responses.Value(status).Value)
		if err != nil {
			return nil, err
		}
		op.Replies = append(op.Replies, reply)
	}
	return op, nil
}

func (d *Document) readReply(status string, x *openapi3.Response) (*Reply, error) {
	code, err := strconv.Atoi(status)
	if status == "default" {
		code, err = 0, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reply %q: a reply has to have one HTTP status", status)
	}
	r := &Reply{Status: code, Examples: map[string]json.RawMessage{}}
	if err := extension(x.Extensions, "x-errors", &r.Errors); err != nil {
		return nil, err
	}
	for _, name := range r.Errors {
		if d.errors[name] == nil {
			return nil, fmt.Errorf("reply %s: there is no error %q in x-errors", status, name)
		}
		r.errors = append(r.errors, d.errors[name])
	}
	if len(x.Content) > 1 {
		return nil, fmt.Errorf("reply %s: has %d content types, one at most is allowed", status, len(x.Content))
	}
	for mediaType, m := range x.Content {
		r.ContentType, r.schema = mediaType, m.Schema.Value
		for name, ref := range m.Examples {
			if r.Examples[name], err = json.Marshal(ref.Value.Value); err != nil {
				return nil, fmt.Errorf("reply %s: example %s: %w", status, name, err)
			}
		}
	}
	return r, nil
}

func readCredential(t *openapi3.T, name string) (Credential, error) {
	ref := t.Components.SecuritySchemes[name]
	if ref == nil || ref.Value.Type != "apiKey" {
		return Credential{}, fmt.Errorf("there is no apiKey scheme %q in components/securitySchemes", name)
	}
	form, _ := ref.Value.Extensions["x-form-field"].(bool)
	return Credential{Name: ref.Value.Name, In: ref.Value.In, FormField: form}, nil
}

// extension decodes an x- field into what out points to, which stays as it is where there is none.
func extension(from map[string]any, name string, out any) error {
	value, ok := from[name]
	if !ok {
		return nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("document: %s: %w", name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("document: %s: %w", name, err)
	}
	return nil
}
