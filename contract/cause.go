package contract

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// Finding is one way in which a target answers otherwise than the document says.
type Finding struct {
	Operation string `json:"operation"` // of the call that was answered so; "" for a path that is no operation's
	Pointer   string `json:"pointer"`   // where: a JSON pointer into {status, header, body} of the reply; "" if it is no one place's
	Kind      string `json:"kind"`      // a rule of dingmock.Request.CheckResponse, RuleReplyBytes, or one of the kinds below
	Found     string `json:"found"`     // of the first such reply, secrets hidden
	Expected  string `json:"expected"`

	wants string // the name of the error that had to be answered; "" for another reply
}

// The kinds of findings beside the rules of a reply.
const (
	KindRefused   = "refused"   // a call that has to succeed is answered with an error
	KindAccepted  = "accepted"  // a call that has to be refused succeeds
	KindError     = "error"     // a call is refused otherwise than by the error that it has to be
	KindValue     = "value"     // a reply is as it may be, and says something else than it has to
	KindBehaviour = "behaviour" // what several replies say does not fit together
	KindState     = "state"     // a call keeps, changes or ends something else than it has to, which a later call shows
	KindNoAnswer  = "no-answer" // the connection ended without a reply
	KindKnown     = "known"     // a known failure that passes
)

// Cause is a finding with what it breaks, and what it keeps from being checked.
type Cause struct {
	Finding
	Level   Level    `json:"level"`
	Breaks  []string `json:"breaks"`  // ids of the rules that it breaks, the one that the fewest calls show first
	Blocks  []string `json:"blocks"`  // ids of the cases that could not be checked because of it
	Failure *Failure `json:"failure"` // the first exchange that shows it

	rules   []string  // what Breaks say
	members []Finding // what was found by each of Breaks
}

// line returns the finding in a line, such as: gettoken: reply-body at /body/expires_in: found …, expected …
func (f *Finding) line() string {
	var b strings.Builder
	b.WriteString(cmp.Or(f.Operation, "a path of no operation") + ": ")
	b.WriteString(f.Kind)
	if f.Pointer != "" {
		b.WriteString(" at " + f.Pointer)
	}
	b.WriteString(": found " + f.Found + ", expected " + f.Expected)
	return b.String()
}

// weighs says how much depends on the cause.
func (c *Cause) weighs() int { return len(c.Breaks) + len(c.Blocks) }

// key tells the causes apart, by operation, place and kind, and if it is no one place by what was found.
func (f *Finding) key() string {
	key := f.Operation + " " + f.Pointer + " " + f.Kind
	if f.Pointer == "" {
		key += " " + f.Found
	}
	return key
}

// causes returns what is to be mended, in the order in which to mend it. Of the cases that found the same in place of the
// same, the nearest one of that operation breaks its rule; the others are blocked, since they cannot be told from it. It says
// so in the results. Known failures are no part of it, unless they pass.
func causes(doc *dingmock.Document, results []Result, exact bool) []*Cause {
	order := make([]*Result, len(results))
	for i := range results {
		order[i] = &results[i]
	}
	slices.SortStableFunc(order, func(a, b *Result) int { return cmp.Compare(a.indirect(), b.indirect()) })
	found := map[string]*Cause{}
	breaks := map[string]string{} // by what was expected, too
	var list []*Cause
	for _, r := range order {
		f := r.finding
		switch {
		case r.Known && r.Outcome == Pass && exact:
			f = &Finding{Operation: r.Operation, Kind: KindKnown, Found: "a pass", Expected: r.ID + " to fail, as the list of known failures says"}
		case f == nil || r.Known: // what is known keeps nothing else from being told
			continue
		}
		c := found[f.key()]
		if c == nil {
			c = &Cause{Finding: *f, Level: r.Level, Failure: r.Failure, Breaks: []string{}, Blocks: []string{}}
			if f.Kind == RuleReplyBytes {
				c.Level = BYTES
			}
			found[f.key()] = c
			list = append(list, c)
		}
		if c.Level == SHOULD && r.Level == MUST {
			c.Level = MUST
		}
		key := f.key() + " " + f.Expected
		if f.Kind == KindError {
			key += " " + f.Found
		}
		switch first := breaks[key]; {
		case first != "":
			r.Outcome, r.Reason = Blocked, "as in "+first+": "+f.line()
			c.Blocks = append(c.Blocks, r.ID)
		case r.Outcome != Blocked || r.Operation == f.Operation:
			breaks[key] = r.ID
			if r.Outcome == Blocked {
				r.Outcome, r.Reason = Fail, ""
			}
			c.Breaks = append(c.Breaks, r.ID)
			c.rules, c.members = append(c.rules, string(r.Level)+": "+r.Rule), append(c.members, *f)
		default:
			c.Blocks = append(c.Blocks, r.ID)
		}
	}
	died := ended(results) && len(slices.DeleteFunc(slices.Clone(list), func(c *Cause) bool { return c.Kind != KindNoAnswer })) > 1
	when := func(c *Cause) int {
		if died && c.Kind == KindNoAnswer { // one of them ended the server, the others were under way then
			return 17
		}
		return phase(doc, c)
	}
	slices.SortStableFunc(list, func(a, b *Cause) int {
		return cmp.Or(cmp.Compare(when(a), when(b)), cmp.Compare(b.weighs(), a.weighs()))
	})
	return list
}

// indirect is how far a result is from what ended it: the case of the error itself is nearest, then who made the fewest calls.
func (r *Result) indirect() int {
	if strings.HasPrefix(r.ID, "generated/") || strings.HasPrefix(r.ID, "model/") { // a case written for it says more
		return math.MaxInt
	}
	if f := r.finding; f != nil && f.wants != "" && r.ID == f.Operation+"/"+f.wants {
		return 0
	}
	return r.calls
}

// phase is when a cause is to be mended: what ends the server and tokens, on which all else depends, before envelopes, bodies,
// errors, behaviour, and paths that are nobody's. What only SHOULD be comes after what MUST.
func phase(doc *dingmock.Document, c *Cause) int {
	op := doc.Operation(c.Operation)
	others := func(id string) bool { return !strings.HasPrefix(id, c.Operation+"/") }
	switch {
	case c.Kind == KindNoAnswer:
		return 0
	case c.Level == BYTES:
		return 18
	case op == nil:
		return 16
	case c.Kind == KindKnown:
		return 14
	case tokenOf(op) == "" && c.Kind != KindError && c.Kind != KindAccepted && slices.ContainsFunc(c.Blocks, others):
		return 1
	}
	at := 6
	switch c.Kind {
	case dingmock.KindReplyStatus:
		at = 2
	case dingmock.KindReplyContentType:
		at = 4
	case KindError, KindAccepted:
		at = 8
	case KindBehaviour:
		at = 10
	}
	if c.Level == SHOULD {
		at++
	}
	return at
}

// finding is what a violation is of a reply.
func findingOf(v dingmock.Violation) Finding {
	return Finding{Operation: v.Operation, Pointer: v.Pointer, Kind: v.Kind, Found: v.Found, Expected: v.Expected}
}

// differs returns the first place in which a reply is not just an error, and what stands there: got and want are what the
// reply and the error say there.
func differs(e *dingmock.ErrorReply, x *Exchange, holes []string) (pointer, got, want string) {
	if x.Response.StatusCode != e.Status {
		return "/status", fmt.Sprint(x.Response.StatusCode), fmt.Sprint(e.Status)
	}
	var body map[string]any
	if decodeJSON(x.Body, &body) != nil {
		return "/body", fmt.Sprintf("%d bytes that are no JSON object", len(x.Body)), "an object"
	}
	right := e.Body(holes...)
	keys := []string{"errcode", "sub_code", "code", "sub_msg", "errmsg", "message"}
	if e.Code != "" {
		keys = []string{"code", "message", "errcode"}
	}
	for _, key := range keys {
		g, w := body[key], right[key]
		if text, ok := w.(string); ok && fits(text, g) {
			continue
		}
		if g, w := string(jsontext.MustMarshal(g)), string(jsontext.MustMarshal(w)); g != w {
			return "/body/" + key, strings.ReplaceAll(g, "null", "nothing"), strings.ReplaceAll(w, "null", "nothing")
		}
	}
	return "/body", "other text", "just the error's"
}

var hole = regexp.MustCompile(`\\\{\w+\\\}`)

// fits reports whether a value is a text in whose holes, such as {name}, anything may stand.
func fits(text string, value any) bool {
	s, ok := value.(string)
	return ok && regexp.MustCompile("^(?s:"+hole.ReplaceAllString(regexp.QuoteMeta(text), ".*")+")$").MatchString(s)
}

// isSuccess reports whether a reply is one of the document's that is no error. Of a path that is no operation's, one with errcode 0 is.
func (x *Exchange) isSuccess() bool {
	if x.operation() == "" {
		var body struct{ Errcode *float64 }
		return x.Response != nil && decodeJSON(x.Body, &body) == nil && body.Errcode != nil && *body.Errcode == 0
	}
	return x.Response != nil && x.Response.StatusCode == http.StatusOK && x.Error == nil && !red(x.Violations)
}
