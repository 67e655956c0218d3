package main

import "github.com/dingmock/dingmock"

// specCommand prints the document.
type specCommand struct{}

// Run writes openapi.yaml as it is.
func (specCommand) Run(out streams) error {
	_, err := out.stdout.Write(dingmock.Source())
	return err
}
