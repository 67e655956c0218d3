// Package redact hides what may be a secret or a token in what is shown of a call: the values of parameters and headers whose names
// the platform's documents use for credentials and signatures, in whatever text they stand, and values that are known to be one.
package redact

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Masked stands where a secret was.
const Masked = "***"

// A text that has been through Keep has stands-ins for its own asterisks, so that those which are left are of Masked: own, and what
// stands for that character itself.
const (
	own     = "\uFDD0" // no character
	ownStar = own + "1"
	ownOwn  = own + "0"
)

var (
	keeper  = strings.NewReplacer("*", ownStar, own, ownOwn)
	plainer = strings.NewReplacer(ownStar, "*", ownOwn, own)
)

// Keep returns a text in which none but Masked will be where something is masked afterwards: its own asterisks are kept apart until
// Plain.
func Keep(text string) string {
	if strings.IndexByte(text, '*') < 0 && !strings.Contains(text, own) {
		return text
	}
	return keeper.Replace(text)
}

// Spelt reports whether a masked text is the text in all but what is masked. It is not where a secret, or the name of one, was
// escaped: the escapes of the whole text are then written out. Both have been through Keep.
func Spelt(masked, text string) bool {
	for i, piece := range strings.Split(masked, Masked) {
		at := strings.Index(text, piece)
		if at < 0 || i == 0 && at > 0 {
			return false
		}
		text = text[at+len(piece):]
	}
	return true
}

// Misspelt is what a line lacks of a request whose text Spelt does not hold of.
const Misspelt = "the escapes around a secret as they were"

// Plain returns a text of Keep's as people read it.
func Plain(text string) string {
	if !strings.Contains(text, own) {
		return text
	}
	return plainer.Replace(text)
}

// Kept is how much is shown of a body, and of all headers of a request, in bytes.
const Kept = 16 << 10

// A letter or digit that JSON text writes as an escape, so that a name could hide in it.
var escapedASCII = regexp.MustCompile(`\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])`)

// opaque is what looks like a token or a secret more than like a name.
var opaque = regexp.MustCompile(`^[0-9A-Za-z_-]{16,}$`)

// Query masks the values of a query or a form that may be secret, however their names are escaped.
func Query(raw string) string {
	var out strings.Builder
	done := 0 // what of raw is in out
	for at := 0; at < len(raw); {
		end := len(raw)
		if n := strings.IndexByte(raw[at:], '&'); n >= 0 {
			end = at + n
		}
		if part := maskPart(raw[at:end]); part != raw[at:end] {
			out.Grow(len(raw) + len(Masked))
			out.WriteString(raw[done:at])
			out.WriteString(part)
			done = end
		}
		at = end + 1
	}
	if done == 0 {
		return raw
	}
	return out.String() + raw[done:]
}

func maskPart(part string) string {
	name, value, ok := strings.Cut(part, "=")
	plain := name
	if strings.ContainsAny(name, "%+") {
		if text, err := url.QueryUnescape(name); err == nil {
			plain = text
		}
	}
	switch {
	case ok && (SecretName(plain) || strings.Contains(plain, "%")):
		return name + "=" + Masked
	case len(plain) >= 16 && opaque.MatchString(plain) && strings.ContainsAny(plain, "0123456789"): // a token without its name
		return Masked
	case strings.ContainsAny(value, "%="):
		return name + "=" + maskEscaped(value)
	}
	return part
}

// maskEscaped masks what may be secret in an escaped value that may be JSON, a URL or a form, or the beginning of one.
func maskEscaped(value string) string {
	whole := value
	if at := strings.LastIndexByte(value, '%'); at >= 0 && at+3 > len(value) {
		whole = value[:at] // an escape that was cut off
	}
	text, err := url.QueryUnescape(whole)
	if err != nil {
		if text = Text(value); text == value && !strings.Contains(value, "%22") {
			return value
		}
		return Masked
	}
	if shown := Raw(Keep(text), false); shown != Keep(text) {
		parts := strings.Split(shown, Masked)
		for i, part := range parts {
			parts[i] = url.QueryEscape(Plain(part))
		}
		return strings.Join(parts, Masked)
	}
	return value
}

// Body masks what may be secret in a body of whatever type, and cuts it off where it is long.
func Body(body []byte, form bool) string {
	text := Raw(string(body[:min(len(body), Kept)]), form)
	if len(body) > Kept {
		text += "…"
	}
	return ValidUTF8(text)
}

// Raw masks what may be secret in a body of whatever type, which may be a form, and need not be UTF-8.
func Raw(body string, form bool) string {
	if form {
		body = Query(body)
	}
	return parts(JSON(body))
}

// parts masks the parts of a multipart body that may be secret.
func parts(text string) string {
	if !strings.HasPrefix(text, "--") {
		return text
	}
	return secretPart.ReplaceAllString(text, "${1}"+Masked+"${2}")
}

// secretPart is a part of a multipart body whose name may be that of a secret.
var secretPart = regexp.MustCompile(`(?is)(form-data;[^\r\n]*name="?(?:[^"\r\n;]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^"\r\n;]*|sign)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n).*?(\r?\n--|\z)`)

// Text masks what may be secret in a text, which may be JSON, a URL or a form.
func Text(text string) string {
	if text = ValidUTF8(text); strings.IndexByte(text, '"') < 0 {
		return parts(maskPairs(text))
	}
	return Raw(text, false)
}

// secretPair is name=value where the name may be that of a secret, the sign perhaps escaped, and the value up to what ends it in
// a URL or a form, escaped or not, or in a text.
var secretPair = regexp.MustCompile(`(?i)((?:[a-z0-9_.-]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[a-z0-9_.-]*|\bsign)(?:=|%(?:25)*3d|\\u003d))(?:[^&#\s"'<>\\%]|\\/|%[^2]|%2[^6])+`)

// quotedPair is a field of what is nearly JSON.
var quotedPair = regexp.MustCompile(`(?i)('[^']*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^']*'\s*:\s*')[^']*('|$)`)

// password is that of a URL.
var password = regexp.MustCompile(`(://[^/?#\s:@"']*:)[^/?#\s@"']+@`)

// maskPairs masks the value of each name=value in a text whose name may be that of a secret.
func maskPairs(text string) string {
	if strings.Contains(text, "://") {
		text = password.ReplaceAllString(text, "${1}"+Masked+"@")
	}
	if strings.Contains(text, "':") && Mentions(text) {
		text = quotedPair.ReplaceAllString(text, "${1}"+Masked+"${2}")
	}
	if !strings.ContainsAny(text, `=%\`) || !Mentions(text) && !strings.Contains(strings.ToLower(text), "sign") {
		return text
	}
	return secretPair.ReplaceAllString(text, "${1}"+Masked)
}

// JSON masks what may be secret in a JSON text, be it whole or not.
func JSON(text string) string {
	if strings.Contains(text, `\u00`) {
		text = escapedASCII.ReplaceAllStringFunc(text, func(escape string) string {
			n, _ := strconv.ParseUint(escape[4:], 16, 8)
			return string(rune(n))
		})
	}
	return maskPairs(maskFields(text))
}

// maskFields masks the value of each field of a JSON text whose name may be that of a secret, be the text whole or not.
func maskFields(text string) string {
	if !Mentions(text) && !namesSign(text) {
		return text
	}
	const space = " \t\r\n\f"
	var out strings.Builder
	rest := text // what is not in out
	at := 0      // in rest
	for {
		quote := strings.IndexByte(rest[at:], '"')
		if quote < 0 {
			break
		}
		name, after, ok := strings.Cut(rest[at+quote+1:], `"`)
		if !ok {
			break
		}
		at += quote + 1 + len(name) // the end of this name may be the beginning of the next
		value, ok := strings.CutPrefix(strings.TrimLeft(after, space), ":")
		if !ok || !SecretName(name) {
			continue
		}
		value = strings.TrimLeft(value, space)
		if n := valueLen(value); n > 0 {
			out.Grow(len(rest) + len(Masked))
			out.WriteString(rest[:len(rest)-len(value)])
			out.WriteString(`"` + Masked + `"`)
			rest, at = value[n:], 0
		}
	}
	return out.String() + rest
}

// namesSign reports whether "sign" stands in a text.
func namesSign(text string) bool {
	for at := 0; ; {
		quote := strings.IndexByte(text[at:], '"')
		if quote < 0 {
			return false
		}
		at += quote + 1
		if len(text)-at >= 5 && text[at+4] == '"' && strings.EqualFold(text[at:at+4], "sign") {
			return true
		}
	}
}

// valueLen is how long the JSON value at the beginning of a text is, at least: a string, an object or an array up to its
// end, another up to what ends it.
func valueLen(text string) int {
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		depth := 0
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '"':
				i += valueLen(text[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(text)
	}
	if !strings.HasPrefix(text, `"`) {
		if n := strings.IndexAny(text, " \t\r\n\f,}]"); n >= 0 {
			return n
		}
		return len(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// SecretHeader reports whether the header of that name, in any case, may hold a secret.
func SecretHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie":
		return true
	}
	return SecretName(name)
}

// SecretName reports whether a parameter of that name may hold a secret.
func SecretName(name string) bool { return strings.EqualFold(name, "sign") || Mentions(name) }

// words are in the names of secrets, by their first letter. In a name of any length each counts.
var words = map[byte][]string{
	's': {"secret", "signature"}, 'p': {"password"}, 't': {"token", "ticket"}, 'a': {"aeskey", "aes_key", "authcode", "auth_code"},
}

// Mentions reports whether a text may hold the name of a secret: each text of each call is asked, so it looks at
// letters before it compares words.
func Mentions(text string) bool {
	for i := 0; i+4 < len(text); i++ {
		switch text[i] | 0x20 {
		case 's', 'p', 't', 'a':
			for _, word := range words[text[i]|0x20] {
				if text[i+1]|0x20 == word[1] && len(text)-i >= len(word) && strings.EqualFold(text[i:i+len(word)], word) {
					return true
				}
			}
		}
	}
	return false
}

// Header returns the header without what may be secret, and 16 KiB of it at most: itself where there is no need.
func Header(h http.Header) http.Header {
	if size := HeaderBytes(h); size > Kept {
		h = maps.Clone(h)
		maps.DeleteFunc(h, func(name string, values []string) bool {
			drop := size > Kept
			if drop {
				size -= HeaderBytes(http.Header{name: values})
			}
			return drop
		})
		h["Dingmock-Left-Out"] = []string{"some of the headers: they were over 16 KiB"}
	}
	var out http.Header
	for name, values := range h {
		shown := make([]string, len(values))
		for i, value := range values {
			if value != "" {
				shown[i] = Masked
			}
		}
		if !SecretHeader(name) {
			shown = texts(values)
		}
		if shown != nil {
			if out == nil {
				out = maps.Clone(h)
			}
			out[name] = shown
		}
	}
	if out == nil {
		return h
	}
	return out
}

// texts returns the texts without what may be secret in them, nil where there is nothing.
func texts(list []string) []string {
	var out []string
	for i, text := range list {
		if shown := Text(text); shown != text {
			if out == nil {
				out = slices.Clone(list)
			}
			out[i] = shown
		}
	}
	return out
}

// Value masks what may be secret in a decoded JSON value.
func Value(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = Masked
			if !SecretName(name) {
				out[name] = Value(inner)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = Value(inner)
		}
		return out
	case string:
		return Text(v)
	}
	return value
}

// HeaderBytes is how many bytes the names and values of a header have.
func HeaderBytes(h http.Header) int {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// ValidUTF8 replaces what is not UTF-8. Most texts are: these it does not walk through by the character.
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
