package mutant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// A blemish is a way in which a reply is spoilt.
type blemish struct {
	name, at string   // where it shows
	keys     []string // of errors alone: it shows at the first of them that the error has
	spoil    func(out *reply, key string)
}

var (
	codes = []string{"code", "sub_code", "errcode"}
	texts = []string{"sub_msg", "errmsg", "message"}

	number  = regexp.MustCompile(`:(-?\d+)`)
	literal = regexp.MustCompile(`:"[^"]*"`)
)

var blemishes = []blemish{
	{"another code", "", codes, func(out *reply, key string) {
		out.body = regexp.MustCompile(`"`+key+`":("?)-?`).ReplaceAll(out.body, []byte(`"`+key+`":${1}7`))
	}},
	{"another text", "", texts, func(out *reply, key string) { out.replace(`"`+key+`":"`, `"`+key+`":"抱歉，`) }},
	{"another content type", "/header/Content-Type", nil, func(out *reply, _ string) { out.header.Set("Content-Type", "text/html") }},
	{"a content type that is spelt otherwise", "/header/Content-Type", nil, func(out *reply, _ string) {
		out.header.Set("Content-Type", strings.Replace(out.header.Get("Content-Type")+"; charset=utf-8", ";charset=UTF-8", "", 1))
	}},
	{"no content type", "/header/Content-Type", nil, func(out *reply, _ string) { out.header["Content-Type"] = nil }},
	{"HTTP 201", "/status", nil, func(out *reply, _ string) { out.status = http.StatusCreated }},
	{"another status", "/status", nil, func(out *reply, _ string) {
		if out.status == http.StatusOK {
			out.status = http.StatusInternalServerError
		} else {
			out.status = http.StatusOK
		}
	}},
	{"a newline at the end", "/body", nil, func(out *reply, _ string) { out.body = append(out.body, '\n') }},
	{"keys in another order", "/body", nil, func(out *reply, _ string) { out.body = reversed(out.body) }},
	{"indented", "/body", nil, func(out *reply, _ string) { out.replace(`,"`, `, "`) }},
	{"a byte order mark", "/body", nil, func(out *reply, _ string) { out.body = append([]byte("\ufeff"), out.body...) }},
	{"a field more", "", nil, func(out *reply, _ string) { out.end(`,"more":1}`) }},
	{"a key twice", "", nil, func(out *reply, _ string) {
		names, values := members(out.body)
		out.body = object(append(names, names[0]), append(values, values[0]))
	}},
	{"a value of another type", "", nil, func(out *reply, _ string) {
		if strings := number.ReplaceAll(out.body, []byte(`:"$1"`)); !bytes.Equal(strings, out.body) {
			out.body = strings
		} else {
			out.body = literal.ReplaceAll(out.body, []byte(`:1`))
		}
	}},
	{"a body that breaks off", "/body", nil, func(out *reply, _ string) { out.end("") }},
}

// end puts something in place of the last byte of the body.
func (out *reply) end(text string) { out.body = append(out.body[:len(out.body)-1], text...) }

// members returns the fields of a JSON object in their order; none of what is no object.
func members(body []byte) (names []string, values []json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, nil
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil, nil
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values
}

func object(names []string, values []json.RawMessage) []byte {
	var fields []string
	for i, name := range names {
		fields = append(fields, fmt.Sprintf("%q:%s", name, values[i]))
	}
	return []byte("{" + strings.Join(fields, ",") + "}")
}

// reversed returns a JSON object with its fields in the opposite order, and what is no object as it is.
func reversed(body []byte) []byte {
	names, values := members(body)
	if names == nil {
		return body
	}
	slices.Reverse(names)
	slices.Reverse(values)
	return object(names, values)
}

// succeeds are the cases that show the success of an operation: the first of them that it has.
var succeeds = []string{"success", "found", "appkey"}

// replies spoil the replies of every operation and of paths that are none.
func (k *kit) replies() {
	whole := map[string]bool{} // what has been spoilt in all ways
	for _, f := range k.doc.Families() {
		e := k.doc.ErrorReply(f.Answers["unknown-path"])
		k.spoil("paths/"+f.Name+"-unknown", e.Name, e, whole, func(r *request) bool {
			_, ok := e.Match(r.out.status, r.out.body)
			return ok && r.op == nil
		})
	}
	for _, op := range k.doc.Operations() {
		for _, listed := range op.Replies {
			for _, name := range listed.Errors {
				k.spoil(op.ID+"/"+name, name, k.doc.ErrorReply(name), whole, func(r *request) bool { return r.is(op.ID) && r.error() == name })
			}
		}
		i := slices.IndexFunc(succeeds, func(rule string) bool { return k.rules[op.ID+"/"+rule] })
		if k.known[op.ID+"/success"] = i >= 0; i >= 0 {
			k.spoil(op.ID+"/"+succeeds[i], "a success of "+op.Family.Name, nil, whole, func(r *request) bool {
				return r.is(op.ID) && succeeded(r) && len(r.out.body) > 0
			})
		}
	}
}

// spoil spoils the replies that are as when says, which show the case of a rule. What they are, an error or a success of a dialect, is
// spoilt in all ways where it comes first, and in one elsewhere, which goes by the rule: 150 operations have thousands of errors.
func (k *kit) spoil(rule, what string, e *dingmock.ErrorReply, whole map[string]bool, when condition) {
	ways := slices.DeleteFunc(slices.Clone(blemishes), func(b blemish) bool { return e == nil && b.keys != nil })
	if whole[what] {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(rule))
		i := int(sum.Sum32()) % len(ways)
		ways = ways[i : i+1]
	}
	whole[what] = true
	for _, b := range ways {
		at, key := b.at, ""
		if b.keys != nil {
			body := e.Body()
			key = b.keys[slices.IndexFunc(b.keys, func(key string) bool { return body[key] != nil })]
			at = "/body/" + key
		}
		m := k.all(rule, b.name, after(when, func(r *request) { b.spoil(r.out, key) }))
		if e != nil { // of a success, what calls at once find is told before its bytes
			m.At = at
		}
	}
}
