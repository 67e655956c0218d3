package mockserver_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/internal/manual"
	"github.com/dingmock/dingmock/mockserver"
)

// Error replies that differ only in numbers are one explanation, with the text of the latest.
func TestExplanations(t *testing.T) {
	t.Parallel()
	wall := manual.New(start)
	s := fake(t, mockserver.Options{Now: wall.Now})
	get := func(path string) { do(s, "GET "+path, "", "") }
	get("/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret")
	if diff := cmp.Diff([]mockserver.Explanation{}, s.Explanations(10)); diff != "" {
		t.Errorf("without an error (-want +got):\n%s", diff)
	}
	for range 2 {
		get("/gettoken?appkey=dingmockapp")
	}
	for n := range 3 {
		get("/no/such/path" + strconv.Itoa(n))
	}
	wall.Advance(7212 * time.Second)
	for range 4 {
		get("/topapi/v2/user/getsession?userid=u&access_token=" + live)
		wall.Advance(time.Second)
	}
	var counts []int
	all := s.Explanations(10)
	for _, x := range all {
		counts = append(counts, x.Count)
	}
	if diff := cmp.Diff([]int{4, 3, 2}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s\n%+v", diff, all)
	}
	if diff := cmp.Diff(all[:1], s.Explanations(1)); diff != "" {
		t.Errorf("at most one (-want +got):\n%s", diff)
	}
}
