package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/control"
)

// verdictCommand says whether the calls that a fake received follow the document.
type verdictCommand struct {
	where
	App          appNames  `env:"-" placeholder:"NAME" help:"Judge the calls of this app, and fail where there are none: a name, an appkey, or a pattern such as mock-shop*; _ is the calls that reached none; repeatable. Default: all calls."`
	FailUnknown  bool      `hidden:"" env:"-" help:"Is so by itself."`
	ControlToken tokenFlag `placeholder:"TOKEN" help:"What the control API asks for."`
	judgeFlags
}

// Run prints the verdict. It fails if calls were off-spec, or if none came.
func (c *verdictCommand) Run(ctx context.Context, out streams) error {
	r, err := c.begin()
	if err != nil {
		return usageError{err}
	}
	base, err := c.base()
	if err != nil {
		return usageError{r.close(err)}
	}
	verdict, err := c.ask(ctx, base)
	if err != nil {
		return r.close(err)
	}
	r.take(verdict)
	if err := r.tell(out.stdout); err != nil {
		return usageError{err}
	}
	return r.wrong()
}

func (c *verdictCommand) ask(ctx context.Context, base string) (mockserver.Verdict, error) {
	client, err := control.New(base, &control.Options{Token: string(c.ControlToken)})
	if err != nil {
		return mockserver.Verdict{}, usageError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := client.Version(ctx); err != nil {
		return mockserver.Verdict{}, usageError{fmt.Errorf("%s: no dingmock answers: %w", base, plainError(err))}
	}
	verdict, err := client.Verdict(ctx, c.options(c.App...))
	var problem *control.Problem
	switch {
	case !errors.As(err, &problem):
	case errors.Is(err, mockserver.ErrNoApp):
		err = usageError{fmt.Errorf("--app: %s", problem.Detail)}
	default: // nothing was judged
		err = usageError{err}
	}
	return verdict, err
}
