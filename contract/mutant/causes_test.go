package mutant_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/contract/mutant"
)

// sampled is how many mutants are run through all cases, unless DINGMOCK_ALL_MUTANTS is set: all take minutes.
const sampled = 20

// accused is what a report says of a mutant. The reports themselves would take gigabytes.
type accused struct {
	name                  string
	causes, broken, lines int
	text                  string // the first causes
	missed                bool   // the first cause is not what was planted
}

// accuse runs all cases, generated ones aside, on mutants of which one thing is wrong, in worlds of their own.
func accuse(t *testing.T, mutants []mutant.Mutant) []accused {
	t.Helper()
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{}
	for _, c := range cases {
		kind[c.ID] = worldOf(c)
	}
	list := make([]accused, len(mutants))
	t.Run("mutants", func(t *testing.T) {
		for i, m := range mutants {
			t.Run(m.Name, func(t *testing.T) {
				t.Parallel()
				target, end := world(t, kind[m.Rule])
				defer end() // no clean-up: the test above would keep each world to its own end
				r, err := contract.Verify(t.Context(), plant(m, target), &contract.Options{Budget: -1, Seed: 1, Timeout: time.Minute, Parallel: 1})
				if err != nil {
					t.Fatalf("the target is not checked: %v", err)
				}
				if len(r.Causes) == 0 { // such as one that only shows where calls meet
					list[i] = accused{name: m.Name, missed: true}
					return
				}
				var text strings.Builder
				if err := r.WriteText(&text); err != nil {
					t.Fatal(err)
				}
				if first, _, _ := strings.Cut(text.String(), "\n\n"); strings.Count(first, "\n") >= 10 || !strings.HasPrefix(first, "mend these first:\n") {
					t.Errorf("the report does not open with ten lines of what to mend:\n%s", first)
				}
				x := accused{name: m.Name, causes: len(r.Causes), broken: len(r.Broken()), lines: strings.Count(text.String(), "\n"), missed: !names(r.Causes[0], m)}
				for i, c := range r.Causes[:min(4, len(r.Causes))] {
					x.text += fmt.Sprintf("\n    %d. %s breaks %v blocks %d", i+1, c, c.Breaks, len(c.Blocks))
				}
				list[i] = x
			})
		}
	})
	return slices.DeleteFunc(list, func(a accused) bool { return a.name == "" })
}

// names reports whether a cause names what is planted: it breaks the rule, or is of its operation and blocks it.
func names(c *contract.Cause, m mutant.Mutant) bool {
	operation, _, _ := strings.Cut(m.Rule, "/")
	return slices.Contains(c.Breaks, m.Rule) || c.Operation == operation && slices.Contains(c.Blocks, m.Rule)
}

// Of each mutant, what is to be mended first is what was planted, and hardly anything else is said to be wrong.
func TestRootCauses(t *testing.T) {
	t.Parallel()
	mutants, err := mutant.All()
	if err != nil {
		t.Fatal(err)
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant.Mutant) bool { return strings.HasPrefix(m.Rule, "generated/") })
	all := os.Getenv("DINGMOCK_ALL_MUTANTS") != ""
	if seed := rand.Uint64(); !all {
		t.Logf("seed %d", seed)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(mutants), func(i, j int) { mutants[i], mutants[j] = mutants[j], mutants[i] })
		mutants = mutants[:sampled]
	}
	var missed, many []string
	var causes, broken, lines []int
	for _, a := range accuse(t, mutants) {
		causes, broken, lines = append(causes, a.causes), append(broken, a.broken), append(lines, a.lines)
		switch {
		case a.missed:
			missed = append(missed, a.name+a.text)
		case a.causes > 3:
			many = append(many, a.name+a.text)
		}
	}
	n := len(causes)
	t.Logf("%d mutants; of the first causes name what was planted: %d; three causes at most: %d; medians: %d cause, %d rule broken, %d lines",
		n, n-len(missed), n-len(missed)-len(many), median(causes), median(broken), median(lines))
	t.Logf("named later:\n%s", strings.Join(missed, "\n"))
	t.Logf("more than three:\n%s", strings.Join(many, "\n"))
	allowed := n / 5 // of a sample, in which they may be by chance
	if all {
		allowed = n / 14
	}
	if len(missed)+len(many) > allowed {
		t.Errorf("of %d mutants, the first cause of %d is another, and of %d more there are more than three", n, len(missed), len(many))
	}
}

func median(list []int) int {
	slices.Sort(list)
	return list[len(list)/2]
}
