// Package r0 is the yardstick of the benchmarks: the calls of openapi.yaml by hand, with net/http, encoding/json and maps alone. It
// checks no request against a document, keeps no journal, moves no clock, and answers errors carelessly.
package r0

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Token is the only token there is, and AppKey and AppSecret are the credentials of the only app.
const (
	Token     = "82ad1e1b28b2357dbf090b9a2582319c"
	AppKey    = "dingmockapp"
	AppSecret = "dingmockappsecret"
)

// New returns a server without sessions.
func New() http.Handler {
	return &server{sessions: map[string]session{}, latest: map[string][]string{}}
}

type server struct {
	mu       sync.Mutex
	expires  time.Time
	sessions map[string]session
	latest   map[string][]string // user → ids
}

type session struct {
	SessionID  string `json:"session_id"`
	AppKey     string `json:"app_key"`
	UserID     string `json:"user_id"`
	ChatID     string `json:"chatid"`
	CreateTime int64  `json:"create_time"`
}

type reply struct {
	Errcode   int    `json:"errcode"`
	Errmsg    string `json:"errmsg"`
	Result    any    `json:"result,omitempty"`
	Success   bool   `json:"success,omitempty"`
	RequestID string `json:"request_id"`
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	var answer any
	typ := "application/json;charset=UTF-8"
	switch r.URL.Path {
	case "/gettoken":
		query := r.URL.Query()
		typ = "application/json"
		if query.Get("appkey") != AppKey || query.Get("appsecret") != AppSecret {
			answer = reply{Errcode: 40096, Errmsg: "不合法的appKey或appSecret"}
			break
		}
		s.expires = now.Add(2 * time.Hour)
		answer = struct {
			Errcode     int    `json:"errcode"`
			AccessToken string `json:"access_token"`
			Errmsg      string `json:"errmsg"`
			ExpiresIn   int    `json:"expires_in"`
		}{0, Token, "ok", 7200}
	case "/v1.0/oauth2/accessToken":
		var pair struct{ AppKey, AppSecret string }
		typ = "application/json;charset=utf-8"
		if json.NewDecoder(r.Body).Decode(&pair) != nil || pair.AppKey != AppKey || pair.AppSecret != AppSecret {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		s.expires = now.Add(2 * time.Hour)
		answer = struct {
			ExpireIn    int    `json:"expireIn"`
			AccessToken string `json:"accessToken"`
		}{7200, Token}
	default:
		if r.URL.Query().Get("access_token") != Token || !now.Before(s.expires) {
			answer = reply{Errcode: 88, Errmsg: "bad token"}
			break
		}
		answer = s.session(r, now)
	}
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	h := w.Header()
	h.Set("Server", "DingTalk/1.0.0")
	h.Set("Content-Type", typ)
	h.Set("Dingmock-Version", "dev")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

func (s *server) session(r *http.Request, now time.Time) reply {
	var body struct {
		session
		User string `json:"userid"`
	}
	answer := reply{Errmsg: "ok", RequestID: "16l4ew3d47pdp"}
	if json.NewDecoder(r.Body).Decode(&body) != nil {
		return reply{Errcode: 47001, Errmsg: "解析JSON/XML内容错误"}
	}
	id := body.SessionID
	switch r.URL.Path {
	case "/topapi/v2/user/getsession":
		var result struct {
			Session *session `json:"session"`
		}
		if ids := s.latest[body.User]; len(ids) > 0 {
			open := s.sessions[ids[len(ids)-1]]
			result.Session = &open
		}
		answer.Result = result
	case "/topapi/v2/im/create_session":
		if _, open := s.sessions[id]; open {
			return reply{Errcode: 34001, Errmsg: "无效的会话id"}
		}
		body.CreateTime = now.UnixMilli()
		s.sessions[id] = body.session
		s.latest[body.UserID] = append(s.latest[body.UserID], id)
		answer.Result = struct {
			SessionID string `json:"session_id"`
		}{id}
	case "/topapi/v2/im/close_session":
		if _, open := s.sessions[id]; !open {
			return reply{Errcode: 34001, Errmsg: "无效的会话id"}
		}
		delete(s.sessions, id)
		if s.latest[body.UserID] = s.latest[body.UserID][:len(s.latest[body.UserID])-1]; len(s.latest[body.UserID]) == 0 {
			delete(s.latest, body.UserID)
		}
		answer.Success = true
	}
	return answer
}
