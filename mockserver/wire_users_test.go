package mockserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

func TestWireUserCount(t *testing.T) {
	t.Parallel()
	const (
		path  = "/topapi/user/count"
		count = "POST " + path + "?access_token=TOKEN"
		one   = `{"errcode":0,"errmsg":"ok","result":{"count":1},"request_id":"…"}`
		two   = `{"errcode":0,"errmsg":"ok","result":{"count":2},"request_id":"…"}`
	)
	runWire(t, mockserver.Options{}, []wireCase{
		{"all", count, jsonType, `{"only_active":false}`, 200, topapiType, one},
		{"active", count, jsonType, `{"only_active":true}`, 200, topapiType, one},
		{"of a list", "POST " + path + "?access_token=OTHER", jsonType, `{"only_active":false}`, 200, topapiType, two},
		{"active, of a list", "POST " + path + "?access_token=OTHER", jsonType, `{"only_active":true}`, 200, topapiType, two},
		{"a boolean as a string", count, jsonType, `{"only_active":"true"}`, 200, topapiType, one},
		{"a form", count, formType, "only_active=true", 200, topapiType, one},
		{"GET", "GET " + path + "?access_token=TOKEN&only_active=false", "", "", 200, topapiType, one},
		{"absent", count, jsonType, `{}`, 200, topapiType, missing("only_active")},
		{"null", count, jsonType, `{"only_active":null}`, 200, topapiType, missing("only_active")},
		{"empty", count, jsonType, `{"only_active":""}`, 200, topapiType, missing("only_active")},
		{"a number", count, jsonType, `{"only_active":1}`, 200, topapiType, invalid("only_active")},
		{"a text", count, jsonType, `{"only_active":"yes"}`, 200, topapiType, invalid("only_active")},
		{"a text in a form", count, formType, "only_active=yes", 200, topapiType, invalid("only_active")},
		{"no token", "POST " + path, jsonType, `{"only_active":true}`, 200, topapiType, tokenBlank},
		{"an expired token", "POST " + path + "?access_token=EXPIRED", jsonType, `{"only_active":true}`, 200, topapiType, tokenInvalid},
		{"PUT", "PUT " + path + "?access_token=TOKEN", jsonType, `{"only_active":true}`, 200, topapiType, needPost},
	})
}

// An app without the permission is told which.
func TestUserCountScope(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Apps: []mockserver.AppState{liveApp()}})
	steer(t, s, "POST", "/apps/default/rules", `{"match":{"operation":"user.count"},"effect":{"fault":"no-permission"}}`, nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/topapi/user/count?access_token="+live, strings.NewReader(`{"only_active":true}`)))
	if got := w.Body.String(); !strings.Contains(got, "requiredScopes=[qyapi_get_member]") {
		t.Errorf("want the scope qyapi_get_member, got %s", got)
	}
}
