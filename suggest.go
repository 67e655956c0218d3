package dingmock

import (
	"strings"
	"sync"

	"github.com/dingmock/dingmock/catalogue/paths"
	"github.com/dingmock/dingmock/internal/nearest"
)

// suggestions holds the paths that may be suggested, and the suggestions made so far, because the same wrong path tends to come
// again and again.
type suggestions struct {
	once  sync.Once
	paths []suggestion

	mu    sync.Mutex
	known map[string]string
}

// suggestion is a path of DingTalk; plain is the form that is compared.
type suggestion struct{ path, id, plain string }

// remembered is the number of paths whose suggestions are kept.
const remembered = 1000

// suggest returns "; did you mean …?" with the path of DingTalk that is nearest to an unknown path, or "" if none is near.
// It never suggests a path that was only guessed.
func (d *Document) suggest(path string) string {
	const longest = 200 // bytes; no path of DingTalk is nearly as long
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
	for old := range s.known { // drop any: nobody knows which will be needed again
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
		// Among equally near paths, prefer the one in the same dialect.
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

// The parts that are easily left out of a path, or put in by mistake.
const (
	topapi = "/topapi/"
	v2     = "/v2/"
)

// mistakes returns how many letters of a path may be wrong for another path to be suggested.
func mistakes(path string) int { return min(3, len(path)/6) }

// plainPath removes what is easily mistaken: case, extra slashes, and the parts topapi and v2.
func plainPath(path string) string {
	path = strings.ToLower(path)
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	path = strings.TrimSuffix(path, "/")
	return strings.Replace(strings.Replace(path, topapi, "/", 1), v2, "/", 1)
}
