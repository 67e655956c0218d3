package main

import (
	"context"
	"encoding/pem"
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
	var data []byte
	if c.TLSDir != "" {
		authority, err := newAuthority(c.TLSDir, nil, nil, slog.New(slog.NewTextHandler(out.stderr, nil)))
		if err != nil {
			return usageError{fmt.Errorf("--tls-dir: %w", err)}
		}
		data = authority.PEM()
	} else {
		base, err := c.base()
		if err != nil {
			return usageError{err}
		}
		if data, err = fetch(ctx, base+"/_mock/ca.pem", "-----BEGIN CERTIFICATE"); err != nil {
			return fmt.Errorf("%w (a fake has a certificate where it has a --tls-addr or a --proxy-addr)", err)
		}
	}
	for rest := data; ; { // of what is sent, certificates alone are shown
		block, after := pem.Decode(rest)
		if block == nil {
			return nil
		}
		if err := pem.Encode(out.stdout, &pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}); err != nil {
			return err
		}
		rest = after
	}
}
