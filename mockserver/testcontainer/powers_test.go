package testcontainer_test

import (
	"context"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// powers are what a container offers the contract kit through its control API.
type powers struct{ at *control.Client }

func (p powers) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	a, err := p.at.NewApp(ctx, mockserver.AppState{Users: spec.Users})
	if err != nil {
		return contract.App{}, err
	}
	made := a.Made()
	return contract.App{CorpID: made.CorpID, CorpSecret: made.CorpSecret, AppKey: made.AppKey, AppSecret: made.AppSecret}, nil
}

func (p powers) RemoveApp(ctx context.Context, app contract.App) error {
	return p.at.App(app.AppKey).Delete(ctx)
}

func (p powers) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	_, err := p.at.App(app.AppKey).Advance(ctx, by)
	return err
}

func (p powers) Fault(ctx context.Context, app contract.App, operation, fault string) error {
	_, err := p.at.App(app.AppKey).Rules().Add(ctx, mockserver.Rule{
		Match: mockserver.RuleMatch{Operation: operation}, When: mockserver.RuleWhen{Times: 1}, Effect: mockserver.Effect{Fault: fault},
	})
	return err
}

func (p powers) Violations(ctx context.Context, app contract.App) ([]dingmock.Violation, error) {
	verdict, err := p.at.App(app.AppKey).Verdict(ctx, nil)
	if err != nil {
		return nil, err
	}
	var list []dingmock.Violation
	for _, row := range verdict.Violations {
		list = append(list, row.Violation)
	}
	return list, nil
}
