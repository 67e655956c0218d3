package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// powers is what a dingmock can do for the contract kit through its control API.
type powers struct {
	*control.Client
	hosts []string // the hosts at which it answers
}

// powersAt returns the powers of the dingmock at the base URL base, or nil if none answers there. Calls to the base URL other are
// marked too if a dingmock answers there as well. The token is sent only to base, and only once that has said that it is a
// dingmock.
func powersAt(ctx context.Context, base, other, token string, client *http.Client) any {
	host := dingmockAt(ctx, base, client)
	if host == "" {
		return nil
	}
	c, err := control.New(base, &control.Options{Token: token, HTTPClient: client})
	if err != nil {
		return nil
	}
	p := powers{c, []string{host}}
	if host := dingmockAt(ctx, other, client); host != "" {
		p.hosts = append(p.hosts, host)
	}
	return p
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

// Mark marks a call so that the dingmock does not judge it. No other server gets the mark.
func (p powers) Mark(req *http.Request) {
	if slices.Contains(p.hosts, req.URL.Host) {
		req.Header.Set(mockserver.ProbeHeader, mockserver.ProbeMark)
	}
}

// NewApp makes an app.
func (p powers) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	a, err := p.Client.NewApp(ctx, mockserver.AppState{Users: spec.Users})
	if err != nil {
		return contract.App{}, err
	}
	made := a.Made()
	return contract.App{CorpID: made.CorpID, CorpSecret: made.CorpSecret, AppKey: made.AppKey, AppSecret: made.AppSecret}, nil
}

// RemoveApp removes an app with its journal and its verdict.
func (p powers) RemoveApp(ctx context.Context, app contract.App) error {
	a := p.App(app.AppKey)
	for _, take := range []func(context.Context) error{a.Reset, a.ClearVerdict, a.Delete} {
		if err := take(ctx); errors.Is(err, mockserver.ErrNoApp) {
			return nil // somebody else removed it
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Advance moves the clock of an app.
func (p powers) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	_, err := p.App(app.AppKey).Advance(ctx, by)
	return err
}

// Fault makes the next call of an operation fail.
func (p powers) Fault(ctx context.Context, app contract.App, operation, fault string) error {
	_, err := p.App(app.AppKey).Rules().Add(ctx, mockserver.Rule{
		Match: mockserver.RuleMatch{Operation: operation}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.FaultEffect(fault),
	})
	return err
}

// Violations returns what the fake found off-spec in an app's calls.
func (p powers) Violations(ctx context.Context, app contract.App) ([]dingmock.Violation, error) {
	verdict, err := p.App(app.AppKey).Verdict(ctx, &mockserver.VerdictOptions{AllowNoCalls: true})
	if err != nil {
		return nil, err
	}
	var list []dingmock.Violation
	for _, row := range verdict.Violations {
		list = append(list, row.Violation)
	}
	return list, nil
}
