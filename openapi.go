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

// Document is an OpenAPI 3.0 document in the form that the checks need. It is safe for concurrent use. Every user of a Document
// shares the operations, families and errors that it returns, with their slices and maps, and must not change them.
// A slice that a method of Document returns is a copy.
type Document struct {
	Title, Version string

	operations []*Operation // by path and method
	byID       map[string]*Operation
	literal    map[string][]*Operation // by path: operations whose paths have no {parameters}
	variables  []*Operation            // the others
	families   []*Family               // longest prefix first
	errors     map[string]*ErrorReply
	orders     map[*openapi3.Schema]keyOrder
	suggested  suggestions
}

// Operation is one call of the document. It is shared: do not change it or anything in it.
type Operation struct {
	ID          string // the operationId: its name everywhere
	Method      string
	Path        string // may hold {parameters}
	Summary     string
	Provenance  string   // documented, observed, article or decided
	Source      string   // where this is known from
	Scope       string   // the permission that an app needs to call it; "" if none is known
	AlsoAnswers []string // methods that the document does not have, but that are answered and noted
	Undeclared  Level    // the level of undeclared parameters
	Family      *Family  // the dialect of its path; nil in a document without families
	Security    []Requirement
	Parameters  []Parameter // in the order of checks: required ones as listed, then the others by name
	BodyTypes   []string    // the media types that a body may have, sorted; if empty, a body is ignored
	NeedsBody   bool        // whether an empty body is refused
	MaxBody     int64       // the size of the largest body that is read, in bytes
	Bearer      bool        // whether it may require a bearer token
	Replies     []*Reply    // by status

	extras bool // whether a body may have fields that are not declared
}

// MethodError is the name of the error that answers a method that the operation does not answer.
func (op *Operation) MethodError() string {
	if name := op.Family.Answers["method-"+strings.ToLower(op.Method)]; name != "" {
		return name
	}
	return op.Family.Answers["method"]
}

// Parameter is one declared input of an operation: a variable of its path, a query parameter, a header or a field of its body.
type Parameter struct {
	Name     string
	In       string // path, query, header or body
	Required bool

	schema  *openapi3.Schema
	lenient bool // whether a number or a boolean may be given as a string
}

// Type returns the type of the value as JSON Schema names it, such as string or integer; "" if it may be of several.
func (p Parameter) Type() string {
	if p.schema == nil || p.schema.Type == nil || len(*p.schema.Type) != 1 {
		return ""
	}
	return (*p.schema.Type)[0]
}

// Limits returns the least and the greatest number of characters that the value may have; most is -1 if there is no limit.
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

// allows is a fast path for the common simple cases: true means that the schema allows the value; false means "unknown, run the
// full check", not "invalid".
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

// Candidates returns what a request could have had at a JSON pointer, as found in Violation.Pointer: the texts that the value
// may be, or the declared names if the pointer's own name is not declared. The result may be empty.
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

// CredentialKind is the kind of a credential, whichever parameter or header carries it.
type CredentialKind string

// The kinds of credentials that the platform issues, as x-credential names them. A key or a secret has no kind.
const (
	AppToken       CredentialKind = "app-token"
	UserToken      CredentialKind = "user-token"
	LoginCode      CredentialKind = "login-code"
	RobotToken     CredentialKind = "robot-token"
	SessionWebhook CredentialKind = "session-webhook"
	StreamTicket   CredentialKind = "stream-ticket"
)

// Reply describes the answers of an operation that have the same HTTP status. It is shared: do not change it.
type Reply struct {
	Status      int      // 0: any status that no other reply has
	ContentType string   // compared character by character
	Errors      []string // the names of the errors it can be
	Examples    map[string]json.RawMessage

	errors []*ErrorReply
	schema *openapi3.Schema
	wire   wire
}

// Family is the dialect of all paths with one prefix. It is shared: do not change it or anything in it.
type Family struct {
	Name        string
	Prefix      string            // N stands for one or more digits
	Hosts       []string          // the hosts of the platform that have its paths; if empty, any host
	APIName     string            // the start of the dotted name of an API in errors; "" if errors show the path instead
	ContentType string            // of every answer
	Headers     map[string]string // of every answer; if Access-Control-Allow-Methods is among them, preflights are answered
	RequestID   string            // the form of the id in every answer: short, uuid, or "" for none
	Token       Credential
	Answers     map[string]string // what is wrong with a request → the name of the error that reports it
	Faults      map[string]string // injected fault → the name of the error

	unknown *Reply
	lenient bool // the default for its parameters
	wire    wire
}

// API returns the name by which errors of the family refer to a path.
func (f *Family) API(path string) string {
	if f.APIName == "" {
		return path
	}
	return f.APIName + strings.ReplaceAll(strings.TrimPrefix(path, f.Prefix), "/", ".")
}

// ErrorReply is one error answer of the platform, as x-errors has it. If it belongs to a Document it is shared: do not change it.
type ErrorReply struct {
	Name       string `json:"-"`
	Errcode    int    `json:"errcode,omitempty"`  // in the errcode dialects
	SubCode    string `json:"sub_code,omitempty"` // under errcode 88
	Errmsg     string `json:"errmsg,omitempty"`   // wraps Text, which is then sent as sub_msg; if "", Text is sent as errmsg
	Status     int    `json:"status,omitempty"`   // the HTTP status; 200 in the errcode dialects
	Code       string `json:"code,omitempty"`     // in the dialect of /v1.0/
	Text       string `json:"zh"`                 // the official text, with {holes}
	English    string `json:"en"`                 // what the text says, in English
	When       string `json:"when"`               // what leads to the error
	Provenance string `json:"x-provenance"`       // documented, observed, article or decided
	Source     string `json:"source,omitempty"`   // where this is known from

	// Order lists the keys of the body in the order in which they are sent. It overrides the order of the schema and the family.
	Order []string `json:"order,omitempty"`
	// Extra holds the other fields of the body, by key. Their strings may have {holes} too.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`

	compiled *templates // nil if the error belongs to no Document
}

var load = sync.OnceValues(func() (*Document, error) { return Parse(source) })

// Load reads the embedded openapi.yaml. All callers share one Document.
func Load() (*Document, error) { return load() }

// Operations returns the calls of the document, sorted by path and method.
func (d *Document) Operations() []*Operation { return slices.Clone(d.operations) }

// Operation returns the call with that id, or nil if there is none.
func (d *Document) Operation(id string) *Operation { return d.byID[id] }

// Match returns the operation that a request with that method and path calls. If several operations have the path, it is the one
// with the method (GET also serves HEAD), or else the first. Match returns nil if the document does not have the path. A literal
// path goes before all paths with {parameters}; if several of those fit, the ones with the fewest parameters are used.
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

// variable returns the operations whose path has {parameters} and fits the given path, of those with the fewest parameters.
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

// Family returns the dialect of a path: the family with the longest prefix that fits, or the family with the shortest prefix if
// none fits. It returns nil if the document has no families.
func (d *Document) Family(path string) *Family {
	for i, f := range d.families {
		if f.has(path) || i == len(d.families)-1 {
			return f
		}
	}
	return nil
}

// Root returns an example of how paths of the family begin: the prefix with a number for each N, such as /v1.0/.
func (f *Family) Root() string {
	return strings.ReplaceAll(strings.Replace(f.Prefix, "N", "1", 1), "N", "0")
}

// has reports whether a path begins with the prefix. Each N in the prefix stands for one or more digits.
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

// ErrorReply returns the error with that name in x-errors, or nil if there is none.
func (d *Document) ErrorReply(name string) *ErrorReply { return d.errors[name] }

// ErrorReplies returns the errors of the document, sorted by name.
func (d *Document) ErrorReplies() []*ErrorReply {
	list := make([]*ErrorReply, 0, len(d.errors))
	for _, name := range slices.Sorted(maps.Keys(d.errors)) {
		list = append(list, d.errors[name])
	}
	return list
}
