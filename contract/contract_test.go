package contract_test

import (
	"testing"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

func TestFakeInProcess(t *testing.T) {
	t.Parallel()
	contract.Run(t, fake(t, mockserver.Options{MaxSessions: 40}), nil)
}
