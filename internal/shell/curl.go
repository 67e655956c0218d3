package shell

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dingmock/dingmock/internal/redact"
)

// Curl is a request to be written as a curl command. Its texts must have been masked by package redact: a secret is
// redact.Masked, and a text that may hold other asterisks has been through redact.Keep first.
type Curl struct {
	Base    string // shell text before URL, such as "$DINGMOCK_URL" with its quotes; "" if URL is a whole URL
	URL     string
	Method  string
	Header  http.Header
	Body    string
	Empty   bool   // whether the request said that its body is empty: Content-Length 0
	Chunked bool   // whether the request did not say the length of its body
	Include bool   // whether to print the head of the reply as well
	Lacks   string // the part of the request that the line cannot have, such as: 100 bytes of its body; "" if none
}

// String returns the command as one printable line that every POSIX shell accepts. Secrets are shell variables, named after their
// parameter or header: access_token and accessToken are $ACCESS_TOKEN, appsecret and appSecret $APPSECRET. If the line lacks a
// part of the request, it is a comment that says which.
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
			b.WriteString(" -H 'Content-Type:'") // otherwise curl would declare the body a form
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

// address writes the URL. If curl would drop a part of the target, or read a part as another host, it is given separately.
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
				text = name + ";" // how curl writes a header without a value
			}
			b.WriteString(" -H " + secretive(text, name))
		}
	}
	return typed
}

var plain = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// word returns a text as a word of the line, quoted if necessary.
func word(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return Quote(s)
}

// named matches, at the end of a text, the name of the value that follows.
var named = regexp.MustCompile(`([A-Za-z][A-Za-z0-9_.-]*)["']?\s*(?:=|:|%3[dD]|%3[aA])\s*["']?$`)

// split returns the parts of a text before, between and after its secrets, and the variables for the secrets. A variable is named
// after the header if there is one, or else after the name in front of the secret.
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

// secretive quotes a text and replaces its secrets with variables.
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

// formatted returns a text as arguments of printf: a format, and the variables for its secrets.
func formatted(text string) string {
	parts, variables := split(text, "")
	for i, part := range parts {
		parts[i] = format(part)
	}
	return strings.Join(append([]string{"'" + strings.Join(parts, "%s") + "'"}, variables...), " ")
}

// telling matches names that no shell uses for something else.
var telling = regexp.MustCompile(`SECRET|TOKEN|PASSWORD|TICKET|SIGN|KEY|CODE|COOKIE|AUTHORIZATION`)

var bumps = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// variable returns the name of the shell variable for a parameter or header.
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
	case name == "APP_SECRET", name == "CORP_SECRET": // as gettoken spells them
		return strings.Replace(name, "_", "", 1)
	case !telling.MatchString(name), name[0] >= '0' && name[0] <= '9': // may be one of the shell's own variables, or not a valid name
		return "SECRET"
	}
	return name
}
