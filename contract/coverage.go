package contract

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/dingmock/dingmock"
)

// Coverage is which parts of the document a run has exercised. It is safe for several goroutines.
type Coverage struct {
	doc *dingmock.Document

	mu   sync.Mutex
	hits map[Item]int
}

// Item is one part of the document that a run can exercise.
type Item struct {
	Kind      string `json:"kind"`                // operation, reply, error, parameter
	Operation string `json:"operation,omitempty"` // "" for the paths that are no operation's
	Name      string `json:"name,omitempty"`      // of a reply its HTTP status, or "success"; of an error or a parameter its name
	Side      string `json:"side,omitempty"`      // of a parameter: valid or invalid
}

// String returns the item as one line.
func (i Item) String() string {
	text := i.Kind
	for _, part := range []string{i.Operation, i.Name, i.Side} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

func newCoverage(doc *dingmock.Document) *Coverage {
	c := &Coverage{doc: doc, hits: map[Item]int{}}
	for _, op := range doc.Operations() {
		c.hits[Item{Kind: "operation", Operation: op.ID}] = 0
		for _, reply := range op.Replies {
			c.hits[Item{Kind: "reply", Operation: op.ID, Name: strconv.Itoa(reply.Status)}] = 0
			if reply.Status == http.StatusOK {
				c.hits[Item{Kind: "reply", Operation: op.ID, Name: "success"}] = 0
			}
			for _, name := range reply.Errors {
				c.hits[Item{Kind: "error", Operation: op.ID, Name: name}] = 0
			}
		}
		for _, name := range parameterNames(op) {
			c.hits[Item{"parameter", op.ID, name, "valid"}] = 0
			c.hits[Item{"parameter", op.ID, name, "invalid"}] = 0
		}
	}
	for _, f := range doc.Families() {
		c.hits[Item{Kind: "error", Name: f.Answers["unknown-path"]}] = 0
	}
	return c
}

// parameterNames returns the names of the operation's parameters, body fields and credentials.
func parameterNames(op *dingmock.Operation) []string {
	var names []string
	for _, p := range op.Parameters {
		names = append(names, p.Name)
	}
	for _, set := range op.Security {
		for _, c := range set {
			names = append(names, c.Name)
		}
	}
	return names
}

// hit counts an item that the document has.
func (c *Coverage) hit(i Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.hits[i]; ok {
		c.hits[i]++
	}
}

// add counts what an exchange exercises.
func (c *Coverage) add(x *Exchange) {
	op, q := "", x.Parsed
	if q.Operation != nil {
		op = q.Operation.ID
		c.hit(Item{Kind: "operation", Operation: op})
		if len(x.Violations) == 0 {
			c.hit(Item{Kind: "reply", Operation: op, Name: strconv.Itoa(x.Response.StatusCode)})
			if x.Error == nil && x.Response.StatusCode == http.StatusOK {
				c.hit(Item{Kind: "reply", Operation: op, Name: "success"})
			}
		}
	}
	if x.Error != nil && len(x.Violations) == 0 {
		c.hit(Item{Kind: "error", Operation: op, Name: x.Error.Name})
	}
	if q.Operation == nil {
		return
	}
	wrong := map[string]bool{}
	for _, v := range q.Violations {
		switch v.Kind {
		case dingmock.KindMissingParameter, dingmock.KindInvalidParameter:
			wrong[v.Name()] = true
		case dingmock.KindMissingCredential:
			for _, set := range q.Operation.Security {
				for _, credential := range set {
					if q.Value(credential.Name) == "" {
						wrong[credential.Name] = true
					}
				}
			}
		}
	}
	for _, name := range parameterNames(q.Operation) {
		switch _, given := q.Values[name]; {
		case wrong[name]:
			c.hit(Item{"parameter", op, name, "invalid"})
		case given:
			c.hit(Item{"parameter", op, name, "valid"})
		}
	}
}

// Merge adds what another run of the same document has exercised.
func (c *Coverage) Merge(other *Coverage) {
	other.mu.Lock()
	hits := maps.Clone(other.hits)
	other.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, n := range hits {
		c.hits[i] += n
	}
}

// Items returns all items, sorted, and how often each was exercised.
func (c *Coverage) Items() ([]Item, map[Item]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.SortedFunc(maps.Keys(c.hits), func(a, b Item) int {
		return cmp.Or(cmp.Compare(kindRank(a.Kind), kindRank(b.Kind)), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Name, b.Name), cmp.Compare(b.Side, a.Side))
	}), maps.Clone(c.hits)
}

func kindRank(kind string) int {
	return slices.Index([]string{"operation", "reply", "error", "parameter"}, kind)
}

// Missing returns the items that were never exercised.
func (c *Coverage) Missing() []Item {
	items, hits := c.Items()
	return slices.DeleteFunc(items, func(i Item) bool { return hits[i] > 0 })
}

// Percent returns how much of the document was exercised, from 0 to 100.
func (c *Coverage) Percent() float64 {
	items, _ := c.Items()
	return 100 * float64(len(items)-len(c.Missing())) / float64(max(1, len(items)))
}

// Unlisted returns the errors of the document that no operation and no unknown path answers, so that no request of
// the document's can show them.
func (c *Coverage) Unlisted() []string {
	items, _ := c.Items()
	var names []string
	for _, e := range c.doc.ErrorReplies() {
		if !slices.ContainsFunc(items, func(i Item) bool { return i.Kind == "error" && i.Name == e.Name }) {
			names = append(names, e.Name)
		}
	}
	return names
}
