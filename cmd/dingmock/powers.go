package main

import (
	"context"
	"net/http"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// powers are what a dingmock gives the contract kit through its control API.
type powers struct{ *control.Client }

// powersAt returns the powers of the dingmock at a base URL, or nil where none answers.
func powersAt(ctx context.Context, base, token string, client *http.Client) any {
	c, err := control.New(base, &control.Options{Token: token, HTTPClient: client})
	if err != nil {
		return nil
	}
	if _, err := c.Version(ctx); err != nil {
		return nil
	}
	return powers{c}
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

// Advance moves the clock of an app.
func (p powers) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	_, err := p.App(app.AppKey).Advance(ctx, by)
	return err
}

// Fault makes the next call of an operation fail.
func (p powers) Fault(ctx context.Context, app contract.App, operation, fault string) error {
	_, err := p.App(app.AppKey).Rules().Add(ctx, mockserver.Rule{
		Match: mockserver.RuleMatch{Operation: operation}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.Effect{Fault: fault},
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
