package contract

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
)

const remembered = 1000 // how many values are known to be secrets: the latest

var tokenReply = regexp.MustCompile(`"access_?[tT]oken"\s*:\s*"([^"]{8,})"`)

// redactor hides secrets and tokens: what stands where they stand by name, and values that are known to be one.
type redactor struct {
	mu     sync.RWMutex
	values []known
}

// known is a value that is a secret, in the ways in which it may be written: itself first.
type known struct{ forms []string }

func (r *redactor) hide(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		if len(v) >= 4 && !slices.ContainsFunc(r.values, func(k known) bool { return k.forms[0] == v }) {
			forms := []string{v, url.QueryEscape(v), url.PathEscape(v), string(bytes.Trim(encodeJSON(v), `"`))}
			slices.Sort(forms[1:])
			forms = append(forms[:1], slices.DeleteFunc(slices.Compact(forms[1:]), func(f string) bool { return f == v })...)
			r.values = append(r.values, known{forms})
			if len(r.values) > remembered {
				r.values = slices.Delete(r.values, 0, 1)
			}
		}
	}
}

// learn hides the tokens of a reply from now on.
func (r *redactor) learn(body []byte) {
	for _, m := range tokenReply.FindAllSubmatch(body, -1) {
		r.hide(string(m[1]))
	}
}

func (r *redactor) text(s string) string {
	s = redact.Text(s)
	if r == nil {
		return s
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range r.values {
		for _, form := range v.forms {
			s = strings.ReplaceAll(s, form, redact.Masked)
		}
	}
	return s
}

func (r *redactor) header(name, value string) string {
	if redact.SecretHeader(name) && value != "" {
		return redact.Masked
	}
	return r.text(value)
}

// curl returns the request to a URL as a line that a shell runs, its secrets variables.
func (r *redactor) curl(req *http.Request, address url.URL, body []byte) string {
	address.User = nil
	address.RawQuery = redact.Query(address.RawQuery)
	line := shell.Curl{URL: r.text(address.String()), Method: req.Method, Header: http.Header{}, Include: true, Chunked: len(body) > 0 && (req.ContentLength < 0 || req.ContentLength == 0 && req.Body != nil)}
	for name, values := range req.Header {
		if name == "Content-Length" || name == "Accept-Encoding" { // which curl says itself
			continue
		}
		for _, value := range values {
			line.Header[name] = append(line.Header[name], r.header(name, value))
		}
	}
	text := redact.ValidUTF8(string(body))
	switch line.Body = r.text(text); {
	case len(body) > 600:
		line.Body = r.text(excerpt(body, 600))
	case line.Body == text:
		line.Body = string(body) // bytes that are not UTF-8 are sent as they were
	}
	return line.String()
}

// excerpt returns the text, of which at most so many bytes are shown; bytes that are not UTF-8 as \x...
func excerpt(body []byte, most int) string {
	cut := ""
	if len(body) > most {
		cut = fmt.Sprintf("… (%d bytes in all)", len(body))
		body = body[:most]
		for len(body) > 0 && !utf8.RuneStart(body[len(body)-1]) {
			body = body[:len(body)-1]
		}
	}
	var b strings.Builder
	for len(body) > 0 {
		c, n := utf8.DecodeRune(body)
		if c == utf8.RuneError && n <= 1 {
			fmt.Fprintf(&b, `\x%02x`, body[0])
		} else {
			b.Write(body[:n])
		}
		body = body[max(n, 1):]
	}
	return b.String() + cut
}

// printable is a text on one line, without what a terminal or a pipeline might take for a command.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return utf8.RuneError
		}
		return r
	}, s)
}
