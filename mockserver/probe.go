package mockserver

import "net/http"

// The header by which a call says that it is not one of an app under test, and its value. Such a call is answered as any
// other, and rules fire for it; but it is in no journal and in no verdict, whose it is tells nothing of other calls, and a rule
// that fires for such calls alone has, for the verdict, never fired.
// Nothing but this value is a mark.
const (
	ProbeHeader = "Dingmock-Probe"
	ProbeMark   = "not-judged"
)

// probe reports whether a request is marked so.
func probe(r *http.Request) bool { return r.Header.Get(ProbeHeader) == ProbeMark }
