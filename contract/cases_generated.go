package contract

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// generated is one request that was made from the document, and what has to answer it.
type generated struct {
	what  string // how it differs from the plainest call
	call  *call
	error string // "" for a success
	name  string // the parameter that the error names
}

// generatedCases make requests of each operation from its schemas, half of them valid and half with one thing wrong.
func generatedCases(doc *dingmock.Document) []Case {
	var list []Case
	for _, op := range doc.Operations() {
		needs := NeedsRaw | needsTime | needsStandIn
		if tokenOf(op) != "" {
			needs |= sessionNeeds
		} else if len(op.BodyTypes) > 0 {
			needs |= needsAppPair
		}
		list = append(list, Case{
			ID: "generated/" + op.ID, Level: MUST, Operation: op.ID, Needs: needs,
			Rule: "A request that the document allows succeeds, and one with one thing wrong is refused with the error that the document has for it.",
			run: func(c *Trial) {
				n := 0
				for g := range c.generate(c.op(op.ID)) {
					if n++; n > c.runner.options.Budget {
						return
					}
					x := c.answer(g.call)
					c.during(fmt.Sprintf("%s (request %d of seed %d)", g.what, n, c.runner.options.Seed), func() {
						if g.error == "" {
							c.conform(x, aSuccess)
							c.success(x)
							c.undo(g.call)
						} else {
							c.wantError(x, g.error, "name", g.name)
						}
					})
				}
			},
		})
	}
	return append(list, modelCase)
}

// undo closes the session that a call has opened, so that generated ones do not pile up.
func (c *Trial) undo(q *call) {
	if q.op.ID == "create_session" {
		c.succeed(c.closing(q))
	}
}

// generate makes requests without end, in turn valid and with one thing wrong.
func (c *Trial) generate(op *dingmock.Operation) iter.Seq[generated] {
	return func(yield func(generated) bool) {
		plain := c.valid(op)
		for i := 0; ; i++ {
			q := plain.clone()
			g := generated{call: q, what: "the plainest call"}
			switch {
			case len(op.BodyTypes) == 0:
				c.generateQuery(&g, i)
			case i%2 == 0:
				c.generateValid(&g, op)
			default:
				c.generateWrong(&g, op, i/2)
			}
			if !yield(g) {
				return
			}
		}
	}
}

// generateQuery changes a call whose parameters are credentials in the query.
func (c *Trial) generateQuery(g *generated, i int) {
	q, pairs := g.call, firstPair(c.app())
	id, secret := pairs[0].(string), pairs[2].(string)
	wrong := "appkey-or-appsecret-wrong"
	if id == "corpid" {
		wrong = "corpid-or-corpsecret-wrong"
	}
	if i%2 == 0 {
		for range 1 + c.rng.IntN(4) {
			name := "x" + word(c.rng, 1+c.rng.IntN(20), letters)
			q.query = slices.Insert(q.query, c.rng.IntN(len(q.query)+1), pair{name, word(c.rng, c.rng.IntN(200), anything)})
		}
		g.what = "undeclared parameters"
		q.off(dingmock.KindUndeclaredParameter)
		repeats(q)
		return
	}
	switch i / 2 % 5 {
	case 0:
		g.what, g.error = "a wrong secret", wrong
		q.set(secret, "w"+word(c.rng, c.rng.IntN(300), anything))
	case 1:
		g.what, g.error = "an unknown id", wrong
		q.set(id, "w"+word(c.rng, c.rng.IntN(300), anything))
	case 2:
		g.what, g.error = "no secret", secret+"-missing"
		q.drop(secret).off(dingmock.KindMissingCredential)
	case 3:
		g.what, g.error, g.name = "no id", "parameter-missing", "corpid or appkey"
		q.drop(id).off(dingmock.KindMissingCredential)
	default:
		g.what, g.error = "an empty secret", secret+"-missing"
		q.set(secret, "").off(dingmock.KindMissingCredential)
	}
}

// repeats declares repeated names as off-spec where there are any.
func repeats(q *call) {
	seen := map[string]bool{}
	for _, p := range q.query {
		if seen[p.name] {
			q.off(dingmock.KindRepeatedParameter)
			return
		}
		seen[p.name] = true
	}
}

// alphabets of generated values. None has the characters that a JSON encoder may escape in more than one way.
var (
	letters  = []rune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
	anything = []rune("abcXYZ019 -_.~!*'();:@&=+$,/?#[]%<>{}|^`\"\\会话应用密钥éüß😀👩‍👧ق\t\n\r\x00\x01\x7f")
)

func word(rng *rand.Rand, n int, alphabet []rune) string {
	runes := make([]rune, n)
	for i := range runes {
		runes[i] = alphabet[rng.IntN(len(alphabet))]
	}
	return string(runes)
}

// free are the parameters whose value a caller chooses.
func free(op *dingmock.Operation) []dingmock.Parameter {
	return slices.DeleteFunc(bodyParameters(op), func(p dingmock.Parameter) bool {
		_, most := p.Limits()
		return most < 0 || p.Name == "app_key"
	})
}

// generateValid gives each free parameter a value that its schema allows, and the body one of its forms.
func (c *Trial) generateValid(g *generated, op *dingmock.Operation) {
	q := g.call
	if op.ID == "close_session" {
		q = c.valid(op)
		g.call = q
	}
	g.what = "valid values"
	if op.ID != "close_session" {
		for _, p := range free(op) {
			least, most := p.Limits()
			n := []int{least, most, least + c.rng.IntN(most-least+1), min(most, 16)}[c.rng.IntN(4)]
			value := word(c.rng, n, anything)
			if p.Name == "session_id" {
				// An id must not be that of an open session with other values.
				value = string([]rune(c.id("") + value)[:max(1, n, len(c.id("")))])
				value = string([]rune(value)[:min(most, len([]rune(value)))])
			}
			q.set(p.Name, value)
		}
	}
	switch c.rng.IntN(5) {
	case 0:
		if slices.Contains(op.BodyTypes, mediaForm) {
			g.what += ", as a form"
			for i, p := range q.fields {
				if p.value == nil {
					q.fields[i].value = ""
				}
			}
			q.asForm()
		}
	case 1:
		g.what += ", an undeclared field deep in itself"
		deep := any("x")
		for range 1 + c.rng.IntN(200) {
			if c.rng.IntN(2) == 0 {
				deep = []any{deep}
			} else {
				deep = map[string]any{"x": deep}
			}
		}
		q.fields = slices.Insert(q.fields, c.rng.IntN(len(q.fields)+1), pair{"contract_unknown", deep})
		q.off(dingmock.KindUndeclaredParameter)
	case 2:
		g.what += ", a key twice"
		p := q.fields[c.rng.IntN(len(q.fields))]
		q.fields = append([]pair{{p.name, "first"}}, q.fields...)
		q.off(dingmock.KindRepeatedParameter)
	case 3:
		g.what += ", spaces and escapes"
		q.body(mediaJSON, spaced(c.rng, q.fields))
	}
	if op.ID == "accessToken" {
		return
	}
	c.rng.Shuffle(len(q.fields), func(i, j int) {
		if q.fields[i].name != q.fields[j].name && len(q.breaks) == 0 {
			q.fields[i], q.fields[j] = q.fields[j], q.fields[i]
		}
	})
}

// spaced writes a JSON object with spaces wherever they may stand, and its strings with more escapes than they need.
func spaced(rng *rand.Rand, list []pair) []byte {
	var b strings.Builder
	space := func() { b.WriteString(word(rng, rng.IntN(3), []rune(" \t\r\n"))) }
	text := func(s string) {
		space()
		b.WriteByte('"')
		for _, c := range s {
			if quoted := jsontext.MustMarshal(string(c)); rng.IntN(3) == 0 && c < 0x10000 {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				b.Write(quoted[1 : len(quoted)-1])
			}
		}
		b.WriteByte('"')
		space()
	}
	space()
	b.WriteByte('{')
	for i, p := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		text(p.name)
		b.WriteByte(':')
		if s, ok := p.value.(string); ok {
			text(s)
		} else {
			b.Write(jsontext.MustMarshal(p.value))
		}
	}
	b.WriteByte('}')
	space()
	return []byte(b.String())
}

// generateWrong makes one thing wrong; the kinds take turns.
func (c *Trial) generateWrong(g *generated, op *dingmock.Operation, turn int) {
	q, answers := g.call, op.Family.Answers
	list := bodyParameters(op)
	var required []dingmock.Parameter
	for _, p := range list {
		if p.Required {
			required = append(required, p)
		}
	}
	p := list[c.rng.IntN(len(list))]
	must := required[c.rng.IntN(len(required))]
	body := encodeObject(q.fields)
	switch turn % 8 {
	case 0:
		g.what, g.error, g.name = must.Name+" absent", answers["missing-parameter"], must.Name
		q.drop(must.Name).off(dingmock.KindMissingParameter)
	case 1:
		value := []any{"", nil}[c.rng.IntN(2)]
		g.what, g.error, g.name = must.Name+" empty or null", answers["missing-parameter"], must.Name
		q.set(must.Name, value).off(dingmock.KindMissingParameter)
	case 2:
		values := []any{0, 1, -1.5, 1e300, true, false, []any{}, []any{"x"}, map[string]any{}, map[string]any{"x": "y"}}
		g.what, g.error, g.name = p.Name+" of another type", answers["invalid-parameter"], p.Name
		q.set(p.Name, values[c.rng.IntN(len(values))]).off(dingmock.KindInvalidParameter)
	case 3:
		_, most := p.Limits()
		if most < 0 {
			g.what, g.error, g.name = must.Name+" under a name in capitals", answers["missing-parameter"], must.Name
			value := q.value(must.Name)
			q.drop(must.Name).off(dingmock.KindMissingParameter, dingmock.KindUndeclaredParameter)
			q.fields = append(q.fields, pair{strings.ToUpper(must.Name), value})
			return
		}
		n := []int{most + 1, most + 1 + c.rng.IntN(1000), 64 << 10}[c.rng.IntN(3)]
		g.what, g.error, g.name = fmt.Sprintf("%s of %d characters", p.Name, n), answers["invalid-parameter"], p.Name
		q.set(p.Name, word(c.rng, n, anything)).off(dingmock.KindInvalidParameter)
	case 4:
		g.what, g.error = "a body that breaks off", answers["body"]
		q.body(mediaJSON, body[:1+c.rng.IntN(len(body)-1)]).off(dingmock.KindBody)
	case 5:
		at := 2 + c.rng.IntN(len(body)-2)
		g.what, g.error = "a byte that is not UTF-8", answers["body"]
		q.body(mediaJSON, slices.Insert(slices.Clone(body), at, byte(0xff))).off(dingmock.KindBody)
	case 6:
		tails := []string{"x", "{}", "null", "]", "}", ",", `"`, "\x00"}
		g.what, g.error = "text after the object", answers["body"]
		q.body(mediaJSON, append(slices.Clone(body), tails[c.rng.IntN(len(tails))]...)).off(dingmock.KindBody)
	default:
		types := []string{"text/plain", "application/xml", "application/octet-stream", "multipart/form-data", "json"}
		g.what, g.error = "another content type", answers["content-type"]
		q.contentType = types[c.rng.IntN(len(types))]
		q.off(dingmock.KindContentType)
	}
	if q.method != http.MethodPost {
		q.method = op.Method
	}
}
