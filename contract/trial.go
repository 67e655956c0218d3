package contract

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/jsontext"
)

// trial is one run of a case against a target.
type trial struct {
	Case
	ctx     context.Context
	runner  *runner
	doc     *dingmock.Document
	rec     *recorder
	client  *http.Client
	rng     *rand.Rand
	tag     string // in every id, so that runs do not meet
	counter atomic.Int64

	mu    sync.Mutex
	made  App // the case's app, once there is one
	moved int // how many exchanges there were when a clock was last moved

	apps struct { // that were made at the target
		sync.Mutex
		list []App
	}
}

// Failure is how a target broke a rule.
type Failure struct {
	Rule    string `json:"rule"`
	Level   Level  `json:"level"`
	Request string `json:"request,omitempty"` // as a curl line, secrets hidden
	Reply   string `json:"reply,omitempty"`   // status, content type and body, secrets hidden
	Diff    string `json:"diff"`              // what was wrong: (-want +got)
	Before  string `json:"before,omitempty"`  // the requests that led there, if they matter
	Way     string `json:"way,omitempty"`     // which of the case's requests it was, such as: a wrong secret
	At      string `json:"at,omitempty"`      // file and line of the case, in this module; of calls within it too, the outermost first
}

// fail ends the case: the rule is broken by what is found. x is the exchange that shows it; nil: the last one.
func (c *trial) fail(x *Exchange, found, format string, args ...any) {
	diff := fmt.Sprintf(format, args...)
	f := Finding{Operation: c.Operation, Kind: KindBehaviour, Found: found, Expected: c.Rule}
	(&stop{outcome: Fail, x: x, finding: f, diff: diff}).end()
}

// breaks ends the case with what was found in a reply: its rule is broken.
func (c *trial) breaks(x *Exchange, f Finding, diff string) {
	(&stop{outcome: Fail, x: x, finding: f, diff: diff}).end()
}

// halt ends the case without a verdict.
func (c *trial) halt(outcome Outcome, format string, args ...any) {
	(&stop{outcome: outcome, reason: fmt.Sprintf(format, args...)}).end()
}

// op returns the document's operation of that id.
func (c *trial) op(id string) *dingmock.Operation {
	op := c.doc.Operation(id)
	if op == nil {
		c.halt(Errored, "the document has no operation %s", id)
	}
	return op
}

// id makes a name that nobody else has, of safe characters.
func (c *trial) id(prefix string) string {
	return fmt.Sprintf("%s-%s-%d", prefix, c.tag, c.counter.Add(1))
}

// app returns the app of the case: its own if the target can make one.
func (c *trial) app() App {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == (App{}) {
		c.made = c.newApp(AppSpec{})
	}
	return c.made
}

// another returns an app that is not c.app().
func (c *trial) another() App { return c.newApp(AppSpec{}) }

func (c *trial) newApp(spec AppSpec) App {
	if c.runner.target.Powers.NewApp == nil {
		return c.runner.target.App
	}
	app, err := c.makeApp(spec)
	if err != nil {
		c.halt(Errored, "%v", err)
	}
	return app
}

// makeApp makes an app that end takes away. To make it is not cut short by the end of the run: whose name did not arrive
// could not be taken away.
func (c *trial) makeApp(spec AppSpec) (App, error) {
	ctx, cancel := c.detached()
	defer cancel()
	app, err := c.runner.target.Powers.NewApp(ctx, spec)
	if err != nil {
		return App{}, fmt.Errorf("the target's power to make an app failed: %w", err)
	}
	c.rec.redact.hide(app.CorpSecret, app.AppSecret)
	c.apps.Lock()
	defer c.apps.Unlock()
	c.apps.list = append(c.apps.list, app)
	return app, nil
}

// detached is a context for what has to be done even if the run is cancelled.
func (c *trial) detached() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.ctx), c.runner.options.Timeout)
}

// end takes away the apps that were made, and closes the connections.
func (c *trial) end() error {
	c.disconnect()
	remove := c.runner.target.Powers.RemoveApp
	if remove == nil {
		return nil
	}
	c.apps.Lock()
	defer c.apps.Unlock()
	ctx, cancel := c.detached()
	defer cancel()
	var failed error
	for _, app := range c.apps.list {
		if err := remove(ctx, app); err != nil {
			failed = fmt.Errorf("the target's power to take an app away failed: %w", err)
		}
	}
	return failed
}

// advance moves the clock of an app.
func (c *trial) advance(app App, by time.Duration) {
	c.moved = len(c.rec.exchanges())
	if err := c.runner.target.Powers.Advance(c.ctx, app, by); err != nil {
		c.halt(Errored, "the target's power to move the clock failed: %v", err)
	}
}

// fault makes the next call of the operation by the app fail.
func (c *trial) fault(app App, operation, fault string) {
	if err := c.runner.target.Powers.Fault(c.ctx, app, operation, fault); err != nil {
		c.halt(Errored, "the target's power to inject the fault %s failed: %v", fault, err)
	}
}

// call makes a call of an operation. Values are name, value, ….
func (c *trial) call(operation string, values ...any) *call {
	return newCall(c.op(operation), values...)
}

// do sends a request and returns the exchange. It blocks the case if there is no answer and if the answer is none of the
// document's, and ends it if the request is off-spec in another way than the call declares.
func (c *trial) do(q *call) *Exchange {
	x := c.answer(q)
	want := aSuccess
	if slices.ContainsFunc(q.breaks, func(rule string) bool { return rule != dingmock.KindMethod && rule != dingmock.KindUndeclaredParameter }) {
		want = ""
	}
	c.conform(x, want)
	return x
}

const aSuccess = "a success"

// answer sends a request that has to be answered, with whatever.
func (c *trial) answer(q *call) *Exchange { return c.answerIn(c.ctx, q) }

// answerIn is answer in a context of a driver's.
func (c *trial) answerIn(ctx context.Context, q *call) *Exchange {
	x := c.send(ctx, q)
	if x.Err != nil {
		c.noAnswer(x, "a reply")
	}
	return x
}

// answerWith sends a request that has to be answered with an error, and may be with whatever.
func (c *trial) answerWith(q *call, name string, holes ...string) *Exchange {
	x := c.try(q)
	if e := c.doc.ErrorReply(name); x.Err != nil && e != nil {
		want, contentType := c.bytesOf(x, e, holes)
		c.noAnswer(x, fmt.Sprintf("the error %s: HTTP %d, %s\n-want %s", e.Name, e.Status, contentType, want))
	}
	return x
}

// try sends a request and judges nothing but the request.
func (c *trial) try(q *call) *Exchange { return c.send(c.ctx, q) }

func (c *trial) send(ctx context.Context, q *call) *Exchange {
	base := c.runner.base(q.path)
	req, err := q.request(ctx, base)
	if err != nil {
		c.halt(Errored, "the request cannot be made: %v", err)
	}
	keep := &Exchange{}
	resp, err := c.client.Do(req.WithContext(context.WithValue(ctx, keepKey{}, keep)))
	if err == nil {
		_ = resp.Body.Close()
	}
	if keep.Request == nil {
		c.halt(Errored, "the request was not sent: %v", err)
	}
	var rules []string
	for _, v := range keep.Parsed.Violations {
		if v.Kind != dingmock.KindWrongHost { // the target's address, not the case, is what it is about
			rules = append(rules, v.Kind)
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
func (c *trial) noAnswer(x *Exchange, want string) {
	if err := c.ctx.Err(); err != nil || unreachable(x.Err) {
		c.halt(Errored, "%s", c.rec.redact.text(explain(x.Err, c.runner.options.Timeout)))
	}
	why := c.rec.redact.text(unanswered(x.Err))
	f := Finding{Operation: x.operation(), Kind: KindNoAnswer, Found: why, Expected: "a reply"}
	end := &stop{outcome: Fail, x: x, finding: f, diff: "-want " + want + "\n+got  " + why}
	if x.operation() != c.Operation {
		end.outcome = Blocked
	}
	end.end()
}

// unanswered says why a request has no reply.
func unanswered(err error) string {
	text := plain(err)
	if strings.HasSuffix(text, "EOF") && !strings.Contains(text, "breaks off") {
		return "no reply: your server closed the connection without an answer; its own log may say why"
	}
	return "no reply: " + text
}

// equal ends the case if two values differ.
func (c *trial) equal(x *Exchange, what string, got, want any) {
	if g, w := string(jsontext.MustMarshal(got)), string(jsontext.MustMarshal(want)); g != w {
		f := Finding{Operation: c.Operation, Pointer: pointerOf(what), Kind: KindValue, Found: c.rec.redact.text(g), Expected: what + " as it has to be"}
		if _, text := want.(string); !text || want == "" {
			f.Found, f.Expected = what+" "+f.Found, w
		}
		if list := c.rec.exchanges(); x == nil && f.Pointer != "" && len(list) > 0 {
			x = list[len(list)-1]
		}
		if x != nil {
			f.Operation = x.operation()
		}
		c.breaks(x, f, fmt.Sprintf("%s:\n-want %s\n+got  %s", what, w, g))
	}
}

// pointerOf is where in a reply stands what a case names so; "" if it is no one place.
func pointerOf(what string) string {
	if name, ok := strings.CutPrefix(what, "the header "); ok {
		return "/header/" + name
	}
	switch {
	case what == "the HTTP status":
		return "/status"
	case what == "the body":
		return "/body"
	case strings.ContainsAny(what, " ,"):
		return ""
	}
	return "/body/" + strings.ReplaceAll(what, ".", "/")
}

// during puts the name of what was tried in front of a failure.
func (c *trial) during(label string, check func()) {
	if end := catch(check); end != nil {
		end.way = label
		end.end()
	}
}

// together runs the function crowd times at once. It blocks the case if a reply is not one of the document's, and ends it if one of
// them does.
func (c *trial) together(do func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	ends := make([]*stop, crowd)
	for i := range crowd {
		wg.Go(func() {
			<-start
			ends[i] = &stop{outcome: Errored, reason: endedOutside} // if do never returns
			ends[i] = catch(func() { do(i) })
		})
	}
	before := len(c.rec.exchanges())
	close(start)
	wg.Wait()
	for _, x := range c.rec.exchanges()[before:] { // what a reply is comes before what a client makes of it
		if x.Response != nil {
			c.conform(x, "")
		}
	}
	for _, end := range ends {
		if end != nil {
			end.end()
		}
	}
}
