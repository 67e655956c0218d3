package mutant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock"
)

// rowFaults are the ways in which the reply of an error row is spoilt.
var rowFaults = []struct {
	name  string
	at    func(*dingmock.ErrorReply) string
	spoil func(*reply, *dingmock.ErrorReply)
}{
	{"another code", codeKey, func(out *reply, e *dingmock.ErrorReply) {
		switch {
		case e.Code != "":
			out.replace(`"code":"`, `"code":"X`)
		case e.SubCode != "":
			out.replace(`"sub_code":"`+e.SubCode, `"sub_code":"1`+e.SubCode)
		default:
			out.body = numeral.ReplaceAll(out.body, []byte(`"errcode":7$1`))
			out.sized()
		}
	}},
	{"another text", textKey, func(out *reply, e *dingmock.ErrorReply) {
		for _, key := range []string{"sub_msg", "errmsg", "message"} {
			if bytes.Contains(out.body, []byte(`"`+key+`":"`)) {
				out.replace(`"`+key+`":"`, `"`+key+`":"抱歉，`)
				return
			}
		}
	}},
	{"another content type", place("/header/Content-Type"), func(out *reply, _ *dingmock.ErrorReply) {
		out.header.Set("Content-Type", strings.Replace(out.header.Get("Content-Type")+"; charset=utf-8", ";charset=UTF-8", "", 1))
	}},
	{"another status", place("/status"), func(out *reply, e *dingmock.ErrorReply) {
		if out.status = http.StatusInternalServerError; e.Status != http.StatusOK {
			out.status = http.StatusOK
		}
	}},
	{"a newline at the end", place("/body"), func(out *reply, _ *dingmock.ErrorReply) {
		out.body = append(out.body, '\n')
		out.sized()
	}},
	{"keys in another order", place("/body"), func(out *reply, _ *dingmock.ErrorReply) {
		out.body = reversed(out.body)
		out.sized()
	}},
}

func place(pointer string) func(*dingmock.ErrorReply) string {
	return func(*dingmock.ErrorReply) string { return pointer }
}

// codeKey is where a reply has an error's code.
func codeKey(e *dingmock.ErrorReply) string {
	switch {
	case e.Code != "":
		return "/body/code"
	case e.SubCode != "":
		return "/body/sub_code"
	}
	return "/body/errcode"
}

// textKey is where a reply has an error's text.
func textKey(e *dingmock.ErrorReply) string {
	body := e.Body()
	for _, key := range []string{"sub_msg", "errmsg"} {
		if body[key] != nil {
			return "/body/" + key
		}
	}
	return "/body/message"
}

var numeral = regexp.MustCompile(`"errcode":-?(\d+)`)

// reversed returns a flat JSON object with its keys in the opposite order.
func reversed(body []byte) []byte {
	dec := json.NewDecoder(bytes.NewReader(body))
	_, _ = dec.Token()
	var pairs []string
	for dec.More() {
		key, _ := dec.Token()
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			break
		}
		pairs = append(pairs, fmt.Sprintf("%q:%s", key, value))
	}
	slices.Reverse(pairs)
	return []byte("{" + strings.Join(pairs, ",") + "}")
}

// rows makes six mutants of each error that an operation may answer.
func (k *kit) rows() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		for _, listed := range op.Replies {
			for _, name := range listed.Errors {
				for _, fault := range rowFaults {
					list = append(list, k.wrap(op.ID+"/"+name, fault.name, func(r *request) *reply {
						out := r.pass()
						if r.is(op.ID) && r.error(out) == name {
							fault.spoil(out, k.doc.ErrorReply(name))
						}
						return out
					}).at(fault.at(k.doc.ErrorReply(name))))
				}
			}
		}
	}
	for _, f := range k.doc.Families() {
		e := k.doc.ErrorReply(f.Answers["unknown-path"])
		for _, fault := range rowFaults {
			list = append(list, k.wrap("paths/"+f.Name+"-unknown", fault.name, func(r *request) *reply {
				out := r.pass()
				if _, ok := e.Match(out.status, out.body); ok && r.op == nil {
					fault.spoil(out, e)
				}
				return out
			}).at(fault.at(e)))
		}
	}
	return slices.Concat(list, k.lax())
}

// paths are the mutants of paths and hosts.
func (k *kit) paths() []Mutant {
	var list []Mutant
	for _, f := range k.doc.Families() {
		list = append(list,
			k.wrap("paths/"+f.Name+"-exact", "slashes are cleaned", func(r *request) *reply { return r.path(path.Clean(r.URL.Path)) }),
			k.wrap("paths/"+f.Name+"-exact", "a path may go on", func(r *request) *reply {
				for _, op := range k.doc.Operations() {
					if strings.HasPrefix(r.URL.Path, op.Path) {
						return r.path(op.Path)
					}
				}
				return r.pass()
			}),
		)
	}
	return append(list, k.wrap("paths/host-ignored", "the host says the dialect", func(r *request) *reply {
		if r.Host == "api.dingtalk.com" && !strings.HasPrefix(r.URL.Path, "/v1.0/") {
			return r.path("/v1.0" + r.URL.Path)
		}
		return r.pass()
	}), k.wrap("paths/host-ignored", "a host has only its own paths", func(r *request) *reply {
		if r.Host == "oapi.dingtalk.com" && strings.HasPrefix(r.URL.Path, "/v1.0/") {
			return r.path("/topapi" + r.URL.Path)
		}
		return r.pass()
	}))
}

// lax are servers that let through one of the things that an error row refuses, or refuse it rudely.
func (k *kit) lax() []Mutant {
	var list []Mutant
	for _, op := range k.doc.Operations() {
		row := func(error, name string, spoil func(r *request) *reply) {
			for _, listed := range op.Replies {
				if slices.Contains(listed.Errors, error) {
					list = append(list, k.wrap(op.ID+"/"+error, name, func(r *request) *reply {
						if !r.is(op.ID) {
							return r.pass()
						}
						return spoil(r)
					}))
				}
			}
		}
		body := op.Family.Answers["body"]
		row(body, "HTTP 500 for a bad body", func(r *request) *reply {
			out := r.pass()
			if r.error(out) == body {
				out.status, out.body = http.StatusInternalServerError, nil
				out.sized()
			}
			return out
		})
		row(body, "the connection is dropped on a bad body", func(r *request) *reply {
			out := r.pass()
			if r.error(out) == body {
				panic(http.ErrAbortHandler)
			}
			return out
		})
		row(body, "text after the object is passed over", func(r *request) *reply {
			var first json.RawMessage
			if json.NewDecoder(bytes.NewReader(r.sent)).Decode(&first) == nil && bytes.HasPrefix(first, []byte("{")) {
				return r.body(first)
			}
			return r.pass()
		})
		row(body, "bytes that are not UTF-8 are mended", func(r *request) *reply { return r.body(bytes.ToValidUTF8(r.sent, []byte("?"))) })
		row(op.Family.Answers["body-too-large"], "the limit is 4 MiB", func(r *request) *reply {
			if len(r.sent) > dingmock.MaxBody {
				return r.body(bytes.TrimSpace(r.sent))
			}
			return r.pass()
		})
		invalid := op.Family.Answers["invalid-parameter"]
		row(invalid, "numbers and booleans are taken for strings", func(r *request) *reply {
			m := r.values()
			for name, v := range m {
				switch v.(type) {
				case float64, bool:
					m[name] = fmt.Sprint(v)
				}
			}
			if len(m) > 0 && r.Method == http.MethodPost && json.Valid(r.sent) && bytes.HasPrefix(r.sent, []byte("{")) {
				b, _ := json.Marshal(m)
				return r.body(b)
			}
			return r.pass()
		})
		if limited(op) {
			row(invalid, "what is too long is cut", func(r *request) *reply {
				m := r.values()
				for name, v := range m {
					if s, ok := v.(string); ok && len([]rune(s)) > 128 {
						m[name] = string([]rune(s)[:128])
					}
				}
				if !json.Valid(r.sent) {
					return r.pass()
				}
				b, _ := json.Marshal(m)
				return r.body(b)
			})
		}
		if op.ID == "gettoken" {
			row("parameter-missing", "appkey is what is missing, whatever was given", func(r *request) *reply {
				out := r.pass()
				if r.error(out) == "parameter-missing" {
					return r.refuse("parameter-missing", "name", "appkey")
				}
				return out
			})
		}
		row(op.Family.Answers["missing-parameter"], "an empty value is wrong, not missing", func(r *request) *reply {
			out := r.pass()
			if r.error(out) == op.Family.Answers["missing-parameter"] && (bytes.Contains(r.sent, []byte(`""`)) || r.empty("appkey")) {
				return r.refuse(op.Family.Answers["invalid-parameter"], "name", "x")
			}
			return out
		})
		for _, secret := range []string{"appsecret", "corpsecret"} {
			row(secret+"-missing", "an empty secret is wrong, not missing", func(r *request) *reply {
				if out := r.pass(); r.error(out) != secret+"-missing" || !r.empty(secret) {
					return out
				}
				return r.refuse(op.Family.Answers["invalid-parameter"], "name", secret)
			})
			row(secret+"-missing", "an id is what is missing", func(r *request) *reply {
				if out := r.pass(); r.error(out) != secret+"-missing" {
					return out
				}
				return r.refuse("parameter-missing", "name", "corpid or appkey")
			})
		}
		row("auth-token-blank", "the token is read from a JSON body", func(r *request) *reply {
			if token := r.value("access_token"); token != "" {
				return r.withToken(token)
			}
			return r.pass()
		})
		row("auth-token-invalid", "a token is compared by its beginning", func(r *request) *reply {
			if token := r.token(); len(token) > 32 {
				return r.withToken(token[:32])
			}
			return r.pass()
		})
		row(op.Family.Answers["content-type"], "an encoded body is read as it is", func(r *request) *reply {
			r.Header.Del("Content-Encoding")
			return r.pass()
		})
		row(op.Family.Answers["method"], "any other method will do", func(r *request) *reply {
			if r.Method == http.MethodGet || r.Method == http.MethodPost && op.Method == http.MethodGet {
				return r.pass()
			}
			return r.method(op.Method)
		})
	}
	return list
}

// limited reports whether a field of the operation's body has a greatest length.
func limited(op *dingmock.Operation) bool {
	return slices.ContainsFunc(op.Parameters, func(p dingmock.Parameter) bool {
		_, most := p.Limits()
		return most >= 0
	})
}
