package api

import "encoding/json"

// Rule makes calls fail, or answers in the fake's place.
type Rule struct {
	ID         string    `json:"id,omitempty"`       // made up by the server
	Priority   int       `json:"priority,omitempty"` // the greater is asked first
	Match      RuleMatch `json:"match,omitzero"`
	When       RuleWhen  `json:"when,omitzero"`
	Effect     Effect    `json:"effect"`
	Matched    int64     `json:"matched"`               // how many calls it matched
	Fired      int64     `json:"fired"`                 // how many of them it had its effect on
	ShadowedBy string    `json:"shadowed_by,omitempty"` // the id of a rule that is asked before it and always hides it; said by the server
	UsedUp     bool      `json:"used_up,omitempty"`     // it will not fire again, and is no longer asked; said by the server
}

// RuleWhen says which of the calls that match a rule fires on. The zero value is all.
type RuleWhen struct {
	Skip        int64    `json:"skip,omitempty"`  // leave the first so many alone
	Times       int64    `json:"times,omitempty"` // fire so many times at most; 0: no limit
	Every       int64    `json:"every,omitempty"` // fire on every so many-th after those skipped; 0 and 1: on each
	Probability *float64 `json:"probability,omitempty"`
	Seed        uint64   `json:"seed,omitempty"` // of the probability; 0: one is made up and shown
	For         Duration `json:"for,omitzero"`   // fire only so long after the rule was made, by the app's clock
}

// Effect is what a rule does: exactly one of Fault, Errcode, Status, Latency, Hang, Reset, Empty, Truncate, Slow,
// Malformed, TokenLife and Reply. There is a function that makes each: FaultEffect, ErrcodeEffect and so on.
type Effect struct {
	Fault      string      `json:"fault,omitempty"`      // one of Faults, in the dialect of the path that it hits, or of TLSFaults
	Errcode    int         `json:"errcode,omitempty"`    // an error of that number; under /v1.0/ HTTP 400 with it as the code
	SubCode    string      `json:"sub_code,omitempty"`   // with Errcode 88
	Errmsg     string      `json:"errmsg,omitempty"`     // with Errcode; default: the document's text for that number
	Status     int         `json:"status,omitempty"`     // an HTTP status with an empty body
	Latency    Duration    `json:"latency,omitzero"`     // answer that much later, in real time
	LatencyMax Duration    `json:"latency_max,omitzero"` // with Latency: at most that much later
	Hang       bool        `json:"hang,omitempty"`       // never answer
	Reset      bool        `json:"reset,omitempty"`      // reset the connection
	Empty      bool        `json:"empty,omitempty"`      // close the connection without an answer
	Truncate   bool        `json:"truncate,omitempty"`   // run the call and send half of the body
	Slow       Duration    `json:"slow,omitzero"`        // run the call and wait before each byte of the body
	Malformed  bool        `json:"malformed,omitempty"`  // run the call and answer JSON without its last character
	TokenLife  Duration    `json:"token_life,omitzero"`  // run the call, a token call: the token lives that long from it on, 1s to 720h, and the answer says so
	Reply      *FixedReply `json:"reply,omitempty"`
}

// FixedReply is an answer in the fake's place. The token is checked all the same, where DingTalk's call needs one or the
// path is none of DingTalk's; so is the limit of calls a second.
type FixedReply struct {
	Status       int             `json:"status,omitempty"`       // default 200
	ContentType  string          `json:"content_type,omitempty"` // default: that of the path's dialect
	Body         json.RawMessage `json:"body,omitempty"`         // a JSON string is sent as its text, any other value as JSON
	WithoutToken bool            `json:"without_token,omitempty"`
	TokenLife    Duration        `json:"token_life,omitzero"` // of the token that {{token}} stands for, 1s to 720h; default: that of the app's tokens

	// Headers go with the answer, one line each. Content-Type is ContentType's.
	Headers map[string]string `json:"headers,omitempty"`

	// Template fills {{body.userid}}, {{body.list.0.name}} and {{query.x}} in the strings of Body and in the values of
	// Headers with what the call gave. A string of Body that is nothing else takes the value as it is, null where there is none.
	// {{token}} is a new access token of the app, which is good in every call, and which no token call renews. At most 8 MiB of a
	// call goes into its reply: what comes after is left out, and Dingmock-Explain says so.
	Template bool `json:"template,omitempty"`
}

// Faults returns the names of the faults that an Effect may have for a call.
func Faults() []string {
	return []string{"system-busy", "token-expired", "no-permission", "ip-not-allowed", "app-throttled", "api-throttled", "quota-exhausted", "ip-blocked", "ip-blocked-json"}
}

// TLSFaults returns the names of the faults that an Effect may have for a certificate: its time is over, it is for another
// name, or no client trusts who signed it. A rule with one is for every app, matches by Host alone, and counts handshakes.
func TLSFaults() []string { return []string{"tls-expired", "tls-wrong-name", "tls-unknown-authority"} }
