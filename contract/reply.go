package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

func (x *Exchange) operation() string {
	if x.Parsed == nil || x.Parsed.Operation == nil {
		return ""
	}
	return x.Parsed.Operation.ID
}

// readable reports whether a reply is one of the document's, or is but for its bytes, which are not the case's matter.
func (c *trial) readable(x *Exchange) bool {
	exact := slices.ContainsFunc(x.Violations, func(v dingmock.Violation) bool { return v.Kind == RuleReplyBytes })
	return !red(x.Violations) || exact && x.operation() != c.Operation
}

// conform blocks the case if a reply is not one of the document's. The bytes of a reply are a matter for the cases of its own
// operation: what it says can be read all the same. want is aSuccess if the reply has to be one, or the name of the error that it
// has to be; "" if it is not known.
func (c *trial) conform(x *Exchange, want string) {
	if c.readable(x) {
		return
	}
	f, diff := c.nonconforming(x)
	if e := c.doc.ErrorReply(want); e != nil && f.Kind != RuleReplyBytes && strings.HasPrefix(f.Pointer, "/body") && c.refusal(x) != "" {
		c.breaks(x, c.mistaken(x, e, nil), c.errorDiff(x, e, nil))
	}
	if error := c.refusal(x); want == aSuccess && error != "" && f.Kind != dingmock.KindReplyStatus && f.Kind != RuleReplyBytes {
		f.Kind, f.Pointer, f.Found, f.Expected, f.wants = KindRefused, "/body", error, want, ""
		diff = "-want " + want + "\n+got  " + error
	}
	(&stop{outcome: Blocked, x: x, finding: f, diff: diff}).end()
}

// shown is a text of the target's, as people are shown it: without secrets, and of at most so many bytes. What is cut first may have
// the half of a secret, which nothing knows again.
func (c *trial) shown(text string, most int) string {
	return excerpt([]byte(c.rec.redact.text(text)), most)
}

// refusal is what a reply says that is an error, whether the document has it or not, without secrets; "" if it is none.
func (c *trial) refusal(x *Exchange) string {
	var body struct {
		Errcode *float64
		SubCode string `json:"sub_code"`
		SubMsg  string `json:"sub_msg"`
		Errmsg  string
		Code    string
		Message string
	}
	if decodeJSON(x.Body, &body) != nil {
		return ""
	}
	switch {
	case body.SubCode != "":
		return fmt.Sprintf("the error %v/%s \"%s\"", *cmp.Or(body.Errcode, new(float64)), c.shown(body.SubCode, 20), c.shown(body.SubMsg, 60))
	case body.Errcode != nil && *body.Errcode != 0:
		return fmt.Sprintf("the error %v \"%s\"", *body.Errcode, c.shown(body.Errmsg, 60))
	case body.Code != "":
		return fmt.Sprintf("the error %s \"%s\"", c.shown(body.Code, 60), c.shown(body.Message, 60))
	}
	return ""
}

// nonconforming says what of a reply the document does not allow, the first as a finding.
func (c *trial) nonconforming(x *Exchange) (f Finding, diff string) {
	lines := []string{"the reply is not what the document allows:"}
	for _, v := range x.Violations {
		if v.Level != dingmock.Red {
			continue
		}
		if f.Kind == "" {
			f = findingOf(v)
			if x.operation() != "" && x.Response.StatusCode == http.StatusNotFound && !strings.Contains(x.Response.Header.Get("Content-Type"), "json") {
				f.Kind, f.Pointer, f.Found, f.Expected = dingmock.KindReplyStatus, "/status", "404 and no JSON, as of a path that your server does not have", "a reply of the call"
			}
			if e := c.elsewhere(x); e != nil {
				f.Kind, f.Pointer, f.Found, f.Expected = dingmock.KindReplyStatus, "/status", fmt.Sprint(x.Response.StatusCode), fmt.Sprintf("%d (of the error %s)", e.Status, e.Name)
			}
			e, error := c.meant(x), c.refusal(x)
			switch inBody := f.Kind == dingmock.KindReplyError || f.Kind == dingmock.KindReplyBody; {
			case v.Kind == dingmock.KindReplyError && e != nil:
				f = c.mistaken(x, e, nil)
			case inBody && e == nil && error != "":
				f.Kind, f.Pointer, f.Found, f.Expected = KindError, "/body", error, "a success, or an error that the document has for the call"
			}
		}
		lines = append(lines, "  "+v.String())
		if v.Kind == RuleReplyBytes {
			lines = append(lines, "  -want "+string(x.reply().Encode(json.RawMessage(x.Body))), "  +got  "+c.shown(string(x.Body), 2000))
		}
	}
	return f, strings.Join(lines, "\n")
}

// success ends the case if the exchange is not a success, and returns the body.
func (c *trial) success(x *Exchange) map[string]any {
	if x.Error != nil {
		c.unsuccessful(x).end()
	}
	var body map[string]any
	_ = decodeJSON(x.Body, &body) // it has been read before, by conform
	return body
}

func (c *trial) unsuccessful(x *Exchange) *stop {
	return &stop{
		outcome: Fail, x: x, finding: Finding{Operation: x.operation(), Pointer: "/body", Kind: KindRefused, Found: "the error " + x.Error.Name, Expected: "a success"},
		diff: "-want a success\n+got  the error " + x.Error.Name,
	}
}

// prepare sends a request that sets the scene, and blocks the case if it does not succeed.
func (c *trial) prepare(q *call) map[string]any {
	x := c.do(q)
	if x.Error != nil {
		end := c.unsuccessful(x)
		end.outcome = Blocked
		end.end()
	}
	return c.success(x)
}

// succeed sends a request and ends the case if it does not succeed.
func (c *trial) succeed(q *call) map[string]any { return c.success(c.do(q)) }

// refused sends a request and ends the case if it is not refused with just this error. Holes are the name and
// value of what stands in the text's holes, if it has such a one: name, value, ….
func (c *trial) refused(q *call, name string, holes ...string) {
	c.wantError(c.answerWith(q, name, holes...), name, holes...)
}

// wantError ends the case if the exchange is not just this error, byte for byte.
func (c *trial) wantError(x *Exchange, name string, holes ...string) {
	e := c.doc.ErrorReply(name)
	if e == nil {
		c.halt(Errored, "the document has no error %s", name)
	}
	got, ok := e.Match(x.Response.StatusCode, x.Body)
	if ok {
		for i := 0; i < len(holes); i += 2 {
			if slices.Contains(e.Holes(), holes[i]) {
				ok = ok && got[holes[i]] == holes[i+1]
			}
		}
	}
	if ok && !red(x.Violations) {
		return
	}
	f := Finding{Operation: x.operation(), Pointer: "/body", Expected: "the error " + name, wants: name}
	switch {
	case slices.ContainsFunc(x.Violations, func(v dingmock.Violation) bool {
		return v.Kind != dingmock.KindReplyError && (v.Kind != dingmock.KindReplyBody || v.Pointer == "/body" || e.Same(x.Body))
	}):
		f, _ = c.nonconforming(x) // whatever it means, it is no reply of the call's
	case x.isSuccess():
		f.Kind, f.Found = KindAccepted, "a success"
	case x.Error != nil && x.Error != e:
		f.Kind, f.Found = KindError, "the error "+x.Error.Name
	default:
		f = c.mistaken(x, e, holes)
	}
	c.breaks(x, f, c.errorDiff(x, e, holes))
}

// mistaken is how a reply is not just the error that it has to be.
func (c *trial) mistaken(x *Exchange, e *dingmock.ErrorReply, holes []string) Finding {
	pointer, found, expected := differs(e, x, holes)
	return Finding{
		Operation: x.operation(), Pointer: pointer, Kind: KindError,
		Found: c.shown(found, 100), Expected: expected + " (of the error " + e.Name + ")", wants: e.Name,
	}
}

// elsewhere returns the error of the operation that a reply is in all but its status; nil for none.
func (c *trial) elsewhere(x *Exchange) *dingmock.ErrorReply {
	if x.Parsed.Operation == nil {
		return nil
	}
	for _, reply := range x.Parsed.Operation.Replies {
		if reply.Status == x.Response.StatusCode {
			continue
		}
		if e := reply.Identify(x.Body); e != nil {
			return e
		}
	}
	return nil
}

// meant returns the listed error that a reply, which is none, has the code of, or else the text of; nil for neither.
func (c *trial) meant(x *Exchange) *dingmock.ErrorReply {
	reply := x.reply()
	var body map[string]any
	if reply == nil || decodeJSON(x.Body, &body) != nil {
		return nil
	}
	same := func(e *dingmock.ErrorReply, keys ...string) bool {
		for _, key := range keys {
			if string(jsontext.MustMarshal(e.Body()[key])) != string(jsontext.MustMarshal(body[key])) {
				return false
			}
		}
		return true
	}
	for _, keys := range [][]string{{"errcode", "sub_code", "code"}, {"sub_msg", "errmsg", "message"}} {
		for _, name := range reply.Errors {
			if e := c.doc.ErrorReply(name); same(e, keys...) {
				return e
			}
		}
	}
	return nil
}

// errorDiff shows a reply beside the bytes of the error that it has to be.
func (c *trial) errorDiff(x *Exchange, e *dingmock.ErrorReply, holes []string) string {
	want, contentType := c.bytesOf(x, e, holes)
	got, most := x.Response.Header.Get("Content-Type"), 600
	if !c.runner.bytes && sameType(got, contentType) {
		contentType = got
	}
	if !json.Valid(x.Body) {
		most = 80
	}
	return fmt.Sprintf("-want the error %s: HTTP %d, %s\n-want %s\n+got  HTTP %d, %s\n+got  %s", e.Name, e.Status, contentType, want,
		x.Response.StatusCode, got, c.shown(string(x.Body), most))
}

// bytesOf are the bytes of an error in the place of a reply, and its Content-Type. The id of the request is the reply's own if
// that is as it has to be.
func (c *trial) bytesOf(x *Exchange, e *dingmock.ErrorReply, holes []string) (want []byte, contentType string) {
	body := e.Body(holes...)
	reply := x.Parsed.Reply(e.Status)
	if reply == nil {
		return jsontext.MustMarshal(body), ""
	}
	if f := x.Parsed.Family; f != nil && f.RequestID != "" {
		key := "request_id"
		if e.Code != "" {
			key = "requestid"
		}
		body[key] = map[string]string{"short": "16l4ew3d47pdp", "uuid": "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"}[f.RequestID] // one of many
		var sent map[string]any
		_ = decodeJSON(x.Body, &sent)
		wrong := func(v dingmock.Violation) bool { return v.Pointer == "/body/"+key }
		if id, ok := sent[key].(string); ok && !slices.ContainsFunc(x.Violations, wrong) {
			body[key] = id
		}
	}
	return reply.Encode(body), reply.ContentType
}
