package dingmock

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

func (d *Document) readOperation(t *openapi3.T, method, path string, x *openapi3.Operation) (*Operation, error) {
	if x.OperationID == "" {
		return nil, errors.New("has no operationId")
	}
	op := &Operation{
		ID: x.OperationID, Method: method, Path: path, Summary: x.Summary, Family: d.Family(path), Undeclared: Note, MaxBody: MaxBody,
	}
	if err := op.readExtensions(x.Extensions); err != nil {
		return nil, err
	}
	if err := op.readSecurity(t, x); err != nil {
		return nil, err
	}
	if err := d.readParameters(op, t.Paths.Value(path).Parameters, x.Parameters); err != nil {
		return nil, err
	}
	if x.RequestBody != nil {
		if err := d.readBody(op, x.RequestBody.Value); err != nil {
			return nil, fmt.Errorf("its request body: %w", err)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(x.Responses.Map())) {
		reply, err := d.readReply(status, x.Responses.Value(status).Value)
		if err != nil {
			return nil, err
		}
		reply.wire.own = d.orders
		if op.Family != nil {
			reply.wire = op.Family.wire
		}
		op.Replies = append(op.Replies, reply)
	}
	return op, nil
}

func (op *Operation) readExtensions(x map[string]any) error {
	for name, out := range map[string]any{
		"x-provenance": &op.Provenance, "x-source": &op.Source, "x-scope": &op.Scope, "x-also-answers": &op.AlsoAnswers, "x-undeclared": &op.Undeclared, "x-max-body": &op.MaxBody,
	} {
		if err := extension(x, name, out); err != nil {
			return err
		}
	}
	for _, method := range op.AlsoAnswers {
		if method == "" || strings.ToUpper(method) != method {
			return fmt.Errorf("x-also-answers: %q is no method in capitals", method)
		}
	}
	if op.MaxBody < 1 {
		return fmt.Errorf("x-max-body: is %d, has to be 1 byte or more", op.MaxBody)
	}
	if err := oneOf("x-undeclared", string(op.Undeclared), string(Red), string(Note)); err != nil {
		return err
	}
	return checkProvenance(op.Provenance)
}

func (op *Operation) readSecurity(t *openapi3.T, x *openapi3.Operation) error {
	security := t.Security
	if x.Security != nil {
		security = *x.Security
	}
	for _, names := range security {
		var r Requirement
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if scheme := t.Components.SecuritySchemes[name]; scheme != nil && scheme.Value != nil && scheme.Value.Type == "http" {
				if err := oneOf("security: "+name+": scheme", scheme.Value.Scheme, "bearer"); err != nil {
					return err
				}
				op.Bearer = true
				continue
			}
			c, err := readCredential(t, name)
			if err != nil {
				return fmt.Errorf("security: %w", err)
			}
			r = append(r, c)
		}
		if r != nil {
			op.Security = append(op.Security, r)
		}
	}
	if op.Security != nil && slices.ContainsFunc(security, func(names openapi3.SecurityRequirement) bool { return len(names) == 0 }) {
		return errors.New("security: {} beside others: keys and tokens are asked for or are not")
	}
	return nil
}

// readParameters reads the parameters of a path and of the operation. The operation's override the path's with the same name.
func (d *Document) readParameters(op *Operation, ofPath, own openapi3.Parameters) error {
	for i, ref := range slices.Concat(ofPath, own) {
		if ref == nil || ref.Value == nil {
			return fmt.Errorf("parameter %d is empty", i)
		}
		p := ref.Value
		if i < len(ofPath) && own.GetByInAndName(p.In, p.Name) != nil {
			continue
		}
		place := "parameter " + p.Name
		if err := oneOf(place+": in", p.In, openapi3.ParameterInPath, openapi3.ParameterInQuery, openapi3.ParameterInHeader); err != nil {
			return err
		}
		if p.Schema == nil || p.Schema.Value == nil {
			return fmt.Errorf("%s: has no schema", place)
		}
		if err := d.checkSchema(p.Schema, place); err != nil {
			return err
		}
		if err := op.addParameter(Parameter{Name: p.Name, In: p.In, Required: p.Required, schema: p.Schema.Value}, p.Extensions); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) readBody(op *Operation, body *openapi3.RequestBody) error {
	if body == nil || len(body.Content) == 0 {
		return errors.New("has no content")
	}
	op.NeedsBody = body.Required
	op.BodyTypes = slices.Sorted(maps.Keys(body.Content))
	var schema *openapi3.Schema
	for _, media := range op.BodyTypes {
		if strings.ToLower(media) != media || strings.Contains(media, ";") {
			return fmt.Errorf("%q: a media type of a body stands in lower case and without parameters", media)
		}
		m := body.Content[media]
		if m == nil || m.Schema == nil || m.Schema.Value == nil {
			return fmt.Errorf("%s: has no schema", media)
		}
		if schema != nil && m.Schema.Value != schema {
			return errors.New("has to have one schema for all media types")
		}
		if err := d.checkSchema(m.Schema, media); err != nil {
			return err
		}
		schema = m.Schema.Value
	}
	if schema.Type != nil && !schema.Type.Is("object") || schema.AllOf != nil || schema.AnyOf != nil || schema.OneOf != nil || schema.Not != nil {
		return errors.New("has to be an object whose properties stand in its schema, not in allOf, anyOf, oneOf or not")
	}
	op.extras = schema.AdditionalProperties.Has == nil || *schema.AdditionalProperties.Has
	for _, name := range schema.Required {
		if schema.Properties[name] == nil {
			return fmt.Errorf("required names %q, which is none of its properties", name)
		}
	}
	names := slices.Clone(schema.Required)
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		if !slices.Contains(schema.Required, name) {
			names = append(names, name)
		}
	}
	for i, name := range names {
		s := schema.Properties[name].Value
		if err := op.addParameter(Parameter{Name: name, In: "body", Required: i < len(schema.Required), schema: s}, s.Extensions); err != nil {
			return err
		}
	}
	return nil
}

func (op *Operation) addParameter(p Parameter, extensions map[string]any) error {
	p.lenient = op.Family != nil && op.Family.lenient
	if err := extension(extensions, "x-lenient", &p.lenient); err != nil {
		return fmt.Errorf("parameter %s: %w", p.Name, err)
	}
	op.Parameters = append(op.Parameters, p)
	return nil
}

func (d *Document) readReply(status string, x *openapi3.Response) (*Reply, error) {
	r, err := d.readContent(status, x)
	if err != nil {
		return nil, fmt.Errorf("reply %s: %w", status, err)
	}
	return r, nil
}

func (d *Document) readContent(status string, x *openapi3.Response) (*Reply, error) {
	code, err := strconv.Atoi(status)
	if status == "default" {
		code, err = 0, nil
	}
	switch {
	case err != nil || code != 0 && !isStatus(code) || status == "0":
		return nil, errors.New("a reply has to have one HTTP status")
	case x == nil:
		return nil, errors.New("is empty")
	case len(x.Content) > 1:
		return nil, fmt.Errorf("has %d content types, one at most is allowed", len(x.Content))
	}
	r := &Reply{Status: code, Examples: map[string]json.RawMessage{}}
	if err := extension(x.Extensions, "x-errors", &r.Errors); err != nil {
		return nil, err
	}
	for _, name := range r.Errors {
		if d.errors[name] == nil {
			return nil, fmt.Errorf("there is no error %q in x-errors", name)
		}
		if e := d.errors[name]; e.Status != code {
			return nil, fmt.Errorf("the error %s has the status %d", name, e.Status)
		}
		r.errors = append(r.errors, d.errors[name])
	}
	for media, m := range x.Content {
		if m == nil || m.Schema == nil || m.Schema.Value == nil {
			return nil, fmt.Errorf("%s: has no schema", media)
		}
		if err := d.checkSchema(m.Schema, media); err != nil {
			return nil, err
		}
		r.ContentType, r.schema = media, m.Schema.Value
		for name, ref := range m.Examples {
			if ref == nil || ref.Value == nil || ref.Value.Value == nil {
				return nil, fmt.Errorf("example %s: has no value", name)
			}
			if r.Examples[name], err = json.Marshal(ref.Value.Value); err != nil {
				return nil, fmt.Errorf("example %s: %w", name, err)
			}
		}
	}
	return r, nil
}
