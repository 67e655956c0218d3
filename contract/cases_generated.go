package contract

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// generated is one request that was made from the document, and what has to answer it.
type generated struct {
	c     *trial
	op    *dingmock.Operation
	what  string // how it differs from the plainest call
	call  *call
	wrong bool   // whether it has to be refused
	error string // with which error
	name  string // the parameter that the error names
}

// generatedCases make requests of each operation from its schemas, half of them valid and half with one thing wrong.
var generatedCases = []opCase{{
	first: "generated", needs: needsTime | needsStandIn,
	rule: "A request that the document allows succeeds, and one with one thing wrong is refused with the error that the document has for it.",
	run: func(c *trial, op *dingmock.Operation) {
		n := 0
		for g := range c.generate(op) {
			if n++; n > c.runner.options.Budget {
				return
			}
			x := c.answer(g.call)
			c.during(fmt.Sprintf("%s (request %d of seed %d)", g.what, n, c.runner.options.Seed), func() {
				if !g.wrong {
					c.conform(x, aSuccess)
					c.success(x)
					c.undo(g.call)
				} else {
					c.wantError(x, g.error, "name", g.name)
				}
			})
		}
	},
}}

// generate makes requests without end, in turn valid and with one thing wrong.
func (c *trial) generate(op *dingmock.Operation) iter.Seq[generated] {
	return func(yield func(generated) bool) {
		plain := c.valid(op)
		for i := 0; ; i++ {
			g := generated{c: c, op: op, call: plain.clone(), what: "the plainest call", wrong: i%2 == 1}
			switch wrong := recipeOf(op).wrong; {
			case i%2 == 0 && hasBody(op):
				g.valid()
			case i%2 == 0:
				g.undeclared()
			case wrong != nil:
				wrong(&g, i/2)
			case hasBody(op):
				g.wrongBody(i / 2)
			default:
				g.wrongQuery(i / 2)
			}
			if !yield(g) {
				return
			}
		}
	}
}

// undeclared gives each free parameter a value that its schema allows, and puts parameters that the document does not have into the
// query.
func (g *generated) undeclared() {
	g.call = g.c.anew(g.call, g.values()...)
	q, rng := g.call, g.c.rng
	for range 1 + rng.IntN(4) {
		name := "x" + word(rng, 1+rng.IntN(20), letters)
		q.query = slices.Insert(q.query, rng.IntN(len(q.query)+1), pair{name, word(rng, rng.IntN(200), anything)})
	}
	g.what = "undeclared parameters"
	q.off(dingmock.KindUndeclaredParameter)
	repeats(q)
}

// wrongPairs makes one thing wrong with the pair of credentials of a token call.
func wrongPairs(g *generated, turn int) {
	q, rng, pairs := g.call, g.c.rng, firstPair(g.c.app())
	id, secret := pairs[0].(string), pairs[2].(string)
	wrong := "appkey-or-appsecret-wrong"
	if id == "corpid" {
		wrong = "corpid-or-corpsecret-wrong"
	}
	switch turn % 5 {
	case 0:
		g.what, g.error = "a wrong secret", wrong
		q.set(secret, "w"+word(rng, rng.IntN(300), anything))
	case 1:
		g.what, g.error = "an unknown id", wrong
		q.set(id, "w"+word(rng, rng.IntN(300), anything))
	case 2:
		g.what, g.error = "no secret", secret+"-missing"
		q.drop(secret).off(dingmock.KindMissingCredential)
	case 3:
		g.what, g.error, g.name = "no id", "parameter-missing", recipeOf(g.op).missing
		q.drop(id).off(dingmock.KindMissingCredential)
	default:
		g.what, g.error = "an empty secret", secret+"-missing"
		q.set(secret, "").off(dingmock.KindMissingCredential)
	}
}

// wrongQuery makes one thing wrong with a call that has no body; the kinds take turns.
func (g *generated) wrongQuery(turn int) {
	q, rng, answers, token := g.call, g.c.rng, g.op.Family.Answers, tokenOf(g.op)
	must := required(g.op)
	turn %= 3 + len(must)
	switch {
	case turn == 0 && token != "":
		g.what, g.error = "no token", answers["token-blank"]
		q.drop(token).off(dingmock.KindMissingCredential)
	case turn == 1 && token != "":
		g.what, g.error = "a token of another value", answers["token-bad"]
		q.set(token, "w"+word(rng, rng.IntN(60), letters))
	case turn > 2:
		p := must[turn-3]
		g.what, g.error, g.name = p.Name+" absent", answers["missing-parameter"], p.Name
		q.drop(p.Name).off(dingmock.KindMissingParameter)
	default:
		g.what, g.error = "another method", g.op.MethodError()
		q.by(g.c.wrongMethods(g.op)[0]).off(dingmock.KindMethod)
	}
}

// repeats declares repeated names as off-spec if there are any.
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

// valid gives each free parameter a value that its schema allows, and the body one of its forms.
func (g *generated) valid() {
	c, op := g.c, g.op
	g.call = c.anew(g.call, g.values()...)
	q := g.call
	g.what = "valid values"
	switch c.rng.IntN(5) {
	case 0:
		if hasForm(op) {
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
		if len(q.fields) > 0 {
			g.what += ", a key twice"
			p := q.fields[c.rng.IntN(len(q.fields))]
			q.fields = append([]pair{{p.name, "first"}}, q.fields...)
			q.off(dingmock.KindRepeatedParameter)
		}
	case 3:
		g.what += ", spaces and escapes"
		q.body(mediaJSON, spaced(c.rng, q.fields))
	}
	c.rng.Shuffle(len(q.fields), func(i, j int) {
		if q.fields[i].name != q.fields[j].name && len(q.breaks) == 0 {
			q.fields[i], q.fields[j] = q.fields[j], q.fields[i]
		}
	})
}

// values are such as their schemas allow, for the free parameters: name, value, ….
func (g *generated) values() (values []any) {
	rng := g.c.rng
	for _, p := range free(g.op) {
		least, most := p.Limits()
		n := []int{least, most, least + rng.IntN(most-least+1), min(most, 16)}[rng.IntN(4)]
		value := word(rng, n, anything)
		if slices.Contains(recipeOf(g.op).own, p.Name) { // no other call of the case has it, if there is room for that
			own := fmt.Sprintf("%d.%s", g.c.counter.Add(1), g.c.tag)
			value = own + value
			value = string([]rune(value)[:min(most, max(n, len(own)))])
		}
		values = append(values, p.Name, value)
	}
	return values
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

// wrongBody makes one thing wrong with a call that has a body; the kinds take turns.
func (g *generated) wrongBody(turn int) {
	q, rng, answers := g.call, g.c.rng, g.op.Family.Answers
	list, must := parameters(g.op), required(g.op)
	var p, first dingmock.Parameter
	if len(list) > 0 {
		p = list[rng.IntN(len(list))]
	}
	kinds := []int{4, 5, 6, 7}
	if len(must) > 0 {
		first, kinds = must[rng.IntN(len(must))], []int{0, 1, 2, 3, 4, 5, 6, 7}
	} else if len(list) > 0 {
		kinds = []int{2, 3, 4, 5, 6, 7}
	}
	_, most := p.Limits()
	for kind, answer := range map[int]string{4: "body", 5: "body", 6: "body", 7: "content-type"} {
		if answers[answer] == "" { // the dialect reads what it can
			kinds = slices.DeleteFunc(kinds, func(k int) bool { return k == kind })
		}
	}
	if len(kinds) == 0 {
		g.wrongQuery(turn)
		return
	}
	kind := kinds[turn%len(kinds)]
	if kind == 3 && most < 0 && len(must) == 0 {
		kind = 2
	}
	body := encodeObject(append(slices.Clone(q.fields), pair{"contract_unknown", word(rng, 20, letters)})) // the call's own may have no text
	switch kind {
	case 0:
		g.what, g.error, g.name = first.Name+" absent", answers["missing-parameter"], first.Name
		q.drop(first.Name).off(dingmock.KindMissingParameter)
	case 1:
		value := []any{"", nil}[rng.IntN(2)]
		g.what, g.error, g.name = first.Name+" empty or null", answers["missing-parameter"], first.Name
		q.set(first.Name, value).off(dingmock.KindMissingParameter)
	case 2:
		values := wrongTypes(p)
		g.what, g.error, g.name = p.Name+" of another type", answers["invalid-parameter"], p.Name
		q.set(p.Name, values[rng.IntN(len(values))].value).off(dingmock.KindInvalidParameter)
	case 3:
		if most < 0 {
			g.what, g.error, g.name = first.Name+" under a name in capitals", answers["missing-parameter"], first.Name
			value := q.value(first.Name)
			q.drop(first.Name).off(dingmock.KindMissingParameter, dingmock.KindUndeclaredParameter)
			q.fields = append(q.fields, pair{strings.ToUpper(first.Name), value})
			return
		}
		n := []int{most + 1, most + 1 + rng.IntN(1000), 64 << 10}[rng.IntN(3)]
		g.what, g.error, g.name = fmt.Sprintf("%s of %d characters", p.Name, n), answers["invalid-parameter"], p.Name
		q.set(p.Name, word(rng, n, anything)).off(dingmock.KindInvalidParameter)
	case 4:
		g.what, g.error = "a body that breaks off", answers["body"]
		q.body(mediaJSON, body[:1+rng.IntN(len(body)-1)]).off(dingmock.KindBody)
	case 5:
		at := 2 + rng.IntN(max(1, len(body)-2))
		g.what, g.error = "a byte that is not UTF-8", answers["body"]
		q.body(mediaJSON, slices.Insert(slices.Clone(body), min(at, len(body)), byte(0xff))).off(dingmock.KindBody)
	case 6:
		tails := []string{"x", "{}", "null", "]", "}", ",", `"`, "\x00"}
		g.what, g.error = "text after the object", answers["body"]
		q.body(mediaJSON, append(slices.Clone(body), tails[rng.IntN(len(tails))]...)).off(dingmock.KindBody)
	default:
		types := []string{"text/plain", "application/xml", "application/octet-stream", "multipart/form-data", "json"}
		g.what, g.error = "another content type", answers["content-type"]
		q.contentType = types[rng.IntN(len(types))]
		q.off(dingmock.KindContentType)
	}
}
