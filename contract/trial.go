package contract

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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
	Before  string `json:"before,omitempty"`  // the requests that led there, where they matter
	Way     string `json:"way,omitempty"`     // which of the case's requests it was, such as: a wrong secret
}

// broken is the panic of a case that has found its rule broken.
type broken struct {
	x       *Exchange
	finding Finding
	blocks  bool // it is not the case's own rule that is broken
	diff    string
	before  string
	way     string
	want    *Session // the session that had to be answered, if that is what it is about
}

// halted is the panic of a case that cannot be carried through.
type halted struct {
	outcome Outcome
	reason  string
}

// fail ends the case: the rule is broken by what is found. x is the exchange that shows it; nil: the last one.
func (c *Trial) fail(x *Exchange, found, format string, args ...any) {
	diff := fmt.Sprintf(format, args...)
	f := Finding{Operation: c.Operation, Kind: KindBehaviour, Found: found, Expected: c.Rule}
	panic(broken{x: x, finding: f, diff: diff})
}

// breaks ends the case with what was found in a reply: its rule is broken.
func (c *Trial) breaks(x *Exchange, f Finding, diff string) {
	panic(broken{x: x, finding: f, diff: diff})
}

// halt ends the case without a verdict.
func (c *Trial) halt(outcome Outcome, format string, args ...any) {
	panic(halted{outcome, fmt.Sprintf(format, args...)})
}

// op returns the document's operation of that id.
func (c *Trial) op(id string) *dingmock.Operation {
	op := operation(c.doc, id)
	if op == nil {
		c.halt(Errored, "the document has no operation %s", id)
	}
	return op
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
	app, err := c.makeApp(maker, spec)
	if err != nil {
		c.halt(Errored, "%v", err)
	}
	return app
}

// makeApp makes an app that end takes away. To make it is not cut short by the end of the run: whose name did not arrive
// could not be taken away.
func (c *Trial) makeApp(maker AppMaker, spec AppSpec) (App, error) {
	ctx, cancel := c.detached()
	defer cancel()
	app, err := maker.NewApp(ctx, spec)
	if err != nil {
		return App{}, fmt.Errorf("the target's power to make an app failed: %w", err)
	}
	c.rec.redact.hide(app.CorpSecret, app.AppSecret)
	c.apps.Lock()
	defer c.apps.Unlock()
	c.apps.list = append(c.apps.list, app)
	return app, nil
}

// detached is a context for what has to be done even where the run is cancelled.
func (c *Trial) detached() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(c.ctx), c.runner.options.Timeout)
}

// end takes away the apps that were made, and closes the connections.
func (c *Trial) end() error {
	c.disconnect()
	remover, ok := c.runner.target.Powers.(AppRemover)
	if !ok {
		return nil
	}
	c.apps.Lock()
	defer c.apps.Unlock()
	ctx, cancel := c.detached()
	defer cancel()
	var failed error
	for _, app := range c.apps.list {
		if err := remover.RemoveApp(ctx, app); err != nil {
			failed = fmt.Errorf("the target's power to take an app away failed: %w", err)
		}
	}
	return failed
}

// advance moves the clock of an app.
func (c *Trial) advance(app App, by time.Duration) {
	c.moved = len(c.rec.exchanges())
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

// do sends a request and returns the exchange. It blocks the case where there is no answer and where the answer is none of the
// document's, and ends it where the request is off-spec in another way than the call declares.
func (c *Trial) do(q *call) *Exchange {
	x := c.answer(q)
	want := aSuccess
	if slices.ContainsFunc(q.breaks, func(rule string) bool { return rule != dingmock.RuleMethod && rule != dingmock.RuleUndeclaredParameter }) {
		want = ""
	}
	c.conform(x, want)
	return x
}

const aSuccess = "a success"

// answer sends a request that has to be answered, with whatever.
func (c *Trial) answer(q *call) *Exchange {
	x := c.try(q)
	if x.Err != nil {
		c.noAnswer(x, "a reply")
	}
	return x
}

// answerWith sends a request that has to be answered with an error, and may be with whatever.
func (c *Trial) answerWith(q *call, name string, holes ...string) *Exchange {
	x := c.try(q)
	if e := c.doc.Error(name); x.Err != nil && e != nil {
		want, contentType := c.bytesOf(x, e, holes)
		c.noAnswer(x, fmt.Sprintf("the error %s: HTTP %d, %s\n-want %s", e.Name, e.Status, contentType, want))
	}
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
func (c *Trial) noAnswer(x *Exchange, want string) {
	if err := c.ctx.Err(); err != nil || unreachable(x.Err) {
		c.halt(Errored, "%s", c.rec.redact.text(explain(x.Err, c.runner.options.Timeout)))
	}
	why := c.rec.redact.text(unanswered(x.Err))
	f := Finding{Operation: x.operation(), Kind: KindNoAnswer, Found: why, Expected: "a reply"}
	panic(broken{x: x, finding: f, blocks: x.operation() != c.Operation, diff: "-want " + want + "\n+got  " + why})
}

// unanswered says why a request has no reply.
func unanswered(err error) string {
	text := plain(err)
	if strings.HasSuffix(text, "EOF") && !strings.Contains(text, "breaks off") {
		return "no reply: your server closed the connection without an answer; its own log may say why"
	}
	return "no reply: " + text
}

func (x *Exchange) operation() string {
	if x.Parsed == nil || x.Parsed.Operation == nil {
		return ""
	}
	return x.Parsed.Operation.ID
}

// readable reports whether a reply is one of the document's, or is but for its bytes, which are not the case's matter.
func (c *Trial) readable(x *Exchange) bool {
	exact := slices.ContainsFunc(x.Violations, func(v dingmock.Violation) bool { return v.Rule == RuleReplyBytes })
	return !red(x.Violations) || exact && x.operation() != c.Operation
}

// conform blocks the case where a reply is not one of the document's. The bytes of a reply are a matter for the cases of its own
// operation: what it says can be read all the same. want is aSuccess where the reply has to be one, or the name of the error that it
// has to be; "" where it is not known.
func (c *Trial) conform(x *Exchange, want string) {
	if c.readable(x) {
		return
	}
	f, diff := c.nonconforming(x)
	if e := c.doc.Error(want); e != nil && f.Kind != RuleReplyBytes && strings.HasPrefix(f.Pointer, "/body") && c.refusal(x) != "" {
		c.breaks(x, c.mistaken(x, e, nil), c.errorDiff(x, e, nil))
	}
	if error := c.refusal(x); want == aSuccess && error != "" && f.Kind != dingmock.RuleReplyStatus && f.Kind != RuleReplyBytes {
		f.Kind, f.Pointer, f.Found, f.Expected, f.wants = KindRefused, "/body", error, want, ""
		diff = "-want " + want + "\n+got  " + error
	}
	panic(broken{x: x, finding: f, blocks: true, diff: diff})
}

// shown is a text of the target's, as people are shown it: without secrets, and of at most so many bytes. What is cut first may have
// the half of a secret, which nothing knows again.
func (c *Trial) shown(text string, most int) string {
	return excerpt([]byte(c.rec.redact.text(text)), most)
}

// refusal is what a reply says that is an error, whether the document has it or not, without secrets; "" where it is none.
func (c *Trial) refusal(x *Exchange) string {
	var body struct {
		Errcode *float64
		SubCode string `json:"sub_code"`
		SubMsg  string `json:"sub_msg"`
		Errmsg  string
		Code    string
		Message string
	}
	if decodeJSON(x.Body, &body) != nil {
		return ""
	}
	switch {
	case body.SubCode != "":
		return fmt.Sprintf("the error %v/%s \"%s\"", *cmp.Or(body.Errcode, new(float64)), c.shown(body.SubCode, 20), c.shown(body.SubMsg, 60))
	case body.Errcode != nil && *body.Errcode != 0:
		return fmt.Sprintf("the error %v \"%s\"", *body.Errcode, c.shown(body.Errmsg, 60))
	case body.Code != "":
		return fmt.Sprintf("the error %s \"%s\"", c.shown(body.Code, 60), c.shown(body.Message, 60))
	}
	return ""
}

// nonconforming says what of a reply the document does not allow, the first as a finding.
func (c *Trial) nonconforming(x *Exchange) (f Finding, diff string) {
	lines := []string{"the reply is not what the document allows:"}
	for _, v := range x.Violations {
		if v.Level != dingmock.Red {
			continue
		}
		if f.Kind == "" {
			f = findingOf(v)
			if x.operation() != "" && x.Response.StatusCode == http.StatusNotFound && !strings.Contains(x.Response.Header.Get("Content-Type"), "json") {
				f.Kind, f.Pointer, f.Found, f.Expected = dingmock.RuleReplyStatus, "/status", "404 and no JSON, as of a path that your server does not have", "a reply of the call"
			}
			if e := c.elsewhere(x); e != nil {
				f.Kind, f.Pointer, f.Found, f.Expected = dingmock.RuleReplyStatus, "/status", fmt.Sprint(x.Response.StatusCode), fmt.Sprintf("%d (of the error %s)", e.Status, e.Name)
			}
			e, error := c.meant(x), c.refusal(x)
			switch inBody := f.Kind == dingmock.RuleReplyError || f.Kind == dingmock.RuleReplyBody; {
			case v.Rule == dingmock.RuleReplyError && e != nil:
				f = c.mistaken(x, e, nil)
			case inBody && e == nil && error != "":
				f.Kind, f.Pointer, f.Found, f.Expected = KindError, "/body", error, "a success, or an error that the document has for the call"
			}
		}
		lines = append(lines, "  "+v.String())
		if v.Rule == RuleReplyBytes {
			var value any
			_ = decodeJSON(x.Body, &value)
			lines = append(lines, "  -want "+string(x.reply(c.doc).Encode(value)), "  +got  "+c.shown(string(x.Body), 2000))
		}
	}
	return f, strings.Join(lines, "\n")
}

// success ends the case where the exchange is not a success, and returns the body.
func (c *Trial) success(x *Exchange) map[string]any {
	if x.Error != nil {
		panic(c.unsuccessful(x))
	}
	var body map[string]any
	_ = decodeJSON(x.Body, &body) // it has been read before, by conform
	return body
}

func (c *Trial) unsuccessful(x *Exchange) broken {
	return broken{
		x: x, finding: Finding{Operation: x.operation(), Pointer: "/body", Kind: KindRefused, Found: "the error " + x.Error.Name, Expected: "a success"},
		diff: "-want a success\n+got  the error " + x.Error.Name,
	}
}

// prepare sends a request that sets the scene, and blocks the case where it does not succeed.
func (c *Trial) prepare(q *call) map[string]any {
	x := c.do(q)
	if x.Error != nil {
		b := c.unsuccessful(x)
		b.blocks = true
		panic(b)
	}
	return c.success(x)
}

// succeed sends a request and ends the case where it does not succeed.
func (c *Trial) succeed(q *call) map[string]any { return c.success(c.do(q)) }

// refused sends a request and ends the case where it is not refused with just this error. Holes are the name and
// value of what stands in the text's holes, where it has such a one: name, value, ….
func (c *Trial) refused(q *call, name string, holes ...string) *Exchange {
	x := c.answerWith(q, name, holes...)
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
	if ok && !red(x.Violations) {
		return
	}
	f := Finding{Operation: x.operation(), Pointer: "/body", Expected: "the error " + name, wants: name}
	switch {
	case slices.ContainsFunc(x.Violations, func(v dingmock.Violation) bool {
		return v.Rule != dingmock.RuleReplyError && (v.Rule != dingmock.RuleReplyBody || v.Pointer == "/body" || e.Same(x.Body))
	}):
		f, _ = c.nonconforming(x) // whatever it means, it is no reply of the call's
	case x.isSuccess():
		f.Kind, f.Found = KindAccepted, "a success"
	case x.Error != nil && x.Error != e:
		f.Kind, f.Found = KindError, "the error "+x.Error.Name
	default:
		f = c.mistaken(x, e, holes)
	}
	c.breaks(x, f, c.errorDiff(x, e, holes))
}

// mistaken is how a reply is not just the error that it has to be.
func (c *Trial) mistaken(x *Exchange, e *dingmock.Error, holes []string) Finding {
	pointer, found, expected := differs(e, x, holes)
	return Finding{
		Operation: x.operation(), Pointer: pointer, Kind: KindError,
		Found: c.shown(found, 100), Expected: expected + " (of the error " + e.Name + ")", wants: e.Name,
	}
}

// elsewhere returns the error of the operation that a reply is in all but its status; nil for none.
func (c *Trial) elsewhere(x *Exchange) *dingmock.Error {
	if x.Parsed.Operation == nil {
		return nil
	}
	for _, reply := range x.Parsed.Operation.Replies {
		if reply.Status == x.Response.StatusCode {
			continue
		}
		if e := reply.Identify(x.Body); e != nil {
			return e
		}
	}
	return nil
}

// meant returns the listed error that a reply, which is none, has the code of, or else the text of; nil for neither.
func (c *Trial) meant(x *Exchange) *dingmock.Error {
	reply := x.reply(c.doc)
	var body map[string]any
	if reply == nil || decodeJSON(x.Body, &body) != nil {
		return nil
	}
	same := func(e *dingmock.Error, keys ...string) bool {
		for _, key := range keys {
			if string(encodeJSON(e.Body()[key])) != string(encodeJSON(body[key])) {
				return false
			}
		}
		return true
	}
	for _, keys := range [][]string{{"errcode", "sub_code", "code"}, {"sub_msg", "errmsg", "message"}} {
		for _, name := range reply.Errors {
			if e := c.doc.Error(name); same(e, keys...) {
				return e
			}
		}
	}
	return nil
}

// errorDiff shows a reply beside the bytes of the error that it has to be.
func (c *Trial) errorDiff(x *Exchange, e *dingmock.Error, holes []string) string {
	want, contentType := c.bytesOf(x, e, holes)
	got, most := x.Response.Header.Get("Content-Type"), 600
	if !c.runner.bytes && sameType(got, contentType) {
		contentType = got
	}
	if !json.Valid(x.Body) {
		most = 80
	}
	return fmt.Sprintf("-want the error %s: HTTP %d, %s\n-want %s\n+got  HTTP %d, %s\n+got  %s", e.Name, e.Status, contentType, want,
		x.Response.StatusCode, got, c.shown(string(x.Body), most))
}

// bytesOf are the bytes of an error in the place of a reply, and its Content-Type. The id of the request is the reply's own where
// that is as it has to be.
func (c *Trial) bytesOf(x *Exchange, e *dingmock.Error, holes []string) (want []byte, contentType string) {
	body := e.Body(holes...)
	reply := c.doc.Reply(x.Parsed, e.Status)
	if reply == nil {
		return encodeJSON(body), ""
	}
	if f := x.Parsed.Family; f != nil && f.RequestID != "" {
		key := "request_id"
		if e.Code != "" {
			key = "requestid"
		}
		body[key] = map[string]string{"short": "16l4ew3d47pdp", "uuid": "0199D0B3-5C1E-7A44-9E0B-3F2A6C5D8E71"}[f.RequestID] // one of many
		var sent map[string]any
		_ = decodeJSON(x.Body, &sent)
		wrong := func(v dingmock.Violation) bool { return v.Pointer == "/body/"+key }
		if id, ok := sent[key].(string); ok && !slices.ContainsFunc(x.Violations, wrong) {
			body[key] = id
		}
	}
	return reply.Encode(body), reply.ContentType
}

// equal ends the case where two values differ.
func (c *Trial) equal(x *Exchange, what string, got, want any) {
	if g, w := string(encodeJSON(got)), string(encodeJSON(want)); g != w {
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

// pointerOf is where in a reply stands what a case names so; "" where it is no one place.
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
	f := &Failure{Rule: c.Rule, Level: c.Level, Diff: c.rec.redact.text(b.diff), Before: c.rec.redact.text(b.before), Way: c.rec.redact.text(b.way)}
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
	if k := b.finding.Kind; f.Before == "" && (k == KindValue || k == KindState || k == KindBehaviour || k == KindRefused) {
		f.Before = c.linesBefore(x)
	}
	return f
}

// linesBefore are the calls of the case before that one, the last of them, where there were others than those for a token.
func (c *Trial) linesBefore(x *Exchange) string {
	const most = 6
	list := c.rec.exchanges()
	if x != nil {
		list = list[:max(0, slices.IndexFunc(list, func(y *Exchange) bool { return y.Request == x.Request }))]
	}
	if !slices.ContainsFunc(list, func(y *Exchange) bool { return y.Parsed.Operation == nil || tokenOf(y.Parsed.Operation) != "" }) {
		return ""
	}
	var lines []string
	if n := len(list) - most; n > 0 {
		lines, list = append(lines, plural(n, "more call")), list[n:]
	}
	for _, y := range list {
		lines = append(lines, c.line(y))
	}
	return strings.Join(lines, "\n")
}

// madeUp reports whether a value is none of the target's: it has nothing in common with a known secret, and no reply had it. A wrong
// secret of this kind stands in a curl line as it was sent, for the line to show what it showed.
func (c *Trial) madeUp(value string) bool {
	if c.runner.options.Driver != nil || c.rec.redact.near(value) {
		return false
	}
	return !slices.ContainsFunc(c.rec.exchanges(), func(x *Exchange) bool { return len(value) > 1 && bytes.Contains(x.Body, []byte(value)) })
}

func (c *Trial) line(x *Exchange) string {
	address := *x.Request.URL
	if address.Host == "" || c.runner.target.Handler != nil {
		address.Scheme, address.Host = "http", "localhost"
	}
	return c.rec.redact.curl(x.Request, address, x.Sent, c.madeUp)
}

func (c *Trial) replyText(x *Exchange) string {
	if x.Response == nil {
		return c.rec.redact.text(unanswered(x.Err))
	}
	return fmt.Sprintf("HTTP %d, %s\n%s", x.Response.StatusCode, c.rec.redact.text(x.Response.Header.Get("Content-Type")), c.shown(string(x.Body), 2000))
}

// plain returns an error without the URL that net/http puts in front: it may hold secrets.
func plain(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}
