package shell

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Curl is a request as a line that a shell runs. Where a secret was, its texts have Secret.
type Curl struct {
	Base    string // what stands before URL and the shell reads, such as "$DINGMOCK_URL" in its quotes; "" for a whole URL
	URL     string
	Method  string
	Header  http.Header
	Body    string
	Chunked bool // the body's length was not said
	Include bool // print the reply's head as well
}

// Secret stands where a secret was.
const Secret = "***"

// String returns the line. A secret is a shell variable in it, called as its parameter or header is: access_token and
// accessToken are $ACCESS_TOKEN, appsecret is $APPSECRET.
func (c *Curl) String() string {
	var b strings.Builder
	b.WriteString("curl")
	if c.Include {
		b.WriteString(" -i")
	}
	if strings.ContainsAny(c.URL, "[]{}") {
		b.WriteString(" -g")
	}
	switch {
	case c.Method == http.MethodHead:
		b.WriteString(" -I")
	case c.Method != http.MethodGet || c.Body != "":
		b.WriteString(" -X " + word(c.Method))
	}
	b.WriteString(" " + c.Base + secretive(c.URL, ""))
	typed := false
	names := make([]string, 0, len(c.Header))
	for name := range c.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		typed = typed || strings.EqualFold(name, "Content-Type")
		for _, value := range c.Header[name] {
			text := name + ": " + value
			if value == "" {
				text = name + ";" // which curl takes for a header without a value
			}
			b.WriteString(" -H " + secretive(text, name))
		}
	}
	if c.Body != "" && c.Method != http.MethodHead { // curl sends none with it
		if !typed {
			b.WriteString(" -H 'Content-Type:'") // which curl would call a form
		}
		if c.Chunked {
			b.WriteString(" -H 'Transfer-Encoding: chunked'")
		}
		b.WriteString(" --data-raw " + secretive(c.Body, ""))
	}
	return b.String() + ` -w '\n'` // the platform's replies end without a newline
}

var plain = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// word is a word of the line, quoted where it has to be.
func word(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return Quote(s)
}

// named is the name of what stands behind it.
var named = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*(?:=|:|%3[dD]|%3[aA])\s*["']?$`)

// secretive quotes a text, secrets in which become variables: of the header of that name, or of what stands before them.
func secretive(text, header string) string {
	parts := strings.Split(text, Secret)
	if len(parts) == 1 {
		return Quote(text)
	}
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			name := header
			if m := named.FindStringSubmatch(parts[i-1]); name == "" && m != nil {
				name = m[1]
			}
			b.WriteString(`"$` + variable(name) + `"`)
		}
		if part != "" {
			b.WriteString(Quote(part))
		}
	}
	return b.String()
}

// telling are names that no shell has for something else.
var telling = regexp.MustCompile(`SECRET|TOKEN|PASSWORD|TICKET|SIGN|KEY|CODE|COOKIE|AUTHORIZATION`)

var bumps = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// variable is what a shell calls the value of a parameter or a header.
func variable(name string) string {
	name = strings.ToUpper(bumps.ReplaceAllString(name, "${1}_${2}"))
	name = strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	switch {
	case strings.HasSuffix(name, "ACCESS_TOKEN"):
		return "ACCESS_TOKEN"
	case !telling.MatchString(name), name[0] >= '0' && name[0] <= '9': // it may be one of the shell's own, or none
		return "SECRET"
	}
	return name
}
