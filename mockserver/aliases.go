package mockserver

import (
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// The shapes of the control API, which package api describes, under the names that Go tests of a server in the process know.
type (
	// State is the JSON shape of apps at rest: a state file, a snapshot, a restore.
	State = api.State
	// AppState is one app with all that belongs to it.
	AppState = api.AppState
	// ClockState is how an app's clock differs from real time.
	ClockState = api.ClockState
	// TokenState is one live access token.
	TokenState = api.TokenState
	// SessionState is one open session.
	SessionState = api.SessionState

	// Rule makes calls fail, or answers in the fake's place.
	Rule = api.Rule
	// RuleMatch says which calls a rule is about.
	RuleMatch = api.RuleMatch
	// RuleWhen says which of the calls that match a rule fires on.
	RuleWhen = api.RuleWhen
	// Effect is what a rule does.
	Effect = api.Effect
	// FixedReply is an answer in the fake's place.
	FixedReply = api.FixedReply

	// Match says which calls of a journal are meant.
	Match = api.Match
	// Condition is what one parameter or header has to be.
	Condition = api.Condition

	// Entry is one exchange as the journal keeps it, secrets and tokens masked.
	Entry = api.Entry
	// EntryRequest is the request of an Entry.
	EntryRequest = api.EntryRequest
	// EntryReply is the reply of an Entry, as it was decided.
	EntryReply = api.EntryReply
	// ExpectRequest says how many calls are expected.
	ExpectRequest = api.ExpectRequest
	// WaitRequest says what is waited for.
	WaitRequest = api.WaitRequest
	// MatchResult is the answer to a question for the number of calls.
	MatchResult = api.MatchResult
	// NearMiss is a call that nearly matches.
	NearMiss = api.NearMiss
	// Explanation is what error replies said of their cause.
	Explanation = api.Explanation

	// Verdict says whether calls kept to the document.
	Verdict = api.Verdict
	// VerdictOptions says what is judged, and how strictly.
	VerdictOptions = api.VerdictOptions
	// UnfiredRule is a rule that had its effect on no call.
	UnfiredRule = api.UnfiredRule
	// ViolationCount is how often an app's calls broke the document in one way.
	ViolationCount = api.ViolationCount

	// Expired is how much ended when a clock was moved.
	Expired = api.Expired
	// Duration is a time.Duration whose JSON is a string such as "1h30m" or "7201s".
	Duration = api.Duration
)

// The codes of errors, by which errors.Is tells them apart; those of package control have them too.
const (
	// ErrNoApp is [api.ErrNoApp].
	ErrNoApp = api.ErrNoApp
	// ErrAppLimit is [api.ErrAppLimit].
	ErrAppLimit = api.ErrAppLimit
	// ErrTaken is [api.ErrTaken].
	ErrTaken = api.ErrTaken
)

// NoApp is the name under which calls stand that reached no app.
const NoApp = api.NoApp

// Equals is [api.Equals].
func Equals(text string) Condition { return api.Equals(text) }

// Contains is [api.Contains].
func Contains(text string) Condition { return api.Contains(text) }

// Absent is [api.Absent].
func Absent() Condition { return api.Absent() }

// Pattern is [api.Pattern].
func Pattern(expression string) Condition { return api.Pattern(expression) }

// Faults is [api.Faults].
func Faults() []string { return api.Faults() }

// TLSFaults is [api.TLSFaults].
func TLSFaults() []string { return api.TLSFaults() }

// FaultEffect is [api.FaultEffect].
func FaultEffect(name string) Effect { return api.FaultEffect(name) }

// ErrcodeEffect is [api.ErrcodeEffect].
func ErrcodeEffect(errcode int, errmsg string) Effect { return api.ErrcodeEffect(errcode, errmsg) }

// StatusEffect is [api.StatusEffect].
func StatusEffect(status int) Effect { return api.StatusEffect(status) }

// LatencyEffect is [api.LatencyEffect].
func LatencyEffect(d time.Duration) Effect { return api.LatencyEffect(d) }

// HangEffect is [api.HangEffect].
func HangEffect() Effect { return api.HangEffect() }

// ResetEffect is [api.ResetEffect].
func ResetEffect() Effect { return api.ResetEffect() }

// EmptyEffect is [api.EmptyEffect].
func EmptyEffect() Effect { return api.EmptyEffect() }

// TruncateEffect is [api.TruncateEffect].
func TruncateEffect() Effect { return api.TruncateEffect() }

// SlowEffect is [api.SlowEffect].
func SlowEffect(d time.Duration) Effect { return api.SlowEffect(d) }

// MalformedEffect is [api.MalformedEffect].
func MalformedEffect() Effect { return api.MalformedEffect() }

// TokenLifeEffect is [api.TokenLifeEffect].
func TokenLifeEffect(d time.Duration) Effect { return api.TokenLifeEffect(d) }

// ReplyEffect is [api.ReplyEffect].
func ReplyEffect(reply FixedReply) Effect { return api.ReplyEffect(reply) }
