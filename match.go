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
	holes = map[string]string{}
	text := got.Errmsg
	switch {
	case e.Code != "":
		text = got.Message
		ok = matchText(e.Code, got.Code, holes)
	case e.Errmsg != "":
		text = got.SubMsg
		ok = matchText(e.Errmsg, got.Errmsg, map[string]string{"sub_code": got.SubCode, "sub_msg": got.SubMsg})
	default:
		ok = true
	}
	return holes, ok && matchText(e.Text, text, holes)
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

// matchText adds what stands in the holes of a template. A hole has one character at least and as few as may be; one
// name stands for one value.
func matchText(template, text string, holes map[string]string) bool {
	literal, name, template := cutHole(template)
	text, ok := strings.CutPrefix(text, literal)
	for ok && name != "" {
		var next string
		literal, next, template = cutHole(template)
		_, least := utf8.DecodeRuneInString(text)
		end := strings.Index(text[least:], literal)
		if next == "" {
			end = len(text) - len(literal) - least
		}
		if least == 0 || end < 0 || !strings.HasPrefix(text[least+end:], literal) {
			return false
		}
		value := text[:least+end]
		if before, given := holes[name]; given && before != value {
			return false
		}
		holes[name], text, name = value, text[least+end+len(literal):], next
	}
	return ok && text == ""
}

// cutHole returns what stands before the first hole of a template, the hole's name, "" for none, and what stands after.
func cutHole(template string) (literal, name, rest string) {
	at := hole.FindStringSubmatchIndex(template)
	if at == nil {
		return template, "", ""
	}
	return template[:at[0]], template[at[2]:at[3]], template[at[1]:]
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
	switch {
	case e.Code != "":
		return map[string]any{"code": fill(e.Code, holes...), "message": text}
	case e.Errmsg != "":
		body := map[string]any{"errcode": float64(e.Errcode), "sub_msg": text, "errmsg": fill(e.Errmsg, "sub_code", e.SubCode, "sub_msg", text)}
		if e.SubCode != "" {
			body["sub_code"] = e.SubCode
		}
		return body
	}
	return map[string]any{"errcode": float64(e.Errcode), "errmsg": text}
}

// Same reports whether a body has the code of the error, whatever else it says.
func (e *ErrorReply) Same(body []byte) bool {
	var got refusal
	if json.Unmarshal(body, &got) != nil {
		return false
	}
	if e.Code != "" {
		return matchText(e.Code, got.Code, map[string]string{})
	}
	return got.Errcode == float64(e.Errcode) && got.SubCode == e.SubCode
}
