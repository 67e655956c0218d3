package dingmock

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/hosts"
)

// checkHost notes a call to a host of the platform that does not have such paths.
func (d *Document) checkHost(q *Request, host string) {
	name := hosts.Name(host)
	if slices.Contains(q.Family.Hosts, name) {
		return
	}
	for _, f := range d.families {
		if slices.Contains(f.Hosts, name) {
			q.add(KindWrongHost, "/header/Host", name, strings.Join(q.Family.Hosts, " or "), "")
			return
		}
	}
}

// listed returns the calls of DingTalk that have the path, and sets Known and Listed of the request.
func (q *Request) listed() []paths.Call {
	q.Known = KnownNowhere
	if q.Family == nil { // a document of no platform
		return nil
	}
	calls := paths.Find(q.Path)
	if calls != nil {
		q.Known = KnownDocumented
		q.Listed = &calls[max(0, slices.IndexFunc(calls, func(c paths.Call) bool { return c.Method == q.method() }))]
	}
	return calls
}

// method returns the request's method, and GET for HEAD.
func (q *Request) method() string {
	if q.Method == http.MethodHead {
		return http.MethodGet
	}
	return q.Method
}

// checkListed checks a call that the document does not have against what is known of all calls of DingTalk: path, method and
// token, and that the body is what its Content-Type says.
func (d *Document) checkListed(q *Request, calls []paths.Call, query []field, r *http.Request, media string, body []byte, form []field) {
	switch {
	case q.Family == nil:
		q.add(KindUnknownPath, "/path", shortPath(q.Path), "a path of the document", "")
		return
	case calls == nil:
		q.add(KindUnknownPath, "/path", shortPath(q.Path), "a path that DingTalk has"+d.suggest(q.Path), "unknown-path")
		return
	}
	if q.Listed.Method != q.method() {
		var methods []string
		for _, c := range calls {
			methods = append(methods, c.Method)
		}
		// The same holds for the family's calls in the document: a GET with parameters is answered like a POST.
		answered := q.Family.APIName != "" && q.method() == http.MethodGet && slices.ContainsFunc(query, func(f field) bool { return f.name != q.Family.Token.Name })
		q.addMethod(strings.Join(methods, " or "), answered)
	}
	q.add(KindNotModelled, "/path", shortPath(q.Path), "a call that dingmock models, or a rule that answers it", "unknown-path")
	if q.Method == http.MethodOptions {
		return // sent by a browser, which has no token
	}
	if t := q.Listed.Token; t.Name != "" {
		c := Credential{Name: t.Name, In: t.In, FormField: q.Family.Token.FormField, Kind: q.Family.Token.Kind}
		if value, _ := c.find(query, r.Header, form); strings.TrimSpace(value) == "" {
			q.missToken(c)
		}
	}
	if len(body) > 0 && int64(len(body)) <= MaxBody {
		isForm := media == mediaForm
		switch {
		case isForm && body[0] == '{' && json.Valid(body):
			q.add(KindContentType, "/header/Content-Type", short(media), "application/json, which the body is", "content-type")
		case !isForm && media != mediaJSON && !strings.HasPrefix(media, "multipart/") && media != "application/octet-stream":
			q.add(KindContentType, "/header/Content-Type", short(media), "application/json, a form or an upload", "content-type")
		case media != mediaJSON:
		case !utf8.Valid(body):
			q.add(KindBody, "/body", "bytes that are not UTF-8", "JSON", "body")
		case !json.Valid(body):
			q.add(KindBody, "/body", "text that is not JSON", "JSON, as the Content-Type says", "body")
		}
	}
}

// AnsweredByRule records that one of the user's rules or documents answers the call, which makes its path known. token says
// whether the answer requires the token of the path's family. AnsweredByRule changes nothing for a call that the document models.
func (q *Request) AnsweredByRule(token bool) {
	if q.Known != KnownDocumented && q.Known != KnownNowhere {
		return
	}
	q.Violations = slices.DeleteFunc(q.Violations, func(v Violation) bool { return v.Kind == KindUnknownPath || v.Kind == KindNotModelled })
	q.Known = KnownRule
	if token && q.Family != nil && q.Listed == nil && strings.TrimSpace(q.Token) == "" {
		q.missToken(q.Family.Token)
		q.sort()
	}
}

// missToken notes a missing token of a call that the document does not have.
func (q *Request) missToken(c Credential) {
	q.add(KindMissingCredential, pointer(c.In, c.Name), "nothing", "a token in the "+c.In+" parameter "+c.Name, "")
}

// WaiveToken records that no token is required: a missing token is then only a note.
func (q *Request) WaiveToken() {
	for i := range q.Violations {
		if q.Violations[i].Kind == KindMissingCredential {
			q.Violations[i].Level = Note
		}
	}
}
