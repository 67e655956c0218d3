package api

import (
	"fmt"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/verdict"
)

// Verdict says whether calls kept to the document.
type Verdict struct {
	OK         bool             `json:"ok"`
	Calls      int              `json:"calls"`             // how many there were of the apps in question
	Reasons    []string         `json:"reasons,omitempty"` // what makes it red beside violations, such as that no call came
	Violations []ViolationCount `json:"violations"`        // red ones, and notes; ignored ones count for nothing

	// Unfired are rules of the apps in question, and of every app, that had their effect on no call so far that is judged: the first 100
	// of them. They count for nothing.
	Unfired     []UnfiredRule `json:"unfired,omitempty"`
	UnfiredMore int           `json:"unfired_more,omitempty"` // how many there are beyond these

	// Refused is, where no call came, how many connections ended at the certificate, as of a client that does not trust it.
	Refused int `json:"refused,omitempty"`
}

// UnfiredRule is a rule that had its effect on no call that is judged.
type UnfiredRule struct {
	App     string `json:"app"` // "" for a rule of every app
	ID      string `json:"id"`
	Effect  string `json:"effect"`            // such as app-throttled, errcode 34001 or reply
	For     string `json:"for,omitempty"`     // the operation, path or host that it matches by, "" where it is by none of them
	Matched int64  `json:"matched,omitempty"` // how many calls it matched
}

// String says it for a person, such as: rule r1 of app default (app-throttled, for gettoken) never fired.
func (u UnfiredRule) String() string {
	of, what := "app "+u.App, u.Effect
	if u.App == "" {
		of = "every app"
	}
	if u.For != "" {
		what += ", for " + u.For
	}
	text := fmt.Sprintf("rule %s of %s (%s) never fired", u.ID, of, what)
	if u.Matched > 0 {
		text += fmt.Sprintf(", of calls that it matched: %d", u.Matched)
	}
	return text
}

// VerdictOptions says what is judged, and how strictly. Nil and the zero value judge all calls, and want at least one.
type VerdictOptions struct {
	// Apps are the apps whose calls are judged: names, appkeys, or patterns in which * stands for any text; each has to have
	// called. NoApp is the calls that reached none, which need not be. Default: all calls.
	Apps []string

	// AllowUnknown are the paths that DingTalk does not have and that may be called all the same: a path, or the beginning
	// of one followed by *. Default: none.
	AllowUnknown []string

	// AllowNoCalls lets pass that no call came. Default: that is red.
	AllowNoCalls bool
}

// Text says it for a person, a line for each row and its first call, what is red first. The last line sums up, before the rules
// that never fired.
func (v Verdict) Text() string {
	said := verdict.Verdict{Calls: v.Calls, Reasons: v.Reasons, Refused: v.Refused, Hint: "allow_no_calls=true lets it pass", More: v.UnfiredMore}
	for _, row := range v.Violations {
		f := verdict.Finding{Label: verdict.Red, Text: fmt.Sprintf("%s: %d × %s", row.App, row.Count, row.Violation)}
		switch {
		case row.Ignored:
			f.Label = verdict.Ignored
		case row.Level == dingmock.Note:
			f.Label = verdict.Noted
		}
		if row.First != nil {
			f.Curl = row.First.Curl
		}
		said.Findings = append(said.Findings, f)
	}
	for _, u := range v.Unfired {
		said.Unfired = append(said.Unfired, u.String())
	}
	return said.String()
}

// ViolationCount is how often an app's calls broke the document in one way.
type ViolationCount struct {
	App string `json:"app"` // NoApp for calls that reached none
	dingmock.Violation
	Count   int    `json:"count"`
	First   *Entry `json:"first"`             // the first such call
	Ignored bool   `json:"ignored,omitempty"` // listed, but not held against the verdict: the app is not judged
}

// Red reports whether the row makes a verdict red.
func (t *ViolationCount) Red() bool { return t.Level == dingmock.Red && !t.Ignored }
