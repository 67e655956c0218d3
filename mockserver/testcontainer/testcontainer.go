// Package testcontainer starts the image of dingmock, a fake of the DingTalk (钉钉) open platform, for a test, with
// testcontainers-go.
//
// It needs a Docker engine. A Go test that starts no other containers should use package mocktest, which needs
// none and is faster. Start with [Run]:
//
//	c, err := testcontainer.Run(ctx, "dingmock:v1")
//	testcontainers.CleanupContainer(t, c)
//	if err != nil {
//		t.Fatal(err)
//	}
//	c.Verdict(t)
//	base, err := c.URL(ctx)
package testcontainer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// The ports that the image listens on.
const (
	httpPort = "8080/tcp"
	tlsPort  = "8443/tcp"
)

// often is the interval at which a starting container is asked whether it is ready.
const often = 20 * time.Millisecond

// Container is a running container of dingmock.
type Container struct {
	testcontainers.Container

	// AllowUnknown are the paths that Verdict accepts although DingTalk does not have them: each a path, or a
	// prefix followed by *. Default: none.
	AllowUnknown []string

	token string   // of the control API
	hosts []string // answered in addition to the platform's
}

// Run starts a container of an image of dingmock and returns when it answers. Even with an error, Run may return a
// container that must be ended: pass it to [testcontainers.CleanupContainer] before you check the error.
func Run(ctx context.Context, img string, opts ...testcontainers.ContainerCustomizer) (*Container, error) {
	moduleOpts := []testcontainers.ContainerCustomizer{
		testcontainers.WithExposedPorts(httpPort, tlsPort),
		testcontainers.WithWaitStrategy(wait.ForHTTP("/_mock/readyz").WithPort(httpPort).WithPollInterval(often)),
	}
	moduleOpts = append(moduleOpts, opts...)
	moduleOpts = append(moduleOpts, withDockerHost(ctx))
	ctr, err := testcontainers.Run(ctx, img, moduleOpts...)
	var c *Container
	if ctr != nil {
		c = &Container{Container: ctr}
	}
	if err != nil {
		return c, fmt.Errorf("run dingmock: %w", err)
	}
	info, err := ctr.Inspect(ctx)
	if err != nil {
		return c, fmt.Errorf("run dingmock: %w", err)
	}
	for _, variable := range info.Config.Env {
		switch name, value, _ := strings.Cut(variable, "="); name {
		case envControlToken:
			c.token = value
		case envTLSHost:
			c.hosts = strings.Split(value, ",")
		}
	}
	return c, nil
}

// URL returns the base URL over plain HTTP, as the test reaches it.
func (c *Container) URL(ctx context.Context) (string, error) {
	return c.PortEndpoint(ctx, httpPort, "http")
}

// TLSURL returns the base URL over TLS, as the test reaches it, for clients that trust CACert.
func (c *Container) TLSURL(ctx context.Context) (string, error) {
	return c.PortEndpoint(ctx, tlsPort, "https")
}

// CACert returns the certificate, in PEM, that TLS clients must trust.
func (c *Container) CACert(ctx context.Context) ([]byte, error) {
	at, err := c.Control(ctx)
	if err != nil {
		return nil, err
	}
	return at.CA(ctx)
}

// HTTPClient returns a client for which https://oapi.dingtalk.com, and the platform's other names, are this
// container. It works from where the test runs, and reaches no other host.
func (c *Container) HTTPClient(ctx context.Context) (*http.Client, error) {
	plain, err := c.PortEndpoint(ctx, httpPort, "")
	if err != nil {
		return nil, err
	}
	secure, err := c.PortEndpoint(ctx, tlsPort, "")
	if err != nil {
		return nil, err
	}
	ca, err := c.CACert(ctx)
	if err != nil {
		return nil, err
	}
	transport, err := impersonate.NewTransport(&impersonate.TransportOptions{Addr: plain, TLSAddr: secure, CA: ca, Hosts: c.hosts})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport}, nil
}

// Control returns a client of the container's control API.
func (c *Container) Control(ctx context.Context) (*control.Client, error) {
	base, err := c.URL(ctx)
	if err != nil {
		return nil, err
	}
	return control.New(base, &control.Options{Token: c.token})
}

// NewApp makes an app for one test among several that share the container. [control.App.Made] has its credentials.
func (c *Container) NewApp(ctx context.Context) (*control.App, error) {
	at, err := c.Control(ctx)
	if err != nil {
		return nil, err
	}
	return at.NewApp(ctx, mockserver.AppState{})
}

// Verdict fails the test at its end for each way in which a call broke the document: a call of the given apps or,
// if none is given, any call to the container. Notes are logged. It is no failure if no call came: the test itself
// must state what it expects. Call Verdict after you register the container's own clean-up, because clean-ups run
// last in, first out.
func (c *Container) Verdict(t testing.TB, apps ...*control.App) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		ctx := context.WithoutCancel(t.Context())
		at, err := c.Control(ctx)
		if err != nil {
			t.Errorf("the container cannot be asked for its verdict: %v", err)
			return
		}
		options := mockserver.VerdictOptions{AllowUnknown: c.AllowUnknown, AllowNoCalls: true}
		for _, a := range apps {
			options.Apps = append(options.Apps, a.Name())
		}
		verdict, err := at.Verdict(ctx, &options)
		if err != nil {
			t.Errorf("the container has no verdict: %v", err)
			return
		}
		for _, v := range verdict.Violations {
			say, what := t.Errorf, "off-spec"
			if !v.Red() {
				say, what = t.Logf, "note"
			}
			say("%s, app %s: %s\n\t%d×, first by %s", what, v.App, v.Violation, v.Count, v.First.Curl)
		}
	})
}
