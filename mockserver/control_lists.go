package mockserver

import (
	"cmp"
	"encoding/base64"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/mockserver/api"
)

// pageLimit is how many items a page of a list has where the query says nothing.
const pageLimit = 1000

// newLife names a life: what counts from 1 in it counts from 1 again in the next, of another name.
func newLife() string { return strconv.FormatUint(rand.Uint64(), 36) }

// page returns at most limit of the items that are there, of a list that is sorted by number: those after a number, and the
// number to go on after, which is 0 where there are no more. Newest first, they are those before a number, or, of 0, the last.
func page[T any](sorted []T, number func(T) int64, there func(T) bool, after int64, limit int, newest bool) (list []T, next int64) {
	at, found := slices.BinarySearchFunc(sorted, after, func(x T, n int64) int { return cmp.Compare(number(x), n) })
	step := 1
	switch {
	case newest && after == 0:
		at, step = len(sorted)-1, -1
	case newest:
		at, step = at-1, -1
	case found:
		at++
	}
	for ; 0 <= at && at < len(sorted); at += step {
		if !there(sorted[at]) {
			continue
		}
		if len(list) == limit {
			return list, number(list[limit-1])
		}
		list = append(list, sorted[at])
	}
	return list, 0
}

// limit is how many items the page that is asked for has at most.
func (c *controlCall) limit() int {
	if n := int(c.number("limit")); n > 0 {
		return n
	}
	return pageLimit
}

// newest reports whether the latest of a list is asked for first.
func (c *controlCall) newest() bool { return c.Value("order") == "newest" }

// cursor returns where the list that is asked for goes on, "" where it begins. of names the list and the life that it
// counts in: a cursor of another is refused, since the page would lack some and have others twice.
func (c *controlCall) cursor(of string) (string, error) {
	text := c.Value("cursor")
	if text == "" {
		return "", nil
	}
	data, err := base64.RawURLEncoding.DecodeString(text)
	list, at, found := strings.Cut(string(data), " ")
	if err != nil || !found || at == "" || list != of {
		return "", badCursor("the cursor is of another list, or of an app that was made anew since: begin again without it")
	}
	return at, nil
}

// after is the cursor of a list that goes on after a number.
func (c *controlCall) after(of string) (int64, error) {
	at, err := c.cursor(of)
	if at == "" || err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return 0, badCursor("the cursor is none that a page has given")
	}
	return n, nil
}

func badCursor(detail string) *api.Problem {
	p := problemOf(http.StatusBadRequest, detail)
	p.Field, p.Accepted = "/query/cursor", "next of the page before, of the same list in the same order"
	return p
}

// nextCursor is what a page says of where the list goes on: "" where it does not.
func nextCursor(of, at string) string {
	if at == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(of + " " + at))
}

// nextAfter is the same for a list that goes on after a number; 0 is for one that does not.
func nextAfter(of string, n int64) string {
	if n == 0 {
		return ""
	}
	return nextCursor(of, strconv.FormatInt(n, 10))
}
