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
	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/rules"
	"github.com/dingmock/dingmock/mockserver/internal/template"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// subject is made once, where a rule asks for it.
func (c *call) subject() *match.Subject {
	if c.about == nil {
		c.about = &match.Subject{
			Operation: c.operationID(), Method: c.Method, Path: c.Path, Host: hosts.Name(c.http.Host), Header: c.http.Header,
			Values: c.Values, Others: c.Others,
		}
	}
	return c.about
}

// fireRule asks the rules of the call's app, then those for every app, and returns the fixed reply that is to answer in
// the fake's place, if any. A call that the document does not have and that carries no token of an app is told by the app
// that it names, else by the fixed reply that some app has for it.
func (c *call) fireRule() *FixedReply {
	asked, by := c.app, ""
	if asked == nil && c.Operation == nil {
		if asked, _, by = c.named(); asked == nil && c.connection() != nil {
			asked, by = c.server.tenants.app(c.connection().only()), byConnection
		}
	}
	if asked != nil {
		c.rule = asked.rules.Fire(c.subject, !probe(c.http), asked.now)
	}
	if c.rule != nil {
		c.owner, c.by = asked, by
	} else {
		c.rule = c.server.rules.Fire(c.subject, !probe(c.http), c.server.options.Now)
	}
	if c.rule == nil && asked == nil && c.Operation == nil {
		return c.stubOfAny()
	}
	if c.rule == nil {
		return nil
	}
	return c.rule.Effect.Reply
}

// stubOfAny looks for a fixed reply of any app for a call that nothing tells the app of. Where it asks for a token, the
// call is refused for its own.
func (c *call) stubOfAny() *FixedReply {
	list := c.server.tenants.stubs(c)
	if len(list) == 0 {
		return nil
	}
	first := list[0]
	if c.needsToken(first.reply) {
		c.stubbed = true
		return first.reply
	}
	if c.rule = first.app.rules.Fire(c.subject, !probe(c.http), first.app.now); c.rule == nil {
		return nil // it was used up meanwhile
	}
	if len(list) == 1 { // of several nobody can tell which is meant
		c.owner, c.by = first.app, byRule
	}
	return c.rule.Effect.Reply
}

// stub is a fixed reply that an app would give.
type stub struct {
	app   *tenant
	reply *FixedReply
}

// stubs returns the fixed replies that apps would give to the call, in the order of the apps.
func (s *tenants) stubs(c *call) []stub {
	var list []stub
	for _, a := range s.all() {
		if reply := a.rules.Reply(c.subject, a.now); reply != nil {
			list = append(list, stub{a, reply})
		}
	}
	return list
}

// answerByRule returns the answer that the call's rule has in the fake's place, whatever the call is; false where the call
// goes on.
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
	if c.rule == nil || !c.rule.Effect.Answers() {
		return reply{}, false
	}
	_ = c.throttled() // it counts, and the rule has the word
	why := c.why()
	e := &c.rule.Effect
	switch {
	case e.Fault == faultBlocked || e.Fault == faultBlockedJSON:
		return c.blocked(e.Fault, why), true
	case e.Fault != "":
		return c.failed(c.fault(e.Fault, why)), true
	case e.Errcode != 0:
		return c.failed(c.customError(e, why)), true
	case e.Status != 0:
		return reply{status: e.Status, code: strconv.Itoa(e.Status), explain: why}, true
	}
	return reply{code: e.Name(), explain: why}, true
}

// why explains an answer by the call's rule.
func (c *call) why() string {
	return "rule " + c.rule.ID + " (" + c.rule.Effect.Name() + ") answered in the fake's place"
}

// tokenApp is the app of the token that a fixed reply hands out: the call's, the rule's, or the one that the call names.
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

// fixed makes the answer of a fixed reply. It fails where a token is to be handed out and nothing tells of which app.
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

// china is the zone of the times in error texts.
var china = time.FixedZone("CST", 8*60*60)

// fault returns a fault of the platform in the dialect of the path.
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
	ip, _, _ := net.SplitHostPort(c.remote)
	return &world.Failure{Reply: c.server.doc.ErrorReply(c.Family.Faults[fault]), Explain: why, Holes: []string{
		"apiPath", c.Family.API(c.Path), "from", now.Format(time.DateTime), "until", now.Add(time.Second).Format(time.DateTime),
		"limit", strconv.Itoa(limit), "ip", ip, "appKey", appKey, "scope", "qyapi_" + c.Path[strings.LastIndexByte(c.Path, '/')+1:],
	}}
}

// customError makes an error of the rule's own number.
func (c *call) customError(e *rules.Effect, why string) *world.Failure {
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
	return &world.Failure{Reply: custom, Explain: why}
}

// The faults that are no error of the document: the two bodies with which the platform's gateway blocks an address.
const (
	faultBlocked     = "ip-blocked"
	faultBlockedJSON = "ip-blocked-json"
)

// blocked is how the platform's gateway answers an address that called too often: HTTP 200 without an errcode.
func (c *call) blocked(fault, why string) reply {
	r := reply{status: http.StatusOK, code: fault, explain: why}
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

// tokenLives is how long a rule has the token of this call live; 0 for as long as the app's do.
func (c *call) tokenLives() time.Duration {
	if c.rule == nil {
		return 0
	}
	return time.Duration(c.rule.Effect.TokenLife)
}
