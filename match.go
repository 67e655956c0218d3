package dingmock

import (
	"encoding/json"
	"regexp"
)

var hole = regexp.MustCompile(`\{([A-Za-z_]+)\}`)

// Match reports whether a reply with that HTTP status and body is this error, and returns what stands in the
// {holes} of its code and text.
func (e *Error) Match(status int, body []byte) (holes map[string]string, ok bool) {
	var got struct {
		Errcode int    `json:"errcode"`
		SubCode string `json:"sub_code"`
		SubMsg  string `json:"sub_msg"`
		Errmsg  string `json:"errmsg"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if status != e.Status || json.Unmarshal(body, &got) != nil || got.Errcode != e.Errcode || got.SubCode != e.SubCode {
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

// Holes returns the names of the {holes} in the error's code and text.
func (e *Error) Holes() []string {
	var names []string
	for _, found := range hole.FindAllStringSubmatch(e.Code+e.Text, -1) {
		names = append(names, found[1])
	}
	return names
}

// matchText adds what stands in the holes of a template. One name stands for one value.
func matchText(template, text string, holes map[string]string) bool {
	at := hole.FindAllStringSubmatchIndex(template, -1)
	if at == nil {
		return template == text
	}
	pattern, end := `(?s)\A`, 0
	for _, m := range at {
		pattern += regexp.QuoteMeta(template[end:m[0]]) + `(.+?)`
		end = m[1]
	}
	found := regexp.MustCompile(pattern + regexp.QuoteMeta(template[end:]) + `\z`).FindStringSubmatch(text)
	if found == nil {
		return false
	}
	for i, m := range at {
		name := template[m[2]:m[3]]
		if before, ok := holes[name]; ok && before != found[i+1] {
			return false
		}
		holes[name] = found[i+1]
	}
	return true
}
