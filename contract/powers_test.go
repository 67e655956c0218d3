package contract_test

import (
	"net/http"
	"testing"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/powers"
	"github.com/dingmock/dingmock/mockserver"
)

// fake returns a target that is our fake, in process, with all powers.
func fake(t *testing.T, options mockserver.Options) contract.Target {
	t.Helper()
	server, err := mockserver.New(&options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return contract.Target{
		Handler: server, Powers: powersOf(t, server), WithoutSessions: options.WithoutSessions,
		MaxSessions: options.MaxSessions, SessionTTL: options.SessionTTL,
	}
}

func powersOf(t *testing.T, server http.Handler) contract.Powers {
	t.Helper()
	can, err := powers.In(server)
	if err != nil {
		t.Fatal(err)
	}
	return can
}
