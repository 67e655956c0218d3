// Package template makes the fixed replies of rules, and fills the holes of those that are templates with values
// from a call.
package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/jsonvalue"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

const maxHoles = 100 // in one reply

// MaxFill is how many bytes of a call may go into the holes of a reply, and how many bytes they may produce.
const MaxFill = 8 << 20

// templateRoot is what the first name of a hole stands for.
type templateRoot struct {
	bare  bool                                                    // whether it stands alone, as {{root}}, and not as {{root.field}}
	value func(g *Filling, path []string) (json.RawMessage, bool) // JSON to insert
}

var templateRoots = map[string]templateRoot{
	"body":  {value: (*Filling).bodyField},
	"query": {value: (*Filling).queryField},
	"token": {bare: true, value: (*Filling).newToken},
}

// templateHole is one {{root.path}} of a template.
type templateHole struct {
	text   string // as written
	root   templateRoot
	path   []string
	secret bool // whether a name in it denotes a secret
}

// piece is plain text of a template, or a hole.
type piece struct {
	text string
	hole *templateHole
}

var holePart = regexp.MustCompile(`^[^\s{}.]+$`)

// pieces splits a template. The error names the hole that is not valid.
func pieces(text string) ([]piece, error) {
	var list []piece
	for {
		before, after, found := strings.Cut(text, "{{")
		if before != "" {
			list = append(list, piece{text: before})
		}
		if !found {
			return list, nil
		}
		inner, rest, closed := strings.Cut(after, "}}")
		if !closed {
			return nil, fmt.Errorf("the hole %.60q is not closed: write {{body.userid}}", "{{"+after)
		}
		h, err := readHole(inner)
		if err != nil {
			return nil, err
		}
		list, text = append(list, piece{hole: h}), rest
	}
}

func readHole(inner string) (*templateHole, error) {
	h := &templateHole{text: "{{" + inner + "}}"}
	parts := strings.Split(strings.TrimSpace(inner), ".")
	if slices.ContainsFunc(parts, func(part string) bool { return !holePart.MatchString(part) }) {
		return nil, fmt.Errorf("the hole %.60q is none: write the likes of {{body.userid}}, {{body.list.0.name}} and {{query.x}}", h.text)
	}
	var ok bool
	h.path, h.secret = parts[1:], slices.ContainsFunc(parts, redact.SecretName)
	if h.root, ok = templateRoots[parts[0]]; !ok {
		return nil, fmt.Errorf("the hole %.60q begins with %.40q: it has to begin with one of %s", h.text, parts[0], strings.Join(slices.Sorted(maps.Keys(templateRoots)), ", "))
	}
	if h.root.bare != (len(h.path) == 0) {
		if h.root.bare {
			return nil, fmt.Errorf("the hole %.60q has to be {{%s}} alone", h.text, parts[0])
		}
		return nil, fmt.Errorf("the hole %.60q has to name a field, as {{%s.userid}} does", h.text, parts[0])
	}
	return h, nil
}

// room limits what fills the holes of one reply. After something did not fit, no further hole is filled.
type room struct {
	taken int // bytes
	full  bool
}

// takes reports whether n more bytes fit, and reserves them if so.
func (r *room) takes(n int) bool {
	r.full = r.full || r.taken+n > MaxFill
	if !r.full {
		r.taken += n
	}
	return !r.full
}

// fillText fills the holes of a valid text, and passes each part through written. A hole without a value stays
// empty. For the journal it produces no more than is shown.
func fillText(text string, g *Filling, written func(string) string) string {
	list, _ := pieces(text)
	var b strings.Builder
	for _, p := range list {
		if g.kept && b.Len() > redact.Kept {
			break
		}
		if p.hole == nil {
			b.WriteString(written(p.text))
			continue
		}
		value, ok := p.hole.fill(g)
		if !ok || string(value) == "null" {
			continue
		}
		if text := written(jsonvalue.Text(value)); g.room.takes(max(0, len(text)-len(value))) {
			b.WriteString(text)
		}
	}
	return b.String()
}

// fill returns what fills a hole, as JSON; false if the call has no value for it or there is no room.
func (h *templateHole) fill(g *Filling) (json.RawMessage, bool) {
	switch {
	case g.room.full:
		return nil, false
	case g.kept && h.secret:
		return json.RawMessage(`"` + redact.Masked + `"`), true
	}
	value, ok := h.root.value(g, h.path)
	switch {
	case !ok || !g.room.takes(len(value)):
		return nil, false
	case !g.kept:
		return value, true
	}
	if text, plain := jsonvalue.Scalar(value); plain && value[0] == '"' {
		return jsontext.MustMarshal(redact.Text(text)), true
	}
	return json.RawMessage(redact.JSON(string(value))), true
}

// asItIs returns a text unchanged; inString escapes it for use within a JSON string.
func asItIs(text string) string { return text }

func inString(text string) string {
	quoted := jsontext.MustMarshal(text)
	return string(quoted[1 : len(quoted)-1])
}

// Masked returns the same call for the journal: secrets do not fill holes.
func (g *Filling) Masked() *Filling {
	kept := *g
	kept.kept, kept.room = true, room{}
	return &kept
}

// Filling is what fills the holes of a reply: the values of a call. It is not safe for concurrent use.
type Filling struct {
	Query string        // as sent
	Body  []byte        // a form or JSON
	Token func() string // returns a new token of the app, the same each time

	kept bool  // whether it is for the journal, where secrets fill no hole
	sent *sent // nil until first used
	room room
}

// Full reports whether the call gave more than fits into one reply, so that holes were left unfilled.
func (g *Filling) Full() bool { return g.room.full }

// sent is what a call gave, parsed once for all holes.
type sent struct {
	body        *jsonvalue.Node // of JSON
	form, query map[string]*jsonvalue.Node
}

// read returns what the call gave, and parses it if that has not been done.
func (g *Filling) read() *sent {
	if g.sent != nil {
		return g.sent
	}
	g.sent = &sent{body: &jsonvalue.Node{}, query: readForm(g.Query)}
	switch body := bytes.TrimSpace(g.Body); {
	case len(g.Body) > dingmock.MaxBody:
	case bytes.HasPrefix(body, []byte("{")), bytes.HasPrefix(body, []byte("[")):
		g.sent.body = jsonvalue.New(body)
	default:
		g.sent.form = readForm(string(g.Body))
	}
	return g.sent
}

func readForm(raw string) map[string]*jsonvalue.Node {
	form := map[string]*jsonvalue.Node{}
	for name, text := range dingmock.FormValues(raw) {
		form[name] = jsonvalue.New(jsontext.MustMarshal(text))
	}
	return form
}

// bodyField returns a value of the body, which is a form or JSON.
func (g *Filling) bodyField(path []string) (json.RawMessage, bool) {
	if x := g.read(); x.form == nil {
		return x.body.Descend(path)
	}
	return formField(g.sent.form, path)
}

func (g *Filling) queryField(path []string) (json.RawMessage, bool) {
	return formField(g.read().query, path)
}

// newToken returns the token that the reply issues: the same in all holes of one reply.
func (g *Filling) newToken([]string) (json.RawMessage, bool) {
	return jsontext.MustMarshal(g.Token()), true
}

func formField(form map[string]*jsonvalue.Node, path []string) (json.RawMessage, bool) {
	n, ok := form[path[0]]
	if !ok {
		return nil, false
	}
	return n.Descend(path[1:])
}

// notOurs are the headers that a rule may not set in a reply.
var notOurs = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// What the fields of a fixed reply accept, as far as the document's schema does not say it.
const (
	acceptedHeader   = "the name of a header, other than Content-Type, those of how an answer is sent and Dingmock-…, with a text of one line"
	acceptedTemplate = "values with holes such as {{body.userid}}, {{body.list.0.name}}, {{query.x}} and {{token}}, at most 100 in a reply"
)

// Check checks a fixed reply.
func Check(f *api.FixedReply) *api.FieldError {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return field.Wrong("/status", "", "200 to 599, or absent for 200")
	case strings.ContainsAny(f.ContentType, "\r\n\x00"):
		return field.Wrong("/content_type", "", "one line")
	case f.TokenLife != 0 && !f.Template:
		return field.Wrong("/token_life", "goes with template and a hole {{token}}", tokenlife.Accepted+" beside template, else nothing")
	case f.TokenLife != 0 && tokenlife.Check(time.Duration(f.TokenLife)) != nil:
		return field.Wrong("/token_life", tokenlife.Check(time.Duration(f.TokenLife)).Error(), tokenlife.Accepted)
	}
	holes := 0
	check := func(text string) error {
		if !f.Template {
			return nil
		}
		list, err := pieces(text)
		if err != nil {
			return err
		}
		for _, p := range list {
			if p.hole != nil {
				holes++
			}
		}
		if holes > maxHoles {
			return fmt.Errorf("the reply has more than %d holes", maxHoles)
		}
		return nil
	}
	names := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		at, canonical, value := "/headers/"+jsonpointer.Escape(name), http.CanonicalHeaderKey(name), f.Headers[name]
		switch {
		case !field.HeaderName(name):
			return field.Wrong(at, "is no name of a header", acceptedHeader)
		case canonical == "Content-Type":
			return field.Wrong(at, "is given by content_type", acceptedHeader)
		case slices.Contains(notOurs, canonical), strings.HasPrefix(canonical, "Dingmock-"):
			return field.Wrong(at, "is not a rule's to set: how the answer is sent is the server's, and what begins with Dingmock- says what it did", acceptedHeader)
		case names[canonical]:
			return field.Wrong(at, "stands there in another spelling too", "each header once")
		case strings.ContainsFunc(value, unicode.IsControl):
			return field.Wrong(at, "", "one line, without control characters")
		}
		names[canonical] = true
		if err := check(value); err != nil {
			return field.Wrong(at, err.Error(), acceptedTemplate)
		}
	}
	if f.Template && len(f.Body) > 0 {
		if err := walkStrings(f.Body, check); err != nil {
			return field.Wrong("/body", err.Error(), acceptedTemplate)
		}
	}
	return nil
}

// walkStrings calls look for each string value of a JSON text, and rejects holes in keys, where nothing fills
// them.
func walkStrings(data []byte, look func(string) error) error {
	return rewrite(&bytes.Buffer{}, data, func(key bool, text string) ([]byte, error) {
		if key && strings.Contains(text, "{{") {
			return nil, fmt.Errorf("the key %.60q has a hole: holes stand in values", text)
		}
		return nil, look(text)
	})
}

// rewrite copies a JSON text without spaces. Keys keep their order, and text returns what to write for each
// string.
func rewrite(out *bytes.Buffer, data []byte, text func(key bool, text string) ([]byte, error)) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var value func() error
	put := func(key bool, s string) error {
		b, err := text(key, s)
		out.Write(b)
		return err
	}
	value = func() error {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case json.Delim:
			out.WriteByte(byte(tok))
			for i := 0; dec.More(); i++ {
				if i > 0 {
					out.WriteByte(',')
				}
				if tok == '{' {
					key, err := dec.Token()
					if err != nil {
						return err
					}
					if err := put(true, key.(string)); err != nil {
						return err
					}
					out.WriteByte(':')
				}
				if err := value(); err != nil {
					return err
				}
			}
			if _, err := dec.Token(); err != nil {
				return err
			}
			out.WriteByte(byte(tok) + 2) // in ASCII, ] and } come two after [ and {
			return nil
		case string:
			return put(false, tok)
		}
		out.Write(jsontext.MustMarshal(tok))
		return nil
	}
	return value()
}

// Render returns the headers and the body of the reply to a call.
func Render(f *api.FixedReply, g *Filling) (header http.Header, body []byte) {
	g.room = room{}
	for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
		value := f.Headers[name]
		if f.Template {
			value = fillText(value, g, withoutControls)
		}
		if header == nil {
			header = http.Header{}
		}
		header.Set(name, value)
	}
	return header, RenderBody(f, g)
}

func withoutControls(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

// errEnough stops the rendering of a body for the journal when it is longer than what is shown.
var errEnough = errors.New("no more is kept")

// RenderBody returns only the body.
func RenderBody(f *api.FixedReply, g *Filling) []byte {
	var text string
	var out bytes.Buffer
	switch {
	case len(f.Body) == 0:
	case json.Unmarshal(f.Body, &text) == nil && f.Template:
		out.WriteString(fillText(text, g, asItIs))
	case json.Unmarshal(f.Body, &text) == nil:
		out.WriteString(text)
	case f.Template:
		_ = rewrite(&out, f.Body, func(key bool, text string) ([]byte, error) { // Check has already walked through it
			switch {
			case g.kept && out.Len() > redact.Kept:
				return nil, errEnough
			case key:
				return jsontext.MustMarshal(text), nil
			}
			return fillValue(text, g), nil
		})
	default:
		_ = json.Compact(&out, f.Body) // it was read from JSON
	}
	return out.Bytes()
}

// fillValue fills the holes of a string in a JSON body. If the string is nothing but a hole, it becomes the value
// itself.
func fillValue(text string, g *Filling) []byte {
	list, _ := pieces(text)
	if len(list) != 1 || list[0].hole == nil {
		return []byte(`"` + fillText(text, g, inString) + `"`)
	}
	value, ok := list[0].hole.fill(g)
	if !ok {
		return []byte("null")
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return []byte("null")
	}
	return compact.Bytes()
}
