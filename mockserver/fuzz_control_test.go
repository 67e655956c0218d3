package mockserver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver"
)

// FuzzControl makes one call of the control API: the reply must be as control.yaml says, never a 5xx, and a
// rejection must change nothing.
func FuzzControl(f *testing.F) {
	doc := controlDocument(f, listen(f, fake(f, mockserver.Options{})))
	ops := slices.DeleteFunc(doc.Operations(), func(op *dingmock.Operation) bool { return strings.HasPrefix(op.ID, "stream_") }) // endless
	for i, op := range ops {
		f.Add(uint8(i), "default", "", valid[op.ID])
		f.Add(uint8(i), "mock-f", "limit=2&cursor=YXBwcy8vIDE&order=newest", valid[op.ID])
		f.Add(uint8(i), "_", "since=1&limit=0&violations=x&fail_unknown=true", `{"apps":[{"appkey":"a","appsecret":"b","tokens":[{"token":"x","expires_in":-1}]}]}`)
		f.Add(uint8(i), "%ff/..", "=&&%zz", `{"effect":{"reply":{"body":null,"status":200}},"when":{"probability":1e999,"for":"-1s"},"match":{"path":"/\ud800"}}`)
	}
	f.Fuzz(func(t *testing.T, op uint8, app, query, body string) {
		o := ops[int(op)%len(ops)]
		s := controlled(t, mockserver.Options{})
		before := snapshot(t, s)
		target, err := url.Parse("http://x" + concrete(o.Path, url.PathEscape(app)) + "?" + query)
		if err != nil {
			return
		}
		r := httptest.NewRequest(o.Method, "http://localhost/", strings.NewReader(body))
		r.URL = target
		if body != "" {
			r.Header.Set("Content-Type", jsonType)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel() // a wait ends at once
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r.WithContext(gone))
		if w.Code >= 500 {
			t.Errorf("%s: HTTP %d %s", o.ID, w.Code, w.Body)
		}
		if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && doc.Match(o.Method, target.Path) == o {
			q := &dingmock.Request{Operation: o, Method: o.Method, Path: target.Path}
			for _, v := range q.CheckResponse(w.Code, w.Header(), w.Body.Bytes()) {
				t.Errorf("%s: %s: %s", o.ID, v, w.Body)
			}
		}
		if w.Code >= http.StatusBadRequest && o.ID != "wait_journal" && snapshot(t, s) != before { // a wait that ends is no rejection
			t.Errorf("%s: refused with %s, and yet the state is another", o.ID, w.Body)
		}
	})
}
