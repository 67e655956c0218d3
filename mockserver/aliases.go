package mockserver

import (
	"time"

	"github.com/dingmock/dingmock/mockserver/api"
)

// The types of the control API, documented in package api, under the names that Go tests of an in-process server
// use.
type (
	// State is the JSON form of apps at rest: a state file, a snapshot, or the input of a restore.
	State = api.State
	// AppState is one app with all that belongs to it.
	AppState = api.AppState
	// ClockState is how an app's clock differs from real time.
	ClockState = api.ClockState
	// TokenState is one live access token.
	TokenState = api.TokenState
	// SessionState is one open session.
	SessionState = api.SessionState

	// Rule makes calls fail, or answers them instead of the fake.
	Rule = api.Rule
	// RuleMatch says which calls a rule applies to.
	RuleMatch = api.RuleMatch
	// RuleWhen says on which of the calls that match it a rule fires.
	RuleWhen = api.RuleWhen
	// Effect is what a rule does.
	Effect = api.Effect
	// FixedReply is an answer given instead of the fake's own.
	FixedReply = api.FixedReply

	// Match says which calls of a journal to take.
	Match = api.Match
	// Condition says what the value of one parameter or header must be.
	Condition = api.Condition

	// Entry is one exchange as the journal keeps it, with secrets and tokens masked.
	Entry = api.Entry
	// EntryRequest is the request of an Entry.
	EntryRequest = api.EntryRequest
	// EntryReply is the reply of an Entry, as the server decided it.
	EntryReply = api.EntryReply
	// ExpectRequest says how many calls are expected.
	ExpectRequest = api.ExpectRequest
	// WaitRequest says which calls to wait for.
	WaitRequest = api.WaitRequest
	// MatchResult is the result of counting calls.
	MatchResult = api.MatchResult
	// NearMiss is a call that nearly matches.
	NearMiss = api.NearMiss
	// Explanation is a cause that error replies gave.
	Explanation = api.Explanation

	// Verdict says whether calls conformed to the document.
	Verdict = api.Verdict
	// VerdictOptions says what is judged, and how strictly.
	VerdictOptions = api.VerdictOptions
	// UnfiredRule is a rule that took effect on no judged call.
	UnfiredRule = api.UnfiredRule
	// ViolationCount is the number of times that an app's calls broke the document in one way.
	ViolationCount = api.ViolationCount

	// Expired is the number of tokens and sessions that ended when a clock was moved.
	Expired = api.Expired
	// Duration is a time.Duration whose JSON is a string such as "1h30m" or "7201s".
	Duration = api.Duration
)

// The error codes that errors.Is finds in errors of this package and of package control.
const (
	// ErrNoApp is [api.ErrNoApp].
	ErrNoApp = api.ErrNoApp
	// ErrAppLimit is [api.ErrAppLimit].
	ErrAppLimit = api.ErrAppLimit
	// ErrTaken is [api.ErrTaken].
	ErrTaken = api.ErrTaken
)

// NoApp is the name that stands for the calls that reached no app.
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
