package api

import "encoding/json"

// Rule makes calls fail, or answers them instead of the fake.
type Rule struct {
	ID         string    `json:"id,omitempty"`       // chosen by the server
	Priority   int       `json:"priority,omitempty"` // rules of higher priority are tried first
	Match      RuleMatch `json:"match,omitzero"`
	When       RuleWhen  `json:"when,omitzero"`
	Effect     Effect    `json:"effect"`
	Matched    int64     `json:"matched"`               // number of calls that it matched
	Fired      int64     `json:"fired"`                 // number of those calls that it took effect on
	ShadowedBy string    `json:"shadowed_by,omitempty"` // the id of an earlier rule that always hides this one; set by the server
	UsedUp     bool      `json:"used_up,omitempty"`     // the rule will not fire again and is no longer tried; set by the server
}

// RuleWhen says on which of the calls that match it a rule fires. The zero value means all.
type RuleWhen struct {
	Skip        int64    `json:"skip,omitempty"`  // do not fire on the first Skip calls
	Times       int64    `json:"times,omitempty"` // fire at most Times times; 0: no limit
	Every       int64    `json:"every,omitempty"` // after those skipped, fire on every Every-th call; 0 and 1: on each
	Probability *float64 `json:"probability,omitempty"`
	Seed        uint64   `json:"seed,omitempty"` // of the probability; 0: the server chooses and reports one
	For         Duration `json:"for,omitzero"`   // fire only for this long after the rule was made, by the app's clock
}

// Effect is what a rule does. Exactly one of Fault, Errcode, Status, Latency, Hang, Reset, Empty, Truncate, Slow,
// Malformed, TokenLife and Reply must be set. A function makes each: FaultEffect, ErrcodeEffect and so on.
type Effect struct {
	Fault      string   `json:"fault,omitempty"`      // one of Faults, in the dialect of the path, or one of TLSFaults
	Errcode    int      `json:"errcode,omitempty"`    // answer with this errcode; under /v1.0/, HTTP 400 with it as the code
	SubCode    string   `json:"sub_code,omitempty"`   // with Errcode 88
	Errmsg     string   `json:"errmsg,omitempty"`     // with Errcode; default: the document's text for the number
	Status     int      `json:"status,omitempty"`     // answer with this HTTP status and an empty body
	Latency    Duration `json:"latency,omitzero"`     // delay the answer by this much, in real time
	LatencyMax Duration `json:"latency_max,omitzero"` // with Latency: the longest delay
	Hang       bool     `json:"hang,omitempty"`       // never answer
	Reset      bool     `json:"reset,omitempty"`      // reset the connection
	Empty      bool     `json:"empty,omitempty"`      // close the connection without an answer
	Truncate   bool     `json:"truncate,omitempty"`   // run the call and send half of the body
	Slow       Duration `json:"slow,omitzero"`        // run the call and wait for this long before each byte of the body
	Malformed  bool     `json:"malformed,omitempty"`  // run the call and answer with JSON that lacks its last character
	// TokenLife runs the call, which must be a token call: the token lives this long from then on, 1s to 720h, and
	// the answer says so.
	TokenLife Duration    `json:"token_life,omitzero"`
	Reply     *FixedReply `json:"reply,omitempty"`
}

// FixedReply is an answer given instead of the fake's own. The token is still checked if DingTalk's call needs one
// or if DingTalk has no such path. The limit of calls per second still applies.
type FixedReply struct {
	Status       int             `json:"status,omitempty"`       // default 200
	ContentType  string          `json:"content_type,omitempty"` // default: that of the path's dialect
	Body         json.RawMessage `json:"body,omitempty"`         // a JSON string is sent as its text, any other value as JSON
	WithoutToken bool            `json:"without_token,omitempty"`
	TokenLife    Duration        `json:"token_life,omitzero"` // of the token inserted by {{token}}, 1s to 720h; default: the app's

	// Headers are sent with the answer, one line each. Use ContentType to set Content-Type.
	Headers map[string]string `json:"headers,omitempty"`

	// Template replaces {{body.userid}}, {{body.list.0.name}} and {{query.x}} in the strings of Body and in the
	// values of Headers with values from the call. If a string of Body is nothing but such a hole, it becomes the
	// value itself, or null if the call has none. {{token}} becomes a new access token of the app, which works in
	// every call and which no token call renews. At most 8 MiB of a call go into its reply: the rest is left out,
	// and Dingmock-Explain says so.
	Template bool `json:"template,omitempty"`
}

// Faults returns the names of the faults that an Effect may give a call.
func Faults() []string {
	return []string{"system-busy", "token-expired", "no-permission", "ip-not-allowed", "app-throttled", "api-throttled", "quota-exhausted", "ip-blocked", "ip-blocked-json"}
}

// TLSFaults returns the names of the faults that an Effect may give a certificate: it has expired, it is for
// another name, or no client trusts its issuer. A rule with such a fault must be for every app and match by Host
// alone; it counts handshakes.
func TLSFaults() []string { return []string{"tls-expired", "tls-wrong-name", "tls-unknown-authority"} }
