package mockserver_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/dingmock/dingmock/mockserver"
)

// held returns the memory in use after a collection, in bytes.
func held() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Many calls take no more memory than a full ring, even if each call is as large as possible.
func TestMemoryStaysTheSame(t *testing.T) { //nolint:paralleltest // others' memory would count
	big := strings.Repeat("x", 900<<10)
	for _, x := range []struct {
		name                string
		fill, calls         int
		media, body, header string
		bound               int64
	}{
		{"small", 2000, 10_000, "", "", "", 400 << 10}, // the ring of all apps holds 1000
		{"large parameter and header", 50, 100, jsonType, `{"userid":"` + big + `"}`, big, 1200 << 10},
		{"a small parameter of a large form", 50, 100, formType, "x=" + big + "&userid=u", "", 1200 << 10},
	} {
		s := fake(t, mockserver.Options{Journal: 100})
		call := func(i int) {
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/topapi/v2/user/getsession?access_token="+live, strings.NewReader(x.body))
			if x.body == "" {
				r = httptest.NewRequestWithContext(t.Context(), "GET", "/gettoken?n="+strconv.Itoa(i%10)+"&"+appPairQuery, nil)
			}
			r.Header.Set("Content-Type", x.media)
			r.Header.Set("X-Large", strings.Clone(x.header))
			s.ServeHTTP(&discarded{header: http.Header{}}, r)
		}
		for i := range x.fill {
			call(i)
		}
		before := held()
		for i := range x.calls {
			call(i)
		}
		grew := held() - before
		t.Logf("%s: %d calls hold %d KiB more than %d do", x.name, x.calls, grew>>10, x.fill)
		if grew > x.bound {
			t.Errorf("%s: %d calls hold %d KiB more than %d do", x.name, x.calls, grew>>10, x.fill)
		}
		runtime.KeepAlive(s)
	}
}

type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(p []byte) (int, error) { return len(p), nil }
func (d *discarded) WriteHeader(int)             {}
