package mockserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// A fake and two rules: the next token call fails, and a path that dingmock does not model has an answer.
func ExampleNew() {
	ctx := context.Background()
	fake, err := mockserver.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	srv := httptest.NewServer(fake)
	defer srv.Close()
	at, err := control.Of(fake, nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, rule := range []mockserver.Rule{
		{
			Match:  mockserver.RuleMatch{Operation: "gettoken"},
			When:   mockserver.RuleWhen{Times: 1},
			Effect: mockserver.FaultEffect("system-busy"),
		},
		{
			Match: mockserver.RuleMatch{Path: "/department/list"},
			Effect: mockserver.ReplyEffect(mockserver.FixedReply{
				WithoutToken: true, Body: json.RawMessage(`{"errcode":0,"department":[]}`),
			}),
		},
	} {
		if _, err := at.App("default").Rules().Add(ctx, rule); err != nil {
			log.Fatal(err)
		}
	}

	// Stands for your program.
	for _, path := range []string{"/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret", "/department/list"} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(string(body), err)
	}
	// Output:
	// {"errcode":-1,"errmsg":"系统繁忙"} <nil>
	// {"errcode":0,"department":[]} <nil>
}
