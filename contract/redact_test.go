package contract

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	r := &redactor{}
	r.hide("s3cr3tvalue")
	r.learn([]byte(`{"errcode":0,"access_token":"82ad1e1b28b2357dbf090b9a2582319c","errmsg":"ok"}`))
	for _, tt := range []struct{ name, in, want string }{
		{"a query", "/gettoken?appkey=k&appsecret=x%20y&corpsecret=z", "/gettoken?appkey=k&appsecret=***&corpsecret=***"},
		{"a form", "access_token=abc&userid=u", "access_token=***&userid=u"},
		{"JSON", `{"appKey":"k","appSecret" : "a\"b","accessToken":"c"}`, `{"appKey":"k","appSecret" : "***","accessToken":"***"}`},
		{"JSON that is cut off", `{"appSecret":"hush… (99 bytes in all)`, `{"appSecret":"***"`},
		{"a known value anywhere", "x s3cr3tvalue y", "x *** y"},
		{"a token that was issued", "82ad1e1b28b2357dbf090b9a2582319c?", "***?"},
		{"a known value, escaped", `%73 "s3cr3tvalu\u0065"`, `%73 "***"`},
		{"a signature, a password and a ticket", `?sign=a%2Bb&signature=c https://u:p@h/ {"jsapi_ticket":"x","password":"y"}`, `?sign=***&signature=*** https://u:***@h/ {"jsapi_ticket":"***","password":"***"}`},
		{"what only counts", `{"expires_in":7200}`, `{"expires_in":7200}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := r.text(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	req := &http.Request{Method: "POST", Header: http.Header{"X-Acs-Dingtalk-Access-Token": {"abc"}, "Content-Type": {"application/json"}}}
	address := url.URL{Scheme: "http", User: url.UserPassword("u", "s3cr3t"), Host: "h", Path: "/p", RawQuery: "sign=x"}
	want := `printf 'it\047s\012' | curl -i -X POST 'http://h/p?sign='"$SIGN" -H 'Content-Type: application/json' -H 'X-Acs-Dingtalk-Access-Token: '"$ACCESS_TOKEN" --data-binary @- -w '\n'`
	if got := r.curl(req, address, []byte("it's\n"), nil); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What a case made up stands in its line, whatever it is called; a secret does not, nor the part of a value that is one.
func TestMadeUpValuesStand(t *testing.T) {
	t.Parallel()
	r := &redactor{}
	r.hide("s3cr3tvalue", "82ad1e1b28b2357dbf090b9a2582319c")
	made := func(value string) bool { return value == "wrong" || value == "  " }
	for _, tt := range []struct{ name, query, body, want string }{
		{"a wrong secret", "appkey=k&appsecret=wrong", "", `'http://h/p?appkey=k&appsecret=wrong'`},
		{"a secret and more", "appsecret=s3cr3tvaluex", "", `'http://h/p?appsecret='"$APPSECRET"'x'`},
		{"a secret", "appsecret=s3cr3tvalue", "", `'http://h/p?appsecret='"$APPSECRET"`},
		{"a value of unknown origin", "access_token=abc", "", `'http://h/p?access_token='"$ACCESS_TOKEN"`},
		{"spaces", "access_token=%20%20", "", `'http://h/p?access_token=%20%20'`},
		{"JSON", "", `{"appKey":"k","appSecret":"wrong"}`, `--data-raw '{"appKey":"k","appSecret":"wrong"}'`},
		{"JSON with a secret", "", `{"appSecret":"s3cr3tvalue"}`, `--data-raw '{"appSecret":"'"$APPSECRET"'"}'`},
		{"JSON of unknown origin", "", `{"appSecret":"abc"}`, `--data-raw '{"appSecret":"'"$APPSECRET"'"}'`},
		{"a form", "", `access_token=wrong&userid=u`, `--data-raw 'access_token=wrong&userid=u'`},
		{"a form with a token", "", `access_token=82ad1e1b28b2357dbf090b9a2582319c&userid=u`, `--data-raw 'access_token='"$ACCESS_TOKEN"'&userid=u'`},
	} {
		req := &http.Request{Method: "POST", Header: http.Header{}}
		if got := r.curl(req, url.URL{Scheme: "http", Host: "h", Path: "/p", RawQuery: tt.query}, []byte(tt.body), made); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s has no %s", tt.name, got, tt.want)
		}
	}
}
