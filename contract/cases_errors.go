package contract

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// roles lead to the errors that a family's answers name, in the order of checks: what the document says of a request is enough.
var roles = []struct {
	answers string // the key of the family's answers
	trigger
}{
	{"method", trigger{when: "by another method", ways: wrongMethods}},
	{"method-post", trigger{when: "by another method", ways: wrongMethods}},
	{"token-blank", trigger{
		when: "without a token, or with a blank one",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			token := tokenOf(op)
			q := c.valid(op).off(dingmock.KindMissingCredential)
			good := q.value(token)
			add("none", q.clone().drop(token))
			add("empty", q.clone().set(token, ""))
			add("spaces", q.clone().set(token, "  "))
			if hasBody(op) {
				body := q.clone().drop(token).off(dingmock.KindUndeclaredParameter)
				body.fields = append(body.fields, pair{token, good})
				add("in a JSON body", body)
			} else {
				add("in a JSON body", q.clone().drop(token).body(mediaJSON, encodeObject([]pair{{token, good}})))
			}
			for _, f := range c.doc.Families() {
				if f.Token.In == "header" && f.Token.Name != token {
					header := q.clone().drop(token)
					header.header.Set(f.Token.Name, fmt.Sprint(good))
					add("in the header of the other dialect", header)
				}
			}
		},
	}},
	{"token-bad", trigger{
		when: "with a token that was never issued",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			q := c.valid(op)
			token := fmt.Sprint(q.value(tokenOf(op)))
			for _, wrong := range []string{strings.Repeat("0", 32), "x", token[1:], token + "0", token + " ", " " + token, token + "\n", strings.ToUpper(token), "令牌"} {
				inHeader := op.Family.Token.In == "header"                              // which has no spaces around a value
				if wrong != token && !(inHeader && strings.TrimSpace(wrong) == token) { // it may be of digits alone
					add("a token of another value", q.clone().set(tokenOf(op), wrong))
				}
			}
		},
	}},
	{"content-type", trigger{
		when: "whose body is declared to be of another type, or to be encoded",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			q := c.valid(op).off(dingmock.KindContentType)
			for _, t := range []string{"text/plain", "application/xml", "multipart/form-data; boundary=x", "text/json", "application/jsonp"} {
				w := q.clone()
				w.contentType = t
				add(t, w)
			}
			if !hasForm(op) {
				add("a form", q.clone().asForm())
			}
			w := q.clone()
			w.header.Set("Content-Encoding", "gzip")
			add("Content-Encoding", w)
		},
	}},
	{"body-missing", trigger{
		when: "without a body",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			add("no body", c.valid(op).body("-", nil).off(dingmock.KindBody))
		},
	}},
	{"body", trigger{
		when: "whose body is not UTF-8, not JSON, not one object, or has text after it",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			brokenBodies(c.valid(op), add)
			if hasForm(op) {
				add("a form that is not UTF-8", c.valid(op).off(dingmock.KindBody).body(mediaForm, []byte("x=%ff&y=%ff")))
			}
		},
	}},
	{"body-too-large", trigger{
		when: "with a body over 1 MiB", needs: needsStandIn,
		ways: func(c *trial, op *dingmock.Operation, add addWay) { largeBodies(c, c.valid(op), add) },
	}},
	{"missing-parameter", trigger{
		when: "with a required parameter absent, empty or null, the first of them in the document's order",
		ways: missingParameters,
	}},
	{"invalid-parameter", trigger{
		when: "with a parameter of another type, or too long",
		ways: invalidParameters,
	}},
}

// wrongMethods are all that no operation of the path is answered by.
func (c *trial) wrongMethods(op *dingmock.Operation) []string {
	methods := []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodGet, http.MethodPost, "PROPFIND"}
	for _, other := range c.doc.Operations() {
		if other.Path == op.Path {
			methods = slices.DeleteFunc(methods, func(m string) bool { return m == other.Method || slices.Contains(other.AlsoAnswers, m) })
		}
	}
	return methods
}

func wrongMethods(c *trial, op *dingmock.Operation, add addWay) {
	q := c.valid(op).off(dingmock.KindMethod)
	for _, method := range c.wrongMethods(op) {
		add(method, q.clone().by(method))
	}
	if hasBody(op) && slices.Contains(op.AlsoAnswers, http.MethodGet) {
		bare := q.clone().by(http.MethodGet)
		bare.fields, bare.raw = nil, []byte{}
		add("GET without parameters", bare)
	}
}

// triggers are what the document cannot tell, keyed by the error's name, or by operation/name where they differ.
var triggers = map[string]trigger{
	"appkey-or-appsecret-wrong": {
		when: "with an appkey that does not exist or a secret that is not its own", needs: needsAppPair,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			wrongPair(c, op, add, "appkey", c.app().AppKey, "appsecret", c.app().AppSecret)
		},
	},
	"corpid-or-corpsecret-wrong": {
		when: "with a corpid that does not exist or a secret that is not its own", needs: needsCorpPair,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			wrongPair(c, op, add, "corpid", c.app().CorpID, "corpsecret", c.app().CorpSecret)
		},
	},
	"invalidClientIdOrSecret": {
		when: "with an appKey that does not exist or a secret that is not its own", needs: needsAppPair,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			wrongPair(c, op, add, "appKey", c.app().AppKey, "appSecret", c.app().AppSecret)
		},
	},
	"gettoken/parameter-missing": {
		when: "with neither id",
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			const missing = "corpid or appkey"
			halfPairs(op, add, []halfPair{
				{"nothing", nil},
				{"both ids empty", []any{"appkey", "", "corpid", ""}},
				{"only secrets", []any{"appsecret", "x", "corpsecret", "x"}},
			}, "name", missing)
			pairs := firstPair(c.app())
			fields := []pair{{pairs[0].(string), pairs[1]}, {pairs[2].(string), pairs[3]}}
			for name, q := range map[string]*call{
				"the pair as JSON in the body of a GET":   newCall(op).body(mediaJSON, encodeObject(fields)),
				"the pair as a form in the body of a GET": newCall(op).body(mediaForm, []byte(encodePairs(fields))),
			} {
				add(name, q.off(dingmock.KindMissingCredential), "name", missing)
			}
		},
	},
	"appsecret-missing": {
		when: "with an appkey and no pair of credentials complete",
		ways: func(_ *trial, op *dingmock.Operation, add addWay) {
			halfPairs(op, add, []halfPair{
				{"only appkey", []any{"appkey", "k"}},
				{"appkey, empty appsecret", []any{"appkey", "k", "appsecret", ""}},
				{"appkey with the other pair's secret", []any{"appkey", "k", "corpsecret", "x"}},
				{"both ids", []any{"corpid", "k", "appkey", "k"}},
			})
		},
	},
	"corpsecret-missing": {
		when: "with a corpid, no appkey and no pair of credentials complete",
		ways: func(_ *trial, op *dingmock.Operation, add addWay) {
			halfPairs(op, add, []halfPair{
				{"only corpid", []any{"corpid", "k"}},
				{"corpid, empty corpsecret", []any{"corpid", "k", "corpsecret", ""}},
				{"corpid with the other pair's secret", []any{"corpid", "k", "appsecret", "x"}},
				{"corpid and an empty appkey", []any{"appkey", "", "corpid", "k"}},
			})
		},
	},
	"gettoken/parameter-invalid": {
		when: "with a credential that is no string, in a JSON body", level: SHOULD,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			for _, name := range []string{"appkey", "corpid"} {
				for _, body := range []string{`{"%s":1}`, `{"%s":true}`, `{"%s":["x"]}`, `{"%s":{}}`} {
					q := newCall(op).by(http.MethodPost).body(mediaJSON, fmt.Appendf(nil, body, name))
					add(fmt.Sprintf(body, name), q.off(dingmock.KindMethod, dingmock.KindMissingCredential, dingmock.KindInvalidParameter), "name", name)
				}
			}
		},
	},
	"api-name-invalid": {
		when: "at a platform that has no such call, whatever token it has", needs: NeedsWithoutSessions | needsWrites,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			add("without a token", newCall(op).off(dingmock.KindMissingCredential, dingmock.KindMissingParameter), "apiName", op.Family.API(op.Path))
			q := newCall(op, tokenOf(op), c.token(c.app())).off(dingmock.KindMissingParameter)
			add("with a token", q, "apiName", op.Family.API(op.Path))
		},
	},
	"user-not-found": {
		when: "for a user that the app's list of users does not have", needs: NeedsUsers,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			app := c.newApp(AppSpec{Users: []string{knownUser}})
			q := c.validFor(op, app)
			user := recipeOf(op).user
			add("another user", q)
			c.succeed(q.clone().set(user, knownUser))
			add("the user in capitals", q.clone().set(user, strings.ToUpper(knownUser)))
		},
	},
	"app-key-wrong": {
		when: "with an app_key that is not that of the token's app", needs: needsAppKey,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			add("an appkey that does not exist", c.valid(op).set("app_key", c.id("nobody")))
			if other := c.another(); other.AppKey != c.app().AppKey {
				add("the appkey of another app", c.valid(op).set("app_key", other.AppKey))
			}
			for _, w := range otherKeys(c.app()) {
				add(w.name, c.valid(op).set("app_key", w.value))
			}
		},
	},
	"create_session/session-invalid": {
		when: "with the id of an open session but other values", needs: needsAppKey,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			q := c.valid(op)
			c.succeed(q)
			add("another user", q.clone().set("user_id", c.id("other")))
			add("another chat", q.clone().set("chatid", c.id("other")))
			add("no chat", q.clone().drop("chatid"))
		},
	},
	"close_session/session-invalid": {
		when: "where no session with just these values is open", needs: needsAppKey,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			q := c.valid(op)
			add("never created", q.clone().set("session_id", c.id("never")))
			add("another user", q.clone().set("user_id", c.id("other")))
			add("another chat", q.clone().set("chatid", c.id("other")))
			add("no chat", q.clone().drop("chatid"))
			add("another appkey", q.clone().set("app_key", c.id("other")))
			for _, w := range otherKeys(c.app()) {
				add(w.name, q.clone().set("app_key", w.value))
			}
			add("the id in capitals", q.clone().set("session_id", strings.ToUpper(fmt.Sprint(q.value("session_id")))))
			c.succeed(q)
			add("closed already", q)
		},
	},
	"sessions-too-many": {
		when: "when the app has as many open sessions as it may have", needs: NeedsSessionLimit | NeedsOwnApp,
		ways: func(c *trial, op *dingmock.Operation, add addWay) {
			q := c.valid(op)
			for range c.runner.target.MaxSessions {
				c.succeed(q.set("session_id", c.id("s")))
			}
			add("one more", q.clone().set("session_id", c.id("s")))
			c.succeed(q) // the same values as one that is open: nothing is opened
			if other := c.another(); other != c.app() {
				c.succeed(c.validFor(op, other)) // each app has a limit of its own
			}
			c.succeed(c.closing(q)) // makes room for just one
			c.succeed(q.clone().set("session_id", c.id("s")))
			add("one more after one was closed", q.clone().set("session_id", c.id("s")))
		},
	},
}

// knownUser is the one user of the apps that are made with a list of users.
const knownUser = "manager4220"

// otherKeys are values that are nearly the app's appkey.
func otherKeys(app App) []named {
	list := []named{{"the appkey and a space", app.AppKey + " "}}
	if upper := strings.ToUpper(app.AppKey); upper != app.AppKey {
		list = append(list, named{"the appkey in capitals", upper})
	}
	if app.CorpID != "" && app.CorpID != app.AppKey {
		list = append(list, named{"the corpid", app.CorpID})
	}
	return list
}

// halfPair is a call with no pair of credentials complete.
type halfPair struct {
	name  string
	given []any
}

func halfPairs(op *dingmock.Operation, add addWay, list []halfPair, holes ...string) {
	for _, w := range list {
		add(w.name, newCall(op, w.given...).off(dingmock.KindMissingCredential), holes...)
	}
}

// wrongPair adds the ways of a pair of credentials that is none.
func wrongPair(c *trial, op *dingmock.Operation, add addWay, id, idValue, secret, secretValue string) {
	add("a wrong secret", newCall(op, id, idValue, secret, secretValue+"x"))
	add("a secret that is cut", newCall(op, id, idValue, secret, secretValue[:len(secretValue)-1]+"~"))
	if half := secretValue[:len(secretValue)/2+1]; half != secretValue {
		add("the first half of the secret", newCall(op, id, idValue, secret, half))
	}
	add("the secret and a newline", newCall(op, id, idValue, secret, secretValue+"\n"))
	if upper := strings.ToUpper(secretValue); upper != secretValue {
		add("the secret in capitals", newCall(op, id, idValue, secret, upper))
	}
	if upper := strings.ToUpper(idValue); upper != idValue {
		add("the id in capitals", newCall(op, id, upper, secret, secretValue))
	}
	add("the secret and a space", newCall(op, id, idValue, secret, secretValue+" "))
	add("a space and the secret", newCall(op, id, idValue, secret, " "+secretValue))
	add("the id and a space", newCall(op, id, idValue+" ", secret, secretValue))
	add("an id that does not exist", newCall(op, id, c.id("nobody"), secret, secretValue))
	otherID, otherSecret := c.app().CorpID, c.app().CorpSecret
	if secret == "corpsecret" {
		otherID, otherSecret = c.app().AppKey, c.app().AppSecret
	}
	if otherID != "" && otherID != idValue {
		add("the id of the other pair", newCall(op, id, otherID, secret, secretValue))
	}
	if otherSecret != "" && otherSecret != secretValue {
		add("the secret of the other pair", newCall(op, id, idValue, secret, otherSecret))
	}
	if other := c.another(); other != c.app() {
		theirs := other.AppSecret
		if secret == "corpsecret" {
			theirs = other.CorpSecret
		}
		add("the secret of another app", newCall(op, id, idValue, secret, theirs))
	}
}

func brokenBodies(q *call, add addWay) {
	q.off(dingmock.KindBody)
	whole := encodeObject(q.fields)
	for _, w := range []struct {
		name string
		body []byte
	}{
		{"text", []byte("hello")},
		{"a broken object", whole[:len(whole)-1]},
		{"a broken string", whole[:len(whole)-2]},
		{"an array", []byte("[" + string(whole) + "]")},
		{"null", []byte("null")},
		{"a string", []byte(`"x"`)},
		{"text after the object", append(slices.Clone(whole), " x"...)},
		{"two objects", append(slices.Clone(whole), whole...)},
		{"single quotes", bytes.ReplaceAll(whole, []byte(`"`), []byte(`'`))},
		{"a comma too many", append(slices.Clone(whole[:len(whole)-1]), ",}"...)},
		{"bytes that are not UTF-8", append(slices.Clone(whole[:len(whole)-1]), ",\"contract_unknown\":\"\xff\"}"...)},
		{"a byte order mark", append([]byte("\xef\xbb\xbf"), whole...)},
		{"spaces", []byte("  ")},
	} {
		add(w.name, q.clone().body(mediaJSON, w.body))
	}
}

func largeBodies(c *trial, q *call, add addWay) {
	if c.runner.options.Live {
		return
	}
	q.off(dingmock.KindBody)
	whole := encodeObject(q.fields)
	for _, size := range []int{dingmock.MaxBody + 1, 2 * dingmock.MaxBody} {
		body := append(slices.Clone(whole), bytes.Repeat([]byte(" "), size-len(whole))...)
		add(fmt.Sprintf("%d bytes", size), q.clone().body(mediaJSON, body))
		chunked := q.clone().body(mediaJSON, body)
		chunked.chunked = true
		add(fmt.Sprintf("%d bytes in chunks", size), chunked)
	}
}

func missingParameters(c *trial, op *dingmock.Operation, add addWay) {
	list, q := required(op), c.valid(op).off(dingmock.KindMissingParameter)
	for i, p := range list {
		name := p.Name
		add(name+" absent", q.clone().drop(name), "name", name)
		add(name+" empty", q.clone().set(name, ""), "name", name)
		rest := q.clone()
		for _, later := range list[i:] {
			rest.drop(later.Name)
		}
		add(name+" and all after it absent", rest, "name", name)
		if hasBody(op) {
			add(name+" null", q.clone().set(name, nil), "name", name)
		}
		if hasBody(op) && hasToken(op) {
			there := q.clone().drop(name).off(dingmock.KindUndeclaredParameter)
			there.query = append(there.query, pair{name, q.value(name)})
			add(name+" in the query alone", there, "name", name)
		}
		if hasForm(op) {
			add(name+" absent in a form", q.clone().drop(name).asForm(), "name", name)
			add(name+" empty in a form", q.clone().set(name, "").asForm(), "name", name)
		}
	}
	if hasBody(op) {
		add("an empty object", q.clone().body(mediaJSON, []byte("{}")), "name", list[0].Name)
		if !op.NeedsBody {
			add("no body", q.clone().body("", nil), "name", list[0].Name)
		}
	}
}

func invalidParameters(c *trial, op *dingmock.Operation, add addWay) {
	list, q := slices.DeleteFunc(parameters(op), func(p dingmock.Parameter) bool { return len(wrongValues(p)) == 0 }), c.valid(op).off(dingmock.KindInvalidParameter)
	for _, p := range list {
		for _, v := range wrongValues(p) {
			add(p.Name+" "+v.name, q.clone().set(p.Name, v.value), "name", p.Name)
		}
		if _, most := p.Limits(); most > 0 && hasForm(op) {
			add(p.Name+" too long in a form", q.clone().set(p.Name, strings.Repeat("x", most+1)).asForm(), "name", p.Name)
		}
	}
	all := q.clone()
	for _, p := range list {
		all.set(p.Name, wrongValues(p)[0].value)
	}
	add("all of them", all, "name", list[0].Name)
}

type named struct {
	name  string
	value any
}

// wrongTypes are values of another type than the parameter's. Fits are those of its own.
func wrongTypes(p dingmock.Parameter) []named {
	list := []named{
		{"a number", 1}, {"a boolean", true}, {"an array", []string{"x"}}, {"an object", map[string]string{"x": "y"}},
		{"a fraction", -1.5}, {"a large number", 1e300}, {"an empty array", []any{}}, {"an empty object", map[string]any{}}, {"a text", "x"},
	}
	fits := map[string][]string{
		"string": {"a text"}, "integer": {"a number", "a large number"}, "number": {"a number", "a fraction", "a large number"}, "boolean": {"a boolean"},
		"array": {"an array", "an empty array"}, "object": {"an object", "an empty object"},
	}[p.Type()]
	if p.In == "query" { // which has texts alone
		list, fits = slices.Clone(list[len(list)-1:]), append(fits, map[string]string{"array": "a text", "object": "a text"}[p.Type()])
	}
	return slices.DeleteFunc(list, func(v named) bool { return slices.Contains(fits, v.name) })
}

// wrongValues are those that the parameter may not have.
func wrongValues(p dingmock.Parameter) []named {
	list := wrongTypes(p)
	if _, most := p.Limits(); most >= 0 {
		list = append(list, named{"too long", strings.Repeat("x", most+1)}, named{"too long, in Chinese", strings.Repeat("会", most+1)})
	}
	return list
}

// faultTrigger is the trigger of an error that the operation's dialect has for an injected fault.
func faultTrigger(op *dingmock.Operation, name string) (trigger, bool) {
	for _, fault := range slices.Sorted(maps.Keys(op.Family.Faults)) {
		if op.Family.Faults[fault] == name {
			return trigger{
				when: "that the fault " + fault + " hits", needs: NeedsRules | NeedsOwnApp,
				ways: func(c *trial, op *dingmock.Operation, add addWay) {
					q := c.valid(op)
					c.fault(c.app(), op.ID, fault)
					e := c.doc.ErrorReply(name)
					var holes []string
					for _, h := range e.Holes() {
						switch h {
						case "apiPath":
							holes = append(holes, h, op.Family.API(op.Path))
						case "appKey":
							holes = append(holes, h, c.app().AppKey)
						}
					}
					add(fault, q, holes...)
				},
			}, true
		}
	}
	return trigger{}, false
}
