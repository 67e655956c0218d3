// Command trivial is the least that a container with HTTP can be: what starting dingmock is compared with.
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) > 1 { // as HEALTHCHECK
		resp, err := http.Get("http://127.0.0.1:8080/")
		if err != nil {
			log.Fatal(err)
		}
		_ = resp.Body.Close()
		return
	}
	log.Fatal(http.ListenAndServe(":8080", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
}
