// Command go opens a session for a user, looks at it and closes it. Run it beside `dingmock serve`:
//
//	go run ./examples/go
//
// DINGTALK_BASE_URL, DINGTALK_APPKEY and DINGTALK_APPSECRET say where to and who as.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/dingmock/dingmock/client"
)

func main() {
	log.SetFlags(0)
	c, err := client.New(&client.Options{
		BaseURL:   cmp.Or(os.Getenv("DINGTALK_BASE_URL"), "http://127.0.0.1:8080"),
		AppKey:    cmp.Or(os.Getenv("DINGTALK_APPKEY"), "dingmockapp"),
		AppSecret: cmp.Or(os.Getenv("DINGTALK_APPSECRET"), "dingmockappsecret"),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := session(context.Background(), c, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// session makes the four calls. The client gets the token by itself, before the first of them.
func session(ctx context.Context, c *client.Client, out io.Writer) error {
	const user = "u-go"
	show := func(when string) error {
		current, open, err := c.GetSession(ctx, user)
		if err != nil {
			return err
		}
		if !open {
			current.SessionID = "no session"
		}
		_, err = fmt.Fprintf(out, "%s: %s\n", when, current.SessionID)
		return err
	}
	if err := show("before"); err != nil {
		return err
	}

	wanted := client.SessionParams{SessionID: "s-go", UserID: user}
	id, err := c.CreateSession(ctx, wanted)
	if errors.Is(err, client.ErrInvalidSession) {
		return errors.New("s-go is open already, and somebody else's")
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "opened: %s\n", id); err != nil {
		return err
	}
	if err := show("current"); err != nil {
		return err
	}
	if err := c.CloseSession(ctx, wanted); err != nil {
		return err
	}
	return show("after")
}
