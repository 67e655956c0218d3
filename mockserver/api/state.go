package api

import "time"

// State is the JSON form of apps at rest: a state file, a snapshot, or the input of a restore.
type State struct {
	Apps  []AppState `json:"apps"`
	Rules []Rule     `json:"rules,omitzero"` // for every app, in the order they are tried; nil: keep the present ones
}

// AppState is one app with all that belongs to it. One id and its secret are required; the server makes up what
// else is left out. The name, ids and secrets are 1 to 128 of the characters A-Z, a-z, 0-9 and -._~ so that they
// can stand in a URL unescaped.
type AppState struct {
	Name       string         `json:"name,omitempty"`   // default: the appkey, else the corpid; unique, also among appkeys
	CorpID     string         `json:"corpid,omitempty"` // unique
	CorpSecret string         `json:"corpsecret,omitempty"`
	AppKey     string         `json:"appkey,omitempty"` // unique
	AppSecret  string         `json:"appsecret,omitempty"`
	Users      []string       `json:"users,omitzero"`      // the users that exist; absent: every user does
	QPS        *int           `json:"qps,omitempty"`       // calls per second of each kind; 0: no limit; absent: the server's
	TokenLife  Duration       `json:"token_life,omitzero"` // how long a token lives, 1s to 720h; absent: the server's
	Judge      *bool          `json:"judge,omitempty"`     // whether off-spec calls make the verdict red; absent: they do
	Auto       bool           `json:"auto,omitempty"`      // made on first use, and may be evicted
	Open       bool           `json:"open,omitempty"`      // an auto app without secrets: the first token call chooses them
	Clock      *ClockState    `json:"clock,omitempty"`
	Tokens     []TokenState   `json:"tokens,omitempty"`   // at most 1000; gettoken renews the last one that is not apart
	Sessions   []SessionState `json:"sessions,omitempty"` // open sessions, in order of creation
	Rules      []Rule         `json:"rules,omitempty"`    // in the order they are tried
}

// ClockState is how an app's clock differs from real time.
type ClockState struct {
	Offset Duration   `json:"offset"` // may be negative after a clock was frozen for a while
	Frozen bool       `json:"frozen"`
	At     *time.Time `json:"at,omitempty"` // the time at which it is frozen; default: now, with the offset
}

// TokenState is one live access token.
type TokenState struct {
	Token string `json:"token"` // 32 characters of 0-9 and a-f
	// ExpiresIn is the seconds left by the app's clock, until a token call renews the token: above 0, at most 30
	// days.
	ExpiresIn float64 `json:"expires_in"`
	Apart     bool    `json:"apart,omitempty"` // issued by a rule with its own lifetime: no token call renews it
}

// SessionState is one open session.
type SessionState struct {
	SessionID  string `json:"session_id"`
	AppKey     string `json:"app_key,omitempty"` // default: the app's appkey; no other value is allowed
	UserID     string `json:"user_id"`
	ChatID     string `json:"chatid"`
	CreateTime int64  `json:"create_time,omitempty"` // Unix milliseconds; default: now, by the app's clock
}
