package mutant_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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
func plant(m mutant.Mutant, target contract.Target) contract.Target {
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

// TestEveryMutantIsKilled plants each fault and runs the cases of the rule that it breaks. A survivor fails, and so does
// a rule that no mutant breaks. The race detector sees but some of them.
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
	rules := map[string]contract.Case{}
	for _, c := range cases {
		rules[c.ID] = c
	}
	count, broken := len(mutants), map[string]bool{}
	for _, m := range mutants {
		broken[m.Rule] = true
	}
	if raceDetector {
		seed := seeded(t)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:raceSampled]
	}
	targets := worlds(t)
	type cell struct {
		name, outcome string
	}
	var mu sync.Mutex
	matrix := map[string][]cell{}
	var example string
	t.Run("mutants", func(t *testing.T) {
		for _, m := range mutants {
			c, ok := rules[m.Rule]
			if !ok {
				t.Errorf("the mutant %q names the rule %q, of which there is no case", m.Name, m.Rule)
				continue
			}
			t.Run(m.Name, func(t *testing.T) {
				t.Parallel()
				report, err := contract.Verify(t.Context(), plant(m, targets[worldOf(c)]), &contract.Options{
					Run: func(id string) bool { return id == m.Rule }, Seed: 1, Timeout: time.Minute,
				})
				if err != nil {
					t.Fatal(err)
				}
				r := report.Results[0]
				if r.Outcome != contract.Fail {
					t.Errorf("survives: %s breaks the rule %q, but the case ends as %s %s", m.Name, c.Rule, r.Outcome, r.Reason)
				}
				mu.Lock()
				defer mu.Unlock()
				matrix[m.Rule] = append(matrix[m.Rule], cell{strings.TrimPrefix(m.Name, m.Rule+": "), string(r.Outcome)})
				if m.Rule == "close_session/gone" || strings.HasSuffix(m.Name, "two sessions at most") {
					example += report.Failures() + "\n"
				}
			})
		}
	})
	var lines []string
	for _, c := range cases {
		cells := matrix[c.ID]
		if !broken[c.ID] {
			t.Errorf("no mutant breaks the rule %s: %s", c.ID, c.Rule)
		}
		var parts []string
		for _, x := range cells {
			mark := "killed"
			if x.outcome != string(contract.Fail) {
				mark = "SURVIVED"
			}
			parts = append(parts, mark+" "+x.name)
		}
		slices.Sort(parts)
		lines = append(lines, fmt.Sprintf("%-50s %s", c.ID, strings.Join(parts, " | ")))
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%d rules and %d mutants", len(cases), count); !strings.Contains(string(readme), sum) {
		t.Errorf("the kit's README does not say %q", sum)
	}
	t.Logf("the matrix, %d rules × %d mutants:\n%s", len(cases), len(mutants), strings.Join(lines, "\n"))
	t.Logf("a failure as a user sees it:\n%s", example)
}
