package contract_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// Check this module's fake, as its own tests do: in process, without a socket.
func Example_fake() {
	fake, err := mockserver.New(nil)
	if err != nil {
		panic(err)
	}
	report, err := contract.Verify(context.Background(), contract.Target{
		Handler: fake,
		App:     contract.App{AppKey: "dingmockapp", AppSecret: "dingmockappsecret"},
	}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println("broken rules:", len(report.Broken()))
	// Output: broken rules: 0
}

// Check your own server. In a test, contract.Run makes a sub-test of each rule; here the server is one that answers an
// unknown path as no platform does.
func Example_server() {
	mine := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gettoken" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"errcode":0,"access_token":"82ad1e1b28b2357dbf090b9a2582319c","errmsg":"ok","expires_in":7200}`)
			return
		}
		http.NotFound(w, r)
	})
	report, err := contract.Verify(context.Background(), contract.Target{
		Handler: mine,
		App:     contract.App{AppKey: "k", AppSecret: "s"},
	}, &contract.Options{Run: func(id string) bool { return id == "gettoken/repeat" || id == "paths/oapi-unknown" }})
	if err != nil {
		panic(err)
	}
	for _, cause := range report.Causes {
		fmt.Println(cause)
		fmt.Println("breaks", cause.Breaks)
		fmt.Println(cause.Failure.Request)
		fmt.Println(cause.Failure.Diff)
	}
	// Output:
	// a path of no operation: reply-status at /status: found 404, expected 200
	// breaks [paths/oapi-unknown]
	// curl -i 'http://localhost/contract/notexist' -H 'User-Agent: dingmock-contract' -w '\n'
	// -want the error uri-not-found: HTTP 200, application/json
	// -want {"errcode":404,"errmsg":"请求的URI地址不存在"}
	// +got  HTTP 404, text/plain; charset=utf-8
	// +got  404 page not found
}

// Check your own client in Go: put Transport between it and any server, and each exchange that the document does not
// allow is reported.
func Example_client() {
	fake, err := mockserver.New(nil)
	if err != nil {
		panic(err)
	}
	srv := httptest.NewServer(fake)
	defer srv.Close()

	mine := http.Client{Transport: contract.Transport(nil, func(x *contract.Exchange) {
		for _, v := range x.Parsed.Violations {
			fmt.Println("off-spec:", v)
		}
	})}
	resp, err := mine.Post(srv.URL+"/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret&corp=1", "", nil)
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	// Output:
	// off-spec: gettoken: method at /method: found POST, expected GET
	// off-spec: gettoken: undeclared-parameter at /query/corp: found an undeclared parameter, expected no such parameter
}

// Check that your own client understands what the platform answers: hand it to the cases as a Driver. Its client makes the calls by
// the names that the document has for them; goClient, in driver_test.go, is that of this module's client.
func Example_driver() {
	fake, err := mockserver.New(nil)
	if err != nil {
		panic(err)
	}
	report, err := contract.Verify(context.Background(), contract.Target{
		Handler: fake,
		App:     contract.App{AppKey: "dingmockapp", AppSecret: "dingmockappsecret"},
	}, &contract.Options{Driver: goClient})
	if err != nil {
		panic(err)
	}
	fmt.Println("rules that the client was checked against:", report.Count(contract.Pass) > 20)
	fmt.Println("broken rules:", len(report.Broken()))
	// Output:
	// rules that the client was checked against: true
	// broken rules: 0
}
