package mockserver

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

func TestRouteNeedsAHandlerForEachOperation(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(map[string]handler)
		want   string
	}{
		{"as they are", func(map[string]handler) {}, ""},
		{"one missing", func(h map[string]handler) { delete(h, "close_session") }, "the document's operation close_session has no handler"},
		{"one spare", func(h map[string]handler) { h["send_message"] = h["gettoken"] }, "the handler send_message is of no operation of the document"},
		{"one renamed", func(h map[string]handler) {
			h["getSession"] = h["getsession"]
			delete(h, "getsession")
		}, "the document's operation getsession has no handler"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, withoutSessions := range []bool{false, true} {
				s, err := New(&Options{WithoutSessions: withoutSessions})
				if err != nil {
					t.Fatal(err)
				}
				changed := maps.Clone(world.Calls)
				test.change(changed)
				got := ""
				if err := s.route(changed); err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("WithoutSessions %t: route: %q, want %q", withoutSessions, got, test.want)
				}
			}
		})
	}
}

// New fails if the document lacks something that a call may need.
func TestWhatAnswersIsThere(t *testing.T) {
	t.Parallel()
	source := string(dingmock.Source())
	for _, test := range []struct{ old, made, want string }{
		{"", "", ""},
		{"\n      token-blank: access-token-missing\n", "\n", "the document's family oapi does not say what answers token-blank"},
		{"\n      quota-exhausted: auth-quota-exhausted\n", "\n", "the document's family topapi does not say what answers the fault quota-exhausted"},
		{"user-not-found", "user-unknown", "the document has no error user-not-found, which calls answer"},
	} {
		doc, err := dingmock.Parse([]byte(strings.ReplaceAll(source, test.old, test.made)))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := errors.Join(world.CheckNames(doc), checkFamilies(doc)); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.old, got, test.want)
		}
	}
	made := effectsByKind()
	delete(made, "hang")
	if err := checkEffects(made); err == nil || err.Error() != "the effect hang of rules is not made" {
		t.Error(err)
	}
}

// What the document adds to an error stands in its body, in the order that it says, whatever goes into the holes.
func TestErrorWithExtra(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Parse([]byte(strings.Replace(string(dingmock.Source()), "\n  user-not-found:\n", "\n  user-not-found:\n    order: [hint, errmsg, errcode, request_id]\n    extra: {hint: \"who is {name}?\"}\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	op := doc.Operation("getsession")
	for status, want := range map[int]string{
		200: `{"hint":"who is a \"b\" {c}?","errmsg":"找不到该用户","errcode":60121,"request_id":"…"}`,
		500: `{"errcode":60121,"errmsg":"找不到该用户","request_id":"…","hint":"who is a \"b\" {c}?"}`, // of which the document has no reply
	} {
		e := *doc.ErrorReply("user-not-found")
		e.Status = status
		c := &call{server: s, id: "…", Request: doc.CheckRequest(op, httptest.NewRequest(op.Method, op.Path, nil), nil)}
		if got := string(c.failed(&world.Failure{Reply: &e, Holes: []string{"name", `a "b" {c}`}}).body); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}

// A credential of another kind is refused as a bad token is, and told by what it is.
func TestTokenOfAnotherKind(t *testing.T) {
	t.Parallel()
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.tenants.credentials.Of(s.tenants.app("default")).Put(world.Credential{Kind: dingmock.UserToken, Value: "abc"})
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/topapi/v2/user/getsession?access_token=abc", strings.NewReader(`{"userid":"u"}`)))
	const want = "this is a user's access token, not an app's access token; call gettoken"
	if got := w.Header().Get("Dingmock-Explain"); got != want || !strings.Contains(w.Body.String(), `"sub_code":"40014"`) {
		t.Errorf("%q, %s", got, w.Body)
	}
}

var hole = regexp.MustCompile(`\\\{(\w+)\\\}`)

// holes recovers the values of a template's holes from a text made from it: name, value, ….
func holes(t *testing.T, template, text string) []string {
	t.Helper()
	pattern := regexp.QuoteMeta(template)
	var names []string
	for _, m := range hole.FindAllStringSubmatch(pattern, -1) {
		names = append(names, m[1])
	}
	values := regexp.MustCompile("^" + hole.ReplaceAllString(pattern, "(.+)") + "$").FindStringSubmatch(text)
	if values == nil {
		t.Fatalf("%q is not made of %q", text, template)
	}
	var list []string
	for i, name := range names {
		if at := slices.Index(list, name); at >= 0 && list[at+1] != values[i+1] {
			t.Fatalf("%q has two values for {%s} of %q", text, name, template)
		}
		list = append(list, name, values[i+1])
	}
	return list
}

var requestIDs = regexp.MustCompile(`"(request_?id)":"[^"]*"`)

// TestExamplesRender renders each error example of the document again, from x-errors and with the real encoder.
func TestExamplesRender(t *testing.T) {
	t.Parallel()
	s, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range s.doc.Operations() {
		for _, reply := range op.Replies {
			for name, example := range reply.Examples {
				e := s.doc.ErrorReply(name)
				if e == nil {
					continue // a success; the root package's tests check the names
				}
				t.Run(op.ID+"/"+name, func(t *testing.T) {
					t.Parallel()
					var parts struct {
						Errmsg  string
						SubMsg  string `json:"sub_msg"`
						Code    string
						Message string
					}
					if err := json.Unmarshal(example, &parts); err != nil {
						t.Fatal(err)
					}
					text := parts.Errmsg + parts.Message
					if parts.SubMsg != "" {
						text = parts.SubMsg
					}
					c := &call{server: s}
					c.Request = s.doc.CheckRequest(op, httptest.NewRequest(op.Method, op.Path, nil), nil)
					got := c.failed(&world.Failure{Reply: e, Holes: holes(t, e.Text, text)})
					if got.status != reply.Status || got.contentType != reply.ContentType {
						t.Errorf("rendered as %d %s, documented as %d %s", got.status, got.contentType, reply.Status, reply.ContentType)
					}
					mask := func(s string) string { return requestIDs.ReplaceAllString(s, `"$1":"…"`) }
					var want, have map[string]any
					if json.Unmarshal([]byte(mask(string(example))), &want) != nil || json.Unmarshal([]byte(mask(string(got.body))), &have) != nil {
						t.Fatalf("not JSON: %s", got.body)
					}
					if diff := cmp.Diff(want, have); diff != "" {
						t.Errorf("(-example +rendered)\n%s", diff)
					}
				})
			}
		}
	}
}

// Calls of ever new paths, while the clock stands still, do not fill the memory: in the end they are counted
// together.
func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	s, err := New(&Options{QPS: 2})
	if err != nil {
		t.Fatal(err)
	}
	a := s.tenants.app("default")
	a.clock.Freeze()
	a.exceeds("/known")
	passed := 0
	for i := range 2 * maxCounted {
		if !a.exceeds("/ours/" + strconv.Itoa(i)) {
			passed++
		}
	}
	if n := len(a.throttle.calls); n > maxCounted+1 {
		t.Errorf("%d paths are counted apart", n)
	}
	if want := maxCounted - 1 + 2; passed != want {
		t.Errorf("%d calls pass, want %d: those counted apart, and two of all others", passed, want)
	}
	if a.exceeds("/known") || !a.exceeds("/known") {
		t.Error("what was known before is not counted by itself")
	}
}
