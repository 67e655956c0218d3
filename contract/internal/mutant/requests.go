package mutant

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// declared are the names that an operation's body or query may have.
func declared(op *dingmock.Operation) []string {
	var names []string
	for _, p := range op.Parameters {
		names = append(names, p.Name)
	}
	for _, set := range op.Security {
		for _, c := range set {
			names = append(names, c.Name)
		}
	}
	return names
}

// fields returns the fields of a JSON object in their order.
func fields(body []byte) (names []string, values []json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, nil
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return nil, nil
		}
		names, values = append(names, name.(string)), append(values, value)
	}
	return names, values
}

func object(names []string, values []json.RawMessage) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(name)
		b.Write(key)
		b.WriteByte(':')
		b.Write(values[i])
	}
	return append(b.Bytes(), '}')
}

// requests are the mutants of the forms that a request may have.
func (k *kit) requests() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		add := func(rule, name string, spoil func(r *request) *reply) {
			list = append(list, k.wrap(op.ID+"/"+rule, name, func(r *request) *reply {
				if !r.is(op.ID) {
					return r.pass()
				}
				return spoil(r)
			}))
		}
		invalid := op.Family.Answers["invalid-parameter"]
		add("undeclared", "an unknown query parameter is refused", func(r *request) *reply {
			for name := range r.URL.Query() {
				if !slices.Contains(declared(op), name) {
					return r.refuse(invalid, "name", name)
				}
			}
			return r.pass()
		})
		add("repeated", "of repeated values the other one counts", func(r *request) *reply {
			q := r.URL.Query()
			for _, values := range q {
				slices.Reverse(values)
			}
			names, values := fields(r.sent)
			if slices.Reverse(names); len(names) == 0 {
				return r.query(q)
			}
			slices.Reverse(values)
			u := *r.URL
			u.RawQuery = q.Encode()
			return r.with(r.Method, &u, r.Header, object(names, values))
		})
		add("names-in-case", "names are compared without case", func(r *request) *reply {
			right := func(name string) string {
				for _, d := range declared(op) {
					if strings.EqualFold(d, name) {
						return d
					}
				}
				return name
			}
			q := url.Values{}
			for name, values := range r.URL.Query() {
				q[right(name)] = values
			}
			u := *r.URL
			u.RawQuery = q.Encode()
			names, values := fields(r.sent)
			if len(names) == 0 {
				return r.query(q)
			}
			for i := range names {
				names[i] = right(names[i])
			}
			return r.with(r.Method, &u, r.Header, object(names, values))
		})
		add("dingtalk", "it says another server", func(r *request) *reply {
			out := r.pass()
			out.header.Set("Server", "nginx")
			return out
		})
		add("dingtalk", "it does not say how long it is", func(r *request) *reply {
			out := r.pass()
			out.header.Del("Content-Length")
			return out
		})
		add("bare", "a User-Agent is demanded", func(r *request) *reply {
			if r.UserAgent() == "" {
				return r.refuse(op.Family.Answers["invalid-parameter"], "name", "User-Agent")
			}
			return r.pass()
		})
		if len(op.BodyTypes) == 0 {
			continue
		}
		add("undeclared", "an unknown field is refused", func(r *request) *reply {
			names, _ := fields(r.sent)
			for _, name := range names {
				if !slices.Contains(declared(op), name) {
					return r.refuse(invalid, "name", name)
				}
			}
			return r.pass()
		})
		add("content-type-spelling", "content types are compared as they are", func(r *request) *reply {
			if t := r.Header.Get("Content-Type"); t != "" && !slices.Contains(op.BodyTypes, t) {
				return r.contentType("text/plain")
			}
			return r.pass()
		})
		add("no-content-type", "a content type is demanded", func(r *request) *reply {
			if r.Header.Get("Content-Type") == "" && len(r.sent) > 0 {
				return r.contentType("text/plain")
			}
			return r.pass()
		})
		add("chunked", "a body without a length is none", func(r *request) *reply {
			if r.ContentLength < 0 {
				return r.body(nil)
			}
			return r.pass()
		})
		add("padded", "the limit is a byte less", func(r *request) *reply {
			if len(r.sent) >= dingmock.MaxBody {
				return r.body(bytes.Repeat([]byte(" "), 2*dingmock.MaxBody))
			}
			return r.pass()
		})
		add("padded", "space in front of the JSON is refused", func(r *request) *reply {
			if bytes.HasPrefix(r.sent, []byte(" ")) {
				return r.body(append([]byte("x"), r.sent...))
			}
			return r.pass()
		})
		if !slices.Contains(op.BodyTypes, "application/x-www-form-urlencoded") {
			continue
		}
		form := func(r *request) bool {
			t := strings.ToLower(r.Header.Get("Content-Type"))
			return strings.HasPrefix(t, "application/x-www-form-urlencoded")
		}
		add("form", "forms are refused", func(r *request) *reply {
			if form(r) {
				return r.contentType("text/plain")
			}
			return r.pass()
		})
		add("token-in-form", "the token is read from the query alone", func(r *request) *reply {
			if form(r) && r.token() == "" {
				return r.body(bytes.ReplaceAll(r.sent, []byte("access_token="), []byte("other=")))
			}
			return r.pass()
		})
		add("token-in-form", "the form's token goes first", func(r *request) *reply {
			if v, _ := url.ParseQuery(string(r.sent)); form(r) && v.Get("access_token") != "" {
				return r.withToken(v.Get("access_token"))
			}
			return r.pass()
		})
		add("get", "a GET is refused", func(r *request) *reply {
			if r.Method == http.MethodGet {
				return r.refuse("need-post")
			}
			return r.pass()
		})
		add("ids-of-requests", "all replies have one request_id", func(r *request) *reply {
			out := r.pass()
			if id, ok := out.fields()["request_id"].(string); ok {
				out.replace(id, "16l4ew3d47pdp")
			}
			return out
		})
	}
	return list
}

// order are the mutants that check in another order.
func (k *kit) order() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		answers := op.Family.Answers
		secured := len(op.Security) > 0 && slices.Contains(op.Security[0], op.Family.Token)
		add := func(rule, name string, spoil func(r *request) *reply) {
			list = append(list, k.wrap(op.ID+"/order-"+rule, name, func(r *request) *reply {
				if !r.is(op.ID) {
					return r.pass()
				}
				return spoil(r)
			}))
		}
		if secured {
			late := func(r *request) *reply { // the token is checked when all else is well
				out := r.pass()
				if e := r.error(out); e != answers["token-blank"] && e != answers["token-bad"] {
					return out
				}
				good := r.call("gettoken", "", map[string]any{"appkey": "mock-mutant", "appsecret": "s"}).answered()
				if second := r.withToken(good); r.error(second) != "" {
					return second
				}
				return out
			}
			add("method-token", "the token is checked before the method", func(r *request) *reply {
				if r.token() == "" {
					return r.method(op.Method)
				}
				return r.pass()
			})
			add("token-content-type", "the token is checked last", late)
			add("token-body", "the token is checked last", late)
			add("token-parameters", "the token is checked last", late)
		}
		if len(op.BodyTypes) == 0 {
			add("method-parameters", "the method is checked last", func(r *request) *reply {
				if out := r.method(op.Method); r.error(out) != "" {
					return out
				}
				return r.pass()
			})
			continue
		}
		add("content-type-body", "the body is checked before its type", func(r *request) *reply {
			out := r.pass()
			if r.error(out) == answers["content-type"] {
				if second := r.contentType("application/json"); r.error(second) == answers["body"] {
					return second
				}
			}
			return out
		})
		if op.ID != "getsession" {
			add("missing-invalid", "wrong ones go before missing ones", func(r *request) *reply {
				out := r.pass()
				if r.error(out) == answers["missing-parameter"] {
					for name, v := range r.values() {
						if _, ok := v.(string); !ok && v != nil {
							return r.refuse(answers["invalid-parameter"], "name", name)
						}
					}
				}
				return out
			})
		}
		switch op.ID {
		case "create_session", "close_session":
			add("parameters-call", "the call is tried before all parameters are checked", func(r *request) *reply {
				m, out := r.values(), r.pass()
				delete(m, "chatid")
				b, _ := json.Marshal(m)
				if r.error(out) != answers["invalid-parameter"] {
					return out
				}
				second := r.body(b)
				switch {
				case r.error(second) != "":
					return second
				case op.ID == "create_session":
					r.call("close_session", r.token(), m)
				default:
					r.call("create_session", r.token(), m)
				}
				return out
			})
		case "accessToken":
			add("parameters-call", "the appKey is looked up first", func(r *request) *reply {
				m := r.values()
				if _, ok := m["appSecret"].(string); !ok {
					m["appSecret"] = "x"
				}
				b, _ := json.Marshal(m)
				if out := r.body(b); r.error(out) != "" {
					return out
				}
				return r.pass()
			})
		}
	}
	return list
}
