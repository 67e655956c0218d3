package mockserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

// TestSnapshotRoundTrip puts a snapshot of everything into another server, whose own snapshot is then identical.
func TestSnapshotRoundTrip(t *testing.T) {
	t.Parallel()
	clock := manual.New(start)
	one := fake(t, mockserver.Options{Now: clock.Now})
	do(one, "GET /gettoken?appkey=mock-a&appsecret=s%26x", "", "")
	for _, x := range []struct{ method, path, body string }{
		{"POST", "/apps", `{"name":"orders","users":["u-1","会话"],"qps":20,"judge":false}`},
		{"POST", "/apps/mock-a/clock/advance", `{"by":"1h30m"}`},
		{"POST", "/apps/default/clock/freeze", ""},
		{"POST", "/apps/default/rules", `{"match":{"operation":"getsession","method":"POST","path":"/topapi/*"},"when":{"skip":1,"times":2,"every":3,"probability":0.5,"for":"10m"},"effect":{"latency":"1ms","latency_max":"2ms"}}`},
		{"POST", "/apps/default/rules", `{"effect":{"reply":{"status":201,"content_type":"text/plain","body":"text <&>","without_token":true}},"match":{"path":"/x"}}`},
		{"POST", "/apps/default/rules", `{"effect":{"reply":{"body":{"a":[1,null]}}},"match":{"path":"/y"}}`},
		{"POST", "/apps/mock-a/rules", `{"effect":{"errcode":88,"sub_code":"1","errmsg":"x"},"match":{"operation":"close_session"}}`},
	} {
		if status := steer(t, one, x.method, x.path, x.body, nil); status/100 != 2 {
			t.Fatalf("%s %s: HTTP %d", x.method, x.path, status)
		}
	}
	for i := range 3 {
		do(one, "POST /topapi/v2/im/create_session?access_token="+live, jsonType, fmt.Sprintf(`{"session_id":"s-%d \"<会>","app_key":"dingmockapp","user_id":"u"}`, i))
	}
	do(one, "POST "+sessionURL, jsonType, `{"userid":"u"}`)
	snapshot := func(s *mockserver.Server) string {
		var state json.RawMessage
		steer(t, s, "GET", "/state", "", &state)
		return string(state)
	}
	want := snapshot(one)
	other := fake(t, mockserver.Options{Now: clock.Now})
	var problem struct{ Detail string }
	if status := steer(t, other, "PUT", "/state", want, &problem); status != http.StatusOK {
		t.Fatalf("HTTP %d: %s", status, problem.Detail)
	}
	if diff := cmp.Diff(want, snapshot(other)); diff != "" {
		t.Errorf("another server's snapshot (-want +got)\n%s", diff)
	}
	state, err := mockserver.ReadState("snapshot", []byte(want))
	if err != nil {
		t.Fatal(err)
	}
	third := fake(t, mockserver.Options{Now: clock.Now, Apps: state.Apps})
	if diff := cmp.Diff(want, snapshot(third)); diff != "" {
		t.Errorf("the snapshot of a server that was started from it (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(do(one, "POST "+sessionURL, jsonType, `{"userid":"u"}`).body[:60], do(third, "POST "+sessionURL, jsonType, `{"userid":"u"}`).body[:60]); diff != "" {
		t.Errorf("what they answer (-want +got)\n%s", diff)
	}
}

// TestSnapshotUnderLoad takes snapshots while sessions come and go in pairs: every snapshot respects the order of
// a pair.
func TestSnapshotUnderLoad(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	var group sync.WaitGroup
	var over atomic.Bool
	for i := range 4 {
		group.Go(func() {
			for n := 0; !over.Load(); n++ {
				// a is opened before b and closed after it: if b is open, so is a.
				for _, x := range []struct{ call, id string }{{"create", "a"}, {"create", "b"}, {"close", "b"}, {"close", "a"}} {
					do(s, "POST /topapi/v2/im/"+x.call+"_session?access_token="+live, jsonType, fmt.Sprintf(`{"session_id":"%s-%d","app_key":"dingmockapp","user_id":"u"}`, x.id, i))
				}
			}
		})
	}
	taken, withBoth := 0, 0
	for began := time.Now(); taken < 500 && time.Since(began) < 20*time.Second || withBoth == 0 && time.Since(began) < time.Minute; taken++ {
		var state mockserver.State
		steer(t, s, "GET", "/state", "", &state)
		open := map[string]bool{}
		for _, x := range state.Apps[0].Sessions {
			open[x.SessionID] = true
		}
		for i := range 4 {
			a, b := open[fmt.Sprintf("a-%d", i)], open[fmt.Sprintf("b-%d", i)]
			if b && !a {
				t.Errorf("a snapshot holds b-%d without a-%d", i, i)
			}
			if a && b {
				withBoth++
			}
		}
	}
	over.Store(true)
	group.Wait()
	if withBoth == 0 {
		t.Errorf("in %d snapshots no pair was open", taken)
	}
}

// TestPutStateLeavesOthersAlone replaces the apps that the body names, all or none of them.
func TestPutStateLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	do(s, "GET /gettoken?appkey=mock-a&appsecret=x", "", "")
	before := s.Apps()
	if status := steer(t, s, "PUT", "/state", `{"apps":[{"name":"new","appkey":"new","appsecret":"x"},{"name":"mock-a","appkey":"mock-a","appsecret":"y"}]}`, nil); status != http.StatusOK {
		t.Fatalf("HTTP %d", status)
	}
	after := s.Apps()
	if diff := cmp.Diff(before[0], after[0]); diff != "" {
		t.Errorf("an app that was not named (-before +after)\n%s", diff)
	}
	if len(after) != 3 || len(after[2].Tokens) != 0 || after[2].AppSecret != "y" {
		t.Errorf("apps after: %+v", after)
	}
}
