package mockserver

import "net/http"

// ProbeHeader, with the value ProbeMark and no other, marks a call that does not come from an app under test. Such
// a call is answered like any other, and rules fire for it. But it is in no journal and no verdict, its app is not
// used to attribute other calls, and a rule that fires only for such calls counts in the verdict as never fired.
const (
	ProbeHeader = "Dingmock-Probe"
	ProbeMark   = "not-judged"
)

// probe reports whether a request is marked as a probe.
func probe(r *http.Request) bool { return r.Header.Get(ProbeHeader) == ProbeMark }
