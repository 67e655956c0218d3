package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// parameter returns the body parameter of that name.
func parameter(op *dingmock.Operation, name string) dingmock.Parameter {
	list := bodyParameters(op)
	return list[slices.IndexFunc(list, func(p dingmock.Parameter) bool { return p.Name == name })]
}

// requestCases are the forms in which each operation takes a request.
func requestCases(doc *dingmock.Document) []Case {
	var list []Case
	for _, op := range doc.Operations() {
		needs := NeedsRaw
		token := tokenOf(op)
		if token != "" {
			needs |= sessionNeeds
		} else if len(op.BodyTypes) > 0 {
			needs |= needsAppPair
		}
		add := func(name string, level Level, rule string, more Needs, run func(c *Trial, op *dingmock.Operation)) {
			list = append(list, Case{
				ID: op.ID + "/" + name, Level: level, Operation: op.ID, Needs: needs | more,
				Rule: rule, run: func(c *Trial) { run(c, c.op(op.ID)) },
			})
		}
		add("undeclared", MUST, "A parameter that the document does not have, or not in that place, is passed over.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) {
				q.query = append(q.query, pair{"contract_unknown", "1"})
				q.off(dingmock.KindUndeclaredParameter)
			})
			if len(op.BodyTypes) == 0 {
				return
			}
			c.shadowed(op)
			for _, value := range []any{"1", 1, nil, map[string]any{"a": []int{1}}, strings.Repeat("x", 4096)} {
				c.works(op, func(q *call) {
					q.fields = append(q.fields, pair{"contract_unknown", value})
					q.off(dingmock.KindUndeclaredParameter)
				})
			}
		})
		add("repeated", SHOULD, "Of a repeated query parameter the first counts, of a form the first, of a JSON key the last.", 0, repeated)
		add("names-in-case", MUST, "A parameter whose name differs in case is another one.", 0, namesInCase)
		add("dingtalk", BYTES, "A reply says Server: DingTalk/1.0.0 and how long it is.", 0, func(c *Trial, op *dingmock.Operation) {
			x := c.do(c.valid(op))
			c.success(x)
			c.equal(x, "the header Server", x.Response.Header.Get("Server"), "DingTalk/1.0.0")
			c.equal(x, "the header Content-Length", x.Response.Header.Get("Content-Length"), fmt.Sprint(len(x.Body)))
		})
		add("bare", MUST, "A request needs no User-Agent and no Accept, and the Host may be any.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) {
				q.header["User-Agent"], q.header["Accept"] = nil, nil
				if !c.runner.options.Live {
					q.host = "login.dingtalk.com"
				}
			})
		})
		if len(op.BodyTypes) == 0 {
			continue
		}
		add("content-type-spelling", MUST, "The case of a Content-Type, spaces in it and a charset make no difference.", 0, func(c *Trial, op *dingmock.Operation) {
			for _, t := range []string{"APPLICATION/JSON", "Application/Json; Charset=UTF-8", "application/json ;charset=gbk", " application/json"} {
				c.works(op, func(q *call) { q.contentType = t })
			}
			if slices.Contains(op.BodyTypes, mediaForm) {
				c.works(op, func(q *call) { q.asForm().contentType = "Application/X-WWW-Form-Urlencoded; charset=utf-8" })
			}
		})
		add("no-content-type", SHOULD, "Without a Content-Type a body that begins with { is JSON, any other a form.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.contentType = "-" })
			if slices.Contains(op.BodyTypes, mediaForm) {
				c.works(op, func(q *call) { q.asForm().contentType = "-" })
			}
		})
		add("chunked", MUST, "A body may come in chunks, its length unsaid.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.chunked = true })
		})
		add("padded", MUST, "Spaces around the JSON, and a body of just 1 MiB, are accepted.", needsStandIn, func(c *Trial, op *dingmock.Operation) {
			for _, size := range []int{512, dingmock.MaxBody} {
				c.works(op, func(q *call) {
					whole := " \r\n\t" + string(encodeObject(q.fields))
					q.body(mediaJSON, []byte(whole+strings.Repeat(" ", size-len(whole))))
				})
			}
		})
		if token == "" {
			continue
		}
		add("form", MUST, "The parameters may come as a form; its values are strings as they stand.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.asForm() })
			for _, chat := range []string{"true", "1e3", "a b+c%41&d=é会", " ", "+"} {
				s := c.opening("chatid", chat, "user_id", chat+c.id("u"), "session_id", chat+c.id("s"))
				q := newCall(op, token, s.value(token)).asForm()
				for _, p := range bodyParameters(op) {
					name := p.Name
					if name == "userid" {
						name = "user_id"
					}
					q.set(p.Name, s.value(name))
				}
				if op.ID != "create_session" {
					c.succeed(s)
				}
				c.succeed(q)
				if op.ID == "close_session" {
					continue // it was found by the values that JSON had
				}
				if op.ID == "create_session" {
					q = c.getting(s)
				}
				c.finds(q, s)
			}
		})
		add("token-in-form", SHOULD, "The token is read from the query first, then from a form body.", 0, func(c *Trial, op *dingmock.Operation) {
			var good any
			c.works(op, func(q *call) {
				good = q.asForm().value(token)
				q.drop(token)
				q.fields = append(q.fields, pair{token, good})
			})
			q := c.valid(op).asForm().set(token, "x")
			q.fields = append(q.fields, pair{token, good})
			c.refused(q, op.Family.Answers["token-bad"])
		})
		add("get", SHOULD, "A GET with its parameters in the query is answered as the POST is.", 0, func(c *Trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.intoQuery().by(http.MethodGet).off(dingmock.KindMethod) })
		})
		add("ids-of-requests", SHOULD, "Each reply has a request_id of its own, errors too.", 0, func(c *Trial, op *dingmock.Operation) {
			seen := map[any]bool{}
			for range 5 {
				id := c.succeed(c.valid(op))["request_id"]
				x := c.do(newCall(op).off(dingmock.KindMissingCredential, dingmock.KindMissingParameter))
				var body map[string]any
				_ = decodeJSON(x.Body, &body)
				for _, id := range []any{id, body["request_id"]} {
					if seen[id] {
						c.fail(x, "the request_id of another reply", "request_id:\n-want one that no other reply has\n+got  %v again", id)
					}
					seen[id] = true
				}
			}
		})
	}
	return append(list, journalCases...)
}

// opening makes a call that opens a session with these values.
func (c *Trial) opening(values ...any) *call {
	q := c.valid(c.op("create_session"))
	for i := 0; i < len(values); i += 2 {
		q.set(values[i].(string), values[i+1])
	}
	return q
}

// works ends the case where a call of the operation, altered in a way that has to make no difference, does not do what it is for: a
// session is opened, answered or closed by just its values, a token is issued.
func (c *Trial) works(op *dingmock.Operation, alter func(q *call)) {
	var s *call
	if tokenOf(op) != "" {
		s = c.opening()
	}
	switch op.ID {
	case "create_session":
		q := s.clone()
		alter(q)
		c.succeed(q)
		c.finds(c.getting(s), s)
	case "getsession":
		c.succeed(s)
		q := c.getting(s)
		alter(q)
		c.finds(q, s)
	case "close_session":
		c.succeed(s)
		q := c.closing(s)
		alter(q)
		c.succeed(q)
		if x := c.do(c.getting(s)); c.success(x) != nil && x.session() != nil {
			f := Finding{Operation: x.operation(), Pointer: "/body/result/session", Kind: KindValue, Found: "another session", Expected: "none"}
			c.breaks(x, f, "the session of a user, once it is closed:\n-want none\n+got  "+x.session().text())
		}
	default:
		q := c.valid(op)
		alter(q)
		x := c.do(q)
		wantToken(c, x)
		if body, want := c.success(x), c.token(c.app()); body["access_token"] != want && body["accessToken"] != want {
			c.breaks(x, otherToken(op.ID), "the token of the altered call:\n-want the same token\n+got  another")
		}
	}
}

// getting makes the call that answers the session that another opened.
func (c *Trial) getting(opened *call) *call {
	get := c.op("getsession")
	return newCall(get, tokenOf(get), opened.value(tokenOf(opened.op)), "userid", opened.value("user_id"))
}

// finds ends the case where a call of getsession does not answer the session that another call opened.
func (c *Trial) finds(get, opened *call) {
	x := c.do(get)
	result, _ := c.success(x)["result"].(map[string]any)
	session, _ := result["session"].(map[string]any)
	if session == nil {
		text := func(name string) string { s, _ := opened.value(name).(string); return s }
		want := &Session{SessionID: text("session_id"), AppKey: text("app_key"), UserID: text("user_id"), ChatID: text("chatid")}
		f := Finding{Operation: get.op.ID, Pointer: "/body/result/session", Kind: KindValue, Found: "none", Expected: "the user's open session that was created last"}
		(&stop{outcome: Fail, x: x, finding: f, want: want, diff: "-want " + want.text() + "\n+got  none"}).end()
	}
	for _, name := range []string{"session_id", "app_key", "user_id", "chatid"} {
		c.equal(x, "result.session."+name, session[name], opened.value(name))
	}
}

// shadowed sends a call of which each field stands, with another value, in the query too: of a POST only the body counts.
func (c *Trial) shadowed(op *dingmock.Operation) {
	c.works(op, func(q *call) {
		for _, p := range bodyParameters(op) {
			q.query = append(q.query, pair{p.Name, c.id("other")})
		}
		q.off(dingmock.KindUndeclaredParameter)
	})
}

// repeated sends each parameter twice, once right and once wrong.
func repeated(c *Trial, op *dingmock.Operation) {
	if q := c.valid(op); len(q.query) > 0 {
		c.works(op, func(q *call) {
			for _, p := range q.query {
				q.query = append(q.query, pair{p.name, "wrong"})
			}
			q.off(dingmock.KindRepeatedParameter)
		})
	}
	if len(op.BodyTypes) == 0 {
		return
	}
	wrong := func(q *call) (list []pair) {
		for _, p := range q.fields {
			list = append(list, pair{p.name, "wrong"})
		}
		return list
	}
	c.works(op, func(q *call) { q.off(dingmock.KindRepeatedParameter).fields = append(wrong(q), q.fields...) })
	if slices.Contains(op.BodyTypes, mediaForm) {
		c.works(op, func(q *call) {
			q.asForm().off(dingmock.KindRepeatedParameter).fields = append(q.fields, wrong(q)...)
		})
	}
}

// namesInCase sends the first required parameter under its name in capitals.
func namesInCase(c *Trial, op *dingmock.Operation) {
	if len(op.BodyTypes) == 0 {
		pairs := firstPair(c.app())
		q := newCall(op).off(dingmock.KindMissingCredential, dingmock.KindUndeclaredParameter)
		for i := 0; i < len(pairs); i += 2 {
			q.query = append(q.query, pair{strings.ToUpper(pairs[i].(string)), pairs[i+1]})
		}
		c.refused(q, "parameter-missing", "name", "corpid or appkey")
		return
	}
	for _, p := range bodyParameters(op) {
		if !p.Required {
			continue
		}
		q := c.valid(op).off(dingmock.KindMissingParameter, dingmock.KindUndeclaredParameter)
		value := q.value(p.Name)
		q.drop(p.Name)
		q.fields = append(q.fields, pair{strings.ToUpper(p.Name), value})
		c.refused(q, op.Family.Answers["missing-parameter"], "name", p.Name)
	}
}
