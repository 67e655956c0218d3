// Package wire holds the schemas of openapi.yaml as Go types, for the client to send and to decode. They are generated,
// and no type of them leaves the client.
package wire

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -config oapi-codegen.yaml ../../../openapi.yaml
