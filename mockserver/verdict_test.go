package mockserver_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/mockserver"
)

// TestVerdictOutlives keeps a tally whatever becomes of the app and of its journal; only its own deletion ends it.
func TestVerdictOutlives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		options mockserver.Options
		happens func(t *testing.T, s *mockserver.Server)
	}{
		{"reset", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) { steer(t, s, "POST", "/apps/mock-a/reset", "", nil) }},
		{"deletion", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) { steer(t, s, "DELETE", "/apps/mock-a", "", nil) }},
		{"replacement", mockserver.Options{}, func(t *testing.T, s *mockserver.Server) {
			steer(t, s, "PUT", "/state", `{"apps":[{"name":"mock-a","appkey":"mock-a","appsecret":"x"}]}`, nil)
		}},
		{"eviction", mockserver.Options{MaxApps: 2}, func(t *testing.T, s *mockserver.Server) { call(s, "GET /gettoken?appkey=mock-b&appsecret=x", "") }},
		{"a journal that is off", mockserver.Options{Journal: -1}, func(*testing.T, *mockserver.Server) {}},
		{"a journal that is full", mockserver.Options{Journal: 1}, func(t *testing.T, s *mockserver.Server) { call(s, "GET /gettoken?appkey=mock-a&appsecret=x", "") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, test.options)
			call(s, "GET /gettoken?x=1&appkey=mock-a&appsecret=x", "")
			test.happens(t, s)
			var v mockserver.Verdict
			if status := steer(t, s, "GET", "/apps/mock-a/verdict", "", &v); status != http.StatusConflict || len(v.Violations) != 1 || v.Violations[0].First.Operation != "gettoken" {
				t.Errorf("HTTP %d, %+v", status, v)
			}
			if status := steer(t, s, "DELETE", "/apps/mock-a/verdict", "", nil); status != http.StatusNoContent {
				t.Errorf("cleared with HTTP %d", status)
			}
			v = mockserver.Verdict{}
			if status := steer(t, s, "GET", "/verdict", "", &v); status != http.StatusOK || len(v.Violations) != 0 {
				t.Errorf("after that HTTP %d, %+v", status, v)
			}
		})
	}
}

// TestVerdictPardons lists unknown paths and apps that are not judged, but is not red for them.
func TestVerdictPardons(t *testing.T) {
	t.Parallel()
	s := fake(t, mockserver.Options{})
	steer(t, s, "POST", "/apps", `{"name":"careless","appkey":"careless","appsecret":"x","judge":false}`, nil)
	call(s, "GET /gettoken?x=1&appkey=careless&appsecret=x", "")
	call(s, "GET /no/such/path", "")
	for _, test := range []struct {
		path     string
		status   int
		pardoned []bool
	}{
		{"/verdict", 200, []bool{true, true}},
		{"/verdict?fail_unknown=true", 409, []bool{false, true}},
		{"/apps/_/verdict", 200, []bool{true}},
		{"/apps/_/verdict?fail_unknown=true", 409, []bool{false}},
		{"/apps/careless/verdict?fail_unknown=true", 200, []bool{true}},
	} {
		var v mockserver.Verdict
		status := steer(t, s, "GET", test.path, "", &v)
		var got []bool
		for _, row := range v.Violations {
			got = append(got, row.Pardoned)
		}
		if diff := cmp.Diff(test.pardoned, got); diff != "" || status != test.status || v.OK != (status == 200) {
			t.Errorf("%s: HTTP %d, ok %t (-want +got)\n%s", test.path, status, v.OK, diff)
		}
	}
	steer(t, s, "PATCH", "/apps/careless", `{"judge":true}`, nil)
	call(s, "GET /gettoken?x=1&appkey=careless&appsecret=x", "")
	if status := steer(t, s, "GET", "/verdict", "", nil); status != http.StatusConflict {
		t.Errorf("once the app is judged: HTTP %d", status)
	}
}

// TestTallyOfManyApps holds no more than so many rows, loses no count, and lets no app beyond them pass as clean.
func TestTallyOfManyApps(t *testing.T) {
	t.Parallel()
	const apps = 20_100
	s := fake(t, mockserver.Options{MaxApps: 10, Journal: -1})
	for i := range apps {
		call(s, fmt.Sprintf("GET /gettoken?x=1&appkey=mock-%d&appsecret=x", i), "")
	}
	names, sum := map[string]int{}, 0
	for _, row := range s.Violations() {
		names[row.App] += row.Count
		sum += row.Count
	}
	if len(names) != 20_001 || sum != apps || names[mockserver.NoApp] != 100 {
		t.Errorf("%d calls of %d apps are tallied as %d of %d, %d of them of apps beyond", apps, apps, sum, len(names), names[mockserver.NoApp])
	}
	if list := s.App(fmt.Sprintf("mock-%d", apps-1)).Violations(); len(list) != 1 || list[0].Count != 100 {
		t.Errorf("the last app passes as clean: %+v", list)
	}
}
