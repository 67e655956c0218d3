package contract

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// requestCases are the forms in which each operation takes a request.
var requestCases = []opCase{
	{
		id: "undeclared", shows: true,
		rule: "A parameter that the document does not have, or not in that place, is passed over.",
		run: func(c *trial, op *dingmock.Operation) {
			c.works(op, func(q *call) {
				q.query = append(q.query, pair{"contract_unknown", "1"})
				q.off(dingmock.KindUndeclaredParameter)
			})
			if !hasBody(op) {
				return
			}
			c.shadowed(op)
			for _, value := range []any{"1", 1, nil, map[string]any{"a": []int{1}}, strings.Repeat("x", 4096)} {
				c.works(op, func(q *call) {
					q.fields = append(q.fields, pair{"contract_unknown", value})
					q.off(dingmock.KindUndeclaredParameter)
				})
			}
		},
	},
	{
		id: "repeated", level: SHOULD, shows: true,
		rule: "Of a repeated query parameter the first counts, of a form the first, of a JSON key the last.",
		run:  repeated,
	},
	{
		id: "names-in-case", of: func(op *dingmock.Operation) bool { return len(required(op)) > 0 || hasPairs(op) },
		rule: "A parameter whose name differs in case is another one.",
		run:  namesInCase,
	},
	{
		id: "dingtalk", level: BYTES,
		rule: "A reply says Server: DingTalk/1.0.0 and how long it is.",
		run: func(c *trial, op *dingmock.Operation) {
			x := c.do(c.valid(op))
			c.success(x)
			c.equal(x, "the header Server", x.Response.Header.Get("Server"), "DingTalk/1.0.0")
			c.equal(x, "the header Content-Length", x.Response.Header.Get("Content-Length"), fmt.Sprint(len(x.Body)))
		},
	},
	{
		id: "bare", shows: true,
		rule: "A request needs no User-Agent and no Accept, and the Host may be any.",
		run: func(c *trial, op *dingmock.Operation) {
			c.works(op, func(q *call) {
				q.header["User-Agent"], q.header["Accept"] = nil, nil
				if !c.runner.options.Live {
					q.host = "login.dingtalk.com"
				}
			})
		},
	},
	{
		id: "content-type-spelling", of: hasBody, shows: true,
		rule: "The case of a Content-Type, spaces in it and a charset make no difference.",
		run: func(c *trial, op *dingmock.Operation) {
			for _, t := range []string{"APPLICATION/JSON", "Application/Json; Charset=UTF-8", "application/json ;charset=gbk", " application/json"} {
				c.works(op, func(q *call) { q.contentType = t })
			}
			if hasForm(op) {
				c.works(op, func(q *call) { q.asForm().contentType = "Application/X-WWW-Form-Urlencoded; charset=utf-8" })
			}
		},
	},
	{
		id: "no-content-type", level: SHOULD, of: hasBody, shows: true,
		rule: "Without a Content-Type a body that begins with { is JSON, any other a form.",
		run: func(c *trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.contentType = "-" })
			if hasForm(op) {
				c.works(op, func(q *call) { q.asForm().contentType = "-" })
			}
		},
	},
	{
		id: "chunked", of: hasBody, shows: true,
		rule: "A body may come in chunks, its length unsaid.",
		run:  func(c *trial, op *dingmock.Operation) { c.works(op, func(q *call) { q.chunked = true }) },
	},
	{
		id: "padded", of: hasBody, shows: true, needs: needsStandIn,
		rule: "Spaces around the JSON, and a body of just 1 MiB, are accepted.",
		run: func(c *trial, op *dingmock.Operation) {
			for _, size := range []int{512, dingmock.MaxBody} {
				c.works(op, func(q *call) {
					whole := " \r\n\t" + string(encodeObject(q.fields))
					q.body(mediaJSON, []byte(whole+strings.Repeat(" ", size-len(whole))))
				})
			}
		},
	},
	{
		id: "form", of: hasForm, shows: true,
		rule: "The parameters may come as a form; its values are strings as they stand.",
		run: func(c *trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.asForm() })
			for _, text := range []string{"true", "1e3", "a b+c%41&d=é会", " ", "+"} {
				c.worksWith(op, c.texts(op, text), func(q *call) { q.asForm() })
			}
		},
	},
	{
		id: "longest", of: hasFree, shows: true,
		rule: "Values of the greatest length are accepted, whatever the number of their bytes.",
		run: func(c *trial, op *dingmock.Operation) {
			for _, letter := range []string{"x", "会", "😀"} {
				var values []any
				for _, p := range free(op) {
					_, most := p.Limits()
					value := strings.Repeat(letter, most)
					if slices.Contains(recipeOf(op).own, p.Name) {
						value = c.id("") + value
					}
					values = append(values, p.Name, string([]rune(value)[:most]))
				}
				c.worksWith(op, values, func(*call) {})
			}
		},
	},
	{
		id: "shortest", needs: NeedsOwnApp, of: hasFree, shows: true,
		rule: "Values of the least length are accepted, whichever their characters.",
		run: func(c *trial, op *dingmock.Operation) {
			for _, short := range []string{"s", "0", " ", "会"} { // servers take some of them for none
				var values []any
				for _, p := range free(op) {
					least, _ := p.Limits()
					values = append(values, p.Name, strings.Repeat(short, least))
				}
				c.worksWith(op, values, func(*call) {})
			}
		},
	},
	{
		id: "token-in-form", level: SHOULD, of: func(op *dingmock.Operation) bool { return hasForm(op) && hasToken(op) }, shows: true,
		rule: "The token is read from the query first, then from a form body.",
		run: func(c *trial, op *dingmock.Operation) {
			token := tokenOf(op)
			var good any
			c.works(op, func(q *call) {
				good = q.asForm().value(token)
				q.drop(token)
				q.fields = append(q.fields, pair{token, good})
			})
			q := c.valid(op).asForm().set(token, "x")
			q.fields = append(q.fields, pair{token, good})
			c.refused(q, op.Family.Answers["token-bad"])
		},
	},
	{
		id: "get", level: SHOULD, of: func(op *dingmock.Operation) bool {
			return hasBody(op) && slices.Contains(op.AlsoAnswers, http.MethodGet)
		}, shows: true,
		rule: "A GET with its parameters in the query is answered as the POST is.",
		run: func(c *trial, op *dingmock.Operation) {
			c.works(op, func(q *call) { q.intoQuery().by(http.MethodGet).off(dingmock.KindMethod) })
		},
	},
	{
		id: "ids-of-requests", level: SHOULD, of: func(op *dingmock.Operation) bool { return hasToken(op) && op.Family.RequestID == "short" },
		rule: "Each reply has a request_id of its own, errors too.",
		run: func(c *trial, op *dingmock.Operation) {
			seen := map[any]bool{}
			for range 5 {
				id := c.succeed(c.valid(op))["request_id"]
				q, _, _ := c.bare(op)
				x := c.do(q)
				var body map[string]any
				_ = decodeJSON(x.Body, &body)
				for _, id := range []any{id, body["request_id"]} {
					if seen[id] {
						c.fail(x, "the request_id of another reply", "request_id:\n-want one that no other reply has\n+got  %v again", id)
					}
					seen[id] = true
				}
			}
		},
	},
}

// texts are values for the parameters of the operation that may have any: one text, and if each call has a value for itself, one
// that begins and ends with it.
func (c *trial) texts(op *dingmock.Operation, text string) []any {
	var values []any
	for _, p := range free(op) {
		value := text
		if slices.Contains(recipeOf(op).own, p.Name) {
			value += c.id("own") + text
		}
		values = append(values, p.Name, value)
	}
	return values
}

// shadowed sends a call of which each field stands, with another value, in the query too: of a POST only the body counts.
func (c *trial) shadowed(op *dingmock.Operation) {
	c.works(op, func(q *call) {
		for _, p := range parameters(op) {
			q.query = append(q.query, pair{p.Name, c.id("other")})
		}
		q.off(dingmock.KindUndeclaredParameter)
	})
}

// repeated sends each parameter twice, once right and once wrong.
func repeated(c *trial, op *dingmock.Operation) {
	if q := c.valid(op); len(q.query) > 0 {
		c.works(op, func(q *call) {
			for _, p := range q.query {
				q.query = append(q.query, pair{p.name, "wrong"})
			}
			q.off(dingmock.KindRepeatedParameter)
		})
	}
	if !hasBody(op) {
		return
	}
	wrong := func(q *call) (list []pair) {
		for _, p := range q.fields {
			list = append(list, pair{p.name, "wrong"})
		}
		return list
	}
	c.works(op, func(q *call) { q.off(dingmock.KindRepeatedParameter).fields = append(wrong(q), q.fields...) })
	if hasForm(op) {
		c.works(op, func(q *call) {
			q.asForm().off(dingmock.KindRepeatedParameter).fields = append(q.fields, wrong(q)...)
		})
	}
}

// namesInCase sends each required parameter, or the credentials, under names in capitals.
func namesInCase(c *trial, op *dingmock.Operation) {
	if hasPairs(op) {
		q, missing, holes := c.bare(op)
		q.off(dingmock.KindUndeclaredParameter)
		for _, p := range c.valid(op).query {
			q.query = append(q.query, pair{strings.ToUpper(p.name), p.value})
		}
		c.refused(q, missing, holes...)
	}
	for _, p := range required(op) {
		q := c.valid(op).off(dingmock.KindMissingParameter, dingmock.KindUndeclaredParameter)
		list := q.list(p.Name)
		value := q.value(p.Name)
		q.drop(p.Name)
		*list = append(*list, pair{strings.ToUpper(p.Name), value})
		c.refused(q, op.Family.Answers["missing-parameter"], "name", p.Name)
	}
}
