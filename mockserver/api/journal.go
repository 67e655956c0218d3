package api

import (
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
)

// Entry is one exchange as the journal keeps it, with secrets and tokens masked.
type Entry struct {
	N   int64  `json:"n"`             // counted from 1 for each app
	All int64  `json:"all,omitempty"` // counted from 1 over all apps; set only in the journal of all apps
	App string `json:"app"`
	// By says how a call without a credential was assigned to the app: the parameter that names it, token,
	// connection or rule.
	By         string         `json:"attributed_by,omitempty"`
	Host       string         `json:"host,omitempty"`      // the host that was called
	Known      dingmock.Known `json:"known"`               // the source that the call is known from
	Operation  string         `json:"operation,omitempty"` // an operationId, or the id of a call that is not modelled
	Provenance string         `json:"provenance,omitempty"`
	// Code is 0, an errcode, errcode/sub_code, a code, an HTTP status, or the effect that broke the answer.
	Code       string               `json:"code"`
	Time       time.Time            `json:"time"`     // real time
	AppTime    time.Time            `json:"app_time"` // by the app's clock
	Rule       string               `json:"rule,omitempty"`
	Effect     string               `json:"effect,omitempty"`
	Explain    string               `json:"explain,omitempty"`
	Parameters map[string]any       `json:"parameters,omitempty"`
	Violations []dingmock.Violation `json:"violations,omitempty"`
	Request    EntryRequest         `json:"request"`
	Reply      EntryReply           `json:"reply"`
	Curl       string               `json:"curl"` // the request as a curl line, against $DINGMOCK_URL
}

// EntryRequest is the request of an Entry.
type EntryRequest struct {
	Method string      `json:"method"`
	URL    string      `json:"url"` // path and query
	Header http.Header `json:"header,omitempty"`
	Body   string      `json:"body,omitempty"` // its first 16 KiB
	Size   int         `json:"size,omitempty"` // of the whole body, in bytes
}

// EntryReply is the reply of an Entry, as the server decided it.
type EntryReply struct {
	Status      int    `json:"status"` // 0: no reply
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"` // its first 16 KiB
}

// Journal is what a journal has kept.
type Journal struct {
	Entries []*Entry `json:"entries"`        // oldest first
	Life    string   `json:"life"`           // the sequence that the numbers belong to: a new life counts from 1 again
	Last    int64    `json:"last"`           // the number of the latest call
	Dropped int64    `json:"dropped"`        // how many of the requested calls are lost
	Next    string   `json:"next,omitempty"` // the cursor of the earlier entries that the limit cut off; "" if there are none
}

// MatchResult is the result of counting calls.
type MatchResult struct {
	OK       bool       `json:"ok"`
	Expected string     `json:"expected,omitempty"`
	Found    int        `json:"found"`
	Dropped  int64      `json:"dropped,omitempty"` // calls in the counted range that the journal has lost
	Last     int64      `json:"last"`              // the number of the latest call
	Entries  []*Entry   `json:"entries"`           // the last 10 calls that match
	Nearest  []NearMiss `json:"nearest,omitempty"` // the 3 calls that come closest to a match
}

// NearMiss is a call that nearly matches.
type NearMiss struct {
	Entry   *Entry   `json:"entry"`
	Differs []string `json:"differs"`
}

// ExpectRequest says how many calls are expected.
type ExpectRequest struct {
	Match   Match `json:"match,omitzero"`
	AtLeast *int  `json:"at_least,omitempty"` // default 1, or 0 if AtMost is set
	AtMost  *int  `json:"at_most,omitempty"`
	Since   int64 `json:"since,omitempty"` // count only the calls after this number
}

// WaitRequest says which calls to wait for.
type WaitRequest struct {
	Match   Match    `json:"match,omitzero"`
	AtLeast int      `json:"at_least,omitempty"` // default 1
	Since   int64    `json:"since,omitempty"`
	Timeout Duration `json:"timeout,omitzero"` // default 5s, at most 10m; in real time
}

// Explanation is a cause that error replies gave in the header Dingmock-Explain.
type Explanation struct {
	Code  string `json:"code"`
	Text  string `json:"text"`  // from the latest such reply, in ASCII, as in the header
	Count int    `json:"count"` // the replies whose text differs in nothing but numbers, such as how long ago a token expired
}
