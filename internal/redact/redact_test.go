package redact

import (
	"regexp"
	"testing"
)

func TestMaskFields(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"nothing to mask", `{"userid":"u","n":1}`, `{"userid":"u","n":1}`},
		{"text", `{"appSecret":"s3cret","x":"y"}`, `{"appSecret":"***","x":"y"}`},
		{"several", `{"access_token":"s3cret","errcode":0,"corpsecret" : "s3cret"}`, `{"access_token":"***","errcode":0,"corpsecret" : "***"}`},
		{"other capitals", `{"ACCESS_TOKEN":"s3cret","PassWord":"s3cret","jsTicket":"s3cret"}`, `{"ACCESS_TOKEN":"***","PassWord":"***","jsTicket":"***"}`},
		{"the other names", `{"signature":"s3cret","aes_key":"s3cret","encodingAesKey":"s3cret","authCode":"s3cret","tmp_auth_code":"s3cret","code":"34001"}`, `{"signature":"***","aes_key":"***","encodingAesKey":"***","authCode":"***","tmp_auth_code":"***","code":"34001"}`},
		{"a signature", `{"sign":"s3cret","Sign" : "s3cret","signed":"y","assign":"z"}`, `{"sign":"***","Sign" : "***","signed":"y","assign":"z"}`},
		{"quotes inside", `{"token":"a\"s3cret\\\"b","x":1}`, `{"token":"***","x":1}`},
		{"numbers and words", `{"token":123,"ticket":true,"secret":null}`, `{"token":"***","ticket":"***","secret":"***"}`},
		{"empty", `{"token":"","x":1}`, `{"token":"***","x":1}`},
		{"cut inside", `{"token":"s3cr`, `{"token":"***"`},
		{"cut after a backslash", `{"token":"s3cr\`, `{"token":"***"`},
		{"cut before", `{"token":`, `{"token":`},
		{"broken", `{"token" "s3cret"}`, `{"token" "s3cret"}`},
		{"a value that sounds like a name", `{"x":"token","y":"z"}`, `{"x":"token","y":"z"}`},
		{"nested", `{"a":{"token":"s3cret"},"b":[{"secret":"s3cret"}]}`, `{"a":{"token":"***"},"b":[{"secret":"***"}]}`},
		{"an object and an array", `{"token":{"a":"s3cret","b":["s3cret","}"]},"secret":[{}],"x":1}`, `{"token":"***","secret":"***","x":1}`},
		{"an array that is cut", `{"secret":[{"a":"s3cret"},"s3c`, `{"secret":"***"`},
		{"space", "{\"token\"\n:\t\"s3cret\"\r\n}", "{\"token\"\n:\t\"***\"\r\n}"},
		{"not JSON at all", `token=s3cret`, `token=s3cret`},
	} {
		if got := maskFields(test.text); got != test.want {
			t.Errorf("%s: %s\n got %s\nwant %s", test.name, test.text, got, test.want)
		}
	}
}

// FuzzMaskFields compares with a regular expression that says the same, and takes ten times as long.
func FuzzMaskFields(f *testing.F) {
	field := regexp.MustCompile(`(?is)("(?:[^"]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^"]*|sign)"[\t\n\f\r ]*:[\t\n\f\r ]*)("(?:\\.|[^"\\])*(?:"|\\?$)|[^\t\n\f\r ,}\]"][^\t\n\f\r ,}\]]*)`)
	nested := regexp.MustCompile(`(?is)"(?:[^"]*(?:secret|token|password|ticket|signature|aes_?key|auth_?code)[^"]*|sign)"[\t\n\f\r ]*:[\t\n\f\r ]*[{\[]`)
	for _, text := range []string{`{"token":"a\"b"}`, `"token" : 1,"ticket":"`, `"a"token":"b":"token"`, `"token":""secret":x"`} {
		f.Add(text)
	}
	f.Add(`{"sign":"x","a":"sign"}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range text {
			if r > '~' {
				return // the expression folds letters that are not ASCII, and knows no broken UTF-8
			}
		}
		if nested.MatchString(text) {
			return // no expression finds the end of an object
		}
		if got, want := maskFields(text), field.ReplaceAllString(text, `$1"`+Masked+`"`); got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	})
}

func TestMaskPairs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, want string }{
		{"what is nearly JSON", "{'appSecret':'s3cret','n':'x'}", "{'appSecret':'***','n':'x'}"},
		{"a URL with a password", "see http://u:s3cret@h/p and https://u@h", "see http://u:***@h/p and https://u@h"},
		{"a URL", "https://h/?a=1&access_token=abc&b=2#f", "https://h/?a=1&access_token=***&b=2#f"},
		{"an escaped URL", "u=h%3Faccess_token%3Dabc%2Fd%26b%3D2", "u=h%3Faccess_token%3D***%26b%3D2"},
		{"a text", "say token=abc, then go", "say token=*** then go"},
		{"a sign", "?sign=abc&design=d&signal=s", "?sign=***&design=d&signal=s"},
		{"no value", "token=&a=b", "token=&a=b"},
		{"no secret", "a=b&c=%3D", "a=b&c=%3D"},
		{"no pair", "a token and a secret", "a token and a secret"},
		{"JSON", `{"u":"h?token=abc","v":"w"}`, `{"u":"h?token=***","v":"w"}`},
	} {
		if got := maskPairs(test.text); got != test.want {
			t.Errorf("%s: %s\n got %s\nwant %s", test.name, test.text, got, test.want)
		}
	}
}

func TestSpelt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, masked string
		want               bool
	}{
		{"nothing masked", `{"a":"b"}`, `{"a":"b"}`, true},
		{"a secret", `{"appSecret":"s","b":"c"}`, `{"appSecret":"***","b":"c"}`, true},
		{"a secret at the end", `token=s`, `token=***`, true},
		{"an escaped name", `{"app\u0053ecret":"s","b":"c"}`, `{"appSecret":"***","b":"c"}`, false},
		{"an escape elsewhere", `{"appSecret":"s","b":"\u0063"}`, `{"appSecret":"***","b":"c"}`, false},
		{"a number", `{"appSecret":1}`, `{"appSecret":"***"}`, false},
	} {
		if got := Spelt(test.masked, test.text); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}
