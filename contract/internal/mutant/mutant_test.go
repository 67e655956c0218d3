package mutant_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/contract/internal/mutant"
	"github.com/dingmock/dingmock/internal/powers"
	"github.com/dingmock/dingmock/mockserver"
)

// kinds are the honest servers: between them every case can be run.
var kinds = map[string]mockserver.Options{"plain": {MaxSessions: 40}, "ending": {SessionTTL: time.Hour}, "without": {WithoutSessions: true}}

// world is an honest server of a kind, until end.
func world(t *testing.T, kind string) (target contract.Target, end func()) {
	t.Helper()
	o := kinds[kind]
	server, err := mockserver.New(&o)
	if err != nil {
		t.Fatal(err)
	}
	can, err := powers.In(server)
	if err != nil {
		t.Fatal(err)
	}
	return contract.Target{
		Handler: server, Powers: can, MaxSessions: o.MaxSessions, SessionTTL: o.SessionTTL, WithoutSessions: o.WithoutSessions,
	}, func() { _ = server.Close() }
}

// worlds are a server of each kind.
func worlds(t *testing.T) map[string]contract.Target {
	t.Helper()
	all := map[string]contract.Target{}
	for kind := range kinds {
		target, end := world(t, kind)
		t.Cleanup(end)
		all[kind] = target
	}
	return all
}

func worldOf(c contract.Case) string {
	switch {
	case c.Needs&contract.NeedsSessionLife != 0:
		return "ending"
	case c.Needs&contract.NeedsWithoutSessions != 0:
		return "without"
	}
	return "plain"
}

// plant puts a mutant in front of a target.
func plant(m *mutant.Mutant, target contract.Target) contract.Target {
	w := m.Plant(mutant.World{Handler: target.Handler, Powers: target.Powers})
	target.Handler, target.Powers = w.Handler, w.Powers
	return target
}

// TestHonestBehindTheWrapper shows that it is the planted faults that the cases find, not the wrapper.
func TestHonestBehindTheWrapper(t *testing.T) {
	t.Parallel()
	for name, target := range worlds(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := contract.Verify(t.Context(), plant(mutant.Honest(), target), &contract.Options{Budget: 20, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				if r.Outcome == contract.Fail || r.Outcome == contract.Errored {
					t.Errorf("%s: %s %s %v", r.ID, r.Outcome, r.Reason, r.Failure)
				}
			}
		})
	}
}

// raceSampled is how many mutants are run where the race detector is on: with it, all take minutes.
const raceSampled = 200

// TestEveryMutantIsKilled plants each fault and runs the case of the rule that it breaks. A survivor fails, and so does a rule that no
// mutant breaks. The race detector sees but some of them. The mutants of an operation are a sub-test of its name.
func TestEveryMutantIsKilled(t *testing.T) {
	t.Parallel()
	mutants, err := mutant.All()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	tell(t, cases, mutants)
	if raceDetector {
		seed := seeded(t)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:raceSampled]
	}
	rules, by := map[string]contract.Case{}, map[string][]*mutant.Mutant{}
	for _, c := range cases {
		rules[c.ID] = c
	}
	for _, m := range mutants {
		by[m.Operations[0]] = append(by[m.Operations[0]], m)
	}
	targets := worlds(t)
	for operation, mutants := range by {
		t.Run(group(operation), func(t *testing.T) {
			t.Parallel()
			for _, m := range mutants {
				t.Run(strings.TrimPrefix(m.Name, operation+"/"), func(t *testing.T) {
					t.Parallel()
					c := rules[m.Rule]
					report, err := contract.Verify(t.Context(), plant(m, targets[worldOf(c)]), &contract.Options{
						Run: func(id string) bool { return id == m.Rule }, Seed: 1, Timeout: time.Minute,
					})
					if err != nil {
						t.Fatal(err)
					}
					if r := report.Results[0]; r.Outcome != contract.Fail {
						t.Errorf("survives: %s breaks the rule %q, but the case ends as %s %s", m.Name, c.Rule, r.Outcome, r.Reason)
					}
					if m.Rule == "close_session/gone" || strings.HasSuffix(m.Name, "two sessions at most") {
						t.Logf("a failure as a user sees it:\n%s", report.Failures())
					}
				})
			}
		})
	}
}

// group is the name of the sub-test of an operation's mutants.
func group(operation string) string {
	if operation == "" {
		return "paths"
	}
	return operation
}

// tell prints which mutants there are of each rule, and how many on each axis. A rule without one fails.
func tell(t *testing.T, cases []contract.Case, mutants []*mutant.Mutant) {
	t.Helper()
	of, on := map[string][]string{}, map[string]int{}
	for _, m := range mutants {
		of[m.Rule] = append(of[m.Rule], strings.TrimPrefix(m.Name, m.Rule+": "))
		on[m.Axis]++
	}
	var lines, axes []string
	for _, c := range cases {
		if of[c.ID] == nil {
			t.Errorf("no mutant breaks the rule %s: %s\nPlant one in the file of its resource here: most rules of all operations have theirs from the document, those of one operation by hand.", c.ID, c.Rule)
		}
		lines = append(lines, fmt.Sprintf("%-50s %s", c.ID, strings.Join(of[c.ID], " | ")))
	}
	for _, axis := range slices.Sorted(maps.Keys(on)) {
		axes = append(axes, fmt.Sprintf("%s %d", axis, on[axis]))
	}
	t.Logf("the matrix, %d rules × %d mutants (%s):\n%s", len(cases), len(mutants), strings.Join(axes, ", "), strings.Join(lines, "\n"))
}

// TestNames checks that the list of mutants, in which no two may have one name, is the same each time that it is made, and that each is
// of operations that the document has.
func TestNames(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	var names [2][]string
	for i := range names {
		mutants, err := mutant.All()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants {
			names[i] = append(names[i], m.Name)
			for _, op := range m.Operations {
				if op != "" && doc.Operation(op) == nil {
					t.Errorf("%s is of the operation %q, which the document does not have", m.Name, op)
				}
			}
		}
	}
	if diff := cmp.Diff(names[0], names[1]); diff != "" {
		t.Errorf("the second list of mutants differs (-first +second):\n%s", diff)
	}
}
