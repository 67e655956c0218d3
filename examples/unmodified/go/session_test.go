// Package session is a program's tests that know the platform by its real address alone, in a module of their own. Run
// them against a fake of their own with
//
//	dingmock run -- go test ./...
package session

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

const base = "https://oapi.dingtalk.com"

type answer struct {
	Errcode     int    `json:"errcode"`
	AccessToken string `json:"access_token"`
	Result      struct {
		Session struct {
			SessionID string `json:"session_id"`
		} `json:"session"`
	} `json:"result"`
}

func ask(t *testing.T, path, query, body string) answer {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, base+path+"?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.Errcode != 0 {
		t.Fatalf("%s: %+v, %v", path, a, err)
	}
	return a
}

func TestSession(t *testing.T) {
	token := "access_token=" + ask(t, "/gettoken", "appkey=mock-go&appsecret=any", "").AccessToken
	const session = `{"session_id":"s-go","app_key":"mock-go","user_id":"u-go"}`
	ask(t, "/topapi/v2/im/create_session", token, session)
	current := ask(t, "/topapi/v2/user/getsession", token, `{"userid":"u-go"}`).Result.Session
	ask(t, "/topapi/v2/im/close_session", token, session)
	if current.SessionID != "s-go" {
		t.Errorf("the current session is %q", current.SessionID)
	}
	t.Log("closed", current.SessionID)
}
