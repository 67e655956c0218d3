package api

import (
	"fmt"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/verdict"
)

// Verdict says whether calls conformed to the document.
type Verdict struct {
	OK         bool             `json:"ok"`
	Calls      int              `json:"calls"`             // number of calls of the judged apps
	Reasons    []string         `json:"reasons,omitempty"` // other causes of a red verdict, such as that no call came
	Violations []ViolationCount `json:"violations"`        // red ones and notes; ignored ones do not affect OK

	// Unfired are the first 100 rules, of the judged apps and for every app, that have not yet taken effect on a
	// judged call. They do not affect OK.
	Unfired     []UnfiredRule `json:"unfired,omitempty"`
	UnfiredMore int           `json:"unfired_more,omitempty"` // number of further such rules

	// Refused is the number of connections that ended at the certificate, as happens if a client does not trust
	// it. It is set only if no call came.
	Refused int `json:"refused,omitempty"`
}

// UnfiredRule is a rule that took effect on no judged call.
type UnfiredRule struct {
	App     string `json:"app"` // "" for a rule of every app
	ID      string `json:"id"`
	Effect  string `json:"effect"`            // such as app-throttled, errcode 34001 or reply
	For     string `json:"for,omitempty"`     // the operation, path or host that it matches by; "" if it matches by none of them
	Matched int64  `json:"matched,omitempty"` // how many calls it matched
}

// String returns the rule in one line for people, such as: rule r1 of app default (app-throttled, for gettoken)
// never fired.
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

// VerdictOptions says what is judged, and how strictly. By default all calls are judged, and at least one is
// required.
type VerdictOptions struct {
	// Apps are the apps whose calls are judged: names, appkeys, or patterns in which * stands for any text. Each
	// must have called, except NoApp, which stands for the calls that reached no app. Default: all calls are
	// judged.
	Apps []string

	// AllowUnknown are paths that may be called although DingTalk does not have them: each a path, or a prefix
	// followed by *. Default: none.
	AllowUnknown []string

	// AllowNoCalls accepts that no call came. Default: the verdict is red then.
	AllowNoCalls bool
}

// Text returns the verdict for people: a line for each row and its first call, the red ones first. Then follow a
// summary and the rules that never fired.
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

// ViolationCount is the number of times that an app's calls broke the document in one way.
type ViolationCount struct {
	App string `json:"app"` // NoApp for calls that reached no app
	dingmock.Violation
	Count   int    `json:"count"`
	First   *Entry `json:"first"`             // the first such call
	Ignored bool   `json:"ignored,omitempty"` // listed, but without effect on the verdict, as the app is not judged
}

// Red reports whether the row makes a verdict red.
func (t *ViolationCount) Red() bool { return t.Level == dingmock.Red && !t.Ignored }
