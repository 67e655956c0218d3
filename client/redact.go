package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// masked replaces a secret or a token.
const masked = "***"

var (
	// assigned finds the value of a name that ends in token or secret: in a query or in JSON, even if escaped or cut off.
	assigned = regexp.MustCompile(`(?i)((?:access_?token|secret)(?:\\*["']|&quot;|&#34;|%22)?\s*(?:[:=]|%3a|%3d)\s*\[?\s*(?:\\*["']|&quot;|&#34;|%22)?)[^\s"'&<>,;})\]\\]+`)

	// opaque finds what may be a token, judging by its form.
	opaque = regexp.MustCompile(`[0-9A-Za-z_-]{16,}`)
)

// mask hides the client's secrets, its token and the tokens given, in every way that they may be escaped, and every value whose
// name ends in token or secret.
func (c *Client) mask(text string, tokens ...string) string {
	var pairs []string
	for _, secret := range c.known(tokens) {
		quoted, _ := json.Marshal(secret)
		for _, form := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), string(quoted[1 : len(quoted)-1]),
		} {
			pairs = append(pairs, form, masked)
		}
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	return assigned.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(found, masked) {
			return found
		}
		return assigned.ReplaceAllString(found, "${1}"+masked)
	})
}

// known returns the client's secrets, the tokens given and the token held, longest first.
func (c *Client) known(tokens []string) []string {
	list := slices.Concat(c.secrets, tokens)
	if h := c.cache.peek(); h != nil {
		list = append(list, h.Value)
	}
	list = slices.DeleteFunc(list, func(s string) bool { return s == "" })
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return list
}

// scrub makes an error safe to return. If any text of err shows a secret, it returns a substitute that does not unwrap to err.
// If only its text is not printable, it returns an error with a printable text that wraps err. Otherwise it returns err.
func (c *Client) scrub(err error, tokens ...string) error {
	switch {
	case c.leaks(err, tokens):
	case err == nil || printableLine(err.Error()) == err.Error():
		return err
	default:
		return &reworded{text: printableLine(err.Error()), err: err}
	}
	var slow interface{ Timeout() bool }
	return &scrubbed{
		text:    printableLine(c.mask(err.Error(), tokens...)),
		is:      func(target error) bool { return errors.Is(err, target) },
		timeout: errors.As(err, &slow) && slow.Timeout(),
	}
}

func (c *Client) leaks(err error, tokens []string) bool {
	if err == nil {
		return false
	}
	data, _ := json.Marshal(err)
	text := fmt.Sprintf("%v\n%+v\n%#v\n%s", err, err, err, data)
	if c.mask(text, tokens...) != text {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // it takes what is wrapped apart itself
	case interface{ Unwrap() error }:
		return c.leaks(e.Unwrap(), tokens)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return c.leaks(err, tokens) })
	}
	return false
}

// scrubbed replaces an error that shows a secret. errors.Is finds the same errors in it, but it does not unwrap to the original.
type scrubbed struct {
	text    string
	is      func(error) bool
	timeout bool
}

func (e *scrubbed) Error() string        { return e.text }
func (e *scrubbed) GoString() string     { return fmt.Sprintf("%q", e.text) }
func (e *scrubbed) Is(target error) bool { return e.is(target) }
func (e *scrubbed) Timeout() bool        { return e.timeout }

// reworded wraps an error whose text is not printable.
type reworded struct {
	text string
	err  error
}

func (e *reworded) Error() string    { return e.text }
func (e *reworded) GoString() string { return fmt.Sprintf("%q", e.text) }
func (e *reworded) Unwrap() error    { return e.err }

// excerpt returns the beginning of a text from the other side, at most n bytes of it, with secrets and tokens masked.
func (c *Client) excerpt(text string, n int, tokens ...string) string {
	return cut(c.mask(text[:min(len(text), 64<<10)], tokens...), n)
}

// cut shortens text to at most n bytes of whole characters, and marks a cut with an ellipsis.
func cut(text string, n int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= n {
		return text
	}
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
