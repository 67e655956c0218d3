package mockserver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// The order of the fields is the order of the keys on the wire.

// errcodeReply is an error on the paths outside /v1.0/.
type errcodeReply struct {
	Errcode   int    `json:"errcode"`
	SubCode   string `json:"sub_code,omitempty"`
	SubMsg    string `json:"sub_msg,omitempty"`
	Errmsg    string `json:"errmsg"`
	RequestID string `json:"request_id,omitempty"`
}

// codeReply is an error on the paths under /v1.0/.
type codeReply struct {
	Code      string `json:"code"`
	RequestID string `json:"requestid"`
	Message   string `json:"message"`
}

// fill replaces the holes in a text of the document by their values.
func fill(text string, holes []string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	list := make([]string, len(holes))
	for i, s := range holes {
		if i%2 == 0 {
			s = "{" + s + "}"
		}
		list[i] = s
	}
	return strings.NewReplacer(list...).Replace(text)
}

// reply is an answer as it goes over the wire.
type reply struct {
	status      int
	contentType string
	header      http.Header // in addition to those of every answer; nil for none
	body        []byte
	shown       []byte // what the journal shows instead of body; nil: body itself
	code        string // for people: 0, an errcode, errcode/sub_code or a code
	explain     string
	known       dingmock.Known // the source that the call is known from
}

// failed returns the answer that reports a failure.
func (c *call) failed(f *world.Failure) reply {
	e := f.Reply
	text := fill(e.Text, f.Holes)
	if e.Code != "" {
		code := fill(e.Code, f.Holes)
		return c.encoded(e.Status, code, f.Explain, c.errorBody(f, codeReply{Code: code, RequestID: c.requestID(), Message: text}))
	}
	code, body := strconv.Itoa(e.Errcode), errcodeReply{Errcode: e.Errcode, Errmsg: text, RequestID: c.requestID()}
	if e.Errmsg != "" {
		body.SubCode, body.SubMsg, body.Errmsg = e.SubCode, text, fill(e.Errmsg, []string{"sub_code", e.SubCode, "sub_msg", text})
		if e.SubCode != "" {
			code += "/" + e.SubCode
		}
	}
	return c.encoded(e.Status, code, f.Explain, c.errorBody(f, body))
}

// errorBody returns the body of an error, with what the document adds to code and text.
func (c *call) errorBody(f *world.Failure, value any) []byte {
	e := f.Reply
	body := jsontext.MustMarshal(value)
	if len(e.Extra)+len(e.Order) == 0 {
		return body
	}
	holes := make([]string, len(f.Holes)) // as they stand within a string of JSON
	for i, text := range f.Holes {
		quoted := jsontext.MustMarshal(text)
		holes[i] = string(quoted[1 : len(quoted)-1])
	}
	for _, key := range slices.Sorted(maps.Keys(e.Extra)) {
		body = withMember(body, key, json.RawMessage(fill(string(e.Extra[key]), holes)))
	}
	r := c.Reply(e.Status)
	if r == nil { // a rule answers a call whose reply the document does not have
		return body
	}
	return r.Encode(json.RawMessage(body))
}

// succeeded returns the answer for a handler's result, in the envelope that the operation's reply declares.
func (c *call) succeeded(value any) reply {
	r := c.Reply(http.StatusOK)
	body := jsontext.MustMarshal(value)
	for _, x := range []struct {
		key   string
		value any
	}{{"errcode", 0}, {"errmsg", "ok"}, {"request_id", c.requestID()}} {
		if r.Declares(x.key) {
			body = withMember(body, x.key, x.value)
		}
	}
	return c.encoded(r.Status, "0", "", r.Encode(json.RawMessage(body)))
}

// withMember appends a member to an object.
func withMember(object []byte, key string, value any) []byte {
	object = bytes.TrimSuffix(object, []byte("}"))
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = append(append(object, jsontext.MustMarshal(key)...), ':')
	return append(append(object, jsontext.MustMarshal(value)...), '}')
}

func (c *call) encoded(status int, code, explain string, body []byte) reply {
	r := reply{status: status, contentType: c.Family.ContentType, code: code, explain: explain, body: body}
	if change := c.effect().change; change != nil {
		change(c, &r)
	}
	return r
}

// addHeaders adds the headers that every answer of the path's family has, unless a rule sets its own. Those that
// identify the request are made for it.
func (c *call) addHeaders(r *reply) {
	if len(c.Family.Headers) == 0 {
		return
	}
	own := r.header
	r.header = http.Header{"x-acs-request-id": {c.requestID()}, "x-acs-trace-id": {world.NewToken()}}
	for name, value := range c.Family.Headers {
		r.header[name] = []string{value}
	}
	for name, values := range own {
		maps.DeleteFunc(r.header, func(n string, _ []string) bool { return strings.EqualFold(n, name) })
		r.header[name] = values
	}
}

// requestID returns the id of the call, in the form that the path's family answers.
func (c *call) requestID() string {
	if c.id == "" {
		c.id = c.newID()
	}
	return c.id
}

func (c *call) newID() string {
	switch c.Family.RequestID {
	case "short":
		const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
		id := []byte("1000000000000")
		for i, n := 1, rand.Uint64(); i < len(id); i, n = i+1, n/36 {
			id[i] = digits[n%36]
		}
		return string(id)
	case "uuid":
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], rand.Uint64())
		binary.BigEndian.PutUint64(b[8:], rand.Uint64())
		binary.BigEndian.PutUint32(b[:], uint32(c.received.UnixMilli()>>16))
		binary.BigEndian.PutUint16(b[4:], uint16(c.received.UnixMilli()))
		b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
		const digits = "0123456789ABCDEF"
		id := make([]byte, 0, 36)
		for i, x := range b {
			if i == 4 || i == 6 || i == 8 || i == 10 {
				id = append(id, '-')
			}
			id = append(id, digits[x>>4], digits[x&15])
		}
		return string(id)
	}
	return ""
}
