package contract

import (
	"strings"
)

// Needs is what a case needs of its target beyond one app: a set.
type Needs uint

// What a case may need.
const (
	NeedsOwnApp          Needs = 1 << iota // an app that no other case uses
	NeedsClock                             // to move the app's clock
	NeedsRules                             // to have a fault injected
	NeedsJournal                           // to read which calls the target found off-spec
	NeedsUsers                             // an app with a list of users
	NeedsBothPairs                         // both pairs of credentials
	NeedsSessionLimit                      // Target.MaxSessions
	NeedsSessionLife                       // Target.SessionTTL
	NeedsRaw                               // to shape requests by hand: not through a Driver
	NeedsWithoutSessions                   // a target that answers the session calls as unknown
	needsAppPair
	needsCorpPair
	needsAppKey
	needsSessions // the session calls
	needsEndless  // sessions that do not end by themselves
	needsWrites   // to change state on the target
	needsTime     // ten times the others' time-out
	needsStandIn  // a target that is not the live platform
)

// needs says of each need what it is called, whether a target meets it, and how the case ends if not, and why: skipped if the
// options or the kind of target rule it out, unsupported if the target cannot do it. The first that is not met counts.
var needs = []struct {
	need    Needs
	name    string
	outcome Outcome
	met     func(r *runner) bool
	why     string
}{
	{NeedsWithoutSessions, "no session calls", Skipped, func(r *runner) bool { return r.target.WithoutSessions }, "the target has the session calls"},
	{needsWrites, "writes", Skipped, func(r *runner) bool { return !r.options.Live || r.options.AllowWrites }, "it writes, and writes to the live platform are not allowed"},
	{needsStandIn, "a stand-in", Skipped, func(r *runner) bool { return !r.options.Live }, "it is not run against the live platform"},
	{needsEndless, "endless sessions", Skipped, func(r *runner) bool { return r.target.SessionTTL == 0 }, "sessions end by themselves at the target"},
	{needsSessions, "session calls", Skipped, func(r *runner) bool { return !r.target.WithoutSessions }, "it needs the session calls, which the target does not have"},
	{NeedsRaw, "raw requests", Skipped, func(r *runner) bool { return r.options.Driver == nil }, "it is made of raw requests, not of a client's calls"},
	{NeedsOwnApp, "own app", Unsupported, (*runner).makes, "the target cannot make an app"},
	{NeedsUsers, "users", Unsupported, (*runner).makes, "the target cannot make an app with a list of users"},
	{NeedsClock, "clock", Unsupported, func(r *runner) bool { return r.target.Powers.Advance != nil && r.makes() }, "the target has no clock to move, or no app to move it for alone"},
	{NeedsRules, "rules", Unsupported, func(r *runner) bool { return r.target.Powers.Fault != nil && r.makes() }, "the target cannot inject faults, or has no app to inject them for alone"},
	{NeedsJournal, "journal", Unsupported, func(r *runner) bool { return r.target.Powers.Violations != nil && r.makes() }, "the target does not tell what it found off-spec"},
	{NeedsBothPairs, "both pairs", Unsupported, func(r *runner) bool { return r.makes() || r.target.App.appPair() && r.target.App.corpPair() }, "only one pair of credentials was given"},
	{needsAppPair, "appkey and appsecret", Unsupported, func(r *runner) bool { return r.makes() || r.target.App.appPair() }, "no appkey and appsecret were given"},
	{needsCorpPair, "corpid and corpsecret", Unsupported, func(r *runner) bool { return r.makes() || r.target.App.corpPair() }, "no corpid and corpsecret were given"},
	{needsAppKey, "appkey", Unsupported, func(r *runner) bool { return r.makes() || r.target.App.AppKey != "" }, "no appkey was given"},
	{NeedsSessionLimit, "session limit", Unsupported, func(r *runner) bool { return r.target.MaxSessions > 0 && r.target.MaxSessions <= 1000 }, "the target's limit of open sessions is not known, or is too high to reach"},
	{NeedsSessionLife, "session life", Unsupported, func(r *runner) bool { return r.target.SessionTTL > 0 }, "sessions do not end by themselves at the target"},
}

// makes reports whether the target can make apps.
func (r *runner) makes() bool { return r.target.Powers.NewApp != nil }

func (a App) appPair() bool { return a.AppKey != "" && a.AppSecret != "" }

func (a App) corpPair() bool { return a.CorpID != "" && a.CorpSecret != "" }

// Has reports whether all of some needs are among these.
func (n Needs) Has(some Needs) bool { return n&some == some }

// String lists the needs, such as "own app, clock".
func (n Needs) String() string {
	var names []string
	for _, x := range needs {
		if n.Has(x.need) {
			names = append(names, x.name)
		}
	}
	return strings.Join(names, ", ")
}

// unfit says why a case cannot be run against the target, or "".
func (r *runner) unfit(c Case) (Outcome, string) {
	op := r.doc.Operation(c.Operation)
	switch {
	case op != nil && op.Provenance == "article" && r.target.WithoutSessions && !c.Needs.Has(NeedsWithoutSessions):
		return Skipped, "the target is one without the session calls"
	case c.Level == BYTES && !r.bytes:
		return Skipped, "only a stand-in that is exact to the byte needs it, and that is not asked for"
	}
	for _, x := range needs {
		if c.Needs.Has(x.need) && !x.met(r) {
			return x.outcome, x.why
		}
	}
	return "", ""
}
