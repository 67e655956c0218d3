package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/powers"
	"github.com/dingmock/dingmock/mockserver/control"
)

// powersAt returns the powers of the dingmock at the base URL base; ok is false if none answers there. Calls to the base URL other are
// marked too if a dingmock answers there as well. The token is sent only to base, and only once that has said that it is a
// dingmock.
func powersAt(ctx context.Context, base, other, token string, client *http.Client) (p contract.Powers, ok bool) {
	host := dingmockAt(ctx, base, client)
	if host == "" {
		return p, false
	}
	c, err := control.New(base, &control.Options{Token: token, HTTPClient: client})
	if err != nil {
		return p, false
	}
	hosts := []string{host}
	if host := dingmockAt(ctx, other, client); host != "" {
		hosts = append(hosts, host)
	}
	return powers.Of(c, hosts...), true
}

// dingmockAt returns the host and port of the dingmock at a base URL, or "" if none answers. It needs no token: a dingmock says
// what it is without one.
func dingmockAt(ctx context.Context, base string, client *http.Client) string {
	c, err := control.New(base, &control.Options{HTTPClient: client})
	if err != nil {
		return ""
	}
	if _, err := c.Version(ctx); err != nil {
		return ""
	}
	u, err := url.Parse(c.URL())
	if err != nil {
		return ""
	}
	return u.Host
}
