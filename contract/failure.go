package contract

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// failure makes the report of a broken rule.
func (c *trial) failure(b *stop) *Failure {
	f := &Failure{Rule: c.Rule, Level: c.Level, Diff: c.rec.redact.text(b.diff), Before: c.rec.redact.text(b.before), Way: c.rec.redact.text(b.way), At: b.at}
	x := b.x
	if x == nil {
		if list := c.rec.exchanges(); len(list) > 0 {
			x = list[len(list)-1]
		}
	}
	if x != nil {
		f.Request = c.line(x)
		f.Reply = c.replyText(x)
	}
	if k := b.finding.Kind; f.Before == "" && (k == KindValue || k == KindState || k == KindBehaviour || k == KindRefused) {
		f.Before = c.linesBefore(x)
	}
	return f
}

// linesBefore are the calls of the case before that one, the last of them, if there were others than those for a token.
func (c *trial) linesBefore(x *Exchange) string {
	const most = 6
	list := c.rec.exchanges()
	if x != nil {
		list = list[:max(0, slices.IndexFunc(list, func(y *Exchange) bool { return y.Request == x.Request }))]
	}
	if !slices.ContainsFunc(list, func(y *Exchange) bool { return y.Parsed.Operation == nil || tokenOf(y.Parsed.Operation) != "" }) {
		return ""
	}
	var lines []string
	if n := len(list) - most; n > 0 {
		lines, list = append(lines, plural(n, "more call")), list[n:]
	}
	for _, y := range list {
		lines = append(lines, c.line(y))
	}
	return strings.Join(lines, "\n")
}

// madeUp reports whether a value is none of the target's: it has nothing in common with a known secret, and no reply had it. A wrong
// secret of this kind stands in a curl line as it was sent, for the line to show what it showed.
func (c *trial) madeUp(value string) bool {
	if c.runner.options.Driver != nil || c.rec.redact.near(value) {
		return false
	}
	return !slices.ContainsFunc(c.rec.exchanges(), func(x *Exchange) bool { return len(value) > 1 && bytes.Contains(x.Body, []byte(value)) })
}

func (c *trial) line(x *Exchange) string {
	address := *x.Request.URL
	if address.Host == "" || c.runner.target.Handler != nil {
		address.Scheme, address.Host = "http", "localhost"
	}
	return c.rec.redact.curl(x.Request, address, x.Sent, c.madeUp)
}

func (c *trial) replyText(x *Exchange) string {
	if x.Response == nil {
		return c.rec.redact.text(unanswered(x.Err))
	}
	return fmt.Sprintf("HTTP %d, %s\n%s", x.Response.StatusCode, c.rec.redact.text(x.Response.Header.Get("Content-Type")), c.shown(string(x.Body), 2000))
}

// plain returns an error without the URL that net/http puts in front: it may hold secrets.
func plain(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}
