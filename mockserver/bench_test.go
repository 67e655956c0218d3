//go:build unix

package mockserver_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dingmock/dingmock/internal/r0"
	"github.com/dingmock/dingmock/mockserver"
)

// work is what one step of a benchmark requests; the worker's name makes the ids unique.
type work struct {
	name string
	asks func(worker int) []ask
}

type ask struct{ method, target, body string }

var works = []work{
	{"gettoken", func(int) []ask { return []ask{{"GET", "/gettoken?" + appPairQuery, ""}} }},
	{"accessToken", func(int) []ask {
		return []ask{{"POST", "/v1.0/oauth2/accessToken", `{"appKey":"dingmockapp","appSecret":"dingmockappsecret"}`}}
	}},
	{"getsession", func(int) []ask {
		return []ask{{"POST", "/topapi/v2/user/getsession?access_token=" + live, `{"userid":"manager4220"}`}}
	}},
	{"create_session+close_session", func(worker int) []ask {
		body := fmt.Sprintf(`{"session_id":"session-%d","app_key":"dingmockapp","chatid":"chatdce7caafccaa941d870e82ee9c97b2eb","user_id":"user-%d"}`, worker, worker)
		return []ask{
			{"POST", "/topapi/v2/im/create_session?access_token=" + live, body},
			{"POST", "/topapi/v2/im/close_session?access_token=" + live, body},
		}
	}},
}

// contenders are the yardstick and the fake.
func contenders(b *testing.B) [2]http.Handler {
	b.Helper()
	return prepared(b, r0.New(), fakeOf(b, true))
}

// fakeOf returns a fake with a journal or without one.
func fakeOf(b *testing.B, journal bool) *mockserver.Server {
	b.Helper()
	s, err := mockserver.New(&mockserver.Options{Apps: []mockserver.AppState{liveApp()}, NoJournal: !journal})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// prepared returns two handlers with an open session for getsession.
func prepared(b *testing.B, list ...http.Handler) [2]http.Handler {
	b.Helper()
	for _, h := range list {
		token(b, h, appPairQuery)
		body := `{"session_id":"s","app_key":"dingmockapp","chatid":"chatdce7caafccaa941d870e82ee9c97b2eb","user_id":"manager4220"}`
		if a := topapi(h, create, live, body); code(b, a) != 0 {
			b.Fatal(a.body)
		}
	}
	return [2]http.Handler{list[0], list[1]}
}

// cpu returns the CPU time that the process has used so far, user and system.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// compare runs both contenders in turns, each worker n times, and reports the CPU time per request of each, and
// the ratio.
func compare(b *testing.B, requests, workers int, run func(contender, n int)) {
	b.Helper()
	const turns = 8
	var used, took [2]time.Duration
	var done [2]int
	for turn := range 2 * turns {
		n := b.N/turns/workers + 1
		runtime.GC()
		before, began := cpu(), time.Now()
		run(turn%2, n)
		used[turn%2] += cpu() - before
		took[turn%2] += time.Since(began)
		done[turn%2] += n * requests * workers
	}
	perRequest := func(i int) float64 { return float64(used[i].Nanoseconds()) / float64(done[i]) }
	b.ReportMetric(0, "ns/op") // covers both, so it means nothing
	b.ReportMetric(perRequest(0), "r0-cpu-ns/req")
	b.ReportMetric(perRequest(1), "cpu-ns/req")
	b.ReportMetric(perRequest(1)/perRequest(0), "ratio")
	b.ReportMetric(took[0].Seconds()/took[1].Seconds(), "throughput") // of the second relative to the first
}

// BenchmarkTCP compares both over keep-alive connections in one process, with one client goroutine per core. The
// client writes prepared bytes and reads the reply with as little work as possible.
func BenchmarkTCP(b *testing.B) {
	for _, w := range works {
		b.Run(w.name, func(b *testing.B) { overTCP(b, w, contenders(b)) })
	}
}

// BenchmarkJournal compares the fake with its journal to one whose journal is off, also over TCP; the latter takes
// the place of the yardstick.
func BenchmarkJournal(b *testing.B) {
	for _, w := range works {
		b.Run(w.name, func(b *testing.B) {
			overTCP(b, w, prepared(b, fakeOf(b, false), fakeOf(b, true)))
		})
	}
}

// overTCP compares two handlers.
func overTCP(b *testing.B, w work, handlers [2]http.Handler) {
	b.Helper()
	workers := runtime.GOMAXPROCS(0)
	var pools [2][]*client
	for i, h := range handlers {
		addr := listen(b, h)
		for worker := range workers {
			pools[i] = append(pools[i], dial(b, addr, w.asks(worker)))
		}
	}
	b.ResetTimer()
	compare(b, len(w.asks(0)), workers, func(contender, n int) {
		var wg sync.WaitGroup
		for _, c := range pools[contender] {
			wg.Go(func() {
				for range n {
					c.step(b)
				}
			})
		}
		wg.Wait()
	})
}

// client is one connection and its requests in turn.
type client struct {
	conn  net.Conn
	read  *bufio.Reader
	bytes [][]byte
}

func dial(b *testing.B, addr string, asks []ask) *client {
	b.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	c := &client{conn: conn, read: bufio.NewReader(conn)}
	for _, a := range asks {
		c.bytes = append(c.bytes, fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: oapi.dingtalk.com\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", a.method, a.target, len(a.body), a.body))
	}
	return c
}

// step makes each request once.
func (c *client) step(b *testing.B) {
	for _, request := range c.bytes {
		if _, err := c.conn.Write(request); err != nil {
			b.Error(err)
			return
		}
		length := 0
		for {
			line, err := c.read.ReadSlice('\n')
			if err != nil {
				b.Error(err)
				return
			}
			if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
			if len(line) <= 2 {
				break
			}
		}
		body, err := c.read.Peek(length)
		if err != nil || !bytes.Contains(body, []byte(`"errcode":0`)) && !bytes.Contains(body, []byte(`"accessToken"`)) {
			b.Errorf("answered %s, %v", body, err)
			return
		}
		_, _ = c.read.Discard(length)
	}
}

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkInProcess compares only the handlers: no socket, no parsing of HTTP.
func BenchmarkInProcess(b *testing.B) {
	for _, w := range works {
		b.Run(w.name, func(b *testing.B) {
			handlers := contenders(b)
			var requests []*http.Request
			for _, a := range w.asks(0) {
				r := httptest.NewRequest(a.method, a.target, nil)
				r.Header.Set("Content-Type", jsonType)
				requests = append(requests, r)
			}
			b.ResetTimer()
			compare(b, len(requests), 1, func(contender, n int) {
				out := &discard{header: http.Header{}}
				for range n {
					for i, a := range w.asks(0) {
						r := *requests[i]
						r.Body = io.NopCloser(bytes.NewReader([]byte(a.body)))
						clear(out.header)
						handlers[contender].ServeHTTP(out, &r)
					}
				}
			})
		})
	}
}
