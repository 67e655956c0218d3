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
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/jsontext"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/redact"
	"github.com/dingmock/dingmock/internal/shell"
)

const remembered = 1000 // how many values are known to be secrets: the latest

var tokenReply = regexp.MustCompile(`"access_?[tT]oken"\s*:\s*"([^"]{8,})"`)

// redactor hides secrets and tokens: what stands where they stand by name, and values that are known to be one.
type redactor struct {
	mu     sync.RWMutex
	values []known // those that are pinned first
	pinned int
}

// known is a value that is a secret, in the ways in which it may be written: itself first.
type known struct{ forms []string }

func (r *redactor) hide(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(values)
	for len(r.values) > r.pinned+remembered {
		r.values = slices.Delete(r.values, r.pinned, r.pinned+1)
	}
}

// pin hides values for good, however many there are after them.
func (r *redactor) pin(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keep(values)
	r.pinned = len(r.values)
}

// keep is called with the lock held.
func (r *redactor) keep(values []string) {
	for _, v := range values {
		if len(v) >= 4 && !slices.ContainsFunc(r.values, func(k known) bool { return k.forms[0] == v }) {
			forms := []string{v, url.QueryEscape(v), url.PathEscape(v), string(bytes.Trim(jsontext.MustMarshal(v), `"`))}
			slices.Sort(forms[1:])
			forms = append(forms[:1], slices.DeleteFunc(slices.Compact(forms[1:]), func(f string) bool { return f == v })...)
			r.values = append(r.values, known{forms})
		}
	}
}

// near reports whether a value has four characters or more in common with one that is known to be a secret, in whatever case, or all
// of a shorter one: it may be made of it.
func (r *redactor) near(value string) bool {
	const run = 4
	value = strings.ToLower(value)
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range r.values {
		secret := strings.ToLower(v.forms[0])
		for i := 0; i+min(run, len(secret)) <= len(secret); i++ {
			if strings.Contains(value, secret[i:i+min(run, len(secret))]) {
				return true
			}
		}
	}
	return false
}

// learn hides the tokens of a reply from now on.
func (r *redactor) learn(body []byte) {
	for _, m := range tokenReply.FindAllSubmatch(body, -1) {
		r.hide(string(m[1]))
	}
}

// text returns a text as people are shown it: without secrets, and printable.
func (r *redactor) text(s string) string { return printable.Text(redact.Plain(r.masked(s))) }

// data returns a text without secrets, as it is otherwise, for what is read by programs.
func (r *redactor) data(s string) string { return redact.Plain(r.masked(redact.ValidUTF8(s))) }

// masked masks the secrets of a text, which need not be UTF-8, for redact.Plain to show: none but these are redact.Masked in it.
func (r *redactor) masked(s string) string { return r.mask(redact.Keep(s)) }

// mask is masked of a text that has been through redact.Keep. Where there is no secret it stays as it is.
func (r *redactor) mask(kept string) string {
	s := r.known(redact.Raw(kept, false))
	if !strings.Contains(s, redact.Masked) {
		return kept
	}
	return s
}

// known masks the values that are known to be secrets.
func (r *redactor) known(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range r.values {
		for _, form := range v.forms {
			s = strings.ReplaceAll(s, redact.Keep(form), redact.Masked)
		}
	}
	return s
}

func (r *redactor) header(name, value string) string {
	if redact.SecretHeader(name) && value != "" {
		return redact.Masked
	}
	return r.masked(value)
}

// mostCurl is how much of a body a curl line has, in bytes.
const mostCurl = 600

// curl returns the request to a URL as a line that a shell runs, its secrets variables. made reports of a value that it was made up
// and is no secret, whatever it is called, so that it stands in the line; nil: none was.
func (r *redactor) curl(req *http.Request, address url.URL, body []byte, made func(value string) bool) string {
	query := r.query(address.RawQuery, made)
	if address.ForceQuery = false; address.RawQuery != "" {
		query = "?" + query
	}
	address.User, address.RawQuery = nil, ""
	target := r.mask(redact.Keep(address.String()) + query)
	if made != nil {
		target = r.mask(redact.Keep(address.String())) + query
	}
	line := shell.Curl{URL: target, Method: req.Method, Header: http.Header{}, Include: true}
	unsaid := req.ContentLength == 0 && req.Body != nil && req.Body != http.NoBody // of a client's request
	line.Chunked = req.ContentLength < 0 || unsaid && len(body) > 0
	line.Empty = len(body) == 0 && (req.Header.Get("Content-Length") == "0" || slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, req.Method))
	for name, values := range req.Header {
		if name == "Content-Length" || name == "Accept-Encoding" { // which curl says itself
			continue
		}
		for _, value := range values {
			if made != nil && strings.EqualFold(name, "X-Acs-Dingtalk-Access-Token") && made(value) {
				line.Header[name] = append(line.Header[name], redact.Keep(value))
				continue
			}
			line.Header[name] = append(line.Header[name], r.header(name, value))
		}
	}
	line.Body = r.body(string(body), made)
	if len(body) > mostCurl {
		line.Body = r.masked(string(body[:mostCurl]))
		line.Lacks = fmt.Sprintf("the body's bytes beyond %d of %d", mostCurl, len(body))
	}
	if line.Lacks == "" && !redact.Spelt(line.Body, redact.Keep(string(body))) {
		line.Lacks = redact.Misspelt
	}
	return line.String()
}

// query masks the secrets of a query or a form. Of a value that has a secret and more, the more is shown: it was made of it.
func (r *redactor) query(raw string, made func(value string) bool) string {
	parts := strings.Split(raw, "&")
	for i, part := range parts {
		kept := redact.Keep(part)
		parts[i] = redact.Query(kept)
		known := r.known(kept)
		_, value, named := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		if made != nil && (parts[i] == kept || named && err == nil && (made(value) || known != kept)) {
			parts[i] = known
		}
	}
	return strings.Join(parts, "&")
}

// namedSecret is a field of JSON that is called as a secret is.
var namedSecret = regexp.MustCompile(`"(?:[A-Za-z_]*[sS]ecret|access_?[tT]oken)"\s*:\s*"([^"\\]*)"`)

// body masks the secrets of a body. Of a form it is query; of JSON, what was made up and what is more than a secret is shown where that
// is so of each field that is called as a secret is; of any other body all is masked that may be one.
func (r *redactor) body(text string, made func(value string) bool) string {
	masked := r.masked(text)
	if made == nil || !strings.Contains(masked, redact.Masked) {
		return masked
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") && strings.Contains(text, "=") {
		return r.query(text, made)
	}
	kept := redact.Keep(text)
	known := r.known(kept)
	for _, m := range namedSecret.FindAllStringSubmatch(text, -1) {
		if !made(m[1]) && r.known(redact.Keep(m[1])) == redact.Keep(m[1]) {
			return masked
		}
	}
	if namedSecret.MatchString(text) && redact.Spelt(masked, kept) {
		return known
	}
	return masked
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
