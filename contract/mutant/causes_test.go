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
	"github.com/dingmock/dingmock/contract/mutant"
)

// sampled is how many mutants are run through all cases, unless DINGMOCK_ALL_MUTANTS is set: all take minutes.
const sampled = 40

// accused is what a report says of a mutant.
type accused struct {
	mutant mutant.Mutant
	report *contract.Report
}

// accuse runs all cases, generated ones aside, on mutants of which one thing is wrong, in worlds of their own.
func accuse(t *testing.T, mutants []mutant.Mutant) []accused {
	t.Helper()
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	world := map[string]string{}
	for _, c := range cases {
		world[c.ID] = worldOf(c)
	}
	list := make([]accused, len(mutants))
	t.Run("mutants", func(t *testing.T) {
		for i, m := range mutants {
			t.Run(m.Name, func(t *testing.T) {
				t.Parallel()
				report, err := contract.Verify(t.Context(), plant(m, worlds(t)[world[m.Rule]]), &contract.Options{Budget: -1, Seed: 1, Timeout: time.Minute, Parallel: 1})
				if err != nil {
					t.Errorf("the target is not checked: %v", err)
				}
				list[i] = accused{m, report}
			})
		}
	})
	return slices.DeleteFunc(list, func(a accused) bool { return a.report == nil })
}

// names reports whether a cause names what is planted: its rule, among those that it breaks or blocks.
func names(c *contract.Cause, m mutant.Mutant) bool {
	return slices.Contains(c.Breaks, m.Rule) || slices.Contains(c.Blocks, m.Rule)
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
	var mu sync.Mutex
	for _, a := range accuse(t, mutants) {
		r := a.report
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		causes, broken, lines = append(causes, len(r.Causes)), append(broken, len(r.Broken())), append(lines, strings.Count(text.String(), "\n"))
		mu.Unlock()
		what := a.mutant.Name
		for i, c := range r.Causes[:min(4, len(r.Causes))] {
			what += fmt.Sprintf("\n    %d. %s breaks %v blocks %d", i+1, c, c.Breaks, len(c.Blocks))
		}
		switch {
		case len(r.Causes) == 0:
			t.Errorf("%s: nothing is to be mended", what)
		case !names(r.Causes[0], a.mutant):
			missed = append(missed, what)
		case len(r.Causes) > 3:
			many = append(many, what)
		}
		if first, _, _ := strings.Cut(text.String(), "\n\n"); strings.Count(first, "\n") >= 10 || !strings.HasPrefix(first, "mend these first:\n") {
			t.Errorf("%s: the report does not open with ten lines of what to mend:\n%s", a.mutant.Name, first)
		}
	}
	n := len(causes)
	t.Logf("%d mutants; of the first causes name what was planted: %d; three causes at most: %d; medians: %d cause, %d rule broken, %d lines",
		n, n-len(missed), n-len(missed)-len(many), median(causes), median(broken), median(lines))
	t.Logf("named later:\n%s", strings.Join(missed, "\n"))
	t.Logf("more than three:\n%s", strings.Join(many, "\n"))
	if (len(missed)+len(many))*10 > n {
		t.Errorf("of %d mutants, the first cause of %d is another, and of %d more there are more than three", n, len(missed), len(many))
	}
}

func median(list []int) int {
	slices.Sort(list)
	return list[len(list)/2]
}
