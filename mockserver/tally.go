package mockserver

import (
	"cmp"
	"slices"
	"sync"

	"github.com/dingmock/dingmock"
)

// NoApp is the name under which calls stand that reached no app.
const NoApp = "_"

// tallyRows is how many different violations are told apart for one app; those beyond are counted together.
const tallyRows = 1000

// Tally is how often an app's calls broke the document in one way.
type Tally struct {
	App string `json:"app"` // NoApp for calls that reached none
	dingmock.Violation
	Count int    `json:"count"`
	First string `json:"first"` // the first such call: method, path, answer
}

// tally counts violations. It outlives the apps.
type tally struct {
	mu   sync.Mutex
	apps map[string]map[tallyKey]*Tally
}

type tallyKey struct{ operation, rule, pointer string }

func (t *tally) add(app string, list []dingmock.Violation, first string) {
	if len(list) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.apps == nil {
		t.apps = map[string]map[tallyKey]*Tally{}
	}
	rows := t.apps[app]
	if rows == nil {
		rows = map[tallyKey]*Tally{}
		t.apps[app] = rows
	}
	for _, v := range list {
		key := tallyKey{v.Operation, v.Rule, v.Pointer}
		row := rows[key]
		if row == nil && len(rows) >= tallyRows {
			key.pointer, v.Pointer, v.Found = "", "", "too many different violations to tell apart"
			row = rows[key]
		}
		if row == nil {
			row = &Tally{App: app, Violation: v, First: first}
			rows[key] = row
		}
		row.Count++
	}
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
			all = append(all, *row)
		}
	}
	slices.SortFunc(all, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Pointer, b.Pointer))
	})
	return all
}
