package dingmock

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

var hole = regexp.MustCompile(`\{([A-Za-z_]+)\}`)

// refusal holds the error fields of a reply, in either dialect.
type refusal struct {
	Errcode float64 `json:"errcode"` // in JSON 40096.0 is the same whole number
	SubCode string  `json:"sub_code"`
	SubMsg  string  `json:"sub_msg"`
	Errmsg  string  `json:"errmsg"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
}

// Match reports whether a reply with that HTTP status and body is this error, and returns what fills the {holes} in its code
// and text, by name.
func (e *ErrorReply) Match(status int, body []byte) (holes map[string]string, ok bool) {
	var got refusal
	if json.Unmarshal(body, &got) != nil {
		return nil, false
	}
	return e.match(status, got)
}

func (e *ErrorReply) match(status int, got refusal) (holes map[string]string, ok bool) {
	if status != e.Status || got.Errcode != float64(e.Errcode) || got.SubCode != e.SubCode {
		return nil, false
	}
	t := e.templates()
	holes = map[string]string{}
	text := got.Errmsg
	switch {
	case e.Code != "":
		text = got.Message
		ok = t.code.match(got.Code, holes)
	case e.Errmsg != "":
		text = got.SubMsg
		ok = t.errmsg.match(got.Errmsg, map[string]string{"sub_code": got.SubCode, "sub_msg": got.SubMsg})
	default:
		ok = true
	}
	return holes, ok && t.text.match(text, holes)
}

// templates holds the texts of an error, cut at their holes.
type templates struct{ code, errmsg, text template }

func (e *ErrorReply) compile() *templates { return &templates{cut(e.Code), cut(e.Errmsg), cut(e.Text)} }

func (e *ErrorReply) templates() *templates {
	if e.compiled != nil {
		return e.compiled
	}
	return e.compile()
}

// Identify returns the error of the reply that a body is, or nil if it is none of them. An error without holes goes before one
// with holes.
func (r *Reply) Identify(body []byte) *ErrorReply {
	var got refusal
	if json.Unmarshal(body, &got) != nil {
		return nil
	}
	var found *ErrorReply
	for _, e := range r.errors {
		switch holes, ok := e.match(r.Status, got); {
		case ok && len(holes) == 0:
			return e
		case ok:
			found = e
		}
	}
	return found
}

// Holes returns the names of the {holes} in the error's code and text.
func (e *ErrorReply) Holes() []string {
	var names []string
	for _, found := range hole.FindAllStringSubmatch(e.Code+e.Text, -1) {
		names = append(names, found[1])
	}
	return names
}

// template is a text with holes: for each hole the literal text before it, and its name. The last element has no hole.
type template []struct{ literal, hole string }

func cut(text string) template {
	var t template
	at := 0
	for _, found := range hole.FindAllStringSubmatchIndex(text, -1) {
		t = append(t, struct{ literal, hole string }{text[at:found[0]], text[found[2]:found[3]]})
		at = found[1]
	}
	return append(t, struct{ literal, hole string }{text[at:], ""})
}

// match reports whether text fits the template, and adds what fills its holes to holes. A hole takes at least one character, and
// as few as possible; holes with the same name must have the same value.
func (t template) match(text string, holes map[string]string) bool {
	text, ok := strings.CutPrefix(text, t[0].literal)
	for i := 0; ok && i+1 < len(t); i++ {
		name, literal, last := t[i].hole, t[i+1].literal, t[i+1].hole == ""
		_, least := utf8.DecodeRuneInString(text)
		end := strings.Index(text[least:], literal)
		if last {
			end = len(text) - len(literal) - least
		}
		if least == 0 || end < 0 || !strings.HasPrefix(text[least+end:], literal) {
			return false
		}
		value := text[:least+end]
		if before, given := holes[name]; given && before != value {
			return false
		}
		holes[name], text = value, text[least+end+len(literal):]
	}
	return ok && text == ""
}

// Body returns the decoded body of a reply with this error, without fields such as the request id that differ for each request.
// holes lists what fills the holes: name, value, name, value, … A hole that is not listed stays as {name}.
func (e *ErrorReply) Body(holes ...string) map[string]any {
	fill := func(text string, holes ...string) string {
		for i := 0; i+1 < len(holes); i += 2 {
			text = strings.ReplaceAll(text, "{"+holes[i]+"}", holes[i+1])
		}
		return text
	}
	text := fill(e.Text, holes...)
	body := map[string]any{}
	switch {
	case e.Code != "":
		body["code"], body["message"] = fill(e.Code, holes...), text
	case e.Errmsg != "":
		body["errcode"], body["sub_msg"], body["errmsg"] = float64(e.Errcode), text, fill(e.Errmsg, "sub_code", e.SubCode, "sub_msg", text)
		if e.SubCode != "" {
			body["sub_code"] = e.SubCode
		}
	default:
		body["errcode"], body["errmsg"] = float64(e.Errcode), text
	}
	for key, raw := range e.Extra {
		var value any
		_ = json.Unmarshal(raw, &value) // cannot fail: Parse has read it
		body[key] = filled(value, func(text string) string { return fill(text, holes...) })
	}
	return body
}

// filled applies fill to every string in a decoded JSON value.
func filled(value any, fill func(string) string) any {
	switch v := value.(type) {
	case string:
		return fill(v)
	case []any:
		for i := range v {
			v[i] = filled(v[i], fill)
		}
	case map[string]any:
		for key := range v {
			v[key] = filled(v[key], fill)
		}
	}
	return value
}

// Same reports whether a body has the error's code, whatever else it has.
func (e *ErrorReply) Same(body []byte) bool {
	var got refusal
	if json.Unmarshal(body, &got) != nil {
		return false
	}
	if e.Code != "" {
		return e.templates().code.match(got.Code, map[string]string{})
	}
	return got.Errcode == float64(e.Errcode) && got.SubCode == e.SubCode
}
