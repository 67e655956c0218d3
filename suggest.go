package dingmock

import (
	"strings"
	"sync"

	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/nearest"
)

// suggestions remembers what was suggested for a path: the same wrong one comes again and again.
type suggestions struct {
	mu    sync.Mutex
	known map[string]string
}

// remembered is for how many paths a suggestion is kept.
const remembered = 1000

// suggest returns "; did you mean …?" with the path of DingTalk that is nearest to one that it does not have, or "" where
// none is near. A path that was only guessed is never suggested.
func (d *Document) suggest(path string) string {
	const longest = 200 // bytes; far beyond the paths of DingTalk
	if len(path) > longest {
		return ""
	}
	d.suggested.mu.Lock()
	defer d.suggested.mu.Unlock()
	text, ok := d.suggested.known[path]
	if !ok {
		if len(d.suggested.known) >= remembered {
			d.suggested.known = nil
		}
		if d.suggested.known == nil {
			d.suggested.known = map[string]string{}
		}
		text = d.likeliest(path)
		d.suggested.known[path] = text
	}
	return text
}

func (d *Document) likeliest(path string) string {
	wrong := plainPath(path)
	best, name, most, least := "", "", mistakes(wrong), 1<<30
	consider := func(candidate, id string) {
		far := nearest.Distance(wrong, plainPath(candidate), most)
		if far < 0 {
			return
		}
		// Of those that are as near, the one in the same dialect is meant.
		rank := 4 * far
		if strings.HasPrefix(path, topapi) != strings.HasPrefix(candidate, topapi) {
			rank += 2
		}
		if strings.Contains(path, v2) != strings.Contains(candidate, v2) {
			rank++
		}
		if rank < least {
			best, name, most, least = candidate, id, far, rank
		}
	}
	for _, op := range d.operations {
		consider(op.Path, op.ID)
	}
	for _, c := range paths.All() {
		if !c.Guessed {
			consider(c.Path, c.ID)
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + " (" + name + ")?"
}

// What is easily left out of a path, or put there.
const (
	topapi = "/topapi/"
	v2     = "/v2/"
)

// mistakes is how many letters of a path may be wrong for another to be meant.
func mistakes(path string) int { return min(3, len(path)/6) }

// plainPath leaves out what is easily mistaken: case, slashes too many, and what stands in front.
func plainPath(path string) string {
	path = strings.ToLower(path)
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	path = strings.TrimSuffix(path, "/")
	return strings.Replace(strings.Replace(path, topapi, "/", 1), v2, "/", 1)
}
