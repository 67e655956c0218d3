package journal

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/api"
)

// tallyRows is how many different violations of one app are told apart; further ones are counted together.
const tallyRows = 1000

// AppsCounted is how many apps are known by name to have called. Of further apps only the number of their calls is
// known.
const AppsCounted = 100_000

// Limits over all apps. Above them, violations are counted under api.NoApp, in rows that belong to every app's
// verdict: it may then be red because of another app's calls, but is never green despite its own.
const (
	tallyRowsOfAll  = 20_000
	tallyBytesOfAll = 64 << 20 // of the first exchanges; above, they are kept without headers and bodies
)

// row is an api.ViolationCount with what the tally needs besides.
type row struct {
	api.ViolationCount
	first  *Call
	varied bool // whether Found differed between its violations
}

// Tally counts calls and violations. It outlives the apps and is safe for concurrent use.
type Tally struct {
	mu    sync.Mutex
	calls map[string]int // by app
	more  int            // calls of the apps beyond AppsCounted
	apps  map[string]map[tallyKey]*row
	rest  map[tallyKey]*row // rows beyond tallyRowsOfAll
	rows  int               // without rest
	bytes int               // of the first exchanges
}

// tallyKey tells violations apart. For an unknown path it includes the path.
type tallyKey struct {
	operation, rule, pointer, path string
	level                          dingmock.Level
}

// CountCall counts a call.
func (t *Tally) CountCall(app string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls == nil {
		t.calls = map[string]int{}
	}
	if _, known := t.calls[app]; !known && len(t.calls) >= AppsCounted {
		t.more++
		return
	}
	t.calls[app]++
}

// Add counts the violations of a call of an app; ignored says whether they are ignored. It keeps the call for
// those violations that are the first of their kind.
func (t *Tally) Add(app string, ignored bool, list []dingmock.Violation, first *Call) {
	if len(list) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.apps == nil {
		t.apps = map[string]map[tallyKey]*row{}
	}
	for _, v := range list {
		key := tallyKey{operation: v.Operation, rule: v.Kind, pointer: v.Pointer, level: v.Level}
		if v.Kind == dingmock.KindUnknownPath {
			key.path = v.Found
		}
		rows, name, counted := t.apps[app], app, 1
		if rows[key] == nil && len(rows) >= tallyRows {
			key.pointer, key.path, v.Pointer, v.Found = "", "", "", "too many different violations to tell apart"
		}
		if rows[key] == nil && t.rows >= tallyRowsOfAll {
			if t.rest == nil {
				t.rest = map[tallyKey]*row{}
			}
			rows, name, counted = t.rest, api.NoApp, 0
			key.pointer, key.path, v.Pointer, v.Found = "", "", "", "too many violations of too many apps to tell apart"
		}
		x := rows[key]
		if x == nil {
			if rows == nil {
				rows = map[tallyKey]*row{}
				t.apps[app] = rows
			}
			x = &row{ViolationCount: api.ViolationCount{App: name, Violation: v, Ignored: ignored}, first: t.keep(first)}
			rows[key] = x
			t.rows += counted
		}
		x.Count++
		x.varied = x.varied || x.Found != v.Found
		x.Ignored = x.Ignored && ignored
	}
}

// keep returns the entry, or a copy without headers and bodies if the kept ones would exceed tallyBytesOfAll. The
// caller holds the lock.
func (t *Tally) keep(e *Call) *Call {
	if t.bytes+e.weight > tallyBytesOfAll {
		light := *e
		light.Request.Header, light.Request.Body, light.Reply.Body, light.Parameters, light.whole, light.Violations = nil, "", "", nil, nil, nil
		light.Request.URL, _, _ = strings.Cut(light.Request.URL, "?")
		light.weight = 0
		return &light
	}
	t.bytes += e.weight
	return e
}

// Knows reports whether the app has called.
func (t *Tally) Knows(app string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[app] > 0
}

// Calls returns the number of calls of each app, and the number of calls of the apps beyond AppsCounted.
func (t *Tally) Calls() (calls map[string]int, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.calls), t.more
}

// Clear removes the calls and the rows of one app; for api.NoApp also those that could not be told apart.
func (t *Tally) Clear(app string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.calls, app)
	cleared := []map[tallyKey]*row{t.apps[app]}
	t.rows -= len(t.apps[app])
	delete(t.apps, app)
	if app == api.NoApp {
		cleared = append(cleared, t.rest)
		t.rest, t.more = nil, 0
	}
	for _, rows := range cleared {
		for _, x := range rows {
			t.bytes -= x.first.weight
		}
	}
}

// List returns the rows of the apps for which asked returns true, sorted. Rows that could not be told apart belong
// to every app.
func (t *Tally) List(asked func(app string) bool) []api.ViolationCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []api.ViolationCount
	add := func(rows map[tallyKey]*row) {
		for _, x := range rows {
			all = append(all, x.shown())
		}
	}
	for name, rows := range t.apps {
		if asked(name) {
			add(rows)
		}
	}
	add(t.rest)
	slices.SortFunc(all, func(a, b api.ViolationCount) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Found, b.Found))
	})
	return all
}

// shown returns the row as the control API answers it.
func (x *row) shown() api.ViolationCount {
	shown := x.ViolationCount
	shown.First = x.first.Shown()
	if x.varied {
		shown.Found += " and others"
	}
	return shown
}
