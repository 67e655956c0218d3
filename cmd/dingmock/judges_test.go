package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/mocktest"
)

// judged is an exchange of testdata/judged.json, and whether it is off-spec.
type judged struct {
	Name, Method, Path, Body string
	Header                   map[string]string
	Red                      bool
}

func readJudged(t *testing.T) (list []judged) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/judged.json")
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil || len(list) < 10 {
		t.Fatalf("testdata/judged.json: %v, %d exchanges", err, len(list))
	}
	return list
}

// onSpec is a call that no judge minds: what is judged beside it is not that none came.
const onSpec = "/gettoken?appkey=mock-j&appsecret=s"

func (x judged) send(t testing.TB, client *http.Client, base string) {
	t.Helper()
	judged{Method: http.MethodGet, Path: onSpec}.sendAlone(t, client, base)
	x.sendAlone(t, client, base)
}

func (x judged) sendAlone(t testing.TB, client *http.Client, base string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.Method, base+x.Path, strings.NewReader(x.Body))
	if err != nil {
		t.Fatal(err)
	}
	if x.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range x.Header {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// TestJudges has all that judges say the same of the same exchanges, and of none at all: verdict, run --strict, proxy
// --strict, mocktest and contract.Transport. What testcontainer says is asked in its package, by the same file.
func TestJudges(t *testing.T) {
	t.Parallel()
	needs(t, "curl")
	const allowed = "/ours/*"
	fake := func(t *testing.T) string {
		t.Helper()
		s, err := mockserver.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(s)
		closes(t, srv)
		return srv.URL
	}
	type judge struct {
		silent bool // it says nothing of no call: a Go test says itself what it expects
		red    func(t *testing.T, x *judged) bool
	}
	judges := map[string]judge{
		"verdict": {false, func(t *testing.T, x *judged) bool {
			base := fake(t)
			if x != nil {
				x.send(t, http.DefaultClient, base)
			}
			code, stdout, stderr := tryRun(t, nil, "verdict", "--url", base, "--allow-unknown", allowed)
			return exits(t, code, stdout+stderr)
		}},
		"run": {false, func(t *testing.T, x *judged) bool {
			program := []string{"true"}
			if x != nil {
				program = []string{"sh", "-c", `curl -sS -o /dev/null "$DINGMOCK_URL` + onSpec + `"; exec curl -sS -o /dev/null -X "$1" -H "Content-Type: application/json" -H "x-acs-dingtalk-access-token: $4" -d "$3" "$DINGMOCK_URL$2"`, "sh", x.Method, x.Path, x.Body, x.Header["x-acs-dingtalk-access-token"]}
				if x.Body == "" {
					program = []string{"sh", "-c", `curl -sS -o /dev/null "$DINGMOCK_URL` + onSpec + `"; exec curl -sS -o /dev/null -X "$1" "$DINGMOCK_URL$2"`, "sh", x.Method, x.Path}
				}
			}
			r := runs(t, append([]string{"--strict", "--allow-unknown", allowed, "--"}, program...)...)
			return exits(t, r.code, r.stderr)
		}},
		"proxy": {false, func(t *testing.T, x *judged) bool {
			url, _, end := startProxy(t, "--upstream", fake(t), "--strict", "--allow-unknown", allowed)
			if x != nil {
				x.send(t, http.DefaultClient, url)
			}
			code, stdout := end()
			return exits(t, code, stdout)
		}},
		"mocktest": {true, func(t *testing.T, x *judged) bool {
			r := &failures{TB: t}
			srv := mocktest.New(r, &mocktest.Options{AllowUnknown: []string{allowed}})
			if x != nil {
				x.send(t, http.DefaultClient, srv.URL)
			}
			r.end()
			return len(r.list) > 0
		}},
		"transport": {true, func(t *testing.T, x *judged) bool {
			red := false
			client := &http.Client{Timeout: limit}
			client.Transport = contract.TransportWith(nil, &contract.JudgeOptions{AllowUnknown: []string{allowed}}, func(e *contract.Exchange) {
				red = true
				t.Log(e)
			})
			if x != nil {
				x.send(t, client, fake(t))
			}
			return red
		}},
	}
	type said map[string]bool
	want, got := map[string]said{}, map[string]said{}
	var mu sync.Mutex
	t.Run("judges", func(t *testing.T) {
		for name, judge := range judges {
			ask := func(what string, x *judged, red bool) {
				t.Run(name+"/"+what, func(t *testing.T) {
					t.Parallel()
					answer := judge.red(t, x)
					mu.Lock()
					defer mu.Unlock()
					if want[what] == nil {
						want[what], got[what] = said{}, said{}
					}
					want[what][name], got[what][name] = red, answer
				})
			}
			for _, x := range readJudged(t) {
				ask(x.Name, &x, x.Red)
			}
			ask("no call", nil, !judge.silent)
		}
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("is it red? (-want +got)\n%s", diff)
	}
}

// exits reports whether the exit code is that of red; any other than that of green is no judgement.
func exits(t *testing.T, code int, said string) bool {
	t.Helper()
	if code != exitOK && code != exitFailed {
		t.Fatalf("exit code %d: %s", code, said)
	}
	return code == exitFailed
}

// failures is a testing.TB that keeps what fails it.
type failures struct {
	testing.TB
	list     []string
	cleanups []func()
}

func (f *failures) Helper()                   {}
func (f *failures) Error(args ...any)         { f.list = append(f.list, fmt.Sprint(args...)) }
func (f *failures) Errorf(s string, a ...any) { f.list = append(f.list, fmt.Sprintf(s, a...)) }
func (f *failures) Logf(string, ...any)       {}
func (f *failures) Output() io.Writer         { return io.Discard }
func (f *failures) Cleanup(do func())         { f.cleanups = append(f.cleanups, do) }

func (f *failures) end() {
	for _, cleanup := range slices.Backward(f.cleanups) {
		cleanup()
	}
}
