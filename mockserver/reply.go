package mockserver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock"
)

// The order of the fields is the order of the keys on the wire.

type gettokenReply struct {
	Errcode     int    `json:"errcode"`
	AccessToken string `json:"access_token"`
	Errmsg      string `json:"errmsg"`
	ExpiresIn   int    `json:"expires_in"`
}

type accessTokenReply struct {
	ExpireIn    int    `json:"expireIn"`
	AccessToken string `json:"accessToken"`
}

type topapiReply struct {
	Errcode   int    `json:"errcode"`
	Errmsg    string `json:"errmsg"`
	Result    any    `json:"result,omitempty"`
	Success   bool   `json:"success,omitempty"`
	RequestID string `json:"request_id"`
}

// errcodeReply is an error of the paths outside /v1.0/.
type errcodeReply struct {
	Errcode   int    `json:"errcode"`
	SubCode   string `json:"sub_code,omitempty"`
	SubMsg    string `json:"sub_msg,omitempty"`
	Errmsg    string `json:"errmsg"`
	RequestID string `json:"request_id,omitempty"`
}

// codeReply is an error of the paths under /v1.0/.
type codeReply struct {
	Code      string `json:"code"`
	RequestID string `json:"requestid"`
	Message   string `json:"message"`
}

// failure is an error of the platform that answers a call.
type failure struct {
	err     *dingmock.ErrorReply
	holes   []string // name, value, name, value, …
	explain string   // cause and way out, in English; "" says what the document says
}

func (f *failure) Error() string { return f.err.Name + ": " + f.explain }

// fail returns the error of that name in the document. The holes are those of its text: name, value, ….
func (c *call) fail(name, explain string, holes ...string) error {
	return &failure{err: c.server.doc.ErrorReply(name), explain: explain, holes: holes}
}

// fill puts the values of the holes into a text of the document.
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
	header      http.Header // beside those of every answer; nil for none
	body        []byte
	shown       []byte // what the journal shows in the place of body; nil for body
	code        string // for people: 0, an errcode, errcode/sub_code or a code
	explain     string
	known       dingmock.Known // where the call is known from
}

// encode makes the answer of what a handler returned, unless it is one already.
func (c *call) encode(value any, err error) reply {
	if decided, ok := value.(reply); ok {
		return decided
	}
	r := reply{status: http.StatusOK, contentType: c.Family.ContentType, code: "0"}
	if f, ok := err.(*failure); ok {
		e := f.err
		r.status, r.explain = e.Status, f.explain
		text := fill(e.Text, f.holes)
		switch {
		case e.Code != "":
			r.code = fill(e.Code, f.holes)
			value = codeReply{Code: r.code, RequestID: c.requestID(), Message: text}
		case e.Errmsg != "":
			wrap := fill(e.Errmsg, []string{"sub_code", e.SubCode, "sub_msg", text})
			r.code = strconv.Itoa(e.Errcode)
			if e.SubCode != "" {
				r.code += "/" + e.SubCode
			}
			value = errcodeReply{Errcode: e.Errcode, SubCode: e.SubCode, SubMsg: text, Errmsg: wrap, RequestID: c.requestID()}
		default:
			r.code = strconv.Itoa(e.Errcode)
			value = errcodeReply{Errcode: e.Errcode, Errmsg: text, RequestID: c.requestID()}
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(value) // structs of strings and numbers: cannot fail
	r.body = bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if c.rule != nil && c.rule.Effect.Malformed {
		r.body = r.body[:len(r.body)-1]
		if r.explain == "" {
			r.explain = "rule " + c.rule.ID + " (malformed) took the last character of the body"
		}
	}
	return r
}

// addHeaders adds those that every answer of the path's family has, unless a rule has its own. What of them names the request
// is made for it.
func (c *call) addHeaders(r *reply) {
	if len(c.Family.Headers) == 0 {
		return
	}
	own := r.header
	r.header = http.Header{"x-acs-request-id": {c.requestID()}, "x-acs-trace-id": {newToken()}}
	for name, value := range c.Family.Headers {
		r.header[name] = []string{value}
	}
	for name, values := range own {
		maps.DeleteFunc(r.header, func(n string, _ []string) bool { return strings.EqualFold(n, name) })
		r.header[name] = values
	}
}

// requestID returns the id of the call, of the shape that the path's family answers.
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

// headerText makes a text fit to stand in a header: printable ASCII.
func headerText(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
