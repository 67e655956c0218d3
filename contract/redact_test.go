package contract

import (
	"net/http"
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
		{"what only counts", `{"expires_in":7200}`, `{"expires_in":7200}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := r.text(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	header := http.Header{"X-Acs-Dingtalk-Access-Token": {"abc"}, "Content-Type": {"application/json"}}
	want := `curl -i -X POST 'http://h/p' -H 'Content-Type: application/json' -H 'X-Acs-Dingtalk-Access-Token: ***' --data-binary $'it\'s\x0a' -w '\n'`
	if got := r.curl("POST", "http://h/p", header, []byte("it's\n")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
