// Command r0 serves the yardstick of the benchmarks, package internal/r0, and says where.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/dingmock/dingmock/internal/r0"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	flag.Parse()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", *addr)
	if err == nil {
		fmt.Println("http://" + l.Addr().String())
		err = http.Serve(l, r0.New()) //nolint:gosec // no time-outs: the fake has none for a call either
	}
	fmt.Fprintln(os.Stderr, "r0:", err)
	os.Exit(1)
}
