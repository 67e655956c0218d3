package mockserver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// firstByte is a reply that calls a function as soon as it begins.
type firstByte struct {
	header http.Header
	begun  func()
}

func (w *firstByte) Header() http.Header { return w.header }

func (w *firstByte) WriteHeader(int) {
	if w.begun != nil {
		w.begun()
		w.begun = nil
	}
}

func (w *firstByte) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// TestJournalNeverRaces looks for each call of 64 clients at the first byte of its answer: not one is missing. It
// calls in process, where that moment is known: a call that is recorded later is missed every time, not once in
// thousands.
func TestJournalNeverRaces(t *testing.T) {
	t.Parallel()
	const clients, calls = 64, 100
	s := fake(t, mockserver.Options{Journal: 4})
	var group sync.WaitGroup
	var looked atomic.Int64
	for i := range clients {
		group.Go(func() {
			for n := 1; n <= calls; n++ {
				s.ServeHTTP(&firstByte{http.Header{}, func() {
					looked.Add(1)
					if got := do(s, fmt.Sprintf("GET http://localhost/_mock/apps/mock-%d/journal/%d", i, n), "", ""); got.status != http.StatusOK {
						t.Errorf("client %d, call %d: %s", i, n, got.body)
					}
				}}, httptest.NewRequest("GET", fmt.Sprintf("/gettoken?appkey=mock-%d&appsecret=x", i), http.NoBody))
			}
		})
	}
	group.Wait()
	if looked.Load() != clients*calls {
		t.Errorf("%d calls were looked for, want %d", looked.Load(), clients*calls)
	}
}

// TestJournalRing checks that the last calls are kept, that the number of lost ones is reported, and that a lost
// call never satisfies an at_most.
func TestJournalRing(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{Journal: 3})
	for range 5 {
		do(s, "GET /gettoken?"+appPairQuery, "", "")
	}
	do(s, "POST "+sessionURL, jsonType, `{"userid":"u-1"}`)
	var list struct {
		Entries       []struct{ N int64 }
		Last, Dropped int64
	}
	for _, test := range []struct {
		query         string
		want          []int64
		last, dropped int64
	}{
		{"", []int64{4, 5, 6}, 6, 3},
		{"?since=2", []int64{4, 5, 6}, 6, 1},
		{"?since=4", []int64{5, 6}, 6, 0},
		{"?since=6", nil, 6, 0},
		{"?since=99", nil, 6, 0},
		{"?limit=1", []int64{6}, 6, 3},
		{"?operation=gettoken", []int64{4, 5}, 6, 3},
		{"?errcode=0", []int64{4, 5, 6}, 6, 3},
		{"?errcode=40014", nil, 6, 3},
		{"?violations=true", nil, 6, 3},
		{"?rule=r1", nil, 6, 3},
	} {
		list.Entries = nil
		steer(t, s, "GET", "/apps/default/journal"+test.query, "", &list)
		var got []int64
		for _, e := range list.Entries {
			got = append(got, e.N)
		}
		if diff := cmp.Diff(test.want, got); diff != "" || list.Last != test.last || list.Dropped != test.dropped {
			t.Errorf("%s: last %d, dropped %d (-want +got)\n%s", test.query, list.Last, list.Dropped, diff)
		}
	}
	for _, test := range []struct {
		body    string
		status  int
		found   int
		dropped int64
	}{
		{`{"match":{"operation":"gettoken"},"at_least":2}`, 200, 2, 3},
		{`{"match":{"operation":"gettoken"},"at_least":3}`, 409, 2, 3},
		{`{"match":{"operation":"gettoken"},"at_most":2}`, 409, 2, 3},
		{`{"match":{"operation":"gettoken"},"at_most":2,"since":3}`, 200, 2, 0},
		{`{"match":{"operation":"gettoken"},"at_most":1,"since":3}`, 409, 2, 0},
		{`{"match":{"operation":"create_session"},"at_most":0,"since":3}`, 200, 0, 0},
		{`{"match":{"parameters":{"userid":"u-1"}}}`, 200, 1, 3},
		{`{"match":{"path":"/topapi/*","method":"POST","errcode":"0","violations":false}}`, 200, 1, 3},
	} {
		var got mockserver.MatchResult
		if status := steer(t, s, "POST", "/apps/default/journal/expect", test.body, &got); status != test.status || got.Found != test.found || got.Dropped != test.dropped || got.OK != (status == 200) {
			t.Errorf("%s: HTTP %d, found %d, dropped %d, want %d, %d, %d", test.body, status, got.Found, got.Dropped, test.status, test.found, test.dropped)
		}
	}
}

// TestJournalNearest checks the differences reported for the nearest calls.
func TestJournalNearest(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "GET /gettoken?"+appPairQuery, "", "")
	do(s, "POST "+sessionURL, jsonType, `{"userid":"u-1"}`)
	var got mockserver.MatchResult
	steer(t, s, "POST", "/apps/default/journal/expect", `{"match":{"operation":"getsession","parameters":{"userid":"u-2"}}}`, &got)
	if len(got.Nearest) != 2 || got.Nearest[0].Entry.N != 2 {
		t.Fatalf("nearest: %+v", got.Nearest)
	}
	if diff := cmp.Diff([]string{`parameters/userid: expected "u-2", found "u-1"`}, got.Nearest[0].Differs); diff != "" {
		t.Errorf("differs (-want +got)\n%s", diff)
	}
}

// TestJournalWait checks that a wait ends with its call, with its app and with its time.
func TestJournalWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := fake(t, mockserver.Options{})
		wait := func(body string) chan answer {
			done := make(chan answer, 1)
			go func() { done <- do(s, "POST http://localhost/_mock/apps/default/journal/wait", jsonType, body) }()
			synctest.Wait() // it waits, or has its answer
			return done
		}
		first := wait(`{"match":{"operation":"getsession"},"at_least":2,"timeout":"60s"}`)
		other := wait(`{"match":{"operation":"close_session"},"timeout":"60s"}`)
		for range 2 {
			select {
			case got := <-first:
				t.Errorf("before the second call the wait is answered %d %s", got.status, got.body)
			default:
			}
			do(s, "POST "+sessionURL, jsonType, `{"userid":"u-1"}`)
		}
		if got := <-first; got.status != http.StatusOK {
			t.Errorf("the wait is answered %d %s", got.status, got.body)
		}
		if got := <-wait(`{"match":{"operation":"close_session"},"timeout":"1ms"}`); got.status != http.StatusConflict || !strings.Contains(got.body, `"nearest":[{`) {
			t.Errorf("the wait in vain is answered %d %s", got.status, got.body)
		}
		do(s, "DELETE http://localhost/_mock/apps/default", "", "")
		if got := <-other; got.status != http.StatusGone {
			t.Errorf("the wait for an app that goes is answered %d %s", got.status, got.body)
		}
	})
}

// TestJournalOff checks that a journal that is off keeps nothing, and that there is still a verdict.
func TestJournalOff(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{NoJournal: true})
	do(s, "GET /gettoken?x=1&"+appPairQuery, "", "")
	for _, path := range []string{"wait", "expect"} {
		if status := steer(t, s, "POST", "/apps/default/journal/"+path, `{}`, nil); status != http.StatusConflict {
			t.Errorf("%s: HTTP %d, want 409", path, status)
		}
	}
	var list struct{ Entries []any }
	if steer(t, s, "GET", "/apps/default/journal", "", &list); len(list.Entries) != 0 {
		t.Errorf("a journal that is off holds %v", list.Entries)
	}
	var v mockserver.Verdict
	if status := steer(t, s, "GET", "/apps/default/verdict", "", &v); status != http.StatusConflict || len(v.Violations) != 1 || v.Violations[0].First == nil {
		t.Errorf("HTTP %d, verdict %+v", status, v)
	}
}

// TestJournalHoldsNoSecret sends secrets and tokens in every place; nothing that the control API shows of calls
// contains one.
func TestJournalHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	const secret = "s3cretValue0123456789"
	addr := listen(t, s)
	for _, raw := range []string{
		request("GET /gettoken?appkey=dingmockapp&appsecret="+secret, "", ""),
		request("GET /gettoken?%61ppsecret="+secret+"&appkey=dingmockapp", "", ""),
		request("GET /gettoken?appkey=dingmockapp&corpsecret="+secret, "", ""),
		request("GET /gettoken?"+appPairQuery, "", ""),
		request("POST /gettoken", formType, "appkey=dingmockapp&appsecret="+secret),
		request("POST /gettoken", jsonType, `{"appkey":"dingmockapp","appsecret":"`+secret+`"}`),
		request("POST /gettoken", jsonType, `{"appkey":"dingmockapp","\u0061ppsecret":"`+secret+`"}`),
		request("POST /gettoken", "text/plain", `{"appkey":"dingmockapp","appsecret":"`+secret+`"`),
		request("POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"`+secret+`"}`),
		request("POST /v1.0/oauth2/accessToken", jsonType, `{"appKey":"dingmockapp","appSecret":"`+secret),
		request("POST /v1.0/oauth2/accessToken", formType, `{"appKey":"dingmockapp","appSecret":"`+secret+`"}`),
		request("POST /topapi/v2/user/getsession?access_token="+secret, jsonType, `{"userid":"u"}`),
		request("POST "+sessionURL, jsonType, `{"userid":"u","access_token":"`+secret+`"}`),
		request("POST "+sessionURL, formType, "userid=u&access_token="+secret),
		request("POST "+sessionURL, formType, secret+"=1"),
		request("GET /v1.0/contact/users/me", "", "", "x-acs-dingtalk-access-token: "+secret, "Authorization: Bearer "+secret, "Cookie: a="+secret),
		request("POST /robot/send?access_token="+secret+"&timestamp=1&sign="+secret, jsonType, `{}`),
		request("POST /topapi/v2/user/getsession?access_token=%73"+secret[1:], jsonType, `{"userid":1}`),
		request("POST /x?"+secret+"=1&appsecret="+secret, jsonType, `{"o":{"ticket":{"a":"`+secret+`","b":["`+secret+`"]}},"s":"{\"token\":[\"`+secret+`\"]}"}`),
		request("POST /x", formType, "msg=%7B%22token%22%3A%22"+secret+"%22%7D&n=%7B%22%5Cu0074oken%22%3A%22"+secret+"%22%7D"),
		request("POST /x", formType, "pad="+strings.Repeat("x", 16<<10-40)+"&m=%7B%22token%22%3A%22"+secret+"%22%7D"),
		request("GET /x?url=https%3A%2F%2Fh%2F%3Faccess_token%3D"+secret+"%26a%3D1", "", ""),
		request("GET /x?url=https://h/?access_token="+secret+"#x", "", ""),
		request("GET /x?url=https%3A%2F%2Fh%2F%3Fnext%3Dhttps%253A%252F%252Fh%252F%253Faccess_token%253D"+secret, "", ""),
		request("GET /x?url=h%3F%61ccess_token%3D"+secret+"&bad=100%&more=%3Ftoken%3D"+secret+"%", "", ""),
		request("GET /x?url=h%3Fa%3D1%26sign%3D"+secret, "", ""),
		request("POST /x", jsonType, `{"url":"https://h/?access_token=`+secret+`","o":{"u":"https:\/\/h\/?b=1\u0026appSecret=ab\/`+secret+`"},"l":["a?access_token\u003d`+secret+`"]}`),
		request("POST /x", jsonType, `{"text":"my password=`+secret+` and more"}`),
		request("POST /x", formType, "url=https%3A%2F%2Fh%2F%3Fticket%3D"+secret),
		request("POST /x", "text/plain", "a=1\nhello\naccess_token="+secret+"\n"),
		request("POST /x", "text/plain", "https://h/?a=1&b="+"https%3A%2F%2Fh%2F%3Faccess_token%3D"+secret),
		request("POST /x", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\nContent-Type: text/plain\r\n\r\n"+secret+"\r\n--b\r\nContent-Disposition: form-data; name=\"url\"\r\n\r\nhttps://h/?access_token="+secret+"\r\n--b--\r\n"),
		request("POST /x", "multipart/form-data; boundary=b", "--b\nContent-Disposition: form-data; name=appSecret\n\nline\n"+secret),
		request("POST "+sessionURL+"&"+secret+"=1", jsonType, `{"userid":"u","more":{"password":"`+secret+`"}}`),
	} {
		send(t, addr, raw)
	}
	for _, path := range []string{"/apps/default/journal", "/apps/_/journal", "/verdict"} {
		text := do(s, "GET http://localhost/_mock"+path, "", "").body
		for _, hidden := range []string{secret, secret[1:], live, mockserver.DefaultApp().AppSecret} {
			if at := strings.Index(text, hidden); at >= 0 {
				t.Errorf("%s shows a secret: …%s…", path, text[max(0, at-200):min(len(text), at+60)])
			}
		}
	}
}

// TestJournalLargeBodies checks that a journal is limited in bytes as well as in number.
func TestJournalLargeBodies(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	body := `{"userid":"u","x":"` + strings.Repeat("x", 20_000) + `"}`
	for range 300 {
		do(s, "POST "+sessionURL, jsonType, body)
	}
	var list struct {
		Entries []mockserver.Entry
		Dropped int
	}
	steer(t, s, "GET", "/apps/default/journal", "", &list)
	size := 0
	for _, e := range list.Entries {
		size += len(e.Request.Body)
	}
	if len(list.Entries)+list.Dropped != 300 || list.Dropped == 0 || size > 4<<20 {
		t.Errorf("%d entries of %d bytes are kept, %d dropped", len(list.Entries), size, list.Dropped)
	}
}
