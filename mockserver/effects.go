package mockserver

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/template"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// answerByRule returns the answer that the call's rule gives instead of the fake, whatever the call is. ok is
// false if the call continues.
func (c *call) answerByRule(stub *FixedReply) (r reply, ok bool) {
	listed := c.Known == dingmock.KnownDocumented && c.rule != nil && c.rule.Effect.Reply != nil // whatever the rule matches by
	if c.stubbed || listed || c.rule != nil && c.rule.MakesKnown() {
		c.AnsweredByRule(stub != nil && c.needsToken(stub))
	}
	if stub != nil {
		if stub.WithoutToken {
			c.WaiveToken()
		}
		return reply{}, false
	}
	answer := c.effect().answer
	if answer == nil {
		return reply{}, false
	}
	_ = c.throttled() // the call is counted, but the rule decides
	return answer(c, &c.rule.Effect), true
}

// effect is what a rule does to a call, at three moments. If a func is nil, the fake acts as usual.
type effect struct {
	answer  func(c *call, e *rules.Effect) reply                                          // returns an answer instead of the fake's
	change  func(c *call, r *reply)                                                       // changes the fake's answer
	deliver func(s *Server, w http.ResponseWriter, r *http.Request, c *call, reply reply) // sends the answer
}

// effectsByKind returns the effects of the kinds that package rules defines.
func effectsByKind() map[string]effect {
	return map[string]effect{
		"fault":   {answer: (*call).faulty},
		"errcode": {answer: func(c *call, e *rules.Effect) reply { return c.failed(c.customError(e)) }},
		"status": {answer: func(c *call, e *rules.Effect) reply {
			return reply{status: e.Status, code: strconv.Itoa(e.Status), explain: c.why()}
		}},
		"latency":    {deliver: (*Server).late},
		"hang":       {answer: (*call).unanswered, deliver: (*Server).hang},
		"reset":      {answer: (*call).unanswered, deliver: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *call, _ reply) { closeConnection(w, true) }},
		"empty":      {answer: (*call).unanswered, deliver: func(_ *Server, w http.ResponseWriter, _ *http.Request, _ *call, _ reply) { closeConnection(w, false) }},
		"truncate":   {deliver: (*Server).truncate},
		"slow":       {deliver: (*Server).slowly},
		"malformed":  {change: (*call).malform},
		"token_life": {}, // the handler looks it up
		"reply":      {}, // comes after the checks that the call itself must pass: see fixed
	}
}

// checkEffects returns an error if a kind has no effect.
func checkEffects(effects map[string]effect) error {
	for _, kind := range rules.Kinds() {
		if _, ok := effects[kind]; !ok {
			return fmt.Errorf("the effect %s of rules is not made", kind)
		}
	}
	return nil
}

// effect returns the effect of the call's rule; if there is no rule, an effect that changes nothing.
func (c *call) effect() effect {
	if c.rule == nil {
		return effect{}
	}
	return c.server.effects[c.rule.Effect.Kind()]
}

// unanswered returns a reply that only the log and the journal see.
func (c *call) unanswered(e *rules.Effect) reply { return reply{code: e.Name(), explain: c.why()} }

// faulty answers with a fault of the platform.
func (c *call) faulty(e *rules.Effect) reply {
	if e.Fault == faultBlocked || e.Fault == faultBlockedJSON {
		return c.blocked(e.Fault)
	}
	return c.failed(c.fault(e.Fault, c.why()))
}

// malform removes the last character.
func (c *call) malform(r *reply) {
	r.body = r.body[:len(r.body)-1]
	if r.explain == "" {
		r.explain = "rule " + c.rule.ID + " (malformed) took the last character of the body"
	}
}

// why returns the explanation of an answer by the call's rule.
func (c *call) why() string {
	return "rule " + c.rule.ID + " (" + c.rule.Effect.Name() + ") answered in the fake's place"
}

// tokenApp returns the app of the token that a fixed reply issues: the call's, the rule's, or the one that the
// call names.
func (c *call) tokenApp() *tenant {
	if c.app != nil {
		return c.app
	}
	if c.owner != nil {
		return c.owner
	}
	a, _, _ := c.named()
	return a
}

// fixed returns the answer of a fixed reply. It answers with an error if a token is to be issued and nothing says
// for which app.
func (c *call) fixed(f *FixedReply) reply {
	r := reply{status: http.StatusOK, contentType: f.ContentType, code: "0", explain: c.why()}
	if f.Status != 0 {
		r.status = f.Status
	}
	if r.status >= http.StatusBadRequest {
		r.code = strconv.Itoa(r.status)
	}
	if r.contentType == "" {
		r.contentType = c.Family.ContentType
	}
	gave := &template.Filling{Query: c.http.URL.RawQuery, Body: c.body}
	lacking := false
	gave.Token = sync.OnceValue(func() string {
		a := c.tokenApp()
		if lacking = a == nil; lacking {
			return ""
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.gone {
			return ""
		}
		return a.world.IssueTokenApart(a.clock.Now(), time.Duration(f.TokenLife))
	})
	r.header, r.body = template.Render(f, gave)
	if lacking {
		return c.failed(c.answers("token-bad", c.why()+", but a token can be handed out only where the call names its app, or where the rule is one app's own"))
	}
	if gave.Full() {
		r.explain += fmt.Sprintf("; holes of its template are not filled: no more than %d MiB of a call goes into them", template.MaxFill>>20)
	}
	if f.Template {
		r.shown = template.RenderBody(f, gave.Masked())
	}
	return r
}

// china is the time zone of the times in error texts.
var china = time.FixedZone("CST", 8*60*60)

// fault returns a platform fault in the dialect of the path.
func (c *call) fault(fault, why string) *world.Failure {
	now := c.now().In(china)
	limit, appKey := 20, ""
	switch {
	case fault == "api-throttled" && c.Family.APIName == "":
		limit = 300
	case fault == "api-throttled":
		limit = 1200
	case c.throttleLimit() > 0:
		limit = c.throttleLimit()
	}
	if c.app != nil {
		appKey = c.app.appKey
	}
	scope := "qyapi_" + c.Path[strings.LastIndexByte(c.Path, '/')+1:]
	if c.Operation != nil && c.Operation.Scope != "" {
		scope = c.Operation.Scope
	}
	ip, _, _ := net.SplitHostPort(c.remote)
	return &world.Failure{Reply: c.server.doc.ErrorReply(c.Family.Faults[fault]), Explain: why, Holes: []string{
		"apiPath", c.Family.API(c.Path), "from", now.Format(time.DateTime), "until", now.Add(time.Second).Format(time.DateTime),
		"limit", strconv.Itoa(limit), "ip", ip, "appKey", appKey, "scope", scope,
	}}
}

// customError returns the error with the rule's own errcode.
func (c *call) customError(e *rules.Effect) *world.Failure {
	text := e.Errmsg
	for _, known := range c.server.doc.ErrorReplies() {
		if text == "" && known.Errcode == e.Errcode && known.SubCode == e.SubCode && !strings.Contains(known.Text, "{") {
			text = known.Text
		}
	}
	if text == "" {
		text = "error " + strconv.Itoa(e.Errcode)
	}
	custom := &dingmock.ErrorReply{Name: "errcode " + strconv.Itoa(e.Errcode), Status: http.StatusOK, Errcode: e.Errcode, SubCode: e.SubCode, Text: text}
	if e.SubCode != "" {
		custom.Errmsg = c.server.doc.ErrorReply(c.Family.Answers["token-bad"]).Errmsg
	}
	if c.server.doc.ErrorReply(c.Family.Answers["token-bad"]).Code != "" {
		custom.Status, custom.Code = http.StatusBadRequest, strconv.Itoa(e.Errcode)
	}
	return &world.Failure{Reply: custom, Explain: c.why()}
}

// These faults are no errors of the document: they are the two bodies with which the platform's gateway blocks an
// address.
const (
	faultBlocked     = "ip-blocked"
	faultBlockedJSON = "ip-blocked-json"
)

// blocked returns the answer of the platform's gateway to an address that called too often: HTTP 200 without an
// errcode.
func (c *call) blocked(fault string) reply {
	r := reply{status: http.StatusOK, code: fault, explain: c.why()}
	if fault == faultBlockedJSON {
		r.contentType = c.Family.ContentType
		r.body = []byte(`{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":"` + world.NewToken() + `"}`)
		return r
	}
	r.contentType = "text/html;charset=utf-8"
	r.body = []byte("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>访问被拦截</title></head>" +
		"<body><h1>访问被拦截</h1><p>您的访问过于频繁，请5分钟后再试。</p></body></html>\n")
	return r
}

// tokenLives returns the lifetime that a rule sets for the token of this call; 0: that of the app's tokens.
func (c *call) tokenLives() time.Duration {
	if c.rule == nil {
		return 0
	}
	return time.Duration(c.rule.Effect.TokenLife)
}
