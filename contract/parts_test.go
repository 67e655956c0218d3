package contract_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// No report shows a value that was made of a secret, the part of one where a text was cut, or the password of the address: of servers
// that compare secrets laxly, that say in an error what they were sent, and that are no platform and say it in a header.
func TestNoPartOfASecret(t *testing.T) {
	t.Parallel()
	const secret, corpSecret, password = "RealSecretValue123", "OtherSecretValue456", "Hunter2Hunter2"
	forbidden := []string{secret[:8], corpSecret[:8], password, "SHVudGVyMkh1bnRlcjI", "aHVudGVy"}
	for name, handler := range map[string]func(fake http.Handler) http.HandlerFunc{
		"the last character and the case make no difference": func(fake http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				for id, right := range map[string]string{"appsecret": secret, "corpsecret": corpSecret} {
					if given := q.Get(id); len(given) == len(right) && strings.EqualFold(given[:len(right)-1], right[:len(right)-1]) {
						q.Set(id, right)
					}
				}
				r.URL.RawQuery = q.Encode()
				fake.ServeHTTP(w, r)
			}
		},
		"an error says what was sent": func(fake http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("appsecret") == secret || q.Get("corpsecret") == corpSecret {
					fake.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"errcode":40001,"errmsg":"%s%s"}`, strings.Repeat("0", 52), secret) // the cut is within the secret
			}
		},
		"no platform": func(http.Handler) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; q="+r.URL.Query().Get("appsecret"))
				_, _ = fmt.Fprintf(w, "<p>%s%s", strings.Repeat("0", 50), secret)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, err := mockserver.New(&mockserver.Options{Apps: []mockserver.AppState{{
				Name: "a", AppKey: "appkeyone", AppSecret: secret, CorpID: "corpone", CorpSecret: corpSecret,
			}}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = fake.Close() })
			srv := httptest.NewServer(handler(fake))
			t.Cleanup(srv.Close)
			target := contract.Target{
				URL: strings.Replace(srv.URL, "http://", "http://hunter:"+password+"@", 1),
				App: contract.App{AppKey: "appkeyone", AppSecret: secret, CorpID: "corpone", CorpSecret: corpSecret},
			}
			report, err := contract.Verify(t.Context(), target, &contract.Options{Budget: 5, Seed: 1})
			shown := fmt.Sprint(err)
			if err == nil {
				var b strings.Builder
				for _, write := range []func() error{
					func() error { return report.WriteText(&b) }, func() error { return report.WriteJSON(&b) },
					func() error { return report.WriteJUnit(&b) }, func() error { return report.WriteGitHub(&b) },
				} {
					if err := write(); err != nil {
						t.Fatal(err)
					}
				}
				if shown = b.String(); len(report.Causes) == 0 {
					t.Fatal("the server breaks no rule, so nothing is shown")
				}
			}
			for _, part := range forbidden {
				if at := strings.Index(strings.ToLower(shown), strings.ToLower(part)); at >= 0 {
					t.Errorf("%q is shown: …%s…", part, shown[max(0, at-120):min(len(shown), at+60)])
				}
			}
		})
	}
}
