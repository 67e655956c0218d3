package mockserver_test

import (
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

// The first call of the old dialect that needs a token.
func TestWireScopes(t *testing.T) {
	t.Parallel()
	const (
		scopes  = `{"errcode":0,"condition_field":[],"auth_user_field":["jobnumber","isLeader","name","position","isAdmin","avatar","department","userid","deviceId","isHide"],"auth_org_scopes":{"authed_user":[],"authed_dept":[1]},"errmsg":"ok"}`
		missing = `{"errcode":40035,"errmsg":"缺少参数 access_token"}`
		invalid = `{"errcode":40014,"errmsg":"不合法的access_token"}`
		needGet = `{"errcode":43001,"errmsg":"需要GET请求"}`
	)
	runWire(t, mockserver.Options{}, []wireCase{
		{"a good token", "GET /auth/scopes?access_token=TOKEN", "", "", 200, oapiType, scopes},
		{"an undeclared parameter", "GET /auth/scopes?access_token=TOKEN&x=1", "", "", 200, oapiType, scopes},
		{"no token", "GET /auth/scopes", "", "", 200, oapiType, missing},
		{"an empty token", "GET /auth/scopes?access_token=", "", "", 200, oapiType, missing},
		{"a token in the body", "GET /auth/scopes", jsonType, `{"access_token":"TOKEN"}`, 200, oapiType, missing},
		{"an unknown token", "GET /auth/scopes?access_token=UNKNOWN", "", "", 200, oapiType, invalid},
		{"an expired token", "GET /auth/scopes?access_token=EXPIRED", "", "", 200, oapiType, invalid},
		{"POST", "POST /auth/scopes?access_token=TOKEN", "", "", 200, oapiType, needGet},
		{"POST without a token", "POST /auth/scopes", "", "", 200, oapiType, needGet},
	})
}
