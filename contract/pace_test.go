package contract_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// TestLive shows how the real platform would be treated: one call after the other, four a second at most, only the
// calls that it documents, and nothing written unless that is allowed.
func TestLive(t *testing.T) {
	t.Parallel()
	for _, writes := range []bool{false, true} {
		name := map[bool]string{false: "without writes", true: "with writes"}[writes]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, err := mockserver.New(&mockserver.Options{WithoutSessions: true})
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = fake.Close() }()
				var mu sync.Mutex
				var at []time.Time
				sessions := 0
				report, err := contract.Verify(t.Context(), contract.Target{
					App: contract.App{AppKey: "dingmockapp", AppSecret: "dingmockappsecret", CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret"},
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						mu.Lock()
						at = append(at, time.Now())
						switch r.URL.Path {
						case "/topapi/v2/user/getsession", "/topapi/v2/im/create_session", "/topapi/v2/im/close_session":
							sessions++
						}
						mu.Unlock()
						fake.ServeHTTP(w, r)
					}),
				}, &contract.Options{Live: true, AllowWrites: writes, Timeout: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range report.Results {
					if r.Outcome == contract.Fail || r.Outcome == contract.Errored {
						t.Errorf("%s\n%v", r.Line(), r.Failure)
					}
				}
				for i := 1; i < len(at); i++ {
					if d := at[i].Sub(at[i-1]); d < 200*time.Millisecond {
						t.Fatalf("calls %d and %d are %s apart", i, i+1, d)
					}
				}
				if (sessions > 0) != writes {
					t.Errorf("%d calls of paths that write", sessions)
				}
				t.Logf("%d calls in %s of the live platform's time, %d cases pass", len(at), report.Duration, report.Count(contract.Pass))
			})
		})
	}
}
