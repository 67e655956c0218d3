package dingmock

import (
	"strings"
	"sync"

	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/nearest"
)

// suggestions are what may be suggested, and what was: the same wrong path comes again and again.
type suggestions struct {
	once  sync.Once
	paths []suggestion

	mu    sync.Mutex
	known map[string]string
}

// suggestion is a path of DingTalk, and what of it is compared.
type suggestion struct{ path, id, plain string }

// remembered is for how many paths a suggestion is kept.
const remembered = 1000

// suggest returns "; did you mean …?" with the path of DingTalk that is nearest to one that it does not have, or "" where
// none is near. A path that was only guessed is never suggested.
func (d *Document) suggest(path string) string {
	const longest = 200 // bytes; far beyond the paths of DingTalk
	if len(path) > longest {
		return ""
	}
	s := &d.suggested
	s.mu.Lock()
	text, ok := s.known[path]
	s.mu.Unlock()
	if ok {
		return text
	}
	text = d.likeliest(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]string{}
	}
	for old := range s.known { // any: which is asked for again nobody can know
		if len(s.known) < remembered {
			break
		}
		delete(s.known, old)
	}
	s.known[path] = text
	return text
}

func (s *suggestions) all(d *Document) []suggestion {
	s.once.Do(func() {
		for _, op := range d.operations {
			s.paths = append(s.paths, suggestion{op.Path, op.ID, plainPath(op.Path)})
		}
		for _, c := range paths.All() {
			if !c.Guessed {
				s.paths = append(s.paths, suggestion{c.Path, c.ID, plainPath(c.Path)})
			}
		}
	})
	return s.paths
}

func (d *Document) likeliest(path string) string {
	wrong := plainPath(path)
	var best suggestion
	most, least := mistakes(wrong), 1<<30
	for _, x := range d.suggested.all(d) {
		far := nearest.Distance(wrong, x.plain, most)
		if far < 0 {
			continue
		}
		// Of those that are as near, the one in the same dialect is meant.
		rank := 4 * far
		if strings.HasPrefix(path, topapi) != strings.HasPrefix(x.path, topapi) {
			rank += 2
		}
		if strings.Contains(path, v2) != strings.Contains(x.path, v2) {
			rank++
		}
		if rank < least {
			best, most, least = x, far, rank
		}
	}
	if best.path == "" {
		return ""
	}
	return "; did you mean " + best.path + " (" + best.id + ")?"
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
