package dingmock

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

var hole = regexp.MustCompile(`\{([A-Za-z_]+)\}`)

// refusal is what a reply says of its error, in either dialect.
type refusal struct {
	Errcode float64 `json:"errcode"` // 40096.0 is the same whole number in JSON
	SubCode string  `json:"sub_code"`
	SubMsg  string  `json:"sub_msg"`
	Errmsg  string  `json:"errmsg"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
}

// Match reports whether a reply with that HTTP status and body is this error, and returns what stands in the
// {holes} of its code and text.
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

// templates are the texts of an error, cut at their holes.
type templates struct{ code, errmsg, text template }

func (e *ErrorReply) compile() *templates { return &templates{cut(e.Code), cut(e.Errmsg), cut(e.Text)} }

func (e *ErrorReply) templates() *templates {
	if e.compiled != nil {
		return e.compiled
	}
	return e.compile()
}

// Identify returns which of its errors a reply with this body is, nil for none: one without holes before one with.
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

// template is a text with holes: what stands before each, and its name; the last has none.
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

// match adds what stands in the holes. A hole has one character at least and as few as may be; one name stands for one value.
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

// Body returns the error as a reply says it, decoded, without what is made for each request. Holes are the name and value of
// what stands in its code and text: name, value, …; those that are not given stay as {name}.
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
		_ = json.Unmarshal(raw, &value) // what Parse has read
		body[key] = filled(value, func(text string) string { return fill(text, holes...) })
	}
	return body
}

// filled is a decoded JSON value whose strings are filled.
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

// Same reports whether a body has the code of the error, whatever else it says.
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
