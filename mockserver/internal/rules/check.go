package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/internal/nearest"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/internal/field"
	"github.com/dingmock/dingmock/mockserver/internal/match"
	"github.com/dingmock/dingmock/mockserver/internal/template"
	"github.com/dingmock/dingmock/mockserver/internal/tokenlife"
)

// acceptedEffect says what an effect must contain.
var acceptedEffect = "exactly one of " + strings.Join(Kinds(), ", ")

// maxPriority is the highest priority of a rule; the lowest is -maxPriority.
const maxPriority = 1_000_000

// ruleID is the form of an id, as in the document.
var ruleID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// maxPause is the longest pause of an effect.
const maxPause = 10 * time.Minute

// Check checks a rule. forAll says whether it is for every app.
func Check(r *api.Rule, doc *dingmock.Document, forAll bool) *api.FieldError {
	e := &Effect{r.Effect}
	given := 0
	for _, k := range kinds {
		if k.set(e) {
			given++
		}
	}
	faults := slices.Concat(api.Faults(), api.TLSFaults())
	switch {
	case r.ID != "" && !ruleID.MatchString(r.ID):
		return field.Wrong("/id", "", "1 to 32 of the characters A-Z a-z 0-9 _ -")
	case given != 1:
		return field.Wrong("/effect", fmt.Sprintf("has %d effects: give %s", given, acceptedEffect), acceptedEffect)
	case e.Fault != "" && !slices.Contains(faults, e.Fault):
		return field.Wrong("/effect/fault", fmt.Sprintf("%.40q is no fault: it is one of %s%s", e.Fault, strings.Join(faults, ", "), nearest.DidYouMean(e.Fault, faults)), "one of "+strings.Join(faults, ", "))
	case (e.SubCode != "" || e.Errmsg != "") && e.Errcode == 0:
		return field.Wrong("/effect/errcode", "sub_code and errmsg go with errcode", "the number of an error, beside sub_code and errmsg")
	case e.SubCode != "" && e.Errcode != 88:
		return field.Wrong("/effect/sub_code", "goes with errcode 88 alone", "nothing, but beside the errcode 88")
	case e.LatencyMax != 0 && e.LatencyMax < e.Latency:
		return field.Wrong("/effect/latency_max", "", "latency or more")
	case e.Status != 0 && (e.Status < 200 || e.Status > 599):
		return field.Wrong("/effect/status", "", "200 to 599")
	case r.Priority < -maxPriority || r.Priority > maxPriority:
		return field.Wrong("/priority", "", fmt.Sprintf("%d to %d", -maxPriority, maxPriority))
	case e.TokenLife != 0 && tokenlife.Check(time.Duration(e.TokenLife)) != nil:
		return field.Wrong("/effect/token_life", tokenlife.Check(time.Duration(e.TokenLife)).Error(), tokenlife.Accepted)
	case e.TokenLife != 0 && !issuesTokens(doc, r.Match.Operation):
		return field.Wrong("/match/operation", fmt.Sprintf("%q issues no token, so that token_life has nothing to do", r.Match.Operation), "an operation that issues tokens, such as gettoken, or nothing")
	case r.When.Skip < 0 || r.When.Times < 0 || r.When.Every < 0:
		return field.Wrong("/when", "skip, times and every have to be 0 or more", "numbers of 0 or more")
	case r.When.Probability != nil && !(*r.When.Probability >= 0 && *r.When.Probability <= 1):
		return field.Wrong("/when/probability", "", "0 to 1")
	case r.When.Seed != 0 && r.When.Probability == nil:
		return field.Wrong("/when/seed", "goes with probability", "a number beside probability, else nothing")
	case r.When.For != 0 && forAll:
		return field.Wrong("/when/for", "is by an app's clock: make the rule for one app", "nothing in a rule for every app")
	case r.When.For < 0:
		return field.Wrong("/when/for", "", "0 or more")
	}
	for name, d := range map[string]api.Duration{"latency": e.Latency, "latency_max": e.LatencyMax, "slow": e.Slow} {
		if d < 0 || time.Duration(d) > maxPause {
			return field.Wrong("/effect/"+name, "", fmt.Sprintf("above 0 and at most %s", maxPause))
		}
	}
	if e.Reply != nil {
		if err := template.Check(e.Reply); err != nil {
			err.Pointer = "/effect/reply" + err.Pointer
			return err
		}
	}
	if err := match.CheckCalls(&r.Match, doc); err != nil {
		err.Pointer = "/match" + err.Pointer
		return err
	}
	if e.OfTLS() {
		return checkTLS(r, forAll)
	}
	return nil
}

// issuesTokens reports whether an operation issues access tokens: it takes secrets instead of a token. The id ""
// stands for any operation: true.
func issuesTokens(doc *dingmock.Document, id string) bool {
	op := doc.Operation(id)
	return id == "" || op != nil && !slices.ContainsFunc(op.Security, func(r dingmock.Requirement) bool { return slices.Contains(r, op.Family.Token) })
}

// CheckAll checks the rules of an app, or those for every app.
func CheckAll(list []api.Rule, doc *dingmock.Document, forAll bool) *api.FieldError {
	if len(list) > maxRules {
		return field.Wrong("/rules", fmt.Sprintf("are %d: at most %d are allowed", len(list), maxRules), fmt.Sprintf("at most %d rules", maxRules))
	}
	for i := range list {
		if err := Check(&list[i], doc, forAll); err != nil {
			err.Pointer = fmt.Sprintf("/rules/%d%s", i, err.Pointer)
			return err
		}
	}
	return nil
}

// checkTLS checks that a rule on handshakes uses only what is known of a handshake.
func checkTLS(r *api.Rule, forAll bool) *api.FieldError {
	fault := r.Effect.Fault
	if !forAll {
		return field.Wrong("/effect/fault", fault+" is about a certificate, which is shown before any app is known: make the rule for every app, by POST /_mock/rules", "one of "+strings.Join(api.Faults(), ", "))
	}
	for _, m := range []struct {
		field string
		set   bool
	}{
		{"operation", r.Match.Operation != ""}, {"method", r.Match.Method != ""}, {"path", r.Match.Path != ""},
		{"headers", len(r.Match.Headers) > 0}, {"parameters", len(r.Match.Parameters) > 0},
	} {
		if m.set {
			return field.Wrong("/match/"+m.field, fmt.Sprintf("%s is about a certificate, which is shown before there is a call: match by host alone", fault), "nothing beside such a fault")
		}
	}
	return nil
}
