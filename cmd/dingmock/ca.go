package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
)

// caCommand prints a certificate in PEM.
type caCommand struct {
	TLSDir string `name:"tls-dir" placeholder:"DIR" help:"Print the one that is kept in this folder; it is made where there is none. Otherwise the fake that runs is asked."`
	where
}

// Run prints the certificate.
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
	printed := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" { // print nothing else, whatever the server sent
			continue
		}
		if err := pem.Encode(out.stdout, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
			return err
		}
		printed = true
	}
	if !printed {
		return errors.New("ca: there is no certificate in PEM in what was read")
	}
	return nil
}
