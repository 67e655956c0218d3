package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver"
)

// startFake starts a fake platform, whose one app has the credentials dingmockapp and dingmockappsecret.
func startFake() *httptest.Server {
	fake, err := mockserver.New(nil)
	if err != nil {
		panic(err)
	}
	return httptest.NewServer(fake)
}

// A session from beginning to end. Without BaseURL this calls the platform itself.
func Example() {
	srv := startFake()
	defer srv.Close()
	ctx := context.Background()

	c, err := client.New(&client.Options{
		BaseURL: srv.URL,
		AppKey:  "dingmockapp", AppSecret: "dingmockappsecret",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	wanted := client.SessionParams{SessionID: "s-1", UserID: "manager4220"}
	if _, err := c.CreateSession(ctx, wanted); err != nil {
		fmt.Println(err)
		return
	}
	session, ok, err := c.GetSession(ctx, "manager4220")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ok, session.SessionID, session.AppKey)
	fmt.Println(c.CloseSession(ctx, wanted))
	// Output:
	// true s-1 dingmockapp
	// <nil>
}

// Options are checked at once, and printing them shows no secret.
func ExampleNew() {
	options := &client.Options{BaseURL: "oapi.dingtalk.com", AppKey: "dingabc", AppSecret: "my secret"}
	_, err := client.New(options)
	fmt.Println(err)
	fmt.Println(options)
	// Output:
	// dingtalk: Options: BaseURL: has to begin with http:// or https://
	// client.Options{BaseURL:"oapi.dingtalk.com" APIBaseURL:"" AppKey:"dingabc" AppSecret:*** CorpID:"" CorpSecret:"" PreferAccessToken:false}
}

// The token is for use by other libraries: the client's own calls get it for themselves. It does not print.
func ExampleClient_Token() {
	srv := startFake()
	defer srv.Close()
	c, err := client.New(&client.Options{BaseURL: srv.URL, CorpID: "dingmockcorp", CorpSecret: "dingmockcorpsecret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := c.Token(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(token.Value), "characters")
	fmt.Printf("%.28s\n", fmt.Sprint(token))
	// Output:
	// 32 characters
	// client.Token{Value:*** Expir
}

// Call reaches every other path. The reply is decoded as a whole, and an error is found in each dialect.
func ExampleClient_Call() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gettoken":
			_, _ = io.WriteString(w, `{"errcode":0,"access_token":"82ad1e1b28b2357dbf090b9a2582319c","errmsg":"ok","expires_in":7200}`)
		case "/topapi/v2/user/get":
			_, _ = io.WriteString(w, `{"errcode":0,"errmsg":"ok","result":{"name":"Ann"},"request_id":"16l4ew3d47pdp"}`)
		case "/v1.0/contact/users/me":
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","requestid":"0199D0B3","message":"没有调用该接口的权限"}`)
		}
	}))
	defer srv.Close()
	ctx := context.Background()
	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: "dingabc", AppSecret: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var user struct {
		Result struct {
			Name string `json:"name"`
		} `json:"result"`
	}
	if err := c.Call(ctx, http.MethodPost, "/topapi/v2/user/get", map[string]string{"userid": "ann"}, &user); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Result.Name)

	err = c.Call(ctx, http.MethodGet, "/v1.0/contact/users/me", nil, nil)
	fmt.Println(errors.Is(err, client.ErrNoPermission))
	// Output:
	// Ann
	// true
}

// errors.Is tells what the platform refused, and the *Error how it said so.
func ExampleError() {
	srv := startFake()
	defer srv.Close()
	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: "dingmockapp", AppSecret: "not it"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = c.GetSession(context.Background(), "manager4220")
	fmt.Println(errors.Is(err, client.ErrWrongCredentials))
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Operation, refused.Errcode, refused.Message)
	}
	// Output:
	// true
	// gettoken 40096 不合法的appKey或appSecret
}

// An HTML page in place of JSON, such as a firewall sends, is not taken for an answer.
func ExampleReplyError() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>blocked</html>")
	}))
	defer srv.Close()
	c, err := client.New(&client.Options{BaseURL: srv.URL, AppKey: "dingabc", AppSecret: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Token(context.Background())
	if broken, ok := errors.AsType[*client.ReplyError](err); ok {
		fmt.Println(broken.HTTPStatus, broken.ContentType, broken.Body)
	}
	fmt.Println(errors.Is(err, client.ErrBlocked))
	// Output:
	// 200 text/html <html>blocked</html>
	// true
}

// A throttled call is tried again by itself. With Tries 1 the refusal comes back at once, and says when it ends.
func ExampleOptions_tries() {
	at := time.Date(2026, 9, 3, 0, 1, 2, 0, time.UTC)
	fake, err := mockserver.New(&mockserver.Options{QPS: 1, Now: func() time.Time { return at }})
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := httptest.NewServer(fake)
	defer srv.Close()
	c, err := client.New(&client.Options{
		BaseURL: srv.URL,
		AppKey:  "dingmockapp", AppSecret: "dingmockappsecret",
		Tries: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, _, err = c.GetSession(context.Background(), "manager4220")
		if refused, ok := errors.AsType[*client.Error](err); ok {
			fmt.Println(errors.Is(err, client.ErrThrottled), refused.Until.UTC())
		}
	}
	// Output:
	// true 2026-09-03 00:01:03 +0000 UTC
}
