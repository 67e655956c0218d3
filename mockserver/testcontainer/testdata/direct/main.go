// Command direct is a program that takes no proxy.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	client := &http.Client{Transport: &http.Transport{}}
	reply, err := client.Get("https://oapi.invalid/gettoken?appkey=mock-direct&appsecret=any") //nolint:noctx // it ends at once
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	_, _ = io.Copy(os.Stdout, reply.Body)
}
