package contract

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock"
)

// Trial is one run of a case against a target.
type Trial struct {
	Case
	ctx     context.Context
	runner  *runner
	doc     *dingmock.Document
	rec     *recorder
	client  *http.Client
	rng     *rand.Rand
	tag     string // in every id, so that runs do not meet
	counter atomic.Int64

	mu   sync.Mutex
	made App // the case's app, once there is one
}

// Failure is how a target broke a rule.
type Failure struct {
	Rule    string `json:"rule"`
	Level   Level  `json:"level"`
	Request string `json:"request,omitempty"` // as a curl line, secrets hidden
	Reply   string `json:"reply,omitempty"`   // status, content type and body, secrets hidden
	Diff    string `json:"diff"`              // what was wrong: (-want +got)
	Before  string `json:"before,omitempty"`  // the requests that led there, where they matter
}

// broken is the panic of a case that has found its rule broken.
type broken struct {
	x      *Exchange
	diff   string
	before string
}

// halted is the panic of a case that cannot be carried through.
type halted struct {
	outcome Outcome
	reason  string
}

// fail ends the case: the rule is broken. x is the exchange that shows it; nil: the last one.
func (c *Trial) fail(x *Exchange, format string, args ...any) {
	panic(broken{x: x, diff: fmt.Sprintf(format, args...)})
}

// halt ends the case without a verdict.
func (c *Trial) halt(outcome Outcome, format string, args ...any) {
	panic(halted{outcome, fmt.Sprintf(format, args...)})
}

// op returns the document's operation of that id.
func (c *Trial) op(id string) *dingmock.Operation {
	for _, op := range c.doc.Operations() {
		if op.ID == id {
			return op
		}
	}
	c.halt(Errored, "the document has no operation %s", id)
	return nil
}

// id makes a name that nobody else has, of safe characters.
func (c *Trial) id(prefix string) string {
	return fmt.Sprintf("%s-%s-%d", prefix, c.tag, c.counter.Add(1))
}

// app returns the app of the case: its own where the target can make one.
func (c *Trial) app() App {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == (App{}) {
		c.made = c.newApp(AppSpec{})
	}
	return c.made
}

// another returns an app that is not c.app().
func (c *Trial) another() App { return c.newApp(AppSpec{}) }

func (c *Trial) newApp(spec AppSpec) App {
	maker, ok := c.runner.target.Powers.(AppMaker)
	if !ok {
		return c.runner.target.App
	}
	app, err := maker.NewApp(c.ctx, spec)
	if err != nil {
		c.halt(Errored, "the target's power to make an app failed: %v", err)
	}
	c.rec.redact.hide(app.CorpSecret, app.AppSecret)
	return app
}

// advance moves the clock of an app.
func (c *Trial) advance(app App, by time.Duration) {
	if err := c.runner.target.Powers.(Clock).Advance(c.ctx, app, by); err != nil {
		c.halt(Errored, "the target's power to move the clock failed: %v", err)
	}
}

// fault makes the next call of the operation by the app fail.
func (c *Trial) fault(app App, operation, fault string) {
	if err := c.runner.target.Powers.(Rules).Fault(c.ctx, app, operation, fault); err != nil {
		c.halt(Errored, "the target's power to inject the fault %s failed: %v", fault, err)
	}
}

// call makes a call of an operation. Values are name, value, ….
func (c *Trial) call(operation string, values ...any) *call {
	return newCall(c.op(operation), values...)
}

// do sends a request and returns the exchange. It ends the case where there is no answer, where the answer is
// none of the document's, and where the request is off-spec in another way than the call declares.
func (c *Trial) do(q *call) *Exchange {
	x := c.try(q)
	if x.Err != nil {
		c.noAnswer(x)
	}
	c.conform(x)
	return x
}

// try sends a request and judges nothing but the request.
func (c *Trial) try(q *call) *Exchange {
	base := c.runner.base(q.path)
	req, err := q.request(c.ctx, base)
	if err != nil {
		c.halt(Errored, "the request cannot be made: %v", err)
	}
	keep := &Exchange{}
	resp, err := c.client.Do(req.WithContext(context.WithValue(c.ctx, keepKey{}, keep)))
	if err == nil {
		_ = resp.Body.Close()
	}
	if keep.Request == nil {
		c.halt(Errored, "the request was not sent: %v", err)
	}
	var rules []string
	for _, v := range keep.Parsed.Violations {
		if v.Rule != dingmock.RuleWrongHost { // the target's address, not the case, is what it is about
			rules = append(rules, v.Rule)
		}
	}
	for _, rule := range rules {
		if !slices.Contains(q.breaks, rule) {
			c.halt(Errored, "the case sent a request that breaks the rule %s of the document without saying so: %v", rule, keep.Parsed.Violations)
		}
	}
	for _, rule := range q.breaks {
		if !slices.Contains(rules, rule) {
			c.halt(Errored, "the case says that its request breaks the rule %s of the document, which it does not", rule)
		}
	}
	return keep
}

// keepKey is where a request's context has what to fill in with the exchange.
type keepKey struct{}

// noAnswer ends the case after a request that was not answered.
func (c *Trial) noAnswer(x *Exchange) {
	if err := c.ctx.Err(); err != nil || unreachable(x.Err) {
		c.halt(Errored, "%s", c.rec.redact.text(explain(x.Err, c.runner.options.Timeout)))
	}
	c.fail(x, "the request was not answered: %v", c.rec.redact.text(plain(x.Err)))
}

// conform ends the case where a reply is not one of the document's.
func (c *Trial) conform(x *Exchange) {
	if len(x.Violations) == 0 {
		return
	}
	lines := []string{"the reply is not what the document allows:"}
	for _, v := range x.Violations {
		lines = append(lines, "  "+v.String())
		if v.Rule == RuleReplyBytes {
			var value any
			_ = decodeJSON(x.Body, &value)
			lines = append(lines, "  -want "+string(x.reply(c.doc).Encode(value)), "  +got  "+excerpt(x.Body, 2000))
		}
	}
	c.fail(x, "%s", strings.Join(lines, "\n"))
}

// success ends the case where the exchange is not a success, and returns the body.
func (c *Trial) success(x *Exchange) map[string]any {
	if x.Error != nil {
		c.fail(x, "-want a success\n+got  the error %s", x.Error.Name)
	}
	var body map[string]any
	_ = decodeJSON(x.Body, &body) // it has been read before, by conform
	return body
}

// succeed sends a request and ends the case where it does not succeed.
func (c *Trial) succeed(q *call) map[string]any { return c.success(c.do(q)) }

// refused sends a request and ends the case where it is not refused with just this error. Holes are the name and
// value of what stands in the text's holes, where it has such a one: name, value, ….
func (c *Trial) refused(q *call, name string, holes ...string) *Exchange {
	x := c.do(q)
	c.wantError(x, name, holes...)
	return x
}

// wantError ends the case where the exchange is not just this error, byte for byte.
func (c *Trial) wantError(x *Exchange, name string, holes ...string) {
	e := c.doc.Error(name)
	if e == nil {
		c.halt(Errored, "the document has no error %s", name)
	}
	got, ok := e.Match(x.Response.StatusCode, x.Body)
	if ok {
		for i := 0; i < len(holes); i += 2 {
			if slices.Contains(e.Holes(), holes[i]) {
				ok = ok && got[holes[i]] == holes[i+1]
			}
		}
	}
	if ok {
		return
	}
	want := fill(e.Text, holes)
	status := fmt.Sprintf("HTTP %d", e.Status)
	switch {
	case e.Code != "":
		want = fmt.Sprintf("code %s, message %s", fill(e.Code, holes), want)
	case e.SubCode != "":
		want = fmt.Sprintf("errcode %d, sub_code %s, sub_msg %s", e.Errcode, e.SubCode, want)
	default:
		want = fmt.Sprintf("errcode %d, text %s", e.Errcode, want)
	}
	c.fail(x, "-want the error %s: %s, %s\n+got  HTTP %d, %s", name, status, want, x.Response.StatusCode, excerpt([]byte(c.rec.redact.text(string(x.Body))), 600))
}

func fill(text string, holes []string) string {
	for i := 0; i+1 < len(holes); i += 2 {
		text = strings.ReplaceAll(text, "{"+holes[i]+"}", holes[i+1])
	}
	return text
}

// equal ends the case where two values differ.
func (c *Trial) equal(x *Exchange, what string, got, want any) {
	if g, w := string(encodeJSON(got)), string(encodeJSON(want)); g != w {
		c.fail(x, "%s:\n-want %s\n+got  %s", what, w, g)
	}
}

// together runs the function n times at once, and ends the case where one of them does.
func (c *Trial) together(n int, do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	ends := make([]any, n)
	for i := range n {
		wg.Go(func() {
			defer func() { ends[i] = recover() }()
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
	for _, end := range ends {
		if end != nil {
			panic(end)
		}
	}
}

// failure makes the report of a broken rule.
func (c *Trial) failure(b broken) *Failure {
	f := &Failure{Rule: c.Rule, Level: c.Level, Diff: c.rec.redact.text(b.diff), Before: c.rec.redact.text(b.before)}
	x := b.x
	if x == nil {
		if list := c.rec.exchanges(); len(list) > 0 {
			x = list[len(list)-1]
		}
	}
	if x != nil {
		f.Request = c.line(x)
		f.Reply = c.replyText(x)
	}
	return f
}

func (c *Trial) line(x *Exchange) string {
	address := *x.Request.URL
	if address.Host == "" || c.runner.target.Handler != nil {
		address.Scheme, address.Host = "http", "localhost"
	}
	return c.rec.redact.curl(x.Request.Method, address.String(), x.Request.Header, x.Sent)
}

func (c *Trial) replyText(x *Exchange) string {
	if x.Response == nil {
		return "none: " + c.rec.redact.text(plain(x.Err))
	}
	return fmt.Sprintf("HTTP %d, %s\n%s", x.Response.StatusCode, x.Response.Header.Get("Content-Type"), c.rec.redact.text(excerpt(x.Body, 2000)))
}

// plain returns an error without the URL that net/http puts in front: it may hold secrets.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}
