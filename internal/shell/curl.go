package shell

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/redact"
)

// Curl is a request as a line that a shell runs. Its texts are as package redact leaves them: a secret is redact.Masked, and
// text that may hold asterisks of its own has been through redact.Keep before.
type Curl struct {
	Base    string // what stands before URL and the shell reads, such as "$DINGMOCK_URL" in its quotes; "" for a whole URL
	URL     string
	Method  string
	Header  http.Header
	Body    string
	Empty   bool   // there was a body of no bytes, which was said: Content-Length 0
	Chunked bool   // the body's length was not said
	Include bool   // print the reply's head as well
	Lacks   string // what of the request the line cannot have, such as: 100 bytes of its body; "" for nothing
}

// String returns the line, which every shell of POSIX takes and which is printable. A secret is a shell variable in it, called as its
// parameter or header is: access_token and accessToken are $ACCESS_TOKEN, appsecret and appSecret $APPSECRET. Where the line is not the whole
// request it is a comment, which says what it lacks.
func (c *Curl) String() string {
	var b strings.Builder
	lacks := c.Lacks
	head, body := c.Method == http.MethodHead, c.Body != "" || c.Empty || c.Chunked
	if head && c.Body != "" && lacks == "" {
		lacks = "the body, which curl sends with no HEAD"
	}
	if lacks != "" {
		b.WriteString("# not the whole request, it lacks " + lacks + ": ")
	}
	body = body && !head
	piped := body && !shows(redact.Plain(c.Body))
	if piped {
		b.WriteString("printf " + formatted(c.Body) + " | ")
	}
	b.WriteString("curl")
	if c.Include {
		b.WriteString(" -i")
	}
	if strings.ContainsAny(c.URL, "[]{}") {
		b.WriteString(" -g")
	}
	if path, _, _ := strings.Cut(c.URL, "?"); strings.Contains(path, "/.") {
		b.WriteString(" --path-as-is")
	}
	switch {
	case head:
		b.WriteString(" -I")
	case c.Method != http.MethodGet || body:
		b.WriteString(" -X " + word(c.Method))
	}
	b.WriteString(c.address())
	typed := c.headers(&b)
	if body {
		if !typed {
			b.WriteString(" -H 'Content-Type:'") // which curl would call a form
		}
		if c.Chunked {
			b.WriteString(" -H 'Transfer-Encoding: chunked'")
		}
		if piped {
			b.WriteString(" --data-binary @-")
		} else {
			b.WriteString(" --data-raw " + secretive(c.Body, ""))
		}
	}
	return b.String() + ` -w '\n'` // the platform's replies end without a newline
}

// address is the URL. What curl would leave out of it, or make another host of, is said apart.
func (c *Curl) address() string {
	host, target := "", c.URL
	if scheme, rest, ok := strings.Cut(c.URL, "://"); ok && c.Base == "" {
		at := strings.IndexAny(rest, "/?#")
		if at < 0 {
			at = len(rest)
		}
		host, target = scheme+"://"+rest[:at], rest[at:]
	}
	if !strings.Contains(target, "#") && (c.Base == "" || strings.HasPrefix(target, "/")) {
		return " " + c.Base + secretive(c.URL, "")
	}
	address := " --request-target " + secretive(target, "") + " " + c.Base
	if host != "" {
		address += secretive(host, "")
	}
	return address
}

// headers writes the headers, and reports whether the Content-Type is one of them.
func (c *Curl) headers(b *strings.Builder) (typed bool) {
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
	return typed
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

// split returns what of a text stands before, between and behind its secrets, and their variables: of the header of that name, or
// else of what stands before them.
func split(text, header string) (parts, variables []string) {
	parts = strings.Split(text, redact.Masked)
	for i, part := range parts {
		if i < len(parts)-1 {
			name := header
			if m := named.FindStringSubmatch(part); name == "" && m != nil {
				name = m[1]
			}
			variables = append(variables, `"$`+variable(name)+`"`)
		}
		parts[i] = redact.Plain(part)
	}
	return parts, variables
}

// secretive quotes a text, secrets in which become variables.
func secretive(text, header string) string {
	parts, variables := split(text, header)
	if len(parts) == 1 {
		return Quote(parts[0])
	}
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteString(variables[i-1])
		}
		if part != "" {
			b.WriteString(Quote(part))
		}
	}
	return b.String()
}

// formatted is a text as the words of printf: its secrets are the variables.
func formatted(text string) string {
	parts, variables := split(text, "")
	for i, part := range parts {
		parts[i] = format(part)
	}
	return strings.Join(append([]string{"'" + strings.Join(parts, "%s") + "'"}, variables...), " ")
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
	case name == "APP_SECRET", name == "CORP_SECRET": // which are those of gettoken
		return strings.Replace(name, "_", "", 1)
	case !telling.MatchString(name), name[0] >= '0' && name[0] <= '9': // it may be one of the shell's own, or none
		return "SECRET"
	}
	return name
}
