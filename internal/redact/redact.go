// Package redact hides what may be a secret or a token wherever a call is shown: the values, in any text, of parameters and
// headers whose names the platform's documentation uses for credentials and signatures, and values that look like a token.
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

// Masked replaces a secret.
const Masked = "***"

// Keep replaces the asterisks of a text, so that any that appear later belong to Masked. ownStar stands for an asterisk, and
// ownOwn for the character own itself.
const (
	own     = "\uFDD0" // not a character in Unicode
	ownStar = own + "1"
	ownOwn  = own + "0"
)

var (
	keeper  = strings.NewReplacer("*", ownStar, own, ownOwn)
	plainer = strings.NewReplacer(ownStar, "*", ownOwn, own)
)

// Keep replaces the asterisks of a text, so that after masking every asterisk belongs to Masked. Plain puts them back.
func Keep(text string) string {
	if strings.IndexByte(text, '*') < 0 && !strings.Contains(text, own) {
		return text
	}
	return keeper.Replace(text)
}

// Spelt reports whether a masked text equals the text except for what is masked. It does not if a secret or its name was escaped:
// then masking resolved escapes in the whole text. Both texts must have been through Keep.
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

// Misspelt says what a curl line lacks if Spelt returns false for a text of its request.
const Misspelt = "the escapes around a secret as they were"

// Plain undoes Keep, so that people can read the text.
func Plain(text string) string {
	if !strings.Contains(text, own) {
		return text
	}
	return plainer.Replace(text)
}

// Kept is the most that is shown of a body, and of all headers of a request, in bytes.
const Kept = 16 << 10

// escapedASCII matches a letter or digit that a JSON text writes as an escape, in which a name could hide.
var escapedASCII = regexp.MustCompile(`\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])`)

// opaque matches what looks more like a token or a secret than like a name.
var opaque = regexp.MustCompile(`^[0-9A-Za-z_-]{16,}$`)

// Query masks the values in a query or form that may be secret, however their names are escaped.
func Query(raw string) string {
	var out strings.Builder
	done := 0 // how much of raw is in out
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
	case len(plain) >= 16 && opaque.MatchString(plain) && strings.ContainsAny(plain, "0123456789"): // a token without a name
		return Masked
	case strings.ContainsAny(value, "%="):
		return name + "=" + maskEscaped(value)
	}
	return part
}

// maskEscaped masks what may be secret in an escaped value, which may be JSON, a URL or a form, or the beginning of one.
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

// Body masks what may be secret in a body of any type, and cuts it off after Kept bytes.
func Body(body []byte, form bool) string {
	text := Raw(string(body[:min(len(body), Kept)]), form)
	if len(body) > Kept {
		text += "…"
	}
	return ValidUTF8(text)
}

// Raw masks what may be secret in a body of any type, which need not be UTF-8. form says whether it may be a form.
func Raw(body string, form bool) string {
	if form {
		body = Query(body)
	}
	return parts(JSON(body))
}

// parts masks the parts of a multipart body that may be secret. Any other text is returned as it is.
func parts(text string) string {
	if !strings.HasPrefix(text, "--") {
		return text
	}
	return secretPart.ReplaceAllString(text, "${1}"+Masked+"${2}")
}

// secretPart matches a part of a multipart body whose name may be that of a secret.
var secretPart = regexp.MustCompile(`(?is)(form-data;[^\r\n]*name="?(?:[^"\r\n;]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^"\r\n;]*|sign)"?[^\r\n]*\r?\n(?:[^\r\n]+\r?\n)*\r?\n).*?(\r?\n--|\z)`)

// Text masks what may be secret in a text, which may be JSON, a URL or a form.
func Text(text string) string {
	if text = ValidUTF8(text); strings.IndexByte(text, '"') < 0 {
		return parts(maskPairs(text))
	}
	return Raw(text, false)
}

// secretPair matches name=value if the name may be that of a secret. The equals sign may be escaped. The value extends to what
// ends it in a URL or form, escaped or not, or in a text.
var secretPair = regexp.MustCompile(`(?i)((?:[a-z0-9_.-]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[a-z0-9_.-]*|\bsign)(?:=|%(?:25)*3d|\\u003d))(?:[^&#\s"'<>\\%]|\\/|%[^2]|%2[^6])+`)

// quotedPair matches a field in single quotes, as in what is nearly JSON, whose name may be that of a secret.
var quotedPair = regexp.MustCompile(`(?i)('[^']*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^']*'\s*:\s*')[^']*('|$)`)

// password matches the password in a URL.
var password = regexp.MustCompile(`(://[^/?#\s:@"']*:)[^/?#\s@"']+@`)

// maskPairs masks the value of each name=value in a text if the name may be that of a secret.
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

// JSON masks what may be secret in a JSON text, which may be cut off.
func JSON(text string) string {
	if strings.Contains(text, `\u00`) {
		text = escapedASCII.ReplaceAllStringFunc(text, func(escape string) string {
			n, _ := strconv.ParseUint(escape[4:], 16, 8)
			return string(rune(n))
		})
	}
	return maskPairs(maskFields(text))
}

// maskFields masks the value of each field of a JSON text if its name may be that of a secret. The text may be cut off.
func maskFields(text string) string {
	if !Mentions(text) && !namesSign(text) {
		return text
	}
	const space = " \t\r\n\f"
	var out strings.Builder
	rest := text // what is not in out yet
	at := 0      // position in rest
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

// namesSign reports whether a text contains "sign", in quotes and any case.
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

// valueLen returns the length of the JSON value at the beginning of a text. If the value is cut off, that is the whole text.
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

// SecretHeader reports whether a header with that name, in any case, may hold a secret.
func SecretHeader(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie":
		return true
	}
	return SecretName(name)
}

// SecretName reports whether a parameter with that name may hold a secret.
func SecretName(name string) bool { return strings.EqualFold(name, "sign") || Mentions(name) }

// words lists the words that occur in the names of secrets, by first letter. Each counts anywhere in a name.
var words = map[byte][]string{
	's': {"secret", "signature"}, 'p': {"password"}, 't': {"token", "ticket"}, 'a': {"aeskey", "aes_key", "authcode", "auth_code"},
}

// Mentions reports whether a text may hold the name of a secret. It runs for every text of every call, so it looks at single
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

// Header returns the header without what may be secret, and at most 16 KiB of it. If nothing needs to change it returns h itself.
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

// texts returns a copy of the texts without what may be secret in them, or nil if nothing needs to change.
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

// Value returns a copy of a decoded JSON value without what may be secret.
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

// HeaderBytes returns the number of bytes in the names and values of a header.
func HeaderBytes(h http.Header) int {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// ValidUTF8 replaces what is not valid UTF-8. For valid texts, which most are, it takes a fast path.
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
