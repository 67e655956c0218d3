// Package powers gives the contract kit what a dingmock can do through its control API.
package powers

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/api"
	"github.com/dingmock/dingmock/mockserver/control"
)

// Of returns the powers of the dingmock that c calls. Requests to these hosts, and to no others, get the mark of calls that are not
// judged.
func Of(c *control.Client, hosts ...string) contract.Powers {
	return powersOf(c, func(req *http.Request) bool { return slices.Contains(hosts, req.URL.Host) })
}

// In returns the powers of a dingmock in this process. Every request is marked.
func In(server http.Handler) (contract.Powers, error) {
	c, err := control.Of(server, nil)
	if err != nil {
		return contract.Powers{}, err
	}
	return powersOf(c, func(*http.Request) bool { return true }), nil
}

func powersOf(c *control.Client, marked func(*http.Request) bool) contract.Powers {
	return contract.Powers{
		NewApp: func(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
			a, err := c.NewApp(ctx, api.AppState{Users: spec.Users})
			if err != nil {
				return contract.App{}, err
			}
			made := a.Made()
			return contract.App{CorpID: made.CorpID, CorpSecret: made.CorpSecret, AppKey: made.AppKey, AppSecret: made.AppSecret}, nil
		},
		RemoveApp: func(ctx context.Context, app contract.App) error {
			a := c.App(app.AppKey)
			for _, remove := range []func(context.Context) error{a.Reset, a.ClearVerdict, a.Delete} {
				if err := remove(ctx); errors.Is(err, api.ErrNoApp) {
					return nil // somebody else removed it
				} else if err != nil {
					return err
				}
			}
			return nil
		},
		Mark: func(req *http.Request) {
			if marked(req) {
				req.Header.Set(mockserver.ProbeHeader, mockserver.ProbeMark)
			}
		},
		Advance: func(ctx context.Context, app contract.App, by time.Duration) error {
			_, err := c.App(app.AppKey).Advance(ctx, by)
			return err
		},
		Fault: func(ctx context.Context, app contract.App, operation, fault string) error {
			_, err := c.App(app.AppKey).Rules().Add(ctx, api.Rule{
				Match: api.RuleMatch{Operation: operation}, When: api.RuleWhen{Times: 1}, Effect: api.FaultEffect(fault),
			})
			return err
		},
		Violations: func(ctx context.Context, app contract.App) ([]dingmock.Violation, error) {
			verdict, err := c.App(app.AppKey).Verdict(ctx, &api.VerdictOptions{AllowNoCalls: true})
			if err != nil {
				return nil, err
			}
			var list []dingmock.Violation
			for _, row := range verdict.Violations {
				list = append(list, row.Violation)
			}
			return list, nil
		},
	}
}
