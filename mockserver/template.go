package mockserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dingmock/dingmock"
)

// maxHoles is how many holes one reply may have: each may be filled with as much as a body holds.
const maxHoles = 100

// templateRoot is what a hole may begin with.
type templateRoot struct {
	bare  bool                                                    // whether it stands alone, as {{root}}, and not as {{root.field}}
	value func(s *subject, path []string) (json.RawMessage, bool) // JSON as it is put in
}

var templateRoots = map[string]templateRoot{
	"body":  {value: (*subject).bodyField},
	"query": {value: (*subject).queryField},
	"token": {bare: true, value: (*subject).newToken},
}

// templateHole is one {{root.path}} of a template.
type templateHole struct {
	text   string // as it stands there
	root   templateRoot
	path   []string
	secret bool // whether a name in it is that of a secret
}

// piece is plain text of a template, or a hole.
type piece struct {
	text string
	hole *templateHole
}

var holePart = regexp.MustCompile(`^[^\s{}.]+$`)

// pieces takes a template apart. The error names the hole that is none.
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
	h.path, h.secret = parts[1:], slices.ContainsFunc(parts, secretName)
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

// value is what fills a hole, as JSON; false where the call has nothing for it.
func (h *templateHole) value(s *subject) (json.RawMessage, bool) {
	if s.kept && h.secret {
		return json.RawMessage(`"` + masked + `"`), true
	}
	value, ok := h.root.value(s, h.path)
	if !ok || !s.kept {
		return value, ok
	}
	if text, plain := scalar(value); plain && value[0] == '"' {
		return encodeJSON(maskText(text)), true
	}
	return json.RawMessage(maskJSON(string(value))), true
}

// fillText fills the holes of a text that is valid. What there is not is empty.
func fillText(text string, s *subject) string {
	list, _ := pieces(text)
	var b strings.Builder
	for _, p := range list {
		if p.hole == nil {
			b.WriteString(p.text)
		} else if value, ok := p.hole.value(s); ok && string(value) != "null" {
			b.WriteString(textOf(value))
		}
	}
	return b.String()
}

// masked is the same call for the journal: secrets do not fill holes.
func (s *subject) masked() *subject {
	kept := *s
	kept.kept = true
	return &kept
}

// bodyField returns a value of the body, a form or JSON.
func (s *subject) bodyField(path []string) (json.RawMessage, bool) {
	switch {
	case len(s.body) > dingmock.MaxBody:
		return nil, false
	case bytes.HasPrefix(bytes.TrimSpace(s.body), []byte("{")), bytes.HasPrefix(bytes.TrimSpace(s.body), []byte("[")):
		return descend(s.body, path)
	}
	return formField(string(s.body), path)
}

func (s *subject) queryField(path []string) (json.RawMessage, bool) { return formField(s.query, path) }

// newToken is a token of the app's that the reply hands out: the same wherever it stands in one reply.
func (s *subject) newToken([]string) (json.RawMessage, bool) { return encodeJSON(s.token()), true }

func formField(raw string, path []string) (json.RawMessage, bool) {
	text, ok := dingmock.FormValue(raw, path[0])
	if !ok {
		return nil, false
	}
	return descend(encodeJSON(text), path[1:])
}

// notOurs are the headers of a reply that are not a rule's to set.
var notOurs = []string{
	"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// validate checks a fixed reply.
func (f *FixedReply) validate() *fieldError {
	switch {
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return &fieldError{"/status", "has to be 200 to 599, or absent for 200"}
	case strings.ContainsAny(f.ContentType, "\r\n\x00"):
		return &fieldError{"/content_type", "has to be one line"}
	case f.TokenLife != 0 && !f.Template:
		return &fieldError{"/token_life", "goes with template and a hole {{token}}"}
	case f.TokenLife != 0 && checkTokenLife(time.Duration(f.TokenLife)) != nil:
		return &fieldError{"/token_life", checkTokenLife(time.Duration(f.TokenLife)).Error()}
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
		at, canonical, value := pointerTo("/headers", name), http.CanonicalHeaderKey(name), f.Headers[name]
		switch {
		case !headerShape.MatchString(name):
			return &fieldError{at, "is no name of a header"}
		case canonical == "Content-Type":
			return &fieldError{at, "is given by content_type"}
		case slices.Contains(notOurs, canonical), strings.HasPrefix(canonical, "Dingmock-"):
			return &fieldError{at, "is not a rule's to set: how the answer is sent is the server's, and what begins with Dingmock- says what it did"}
		case names[canonical]:
			return &fieldError{at, "stands there in another spelling too"}
		case strings.ContainsFunc(value, unicode.IsControl):
			return &fieldError{at, "has to be one line, without control characters"}
		}
		names[canonical] = true
		if err := check(value); err != nil {
			return &fieldError{at, err.Error()}
		}
	}
	if f.Template && len(f.Body) > 0 {
		if err := walkStrings(f.Body, check); err != nil {
			return &fieldError{"/body", err.Error()}
		}
	}
	return nil
}

// walkStrings has each string of a JSON text looked at, and refuses holes where nothing fills them.
func walkStrings(data []byte, look func(string) error) error {
	return rewrite(&bytes.Buffer{}, data, func(key bool, text string) ([]byte, error) {
		if key && strings.Contains(text, "{{") {
			return nil, fmt.Errorf("the key %.60q has a hole: holes stand in values", text)
		}
		return nil, look(text)
	})
}

// rewrite copies a JSON text without spaces, its keys in their order, and each string as it is told.
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
			out.WriteByte(byte(tok) + 2) // ] and } come two after [ and {
			return nil
		case string:
			return put(false, tok)
		}
		out.Write(encodeJSON(tok))
		return nil
	}
	return value()
}

// render makes the headers and the body of the reply to a call.
func (f *FixedReply) render(s *subject) (header http.Header, body []byte) {
	for name, value := range f.Headers {
		if f.Template {
			value = strings.Map(func(r rune) rune {
				if unicode.IsControl(r) {
					return -1
				}
				return r
			}, fillText(value, s))
		}
		if header == nil {
			header = http.Header{}
		}
		header.Set(name, value)
	}
	var text string
	var out bytes.Buffer
	switch {
	case len(f.Body) == 0:
	case json.Unmarshal(f.Body, &text) == nil && f.Template:
		out.WriteString(fillText(text, s))
	case json.Unmarshal(f.Body, &text) == nil:
		out.WriteString(text)
	case f.Template:
		_ = rewrite(&out, f.Body, func(key bool, text string) ([]byte, error) { // it has been walked through before
			if key {
				return encodeJSON(text), nil
			}
			return fillValue(text, s), nil
		})
	default:
		_ = json.Compact(&out, f.Body) // it was read from JSON
	}
	return header, out.Bytes()
}

// fillValue fills a string of a JSON body. One that is a hole and nothing else takes the value as it is.
func fillValue(text string, s *subject) []byte {
	list, _ := pieces(text)
	if len(list) != 1 || list[0].hole == nil {
		return encodeJSON(fillText(text, s))
	}
	value, ok := list[0].hole.value(s)
	if !ok {
		return []byte("null")
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return []byte("null")
	}
	return compact.Bytes()
}
