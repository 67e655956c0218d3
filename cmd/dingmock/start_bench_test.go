package main

import (
	"net/http"
	"os"
	"testing"
)

// BenchmarkStart is how long a process takes from its start to what it is started for: serve to its first answer, run
// to the end of a program that does nothing. The second has to be 3 times the first at most.
func BenchmarkStart(b *testing.B) {
	b.Run("serve to its first answer", func(b *testing.B) {
		for b.Loop() {
			serve := itself(b, "serve", "--addr", "127.0.0.1:0", "--quiet")
			out := newOutput()
			serve.Stdout = out
			if err := serve.Start(); err != nil {
				b.Fatal(err)
			}
			if !out.waitFor("\n\n  http://") || !out.waitFor("Try it") {
				b.Fatal("serve did not begin")
			}
			resp, err := http.Get("http://" + host(out) + "/_mock/readyz")
			if err != nil {
				b.Fatal(err)
			}
			_ = resp.Body.Close()
			b.StopTimer()
			_ = serve.Process.Signal(os.Interrupt)
			_ = serve.Wait()
			b.StartTimer()
		}
	})
	b.Run("run a program that does nothing", func(b *testing.B) {
		needs(b, "true")
		for b.Loop() {
			if out, err := itself(b, "run", "--", "true").CombinedOutput(); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
		}
	})
}
