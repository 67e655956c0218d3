package mockserver

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/mockserver/api"
)

// pageLimit is how many items a page of a list has where the query says nothing.
const pageLimit = 1000

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
