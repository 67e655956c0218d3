package contract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// powers are what our fake can do beyond the platform's calls, through its control API.
type powers struct{ server http.Handler }

func (p powers) do(method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r := httptest.NewRequest(method, "http://localhost/_mock"+path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	p.server.ServeHTTP(w, r)
	if w.Code/100 != 2 && w.Code != http.StatusConflict {
		return fmt.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(io.Reader(w.Body)).Decode(out)
}

func (p powers) NewApp(_ context.Context, spec contract.AppSpec) (contract.App, error) {
	var made mockserver.AppState
	err := p.do("POST", "/apps", mockserver.AppState{Users: spec.Users}, &made)
	return contract.App{CorpID: made.CorpID, CorpSecret: made.CorpSecret, AppKey: made.AppKey, AppSecret: made.AppSecret}, err
}

func (p powers) RemoveApp(_ context.Context, app contract.App) error {
	return p.do("DELETE", "/apps/"+app.AppKey, nil, nil)
}

func (powers) Mark(req *http.Request) { req.Header.Set(mockserver.ProbeHeader, mockserver.ProbeMark) }

func (p powers) Advance(_ context.Context, app contract.App, by time.Duration) error {
	return p.do("POST", "/apps/"+app.AppKey+"/clock/advance", map[string]string{"by": by.String()}, nil)
}

func (p powers) Fault(_ context.Context, app contract.App, operation, fault string) error {
	return p.do("POST", "/apps/"+app.AppKey+"/rules", map[string]any{
		"match": map[string]any{"operation": operation}, "when": map[string]any{"times": 1}, "effect": map[string]any{"fault": fault},
	}, nil)
}

func (p powers) Violations(_ context.Context, app contract.App) ([]dingmock.Violation, error) {
	var verdict struct{ Violations []dingmock.Violation }
	err := p.do("GET", "/apps/"+app.AppKey+"/verdict", nil, &verdict)
	return verdict.Violations, err
}

// fake returns a target that is our fake, in process, with all powers.
func fake(t *testing.T, options mockserver.Options) contract.Target {
	t.Helper()
	server, err := mockserver.New(&options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return contract.Target{
		Handler: server, Powers: powers{server}, WithoutSessions: options.WithoutSessions,
		MaxSessions: options.MaxSessions, SessionTTL: options.SessionTTL,
	}
}
