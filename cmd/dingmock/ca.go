package main

import (
	"context"
	"fmt"
	"log/slog"
)

// caCommand prints a certificate in PEM.
type caCommand struct {
	TLSDir string `name:"tls-dir" placeholder:"DIR" help:"Print the one that is kept in this folder; it is made where there is none. Otherwise the fake that runs is asked."`
	where
}

// Run prints it.
func (c *caCommand) Run(ctx context.Context, out streams) error {
	var pem []byte
	if c.TLSDir != "" {
		authority, err := newAuthority(c.TLSDir, nil, nil, slog.New(slog.NewTextHandler(out.stderr, nil)))
		if err != nil {
			return usageError{fmt.Errorf("--tls-dir: %w", err)}
		}
		pem = authority.PEM()
	} else {
		base, err := c.base()
		if err != nil {
			return usageError{err}
		}
		if pem, err = fetch(ctx, base+"/_mock/ca.pem", "-----BEGIN CERTIFICATE"); err != nil {
			return fmt.Errorf("%w (a fake has a certificate where it has a --tls-addr or a --proxy-addr)", err)
		}
	}
	_, err := out.stdout.Write(pem)
	return err
}
