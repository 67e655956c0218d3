package rules

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Effect is an api.Effect at work.
type Effect struct{ api.Effect }

// Name is the effect in a word or two, such as app-throttled, errcode 34001 or reply.
func (e *Effect) Name() string {
	kinds := e.kinds()
	switch {
	case len(kinds) == 0:
		return ""
	case e.Fault != "":
		return e.Fault
	case e.Errcode != 0:
		return "errcode " + strconv.Itoa(e.Errcode)
	case e.Status != 0:
		return "status " + strconv.Itoa(e.Status)
	}
	return kinds[0]
}

// kinds returns the names of the effects that are set.
func (e *Effect) kinds() []string {
	var list []string
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"fault", e.Fault != ""}, {"errcode", e.Errcode != 0}, {"status", e.Status != 0}, {"latency", e.Latency != 0 || e.LatencyMax != 0},
		{"hang", e.Hang}, {"reset", e.Reset}, {"empty", e.Empty}, {"truncate", e.Truncate}, {"slow", e.Slow != 0},
		{"malformed", e.Malformed}, {"token_life", e.TokenLife != 0}, {"reply", e.Reply != nil},
	} {
		if k.set {
			list = append(list, k.name)
		}
	}
	return list
}

// Answers reports whether the effect is an answer, or none at all, in the fake's place.
func (e *Effect) Answers() bool {
	return e.Fault != "" || e.Errcode != 0 || e.Status != 0 || e.Hang || e.Reset || e.Empty
}

// OfTLS reports whether the effect is on a handshake, and on no call.
func (e *Effect) OfTLS() bool { return strings.HasPrefix(e.Fault, "tls-") }

// Delay is how much later the call is answered, drawn anew each time.
func (e *Effect) Delay() time.Duration {
	if e.LatencyMax <= e.Latency {
		return time.Duration(e.Latency)
	}
	return time.Duration(e.Latency) + rand.N(time.Duration(e.LatencyMax-e.Latency)+1)
}
