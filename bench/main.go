//go:build linux

// Command bench measures the fake beside R0, a server of the same calls that is written by hand with net/http, encoding/json and maps
// alone. Both run as processes of their own, in turns; what is told of a server is its own time on the processors and its own
// memory, as Linux counts them, and the median of some rounds. Run it from the root of the module:
//
//	go run ./bench
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock/internal/r0"
)

// A contender is a server that is measured.
type contender struct {
	name    string
	command []string
}

// measured is what one round of a contender tells, by the name of what was measured.
type measured map[string]float64

func main() {
	rounds := flag.Int("rounds", 5, "how many rounds there are, of which the median is told")
	n := flag.Int("calls", 30000, "how many calls a round makes of each kind")
	sessions := flag.Int("sessions", 0, "how many sessions are opened besides, to see what each keeps in memory; 0: none")
	flag.Parse()
	if err := run(context.Background(), *rounds, *n, *sessions); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds, n, sessions int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.CommandContext(ctx, "go", "build", "-o", dir+string(filepath.Separator), "./cmd/dingmock", "./bench/r0") //nolint:gosec // a folder of its own
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	state := filepath.Join(dir, "state.json")
	if err := os.WriteFile(state, []byte(`{"apps":[{"name":"default","corpid":"dingmockcorp","corpsecret":"dingmockcorpsecret","appkey":"dingmockapp","appsecret":"dingmockappsecret","tokens":[{"token":"`+r0.Token+`","expires_in":7200}]}]}`), 0o600); err != nil {
		return err
	}
	fake := func(flags ...string) []string {
		return append([]string{filepath.Join(dir, "dingmock"), "serve", "--addr", "127.0.0.1:0", "--state", state, "--max-sessions", "2000000"}, flags...)
	}
	contenders := []contender{
		{"R0", []string{filepath.Join(dir, "r0")}},
		{"quiet, journal on", fake("--quiet")},
		{"quiet, journal off", fake("--quiet", "--journal", "0")},
		{"all defaults", fake()},
	}
	results := make([][]measured, len(contenders))
	for round := range rounds {
		most := 0.0 // calls a second that R0 answers
		for i, c := range contenders {
			m, err := measure(ctx, c, filepath.Join(dir, "lines"), n, sessions, most/2)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			results[i] = append(results[i], m)
			if i == 0 {
				most = m[calls[0].name+", 32 connections: calls a second"]
			}
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", round+1, rounds)
	}
	report(contenders, results)
	return nil
}

// measure starts a contender and makes its calls, those of the last kind of load at a rate of calls a second; 0: half of what it can.
func measure(ctx context.Context, c contender, lines string, n, sessions int, rate float64) (measured, error) {
	began := time.Now()
	p, err := start(ctx, c.command, lines)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	first, err := dial(ctx, p.addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = first.Close() }()
	if err := first.do(calls[0].bytes(0)); err != nil {
		return nil, err
	}
	m := measured{"start, ms": ms(time.Since(began))}
	if err := m.memory("idle, MiB", p); err != nil {
		return nil, err
	}
	var made int64
	for _, call := range calls {
		for _, connections := range []int{1, 32} {
			if _, _, err := load(ctx, p.addr, call, made, n/10, connections, 0); err != nil { // warm
				return nil, err
			}
			made += int64(n / 10)
			before, err := p.cpu()
			if err != nil {
				return nil, err
			}
			_, all, err := load(ctx, p.addr, call, made, n, connections, 0)
			if err != nil {
				return nil, err
			}
			made += int64(n)
			after, err := p.cpu()
			if err != nil {
				return nil, err
			}
			what := fmt.Sprintf("%s, %d connections: ", call.name, connections)
			m[what+"CPU, µs a call"] = float64((after - before).Microseconds()) / float64(n)
			m[what+"calls a second"] = float64(n) / all.Seconds()
		}
	}
	if rate == 0 {
		rate = m[calls[0].name+", 32 connections: calls a second"] / 2
	}
	each, _, err := load(ctx, p.addr, calls[0], 0, n, 32, rate)
	if err != nil {
		return nil, err
	}
	m["gettoken at half of R0's most: p50, ms"] = ms(each[len(each)/2])
	m["gettoken at half of R0's most: p99, ms"] = ms(each[len(each)*99/100])
	if err := m.memory("after the calls, MiB", p); err != nil || sessions == 0 {
		return m, err
	}
	if _, _, err := load(ctx, p.addr, calls[1], made, sessions, 32, 0); err != nil {
		return nil, err
	}
	after, err := p.memory()
	m["an open session, bytes"] = (float64(after) - m["after the calls, MiB"]*(1<<20)) / float64(sessions)
	return m, err
}

func (m measured) memory(what string, p *process) error {
	bytes, err := p.memory()
	m[what] = float64(bytes) / (1 << 20)
	return err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// report prints the medians, and of each contender after the first its ratio to that, round by round.
func report(contenders []contender, results [][]measured) {
	fmt.Printf("%s, %d processors, %s/%s, median of %d rounds; in brackets the ratio to R0 of the same round\n\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, len(results[0]))
	header := []string{"measured"}
	for _, c := range contenders {
		header = append(header, c.name)
	}
	fmt.Println("| " + strings.Join(header, " | ") + " |")
	fmt.Println("|" + strings.Repeat("---|", len(header)))
	var names []string
	for name := range results[0][0] {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		row := []string{name}
		for i := range contenders {
			var values, ratios []float64
			for round, m := range results[i] {
				values = append(values, m[name])
				ratios = append(ratios, m[name]/results[0][round][name])
			}
			cell := fmt.Sprintf("%.4g", median(values))
			if i > 0 {
				cell += fmt.Sprintf(" (%.2f)", median(ratios))
			}
			row = append(row, cell)
		}
		fmt.Println("| " + strings.Join(row, " | ") + " |")
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
