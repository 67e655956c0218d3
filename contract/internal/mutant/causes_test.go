package mutant_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/contract/internal/mutant"
)

// sampled is how many mutants are run through all cases, unless DINGMOCK_ALL_MUTANTS is set: all take minutes.
const sampled = 10

// most is how many causes a report may list of one fault.
const most = 3

// subject is a world with faults planted in it.
type subject struct {
	name, kind string
	faults     []*mutant.Mutant
}

// accused is what a report says of a subject. The reports themselves would take gigabytes.
type accused struct {
	causes, broken, failing, lines int // failing: the cases that do not pass
	text                           string
	named                          []bool // whether the first cause names it, of each fault
}

// accuse runs all cases, generated ones aside, on subjects in worlds of their own.
func accuse(t *testing.T, name string, subjects []subject) []accused {
	t.Helper()
	list := make([]accused, len(subjects))
	t.Run(name, func(t *testing.T) {
		for i, s := range subjects {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				target, end := world(t, s.kind)
				defer end() // no clean-up: the test above would keep each world to its own end
				for _, m := range s.faults {
					target = plant(m, target)
				}
				r, err := contract.Verify(t.Context(), target, &contract.Options{NoGenerated: true, Seed: 1, Timeout: time.Minute, Parallel: 1})
				if err != nil {
					t.Fatalf("the target is not checked: %v", err)
				}
				list[i] = sum(t, s, r)
			})
		}
	})
	return list
}

func sum(t *testing.T, s subject, r *contract.Report) accused {
	t.Helper()
	var text strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(text.String(), "\n\n"); strings.Count(first, "\n") >= 10 || !strings.HasPrefix(first, "mend these first:\n") {
		t.Errorf("the report does not open with ten lines of what to mend:\n%s", first)
	}
	a := accused{
		causes: len(r.Causes), broken: len(r.Broken()), failing: len(r.Broken()) + r.Count(contract.Blocked) + r.Count(contract.Errored),
		lines: strings.Count(text.String(), "\n"), named: make([]bool, len(s.faults)),
	}
	for i, m := range s.faults {
		a.named[i] = len(r.Causes) > 0 && names(r.Causes[0], m)
	}
	for i, c := range r.Causes[:min(4, len(r.Causes))] {
		a.text += fmt.Sprintf("\n    %d. %s breaks %v blocks %d", i+1, c, c.Breaks, len(c.Blocks))
	}
	return a
}

// names reports whether a cause names what is planted: an operation that does not do as it has to, and where that shows.
func names(c *contract.Cause, m *mutant.Mutant) bool {
	return slices.Contains(m.Operations, c.Operation) && (m.At == "" || c.Pointer == m.At)
}

// planted are the mutants that the cases written by hand find, each in a world that its rule is checked in.
func planted(t *testing.T) []subject {
	t.Helper()
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	kind := map[string]string{}
	for _, c := range cases {
		kind[c.ID] = worldOf(c)
	}
	mutants, err := mutant.All()
	if err != nil {
		t.Fatal(err)
	}
	var list []subject
	for _, m := range mutants {
		if !strings.HasPrefix(m.Rule, "generated/") {
			list = append(list, subject{m.Name, kind[m.Rule], []*mutant.Mutant{m}})
		}
	}
	return list
}

// Of each mutant, what is to be mended first is what was planted, and hardly anything else is said to be wrong. Of two, what is to
// be mended first is one of them; once it is mended there is less that does not pass.
func TestRootCauses(t *testing.T) {
	t.Parallel()
	seed := seeded(t)
	singles := planted(t)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(singles), func(i, j int) { singles[i], singles[j] = singles[j], singles[i] })
	if os.Getenv("DINGMOCK_ALL_MUTANTS") == "" {
		singles = singles[:sampled]
	}
	alone := accuse(t, "one", singles)
	var wrong []string
	var causes, broken, lines []int
	for i, a := range alone {
		causes, broken, lines = append(causes, a.causes), append(broken, a.broken), append(lines, a.lines)
		if !a.named[0] || a.causes > most {
			wrong = append(wrong, singles[i].name+a.text)
		}
	}
	t.Logf("%d mutants; of the first causes name what was planted, and list %d at most: %d; medians: %d cause, %d rule broken, %d lines",
		len(singles), most, len(singles)-len(wrong), median(causes), median(broken), median(lines))
	if len(wrong) > 0 {
		t.Errorf("of %d the first cause is another, or there are more than %d:\n%s", len(wrong), most, strings.Join(wrong, "\n"))
	}
	pairs(t, singles, alone)
}

// pairs plants two of the mutants at a time. alone is what was said of each.
func pairs(t *testing.T, singles []subject, alone []accused) {
	t.Helper()
	var both []subject
	var of [][2]int
	for i := 0; i+1 < len(singles) && len(both) < 200; i++ {
		for j := i + 1; j < len(singles) && len(both) < 200; j++ {
			a, b := singles[i], singles[j]
			if a.kind != b.kind || hides(a.faults[0], b.faults[0]) {
				continue
			}
			both = append(both, subject{a.name + " and " + b.name, a.kind, []*mutant.Mutant{a.faults[0], b.faults[0]}})
			of = append(of, [2]int{i, j})
			i = j
			break
		}
	}
	var wrong []string
	for n, a := range accuse(t, "two", both) {
		fall := false
		for i, left := range []int{of[n][1], of[n][0]} { // mending the one leaves the other
			b := alone[left]
			fall = fall || a.named[i] && b.failing+b.causes < a.failing+a.causes
		}
		if !fall {
			wrong = append(wrong, fmt.Sprintf("%s: named: %v; %d cases of %d causes, of either alone %d of %d and %d of %d%s", both[n].name, a.named,
				a.failing, a.causes, alone[of[n][0]].failing, alone[of[n][0]].causes, alone[of[n][1]].failing, alone[of[n][1]].causes, a.text))
		}
	}
	t.Logf("%d pairs; of the first causes name one of the two, and the numbers fall once it is mended: %d", len(both), len(both)-len(wrong))
	if len(wrong) > 0 {
		t.Errorf("of %d pairs the first cause is neither, or the numbers do not fall:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
}

// hides reports whether the one of two mutants may keep the other from being seen: they break one rule, or both hand out tokens, or
// keep sessions, of their own.
func hides(a, b *mutant.Mutant) bool {
	return a.Rule == b.Rule || a.Axis == "state" && b.Axis == "state" && a.Operations[0] == b.Operations[0]
}

// seeded is where what is random begins: DINGMOCK_SEED, or made up and told.
func seeded(t *testing.T) uint64 {
	t.Helper()
	if text := os.Getenv("DINGMOCK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed
	}
	seed := rand.Uint64()
	t.Logf("DINGMOCK_SEED=%d", seed)
	return seed
}

func median(list []int) int {
	slices.Sort(list)
	return list[len(list)/2]
}
