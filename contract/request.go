package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// pair is one name and value, of a query, a form or a JSON object.
type pair struct {
	name  string
	value any
}

// call is one request as a case shapes it. What the document says of the operation is there from the start.
type call struct {
	op          *dingmock.Operation // nil for a path that is no operation's
	method      string
	path        string
	query       []pair
	header      http.Header
	fields      []pair // of the body
	form        bool   // the body is a form, not JSON
	contentType string // "": that of the body; "-": none
	raw         []byte // the body as it is; nil: made of fields
	host        string // "": that of the URL
	chunked     bool
	breaks      []string // the rules of the document that the request breaks on purpose
}

// newCall makes a call of an operation. Values are name, value, …; credentials go where the document has them.
func newCall(op *dingmock.Operation, values ...any) *call {
	q := &call{op: op, method: op.Method, path: op.Path, header: http.Header{}}
	return q.setAll(values)
}

// list is where a parameter goes: the body's fields or, of a credential and of an operation without a body, the query.
func (q *call) list(name string) *[]pair {
	if _, ok := credential(q.op, name); ok || q.op != nil && !hasBody(q.op) {
		return &q.query
	}
	return &q.fields
}

// set gives a parameter a value, in place of the one it had.
func (q *call) set(name string, value any) *call {
	if c, ok := credential(q.op, name); ok && c.In == "header" {
		q.header.Set(name, fmt.Sprint(value))
		return q
	}
	list := q.list(name)
	if i := slices.IndexFunc(*list, func(p pair) bool { return p.name == name }); i >= 0 {
		(*list)[i].value = value
		return q
	}
	*list = append(*list, pair{name, value})
	return q
}

// setAll gives parameters values: name, value, ….
func (q *call) setAll(values []any) *call {
	for i := 0; i < len(values); i += 2 {
		q.set(values[i].(string), values[i+1])
	}
	return q
}

// of is the same call of another operation.
func (q *call) of(op *dingmock.Operation) *call {
	other := q.clone()
	other.op, other.path = op, op.Path
	return other
}

// drop leaves a parameter out.
func (q *call) drop(name string) *call {
	has := func(p pair) bool { return p.name == name }
	q.fields, q.query = slices.DeleteFunc(q.fields, has), slices.DeleteFunc(q.query, has)
	q.header.Del(name)
	return q
}

// value returns what a parameter has been given.
func (q *call) value(name string) any {
	for _, p := range slices.Concat(q.query, q.fields) {
		if p.name == name {
			return p.value
		}
	}
	if c, ok := credential(q.op, name); ok && c.In == "header" && q.header.Get(name) != "" {
		return q.header.Get(name)
	}
	return nil
}

// off declares that the request breaks these rules of the document.
func (q *call) off(rules ...string) *call {
	q.breaks = append(q.breaks, rules...)
	return q
}

func (q *call) body(contentType string, body []byte) *call {
	q.raw, q.contentType = body, contentType
	if q.raw == nil {
		q.raw = []byte{}
	}
	return q
}

func (q *call) asForm() *call {
	q.form = true
	return q
}

func (q *call) by(method string) *call {
	q.method = method
	return q
}

// intoQuery moves the body's fields to the query.
func (q *call) intoQuery() *call {
	q.query, q.fields = append(q.query, q.fields...), nil
	return q
}

func (q *call) clone() *call {
	c := *q
	c.query, c.fields, c.breaks, c.header = slices.Clone(q.query), slices.Clone(q.fields), slices.Clone(q.breaks), q.header.Clone()
	return &c
}

func credential(op *dingmock.Operation, name string) (dingmock.Credential, bool) {
	if op == nil {
		return dingmock.Credential{}, false
	}
	for _, set := range op.Security {
		for _, c := range set {
			if c.Name == name {
				return c, true
			}
		}
	}
	return dingmock.Credential{}, false
}

// tokenOf returns the name of the parameter that carries the operation's token, "" if it needs none.
func tokenOf(op *dingmock.Operation) string {
	for _, set := range op.Security {
		if op.Family != nil && slices.Contains(set, op.Family.Token) {
			return op.Family.Token.Name
		}
	}
	return ""
}

// hasPairs reports whether the operation needs a pair of credentials, of which there are several.
func hasPairs(op *dingmock.Operation) bool { return len(op.Security) > 1 }

// parameters returns the operation's parameters in the body or, of an operation without one, in the query, in the document's order.
func parameters(op *dingmock.Operation) []dingmock.Parameter {
	return slices.DeleteFunc(slices.Clone(op.Parameters), func(p dingmock.Parameter) bool { return p.In != "body" && p.In != "query" })
}

// required returns those parameters that a call may not do without.
func required(op *dingmock.Operation) []dingmock.Parameter {
	return slices.DeleteFunc(parameters(op), func(p dingmock.Parameter) bool { return !p.Required })
}

// free returns the parameters whose value a caller chooses: texts of any characters, up to a length.
func free(op *dingmock.Operation) []dingmock.Parameter {
	return slices.DeleteFunc(parameters(op), func(p dingmock.Parameter) bool {
		_, most := p.Limits()
		return most < 0 || slices.Contains(recipeOf(op).given, p.Name)
	})
}

// accepts reports whether the operation's body may be of a media type.
func accepts(op *dingmock.Operation, media string) bool { return slices.Contains(op.BodyTypes, media) }

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// encoded returns the body and its content type.
func (q *call) encoded() (body []byte, contentType string) {
	contentType = mediaJSON
	switch {
	case q.raw != nil:
		body = q.raw
		if len(body) == 0 {
			contentType = ""
		}
	case q.form:
		body, contentType = []byte(encodePairs(q.fields)), mediaForm
	case len(q.fields) > 0 || q.op != nil && len(q.op.BodyTypes) > 0 && q.method == http.MethodPost:
		body = encodeObject(q.fields)
	default:
		contentType = ""
	}
	switch q.contentType {
	case "":
	case "-":
		contentType = ""
	default:
		contentType = q.contentType
	}
	return body, contentType
}

// request makes the HTTP request, to a base URL.
func (q *call) request(ctx context.Context, base string) (*http.Request, error) {
	address := strings.TrimSuffix(base, "/") + q.path
	if len(q.query) > 0 {
		address += "?" + encodePairs(q.query)
	}
	body, contentType := q.encoded()
	var reader io.Reader
	if len(body) > 0 {
		reader = bytes.NewReader(body)
		if q.chunked {
			reader = struct{ io.Reader }{reader}
		}
	}
	req, err := http.NewRequestWithContext(ctx, q.method, address, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "dingmock-contract")
	for name, values := range q.header {
		req.Header[name] = slices.Clone(values)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if q.host != "" {
		req.Host = q.host
	}
	return req, nil
}

func encodePairs(list []pair) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.name) + "=" + url.QueryEscape(fmt.Sprint(p.value)))
	}
	return b.String()
}

// encodeObject writes a JSON object with its keys in the order they have; a name may stand in it twice.
func encodeObject(list []pair) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(jsontext.MustMarshal(p.name))
		b.WriteByte(':')
		b.Write(jsontext.MustMarshal(p.value))
	}
	b.WriteByte('}')
	return b.Bytes()
}

func decodeJSON(data []byte, out any) error { return json.Unmarshal(data, out) }
