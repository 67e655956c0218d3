package contract

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dingmock/dingmock/internal/shell"
)

const (
	hidden     = "***"
	remembered = 1000 // how many values are known to be secrets: the latest
)

var (
	secretPair = regexp.MustCompile(`(?i)([\w.-]*(?:secret|token)[\w.-]*=)[^&\s"']+`)
	secretJSON = regexp.MustCompile(`(?i)("[\w.-]*(?:secret|token)[\w.-]*"\s*:\s*")(?:[^"\\]|\\.)*(?:"|\\?$)`) // the text may have been cut off
	secretName = regexp.MustCompile(`(?i)secret|token|^authorization$|^cookie$|^set-cookie$`)
	tokenReply = regexp.MustCompile(`"access_?[tT]oken"\s*:\s*"([^"]{8,})"`)
)

// redactor hides secrets and tokens: what stands where they stand by name, and values that are known to be one.
type redactor struct {
	mu     sync.RWMutex
	values []string
}

func (r *redactor) hide(values ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		if len(v) >= 4 && !slices.Contains(r.values, v) {
			r.values = append(r.values, v)
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
	s = secretPair.ReplaceAllString(s, "${1}"+hidden)
	s = secretJSON.ReplaceAllString(s, "${1}"+hidden+`"`)
	if r == nil {
		return s
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, v := range r.values {
		s = strings.ReplaceAll(s, v, hidden)
	}
	return s
}

func (r *redactor) header(name, value string) string {
	if secretName.MatchString(name) && value != "" {
		return hidden
	}
	return r.text(value)
}

// curl returns the request as a line that a shell runs, its secrets hidden.
func (r *redactor) curl(method, url string, header http.Header, body []byte) string {
	var b strings.Builder
	b.WriteString("curl -i")
	if method == http.MethodHead {
		b.WriteString(" -I")
	} else if method != http.MethodGet || len(body) > 0 {
		b.WriteString(" -X " + method)
	}
	b.WriteString(" " + shell.Quote(r.text(url)))
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range header[name] {
			b.WriteString(" -H " + shell.Quote(name+": "+r.header(name, value)))
		}
	}
	if len(body) > 0 {
		b.WriteString(" --data-binary " + shell.Quote(r.text(excerpt(body, 600))))
	}
	return b.String() + ` -w '\n'` // the platform's replies end without a newline
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
