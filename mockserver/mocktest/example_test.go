package mocktest_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver/mocktest"
)

// exampleT stands for the *testing.T of a test, which an example does not have.
type exampleT struct{ recorder }

func (t *exampleT) over() {
	t.end()
	for _, line := range t.errors {
		fmt.Println("FAIL:", line)
	}
}

// A program that takes a base URL. In a test, t is the test's own, and the line that ends it is not needed.
func ExampleNew() {
	t := &exampleT{}
	defer t.over()

	srv := mocktest.New(t, nil)

	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: srv.AppKey, AppSecret: srv.AppSecret})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateSession(t.Context(), client.SessionParams{SessionID: "s-1", UserID: "u-1"}); err != nil {
		t.Fatal(err)
	}
	for _, call := range srv.Calls("") {
		fmt.Println(call.Operation, call.Code)
	}
	// Output:
	// gettoken 0
	// create_session 0
}

// A program that has the platform's URL as a constant, and sends what the document does not allow.
func ExampleServer_Client() {
	t := &exampleT{}
	defer t.over()

	srv := mocktest.New(t, nil)
	program := srv.Client()

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://oapi.dingtalk.com/gettoken", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := program.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Header.Get("Server"))
	// Output:
	// DingTalk/1.0.0
	// FAIL: off-spec: gettoken: missing-credential at /query/appkey: found nothing, expected appkey and appsecret, or corpid and corpsecret
	// 	1×, first by curl "$DINGMOCK_URL"'/gettoken' -w '\n'
}

// Two hours later, with a platform that is busy for one call.
func ExampleServer_Fault() {
	t := &exampleT{}
	defer t.over()

	srv := mocktest.New(t, nil)
	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: srv.AppKey, AppSecret: srv.AppSecret})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.GetSession(t.Context(), "u-1"); err != nil {
		t.Fatal(err)
	}
	clock, err := srv.App.Advance(t.Context(), 2*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("tokens that expired:", clock.Expired.Tokens)

	srv.Fault("getsession", "app-throttled")
	_, _, err = c.GetSession(t.Context(), "u-1")
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println("refused with", refused.Errcode, refused.SubCode)
	}
	// Output:
	// tokens that expired: 1
	// refused with 88 90018
}
