package mockserver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestTwentyTests runs twenty tests at once against one server, as a CI job does: each moves its clock, sets
// rules, breaks the document and resets, and sees nothing of the others.
func TestTwentyTests(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	addr := listen(t, s)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			key := fmt.Sprintf("mock-test-%d", i)
			ask := func(line, body string) string {
				return tidy(send(t, addr, request(line, mediaOf(body), body)).body)
			}
			steer := func(line, body string) string { return ask(strings.Replace(line, " ", " /_mock/apps/"+key, 1), body) }
			want := func(what, want, got string) {
				if want != got {
					t.Errorf("%s: %s: %s, want %s", key, what, got, want)
				}
			}
			for round := range 3 {
				_, token, _ := strings.Cut(ask("GET /gettoken?appkey="+key+"&appsecret=x", ""), `"access_token":"`)
				token, _, _ = strings.Cut(token, `"`)
				session := fmt.Sprintf(`{"session_id":"the same id","app_key":"%s","user_id":"u","chatid":"%d-%d"}`, key, i, round)
				want("create", createOKOf("the same id"), ask("POST /topapi/v2/im/create_session?access_token="+token, session))
				if got := ask("POST /topapi/v2/user/getsession?access_token="+token, `{"userid":"u"}`); !strings.Contains(got, fmt.Sprintf(`"chatid":"%d-%d"`, i, round)) {
					t.Errorf("%s: sees %s", key, got)
				}
				// Every third test makes its own calls fail, every second one moves its clock.
				if i%3 == 0 {
					steer("POST /rules", `{"match":{"operation":"close_session"},"when":{"times":1},"effect":{"errcode":4711,"errmsg":"x"}}`)
					want("with a rule", `{"errcode":4711,"errmsg":"x","request_id":"…"}`, ask("POST /topapi/v2/im/close_session?access_token="+token, session))
				}
				if i%2 == 0 {
					steer("POST /clock/advance", `{"by":"7200s"}`)
					want("after its life", tokenInvalid, ask("POST /topapi/v2/im/close_session?access_token="+token, session))
				} else {
					want("close", closeOK, ask("POST /topapi/v2/im/close_session?access_token="+token, session))
					ask("GET /gettoken?x=1&appkey="+key+"&appsecret=x", "")
				}
				var counted mockserver.MatchResult
				decode(t, steer("POST /journal/expect", `{"match":{"operation":"close_session"},"at_least":1,"at_most":2}`), &counted)
				if !counted.OK || counted.Found != 1+(3-i%3)/3 {
					t.Errorf("%s: round %d: %d calls of close_session in the journal", key, round, counted.Found)
				}
				steer("POST /reset", "")
				want("a token of before the reset", tokenInvalid, ask("POST /topapi/v2/user/getsession?access_token="+token, `{"userid":"u"}`))
			}
			var v mockserver.Verdict
			decode(t, steer("GET /verdict", ""), &v)
			var off []string
			for _, row := range v.Violations {
				off = append(off, fmt.Sprintf("%s %s %d", row.App, row.Pointer, row.Count))
			}
			var expected []string
			if i%2 == 1 {
				expected = []string{key + " /query/x 3"}
			}
			if diff := cmp.Diff(expected, off); diff != "" {
				t.Errorf("%s: verdict (-want +got)\n%s", key, diff)
			}
		})
	}
	group.Wait()
}
