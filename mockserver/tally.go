package mockserver

import (
	"cmp"
	"slices"
	"sync"

	"github.com/dingmock/dingmock"
)

// NoApp is the name under which calls stand that reached no app.
const NoApp = "_"

const (
	tallyRows = 1000   // different violations that are told apart for one app; those beyond are counted together
	tallyApps = 10_000 // apps whose violations are told apart; those of apps beyond are counted together as manyApps
)

// manyApps is the name under which violations stand of apps beyond those that are told apart.
const manyApps = "~"

// Tally is how often an app's calls broke the document in one way.
type Tally struct {
	App string `json:"app"` // NoApp for calls that reached none
	dingmock.Violation
	Count    int    `json:"count"`
	First    *Entry `json:"first"`              // the first such call
	Pardoned bool   `json:"pardoned,omitempty"` // listed, but not held against the verdict
}

// tally counts violations. It outlives the apps.
type tally struct {
	mu   sync.Mutex
	apps map[string]map[tallyKey]*Tally
}

// tallyKey tells violations apart. The path of an unknown one is part of it.
type tallyKey struct{ operation, rule, pointer, path string }

func (t *tally) add(app string, pardoned bool, list []dingmock.Violation, first *Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.apps == nil {
		t.apps = map[string]map[tallyKey]*Tally{}
	}
	rows := t.apps[app]
	if rows == nil && len(t.apps) >= tallyApps {
		app = manyApps
		rows = t.apps[app]
	}
	if rows == nil {
		rows = map[tallyKey]*Tally{}
		t.apps[app] = rows
	}
	for _, v := range list {
		key := tallyKey{operation: v.Operation, rule: v.Rule, pointer: v.Pointer}
		if v.Rule == dingmock.RuleUnknownPath {
			key.path = v.Found
		}
		row := rows[key]
		if row == nil && len(rows) >= tallyRows {
			key.pointer, key.path, v.Pointer, v.Found = "", "", "", "too many different violations to tell apart"
			row = rows[key]
		}
		if row == nil {
			row = &Tally{App: app, Violation: v, First: first, Pardoned: pardoned}
			rows[key] = row
		}
		row.Count++
		row.Pardoned = row.Pardoned && pardoned
	}
}

// knows reports whether the app has rows.
func (t *tally) knows(app string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.apps[app]) > 0
}

// clear forgets the rows of one app.
func (t *tally) clear(app string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.apps, app)
}

// list returns the rows of one app, or of all where app is "", sorted.
func (t *tally) list(app string) []Tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []Tally
	for name, rows := range t.apps {
		if app != "" && name != app {
			continue
		}
		for _, row := range rows {
			shown := *row
			shown.First = row.First.shown()
			all = append(all, shown)
		}
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Found, b.Found))
	})
	return all
}
