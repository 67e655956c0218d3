package contract

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ReadKnown reads a list of known failures: an id a line; empty lines and what follows a # are passed over. An id
// of no case is an error, with the line.
func ReadKnown(r io.Reader) ([]string, error) {
	cases, err := Cases()
	if err != nil {
		return nil, err
	}
	var list []string
	scanner := bufio.NewScanner(r)
	for line := 1; scanner.Scan(); line++ {
		id, _, _ := strings.Cut(scanner.Text(), "#")
		if id = strings.TrimSpace(id); id == "" {
			continue
		}
		if !slices.ContainsFunc(cases, func(c Case) bool { return c.ID == id }) {
			return nil, fmt.Errorf("line %d: there is no case %q", line, id)
		}
		list = append(list, id)
	}
	return list, scanner.Err()
}
