package api

import (
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
)

// Entry is one exchange as the journal keeps it, secrets and tokens masked.
type Entry struct {
	N          int64                `json:"n"`             // counted from 1 for each app
	All        int64                `json:"all,omitempty"` // counted from 1 for all apps; only in the journal of all
	App        string               `json:"app"`
	By         string               `json:"attributed_by,omitempty"` // what told the app of a call without a credential: the parameter that names it, connection or rule
	Host       string               `json:"host,omitempty"`          // that the call was made to
	Known      dingmock.Known       `json:"known"`                   // where the call is known from
	Operation  string               `json:"operation,omitempty"`     // the operationId, or the id of a call of DingTalk's that is not modelled
	Provenance string               `json:"provenance,omitempty"`
	Code       string               `json:"code"`     // 0, an errcode, errcode/sub_code, a code, an HTTP status, or the effect that broke the answer
	Time       time.Time            `json:"time"`     // real
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

// EntryReply is the reply of an Entry, as it was decided.
type EntryReply struct {
	Status      int    `json:"status"` // 0: there was none
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"` // its first 16 KiB
}

// Journal is what a journal has kept.
type Journal struct {
	Entries []*Entry `json:"entries"`        // oldest first
	Life    string   `json:"life"`           // what the numbers count in: an app made anew counts from 1 again
	Last    int64    `json:"last"`           // the number of the latest call
	Dropped int64    `json:"dropped"`        // how many of the calls asked for have been lost
	Next    string   `json:"next,omitempty"` // the cursor of what came before these, where a limit cut that off; else ""
}

// MatchResult is the answer to a question for the number of calls.
type MatchResult struct {
	OK       bool       `json:"ok"`
	Expected string     `json:"expected,omitempty"`
	Found    int        `json:"found"`
	Dropped  int64      `json:"dropped,omitempty"` // calls of the time in question that the journal has lost
	Last     int64      `json:"last"`              // the number of the latest call
	Entries  []*Entry   `json:"entries"`           // those that match, at most the last 10
	Nearest  []NearMiss `json:"nearest,omitempty"` // the calls that match but for least, at most 3
}

// NearMiss is a call that nearly matches.
type NearMiss struct {
	Entry   *Entry   `json:"entry"`
	Differs []string `json:"differs"`
}

// ExpectRequest says how many calls are expected.
type ExpectRequest struct {
	Match   Match `json:"match,omitzero"`
	AtLeast *int  `json:"at_least,omitempty"` // default 1, or 0 where AtMost is given
	AtMost  *int  `json:"at_most,omitempty"`
	Since   int64 `json:"since,omitempty"` // count the calls after this number
}

// WaitRequest says what is waited for.
type WaitRequest struct {
	Match   Match    `json:"match,omitzero"`
	AtLeast int      `json:"at_least,omitempty"` // default 1
	Since   int64    `json:"since,omitempty"`
	Timeout Duration `json:"timeout,omitzero"` // default 5s, at most 10m; in real time
}

// Explanation is what error replies said of their cause in the header Dingmock-Explain.
type Explanation struct {
	Code  string `json:"code"`
	Text  string `json:"text"`  // of the latest such reply, in ASCII as the header has it
	Count int    `json:"count"` // of the replies that say the same but for their numbers, such as how long ago a token expired
}
