package testcontainer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/mockserver/testcontainer"
)

// img is an image of dingmock. TestExamples says which.
var img = "dingmock:v1"

// One container for many tests: each has its own app in it. In a test, use testcontainers.CleanupContainer instead
// of the deferred line, and c.Verdict(t, app) to fail the test for what the app's calls broke.
func ExampleRun() {
	ctx := context.Background()
	c, err := testcontainer.Run(ctx, img, testcontainer.WithRefuseUndeclared())
	defer func() { _ = testcontainers.TerminateContainer(c) }()
	if err != nil {
		panic(err)
	}
	base, err := c.URL(ctx)
	if err != nil {
		panic(err)
	}
	app, err := c.NewApp(ctx)
	if err != nil {
		panic(err)
	}

	program, err := client.New(&client.Options{BaseURL: base, AppKey: app.Made().AppKey, AppSecret: app.Made().AppSecret})
	if err != nil {
		panic(err)
	}
	if _, err := program.CreateSession(ctx, client.SessionParams{SessionID: "s-1", UserID: "u-1"}); err != nil {
		panic(err)
	}
	open, err := app.Sessions(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(open), "session is open")
	// Prints: 1 session is open
}

// A program in this test that has the constant https://oapi.dingtalk.com and takes an http.Client.
func ExampleContainer_HTTPClient() {
	ctx := context.Background()
	c, err := testcontainer.Run(ctx, img)
	defer func() { _ = testcontainers.TerminateContainer(c) }()
	if err != nil {
		panic(err)
	}
	program, err := c.HTTPClient(ctx)
	if err != nil {
		panic(err)
	}
	resp, err := program.Get("https://oapi.dingtalk.com/gettoken?appkey=mock-a&appsecret=any")
	if err != nil {
		panic(err)
	}
	_ = resp.Body.Close()
	fmt.Println(resp.Status)
	// Prints: 200 OK
}

// A program in another container that has the constant https://oapi.dingtalk.com: it runs in the same network and
// trusts the certificate.
func ExampleWithAliases() {
	ctx := context.Background()
	nw, err := network.New(ctx)
	if err != nil {
		panic(err)
	}
	defer func() { _ = nw.Remove(ctx) }()
	c, err := testcontainer.Run(ctx, img, testcontainer.WithAliases(nw))
	defer func() { _ = testcontainers.TerminateContainer(c) }()
	if err != nil {
		panic(err)
	}
	ca, err := c.CACert(ctx) // such as for /usr/local/share/ca-certificates, or openssl.cafile
	if err != nil {
		panic(err)
	}
	line, _, _ := strings.Cut(string(ca), "\n")
	fmt.Println(line)
	// The program's container gets network.WithNetwork(nil, nw) and the certificate.
	// Prints: -----BEGIN CERTIFICATE-----
}

// The examples do what they say. go test itself does not run them, because not every machine has Docker.
func TestExamples(t *testing.T) {
	img = image(t)
	for _, x := range []struct {
		name string
		run  func()
		want string
	}{
		{"Run", ExampleRun, "1 session is open\n"},
		{"HTTPClient", ExampleContainer_HTTPClient, "200 OK\n"},
		{"WithAliases", ExampleWithAliases, "-----BEGIN CERTIFICATE-----\n"},
	} {
		if diff := cmp.Diff(x.want, printed(t, x.run)); diff != "" {
			t.Errorf("%s prints (-want +got):\n%s", x.name, diff)
		}
	}
}

// printed returns what a function writes to the standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	before := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = before }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
