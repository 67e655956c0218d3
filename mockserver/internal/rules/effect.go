package rules

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Effect is an api.Effect with methods for the server.
type Effect struct{ api.Effect }

// kinds lists the kinds of effects. A rule has exactly one.
var kinds = []struct {
	name    string
	answers bool // whether it replaces the fake's answer, by another or by none
	set     func(e *Effect) bool
}{
	{"fault", true, func(e *Effect) bool { return e.Fault != "" }},
	{"errcode", true, func(e *Effect) bool { return e.Errcode != 0 }},
	{"status", true, func(e *Effect) bool { return e.Status != 0 }},
	{"latency", false, func(e *Effect) bool { return e.Latency != 0 || e.LatencyMax != 0 }},
	{"hang", true, func(e *Effect) bool { return e.Hang }},
	{"reset", true, func(e *Effect) bool { return e.Reset }},
	{"empty", true, func(e *Effect) bool { return e.Empty }},
	{"truncate", false, func(e *Effect) bool { return e.Truncate }},
	{"slow", false, func(e *Effect) bool { return e.Slow != 0 }},
	{"malformed", false, func(e *Effect) bool { return e.Malformed }},
	{"token_life", false, func(e *Effect) bool { return e.TokenLife != 0 }},
	{"reply", false, func(e *Effect) bool { return e.Reply != nil }},
}

// Kinds returns the names of all kinds of effects, as in the JSON of an api.Effect.
func Kinds() []string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.name)
	}
	return list
}

// Kind returns the kind of the effect, "" for none.
func (e *Effect) Kind() string {
	for _, k := range kinds {
		if k.set(e) {
			return k.name
		}
	}
	return ""
}

// Name returns the effect in a word or two, such as app-throttled, errcode 34001 or reply.
func (e *Effect) Name() string {
	switch kind := e.Kind(); kind {
	case "fault":
		return e.Fault
	case "errcode":
		return kind + " " + strconv.Itoa(e.Errcode)
	case "status":
		return kind + " " + strconv.Itoa(e.Status)
	default:
		return kind
	}
}

// Answers reports whether the effect replaces the fake's answer, by another or by none.
func (e *Effect) Answers() bool {
	for _, k := range kinds {
		if k.set(e) {
			return k.answers
		}
	}
	return false
}

// OfTLS reports whether the effect is on a handshake, not on a call.
func (e *Effect) OfTLS() bool { return strings.HasPrefix(e.Fault, "tls-") }

// Delay returns how much to delay the answer. It is random each time if the effect has a LatencyMax.
func (e *Effect) Delay() time.Duration {
	if e.LatencyMax <= e.Latency {
		return time.Duration(e.Latency)
	}
	return time.Duration(e.Latency) + rand.N(time.Duration(e.LatencyMax-e.Latency)+1)
}
