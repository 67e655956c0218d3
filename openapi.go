// Package dingmock holds openapi.yaml, the one document that says how the DingTalk (钉钉) open platform
// answers the calls that this module stands in for, and checks HTTP exchanges against it.
//
// It is neither a server nor a client: package mockserver is the fake, package client calls the platform, and
// package contract holds any server or client to this document. Start with [Load].
package dingmock

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
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

// Document is an OpenAPI 3.0 document in the form that the checks need. Any number of goroutines may use one. The operations,
// families and errors that it returns are its own, and so are their slices and maps: all that use the Document share them, and
// nobody may change them. A slice that a method of Document returns is a copy.
type Document struct {
	Title, Version string

	operations []*Operation // by path and method
	byID       map[string]*Operation
	literal    map[string][]*Operation // by path, where it has no {parameters}
	variables  []*Operation            // the others
	families   []*Family               // longest prefix first
	errors     map[string]*ErrorReply
	orders     map[*openapi3.Schema]keyOrder
	suggested  suggestions
}

// Operation is one call of the document. It is shared and must not be changed, nor what is in it.
type Operation struct {
	ID          string // the operationId: its name everywhere
	Method      string
	Path        string // may hold {parameters}
	Summary     string
	Provenance  string   // documented, observed, article or decided
	Source      string   // where it is known from
	Scope       string   // the permission that an app needs for it; "" where none is known
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

	schema  *openapi3.Schema
	lenient bool // whether a number or a boolean may be given as a string
}

// Limits returns the least and the greatest number of characters; most is -1 where there is no limit.
func (p Parameter) Limits() (least, most int) {
	most = -1
	if p.schema == nil {
		return 0, most
	}
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
func (p Parameter) Nullable() bool { return p.schema != nil && p.schema.Nullable }

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
	Kind      CredentialKind
}

// CredentialKind is what a credential is, whichever parameter or header carries it.
type CredentialKind string

// The kinds of credentials that the platform gives out, as x-credential has them. A key or a secret has none.
const (
	AppToken       CredentialKind = "app-token"
	UserToken      CredentialKind = "user-token"
	LoginCode      CredentialKind = "login-code"
	RobotToken     CredentialKind = "robot-token"
	SessionWebhook CredentialKind = "session-webhook"
	StreamTicket   CredentialKind = "stream-ticket"
)

// Reply is one answer of an operation: all that share an HTTP status. It is shared and must not be changed.
type Reply struct {
	Status      int      // 0: any that no other reply has
	ContentType string   // exact, to the letter
	Errors      []string // the names of the errors it can be
	Examples    map[string]json.RawMessage

	errors []*ErrorReply
	schema *openapi3.Schema
	wire   wire
}

// Family is the dialect of all paths with one prefix. It is shared and must not be changed, nor what is in it.
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
	lenient bool // the default of its parameters
	wire    wire
}

// API returns the name that errors of the family call a path by.
func (f *Family) API(path string) string {
	if f.APIName == "" {
		return path
	}
	return f.APIName + strings.ReplaceAll(strings.TrimPrefix(path, f.Prefix), "/", ".")
}

// ErrorReply is one error answer of the platform, as x-errors has it. One of a Document is shared and must not be changed.
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

	// Order is the body's keys as they are sent, where the order of the schema and the family does not hold.
	Order []string `json:"order,omitempty"`
	// Extra is what the body says beside code and text: values by key, whose strings may have {holes} too.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`

	compiled *templates // nil for one that is of no Document
}

var load = sync.OnceValues(func() (*Document, error) { return Parse(source) })

// Load reads the embedded openapi.yaml. All callers share one Document.
func Load() (*Document, error) { return load() }

// Operations returns the calls of the document, sorted by path and method.
func (d *Document) Operations() []*Operation { return slices.Clone(d.operations) }

// Operation returns the call of that id, nil where there is none.
func (d *Document) Operation(id string) *Operation { return d.byID[id] }

// Match returns the operation that a request with that method and path is a call of: of those of its path the one of its
// method, GET for HEAD, else the first. It is nil where the document does not have the path. Of paths with {parameters}
// that fit, those with the fewest are meant: a literal goes before them all.
func (d *Document) Match(method, path string) *Operation {
	list := d.literal[path]
	if list == nil {
		list = d.variable(path)
	}
	for _, want := range []string{method, http.MethodGet} {
		for _, op := range list {
			if op.Method == want {
				return op
			}
		}
		if method != http.MethodHead {
			break
		}
	}
	if list == nil {
		return nil
	}
	return list[0]
}

// variable returns the operations of paths with {parameters} that a path may be.
func (d *Document) variable(path string) []*Operation {
	var found []*Operation
	fewest := 0
	for _, op := range d.variables {
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
