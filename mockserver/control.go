package mockserver

import (
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-openapi/jsonpointer"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/nearest"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/strictjson"
)

//go:embed control.yaml
var controlSource []byte

var loadControl = sync.OnceValues(func() (*dingmock.Document, error) { return dingmock.Parse(controlSource) })

// controlPrefix is the prefix of the control API's paths.
const controlPrefix = "/_mock/"

// controls maps each operation of the control API to its handler, which runs once the document's checks have
// passed.
var controls = map[string]func(*controlCall) (any, error){
	"list_apps":            (*controlCall).listApps,
	"create_app":           (*controlCall).createApp,
	"get_app":              (*controlCall).getApp,
	"update_app":           (*controlCall).updateApp,
	"delete_app":           (*controlCall).deleteApp,
	"reset_app":            (*controlCall).resetApp,
	"get_clock":            (*controlCall).getClock,
	"advance_clock":        (*controlCall).advanceClock,
	"freeze_clock":         (*controlCall).freezeClock,
	"resume_clock":         (*controlCall).resumeClock,
	"list_rules":           (*controlCall).listRules,
	"add_rule":             (*controlCall).addRule,
	"delete_rules":         (*controlCall).deleteRules,
	"get_rule":             (*controlCall).getRule,
	"delete_rule":          (*controlCall).deleteRule,
	"list_rules_for_all":   (*controlCall).listRules,
	"add_rule_for_all":     (*controlCall).addRule,
	"delete_rules_for_all": (*controlCall).deleteRules,
	"get_rule_for_all":     (*controlCall).getRule,
	"delete_rule_for_all":  (*controlCall).deleteRule,
	"list_tokens":          (*controlCall).listTokens,
	"expire_tokens":        (*controlCall).expireTokens,
	"list_sessions":        (*controlCall).listSessions,
	"list_journal":         (*controlCall).listJournal,
	"get_journal_entry":    (*controlCall).getJournalEntry,
	"wait_journal":         (*controlCall).waitJournal,
	"expect_journal":       (*controlCall).expectJournal,
	"stream_journal":       (*controlCall).streamJournal,
	"list_whole_journal":   (*controlCall).listJournal,
	"stream_whole_journal": (*controlCall).streamJournal,
	"get_app_verdict":      (*controlCall).getVerdict,
	"clear_app_verdict":    (*controlCall).clearVerdict,
	"get_verdict":          (*controlCall).getVerdict,
	"get_app_state":        (*controlCall).getState,
	"put_app_state":        (*controlCall).putState,
	"get_state":            (*controlCall).getState,
	"put_state":            (*controlCall).putState,
	"livez":                (*controlCall).healthy,
	"readyz":               (*controlCall).healthy,
	"version":              (*controlCall).version,
	"openapi_yaml":         (*controlCall).openapiYAML,
	"control_yaml":         (*controlCall).controlYAML,
	"ca_pem":               (*controlCall).caPEM,
	"ui":                   (*controlCall).ui,
}

// controlCall is one request of the control API.
type controlCall struct {
	*dingmock.Request
	server *Server
	http   *http.Request
	body   []byte
}

// controlReply is an answer other than 200 with a JSON body.
type controlReply struct {
	status      int
	contentType string // default JSON
	header      map[string]string
	text        []byte // instead of value
	value       any
	stream      func(http.ResponseWriter) // instead of both
}

func problemOf(status int, detail string) *api.Problem {
	return &api.Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// routeControl adds a route for each path of the control API.
func (s *Server) routeControl() error {
	doc, err := loadControl()
	if err != nil {
		return err
	}
	if err := paired(doc, controls); err != nil {
		return err
	}
	byPath := map[string][]*dingmock.Operation{}
	for _, op := range doc.Operations() {
		byPath[op.Path] = append(byPath[op.Path], op)
	}
	// Paths without parameters go first: /apps/{app}/journal/stream is not the entry called stream.
	paths := make([]string, 0, len(byPath))
	for path := range byPath {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int { return strings.Count(a, "{") - strings.Count(b, "{") })
	for _, path := range paths {
		s.router.Handle(path, s.serveControl(doc, byPath[path]))
	}
	s.router.Handle(strings.TrimSuffix(controlPrefix, "/"), s.serveControl(doc, nil))
	s.router.PathPrefix(controlPrefix).Handler(s.serveControl(doc, nil))
	return nil
}

// serveControl returns the handler of one path.
func (s *Server) serveControl(doc *dingmock.Document, ops []*dingmock.Operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var op *dingmock.Operation
		for _, o := range ops {
			if op == nil || o.Method == r.Method {
				op = o
			}
		}
		value, err := s.control(doc, op, ops, r)
		reply, ok := value.(controlReply)
		if !ok {
			reply.value = value
		}
		if p, ok := errors.AsType[*api.Problem](err); ok {
			reply = controlReply{status: p.Status, contentType: "application/problem+json", value: p}
			if p.Status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			if p.Status == http.StatusMethodNotAllowed {
				for _, o := range ops {
					w.Header().Add("Allow", o.Method)
				}
			}
		}
		reply.write(w, s.options.Version)
	})
}

// pathsLike returns the document's paths with as many parts as path, their parameters replaced by the parts of
// path.
func pathsLike(doc *dingmock.Document, path string) []string {
	got := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var list []string
	for _, op := range doc.Operations() {
		want := strings.Split(op.Path, "/")
		if len(want) != len(got) {
			continue
		}
		for i, part := range want {
			if strings.HasPrefix(part, "{") {
				want[i] = got[i]
			}
		}
		list = append(list, strings.Join(want, "/"))
	}
	return list
}

func (r controlReply) write(w http.ResponseWriter, version string) {
	h := w.Header()
	h.Set("Dingmock-Version", version)
	h.Set("Cache-Control", "no-store")
	for name, value := range r.header {
		h.Set(name, value)
	}
	if r.stream != nil {
		r.stream(w)
		return
	}
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.text == nil && r.value != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(r.value)              // the types can always be encoded
		r.text = printable.JSON(buf.Bytes()) // curl shows it on a terminal
		if r.contentType == "" {
			r.contentType = "application/json"
		}
	}
	if r.text != nil {
		h.Set("Content-Type", r.contentType)
		h.Set("Content-Length", strconv.Itoa(len(r.text)))
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.text)
}

// asksHealth reports whether an operation is a health check, which a load balancer may request under any host
// name.
func asksHealth(op *dingmock.Operation) bool {
	return op != nil && (op.ID == "livez" || op.ID == "readyz")
}

// control runs the document's checks on a request, and then its handler. Every error is an *api.Problem.
func (s *Server) control(doc *dingmock.Document, op *dingmock.Operation, ops []*dingmock.Operation, r *http.Request) (any, error) {
	if !asksHealth(op) {
		if err := s.checkHost(r); err != nil {
			return nil, err
		}
	}
	if op == nil {
		if to := pageOf(r); to != "" {
			return controlReply{status: http.StatusPermanentRedirect, header: map[string]string{"Location": to}}, nil
		}
		return nil, problemOf(http.StatusNotFound, "there is no such path; "+controlPrefix+"control.yaml lists all"+nearest.DidYouMean(r.URL.Path, pathsLike(doc, r.URL.Path)))
	}
	if crossOrigin.Check(r) != nil {
		return nil, problemOf(http.StatusForbidden, "a page of another site may not change anything here")
	}
	if op.Bearer && !s.permitted(r) {
		return nil, problemOf(http.StatusUnauthorized, "this needs the header Authorization: Bearer with the control token (option control-token)")
	}
	body, err := readBody(r, op.MaxBody)
	if err != nil {
		return nil, problemOf(http.StatusBadRequest, "the body could not be read to its end")
	}
	if len(op.BodyTypes) > 0 {
		if media := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Type"))); !strings.HasPrefix(media, "multipart/") {
			r = r.Clone(r.Context())
			r.Header.Set("Content-Type", op.BodyTypes[0]) // curl -d declares any body a form, and some clients declare nothing
		}
		if len(bytes.TrimSpace(body)) == 0 {
			body = []byte("{}")
		}
	}
	c := &controlCall{Request: doc.CheckRequest(op, r, body), server: s, http: r, body: body}
	if len(c.Violations) > 0 {
		return nil, c.refusal(ops)
	}
	value, err := controls[op.ID](c)
	var p *api.Problem
	if err != nil && !errors.As(err, &p) {
		p = problemOf(http.StatusBadRequest, err.Error())
		var field *api.FieldError
		errors.As(err, &p.Code)
		switch {
		case errors.As(err, &field):
			p.Field, p.Accepted = "/body"+field.Pointer, field.Accepted
		case p.Code == api.ErrTaken:
			p.Status, p.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
			p.Field, p.Accepted = "/body/"+strings.SplitN(p.Detail, ":", 2)[0], "one that no other app has"
		case p.Code == api.ErrAppLimit:
			p.Status, p.Title = http.StatusConflict, http.StatusText(http.StatusConflict)
		}
		err = p
	}
	return value, err
}

// refusal returns the problem for the first violation of the document in the request.
func (c *controlCall) refusal(ops []*dingmock.Operation) *api.Problem {
	v := c.Violations[0]
	meant := v.Name() // what the client meant, if that is not a known name
	text, isText := c.sent(v.Pointer)
	switch {
	case redact.Mentions(v.Pointer) && strings.HasPrefix(v.Found, "the number "):
		v.Found = "a number" // the number may be a secret
	case isText && v.Kind == dingmock.KindInvalidParameter && !strings.HasPrefix(v.Found, "an undeclared"):
		meant, v.Found = text, fmt.Sprintf("%.40q", text)
	}
	p := problemOf(http.StatusBadRequest, v.String()+nearest.DidYouMean(meant, c.Operation.Candidates(v.Pointer)))
	p.Field, p.Accepted = v.Pointer, v.Expected
	if strings.HasPrefix(v.Found, "an undeclared") {
		p.Accepted = "nothing"
		if names := c.Operation.Candidates(v.Pointer); len(names) > 0 {
			p.Accepted = "one of " + strings.Join(names, ", ")
		}
	}
	switch v.Kind {
	case dingmock.KindMethod:
		var methods []string
		for _, o := range ops {
			methods = append(methods, o.Method)
		}
		p.Status, p.Accepted = http.StatusMethodNotAllowed, strings.Join(methods, ", ")
	case dingmock.KindContentType:
		p.Status = http.StatusUnsupportedMediaType
	case dingmock.KindBody:
		if int64(len(c.body)) > c.Operation.MaxBody {
			p.Status = http.StatusRequestEntityTooLarge
		}
	}
	p.Title = http.StatusText(p.Status)
	return p
}

// sent returns the text at a JSON pointer of the request; false if there is no text, or if it may be a secret.
func (c *controlCall) sent(pointer string) (string, bool) {
	names := strings.Split(pointer, "/")[1:]
	if redact.Mentions(pointer) {
		return "", false
	}
	var at any = c.Values
	for _, name := range names[1:] {
		name = jsonpointer.Unescape(name)
		switch x := at.(type) {
		case map[string]any:
			at = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(x) {
				return "", false
			}
			at = x[i]
		default:
			return "", false
		}
	}
	text, ok := at.(string)
	return text, ok
}

// crossOrigin rejects requests sent by a page of another site that is open in the same browser.
var crossOrigin = http.NewCrossOriginProtection()

func (s *Server) permitted(r *http.Request) bool {
	if s.options.ControlToken == "" {
		return true
	}
	scheme, token, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(s.options.ControlToken)) == 1
}

// decode decodes the body, which the document's schema has accepted.
func (c *controlCall) decode(out any) error {
	if len(c.body) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(c.body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(out); err != nil {
		return problemOf(http.StatusBadRequest, "the body is not valid: "+strictjson.Explain(err))
	}
	return nil
}

// app returns the app named in the path.
func (c *controlCall) app() (*tenant, error) {
	name := c.Value("app")
	if a := c.server.tenants.app(name); a != nil {
		return a, nil
	}
	return nil, c.noApp()
}

// change applies do to the app named in the path. If the app does not exist yet and its first call would make it,
// change makes it, so that this call can be prepared.
func (c *controlCall) change(do func(*tenant) error) (*tenant, error) {
	return c.with(!c.server.options.NoAutoApps, do)
}

// remove applies do, which takes something away, to the app named in the path. It never makes the app.
func (c *controlCall) remove(do func(*tenant) error) (*tenant, error) {
	return c.with(false, do)
}

func (c *controlCall) with(mayMake bool, do func(*tenant) error) (*tenant, error) {
	a, err := c.server.tenants.change(c.Value("app"), mayMake, do)
	if a == nil && err == nil {
		err = c.noApp()
	}
	return a, err
}

// mayCome reports whether the first call of the app named in the path would make it, if it does not exist.
func (c *controlCall) mayCome() bool {
	return !c.server.options.NoAutoApps && autoKey.MatchString(c.Value("app"))
}

func (c *controlCall) noApp() error {
	name := c.Value("app")
	detail := fmt.Sprintf("there is no app %q", name)
	switch {
	case name == NoApp:
		detail = "_ stands for the calls that reached no app: it has a journal and a verdict, and nothing else"
	case c.mayCome():
		detail += " yet: its first call makes it, and so does what changes something here"
	default:
		var names []string
		for _, a := range c.server.tenants.all() {
			names = append(names, a.name)
		}
		detail += nearest.DidYouMean(name, names)
	}
	p := problemOf(http.StatusNotFound, detail)
	p.Code = api.ErrNoApp
	p.Field, p.Accepted = "/path/app", "the name or the appkey of an app; "+controlPrefix+"apps lists all"
	return p
}

func (c *controlCall) healthy() (any, error) {
	return controlReply{contentType: mediaText, text: []byte("ok\n")}, nil
}

func (c *controlCall) version() (any, error) {
	return map[string]string{"name": "dingmock", "version": c.server.options.Version}, nil
}

func (c *controlCall) openapiYAML() (any, error) {
	return controlReply{contentType: "application/yaml", text: dingmock.Source()}, nil
}

func (c *controlCall) controlYAML() (any, error) {
	return controlReply{contentType: "application/yaml", text: controlSource}, nil
}

func (c *controlCall) caPEM() (any, error) {
	if c.server.options.CA == nil {
		return nil, problemOf(http.StatusNotFound, "there is no certificate authority: no TLS listener and no proxy runs")
	}
	pem, err := c.server.options.CA()
	if err != nil {
		c.server.options.Log.Error("certificate authority", "error", err)
		return nil, problemOf(http.StatusNotFound, "the certificate authority cannot be read; the log says why")
	}
	return controlReply{contentType: "application/x-pem-file", text: pem}, nil
}

// alive returns a context that ends with the request, with the server, and with the app if there is one.
func (c *controlCall) alive(a *tenant) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(c.http.Context())
	var done <-chan struct{}
	if a != nil {
		a.mu.Lock()
		done = a.done
		a.mu.Unlock()
	}
	go func() {
		select {
		case <-done:
		case <-c.server.closed:
		case <-ctx.Done():
		}
		cancel()
	}()
	return ctx, cancel
}
