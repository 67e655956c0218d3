package dingmock_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock"
)

func TestSuggest(t *testing.T) {
	t.Parallel()
	doc, err := dingmock.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{"/topapi/v2/im/create_sesion", "/topapi/v2/im/create_session (create_session)"},
		{"/gettoken/", "/gettoken (gettoken)"},
		{"//gettoken", "/gettoken (gettoken)"},
		{"/getToken", "/gettoken (gettoken)"},
		{"/user/Get", "/user/get (user.get)"},
		{"/v2/user/get", "/user/get (user.get)"},
		{"/topapi/user/get", "/topapi/v2/user/get (v2.user.get)"},
		{"/topapi/v2/department/listsubb", "/topapi/v2/department/listsub (v2.department.listsub)"},
		{"/v1.0/robot/oToMessage/batchSend", "/v1.0/robot/oToMessages/batchSend (batchSendOTO)"},
		{"/v1.0/oauth2/accesstoken", "/v1.0/oauth2/accessToken (accessToken)"},
		{"/nowhere", ""},
		{"/v1.0/x", ""},
		{"/", ""},
		{"/x" + strings.Repeat("y", 5000), ""},
	} {
		want := "a path that DingTalk has"
		if test.want != "" {
			want += "; did you mean " + test.want + "?"
		}
		q := doc.CheckRequest(nil, httptest.NewRequest("GET", "http://x"+test.path, nil), nil)
		if len(q.Violations) == 0 || q.Violations[0].Kind != dingmock.KindUnknownPath || q.Violations[0].Expected != want {
			t.Errorf("%s: found %v, want %q", test.path, q.Violations, want)
		}
	}
}

func BenchmarkSuggest(b *testing.B) {
	doc, err := dingmock.Parse(dingmock.Source())
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		n++
		r := httptest.NewRequest("GET", "http://x/topapi/v2/im/create_sesion"+strings.Repeat("z", n%3), nil)
		r.URL.Path += string(rune('a'+n%26)) + string(rune('a'+n/26%26))
		doc.CheckRequest(nil, r, nil)
	}
}
