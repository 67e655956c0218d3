package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// serverPowers make apps and move their clocks, straight on a server.
func serverPowers(server *mockserver.Server) Powers {
	var n atomic.Int64
	return Powers{
		NewApp: func(context.Context, AppSpec) (App, error) {
			key := fmt.Sprintf("mock-rapid-%d", n.Add(1))
			server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/gettoken?appkey="+key+"&appsecret=secret", nil))
			return App{CorpID: key, CorpSecret: "secret", AppKey: key, AppSecret: "secret"}, nil
		},
		Advance: func(ctx context.Context, app App, by time.Duration) error {
			at, err := control.Of(server, nil)
			if err == nil {
				_, err = at.App(app.AppKey).Advance(ctx, by)
			}
			return err
		},
	}
}

// TestModelByRapid plays random sequences that rapid makes, and shrinks, against the fake: another generator than the
// kit's own, and a check of the model itself.
func TestModelByRapid(t *testing.T) {
	t.Parallel()
	server, err := mockserver.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	trial := rapidTrial(t, Target{Handler: server, Powers: serverPowers(server)})
	rapid.Check(t, func(t *rapid.T) {
		sequence := rapid.SliceOfN(rapid.Custom(drawStep), 1, 40).Draw(t, "steps")
		if end := trial.play(sequence); end != nil {
			t.Fatalf("%s", trial.failure(end).text("model/sequences"))
		}
	})
}

func drawStep(t *rapid.T) step {
	return step{
		do:  rapid.SampledFrom([]string{"create", "close", "get", "token", "accessToken", "wait"}).Draw(t, "do"),
		app: rapid.IntRange(0, modelApps-1).Draw(t, "app"), user: rapid.IntRange(0, modelUsers-1).Draw(t, "user"),
		id: rapid.IntRange(0, modelIDs-1).Draw(t, "id"), chat: rapid.IntRange(0, modelChats-1).Draw(t, "chat"),
		wait: rapid.SampledFrom([]time.Duration{time.Second, time.Hour, life - time.Minute, life}).Draw(t, "wait"),
	}
}

// rapidTrial makes a trial that lives as long as the test.
func rapidTrial(t *testing.T, target Target) *trial {
	t.Helper()
	r, err := newRunner(target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.trial(t.Context(), modelCase)
}

// TestShrink shows that a failing sequence is cut to the steps that matter, in their order.
func TestShrink(t *testing.T) {
	t.Parallel()
	list := make([]step, 64)
	for i := range list {
		list[i] = step{do: "get", user: i}
	}
	got := shrink(list, func(s []step) bool {
		seen := 0
		for _, x := range s {
			if x.user == 7 && seen == 0 || x.user == 40 && seen == 1 || x.user == 41 && seen == 2 {
				seen++
			}
		}
		return seen == 3
	})
	if len(got) != 3 || got[0].user != 7 || got[1].user != 40 || got[2].user != 41 {
		t.Errorf("got %v", got)
	}
}

// TestExplain pins what is said of a target that cannot be reached.
func TestExplain(t *testing.T) {
	t.Parallel()
	if got := explain(context.DeadlineExceeded, time.Second); got != "no answer within 1s" {
		t.Error(got)
	}
	if got := explain(errors.New("unexpected EOF"), time.Second); got != "the connection was closed before an answer came" {
		t.Error(got)
	}
}
