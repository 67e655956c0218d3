package contract

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// Finding is one way in which a target answers otherwise than the document says.
type Finding struct {
	Operation string `json:"operation"` // of the call that was answered so; "" for a path that is no operation's
	Pointer   string `json:"pointer"`   // where: a JSON pointer into {status, header, body} of the reply; "" where it is no one place's
	Kind      string `json:"kind"`      // a rule of dingmock.CheckResponse, RuleReplyBytes, or one of the kinds below
	Found     string `json:"found"`     // of the first such reply, secrets hidden
	Expected  string `json:"expected"`
}

// The kinds of findings beside the rules of a reply.
const (
	KindRefused   = "refused"   // a call that has to succeed is answered with an error
	KindAccepted  = "accepted"  // a call that has to be refused succeeds
	KindError     = "error"     // a call is refused otherwise than by the error that it has to be
	KindValue     = "value"     // a reply is as it may be, and says something else than it has to
	KindBehaviour = "behaviour" // what several replies say does not fit together
	KindNoAnswer  = "no-answer" // the connection ended without a reply
	KindKnown     = "known"     // a known failure that passes
)

// Cause is a finding with what it keeps from being checked. One that no mending of another ends is first mended.
type Cause struct {
	Finding
	Level   Level    `json:"level"`
	Breaks  []string `json:"breaks"`  // ids of the rules that it breaks, the one that the fewest calls show first
	Blocks  []string `json:"blocks"`  // ids of the cases that could not be checked because of it
	Failure *Failure `json:"failure"` // the first exchange that shows it

	rules []string // what Breaks say
}

// line returns the finding in a line, such as: gettoken: reply-body at /body/expires_in: found …, expected …
func (f *Finding) line() string {
	var b strings.Builder
	if f.Operation != "" {
		b.WriteString(f.Operation + ": ")
	}
	b.WriteString(f.Kind)
	if f.Pointer != "" {
		b.WriteString(" at " + f.Pointer)
	}
	b.WriteString(": found " + f.Found + ", expected " + f.Expected)
	return b.String()
}

// weighs says how much depends on the cause.
func (c *Cause) weighs() int { return len(c.Breaks) + len(c.Blocks) }

// key tells the causes apart, by operation, place and kind.
func (f *Finding) key() string { return f.Operation + " " + f.Pointer + " " + f.Kind }

// causes returns what is to be mended, in the order in which to mend it. Of the cases that found the same in place of the
// same, the nearest one of that operation breaks its rule; the others are blocked, since they cannot be told from it. It says
// so in the results. What a known failure shows is not to be mended.
func causes(doc *dingmock.Document, results []Result, exact bool) []*Cause {
	order := make([]*Result, len(results))
	for i := range results {
		order[i] = &results[i]
	}
	slices.SortStableFunc(order, func(a, b *Result) int { return cmp.Compare(a.indirect(), b.indirect()) })
	found := map[string]*Cause{}
	breaks := map[string]*Result{} // by what was expected, too
	known := map[*Cause]bool{}
	var list []*Cause
	for _, r := range order {
		f := r.finding
		if r.Known && r.Outcome == Pass && exact {
			f = &Finding{Operation: r.Operation, Kind: KindKnown, Found: "a pass", Expected: r.ID + " to fail, as the list of known failures says"}
		}
		if f == nil {
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
		first := breaks[key]
		own := r.Outcome != Blocked || r.Operation == f.Operation
		switch {
		case first != nil:
			r.Outcome, r.Reason = Blocked, "that is by which "+first.ID+" is broken: "+f.line()
			if !r.Known {
				c.Blocks = append(c.Blocks, r.ID)
			}
		case own:
			breaks[key] = r
			if r.Outcome == Blocked {
				r.Outcome, r.Reason = Fail, ""
			}
			if r.Known && f.Kind != KindKnown {
				known[c] = true
				continue
			}
			c.Breaks = append(c.Breaks, r.ID)
			c.rules = append(c.rules, string(r.Level)+": "+r.Rule)
		case !r.Known:
			c.Blocks = append(c.Blocks, r.ID)
		}
	}
	list = slices.DeleteFunc(list, func(c *Cause) bool { return len(c.Breaks) == 0 && (known[c] || len(c.Blocks) == 0) })
	slices.SortStableFunc(list, func(a, b *Cause) int {
		return cmp.Or(cmp.Compare(phase(doc, a), phase(doc, b)), cmp.Compare(b.weighs(), a.weighs()))
	})
	return list
}

// indirect is how far a result is from what ended it: the case of the error itself is nearest, then who made the fewest calls.
func (r *Result) indirect() int {
	if r.finding != nil {
		if _, name, ok := strings.Cut(r.finding.Expected, "the error "); ok && r.ID == r.finding.Operation+"/"+strings.TrimSuffix(name, ")") {
			return 0
		}
	}
	return r.calls
}

// phase is when a cause is to be mended: tokens, on which all else depends, before envelopes, bodies, errors, behaviour, and
// paths that are nobody's.
func phase(doc *dingmock.Document, c *Cause) int {
	op := operation(doc, c.Operation)
	switch {
	case c.Level == BYTES:
		return 8
	case op == nil:
		return 7
	case c.Kind == KindError || c.Kind == KindAccepted:
		return 4
	case tokenOf(op) == "" && c.weighs() > 1:
		return 0
	case c.Kind == KindNoAnswer || c.Kind == dingmock.RuleReplyStatus:
		return 1
	case c.Kind == dingmock.RuleReplyContentType:
		return 2
	case c.Kind == KindBehaviour:
		return 5
	case c.Kind == KindKnown:
		return 6
	}
	return 3
}

func operation(doc *dingmock.Document, id string) *dingmock.Operation {
	for _, op := range doc.Operations() {
		if op.ID == id {
			return op
		}
	}
	return nil
}

// finding is what a violation is of a reply.
func findingOf(v dingmock.Violation) Finding {
	return Finding{Operation: v.Operation, Pointer: v.Pointer, Kind: v.Rule, Found: v.Found, Expected: v.Expected}
}

// differs returns the first place in which a reply is not just an error, and what stands there: got and want are what the
// reply and the error say there.
func differs(e *dingmock.Error, x *Exchange, holes []string) (pointer, got, want string) {
	if x.Response.StatusCode != e.Status {
		return "/status", fmt.Sprint(x.Response.StatusCode), fmt.Sprint(e.Status)
	}
	var body map[string]any
	if decodeJSON(x.Body, &body) != nil {
		return "/body", fmt.Sprintf("%d bytes that are no JSON object", len(x.Body)), "an object"
	}
	right := e.Body(holes...)
	for _, key := range []string{"errcode", "sub_code", "code", "sub_msg", "errmsg", "message"} {
		g, w := body[key], right[key]
		if text, ok := w.(string); ok && strings.Contains(text, "{") {
			continue // a hole whose value the case does not say
		}
		if g, w := string(encodeJSON(g)), string(encodeJSON(w)); g != w {
			return "/body/" + key, strings.ReplaceAll(g, "null", "nothing"), strings.ReplaceAll(w, "null", "nothing")
		}
	}
	return "/body", "other text", "just the error's"
}

// isSuccess reports whether a reply is one of the document's that is no error.
func (x *Exchange) isSuccess() bool {
	return x.Response != nil && x.Response.StatusCode == http.StatusOK && x.Error == nil && !red(x.Violations)
}
