package mockserver

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/dingmock/dingmock/mockserver/api"
)

// pageLimit is the number of items on a page if the query gives none.
const pageLimit = 1000

// limit returns the maximum number of items on the requested page.
func (c *controlCall) limit() int {
	if n := int(c.number("limit")); n > 0 {
		return n
	}
	return pageLimit
}

// newest reports whether the newest items are to come first.
func (c *controlCall) newest() bool { return c.Value("order") == "newest" }

// cursor returns where the requested list continues, "" for its beginning. of names the list and the sequence that
// it counts in. The cursor of another list is rejected, because the page would lack some items and repeat others.
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

// after is like cursor, for a list that continues after a number.
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

// nextCursor returns the cursor at which the list continues, "" if it does not.
func nextCursor(of, at string) string {
	if at == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(of + " " + at))
}

// nextAfter is like nextCursor, for a list that continues after a number; 0 means that it does not.
func nextAfter(of string, n int64) string {
	if n == 0 {
		return ""
	}
	return nextCursor(of, strconv.FormatInt(n, 10))
}
