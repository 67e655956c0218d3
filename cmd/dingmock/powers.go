package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/mockserver"
)

// controlled is a dingmock whose control API gives the contract kit its powers.
type controlled struct {
	url    string // of the control API
	token  string
	client *http.Client
}

// dingmockAt returns the control API of the dingmock at a base URL, or nil where none answers.
func dingmockAt(ctx context.Context, base, token string, client *http.Client) *controlled {
	c := &controlled{url: strings.TrimSuffix(base, "/") + "/_mock", token: token, client: client}
	var version struct{ Version string }
	if err := c.do(ctx, http.MethodGet, "/version", nil, &version); err != nil || version.Version == "" {
		return nil
	}
	return c
}

func (c *controlled) do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusConflict {
		return fmt.Errorf("%s /_mock%s: HTTP %d: %.300s", method, path, resp.StatusCode, data)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(data, out)
}

// app is the path of an app.
func (c *controlled) app(app contract.App) string { return "/apps/" + url.PathEscape(app.AppKey) }

// NewApp makes an app.
func (c *controlled) NewApp(ctx context.Context, spec contract.AppSpec) (contract.App, error) {
	var made mockserver.AppState
	err := c.do(ctx, http.MethodPost, "/apps", mockserver.AppState{Users: spec.Users}, &made)
	return contract.App{CorpID: made.CorpID, CorpSecret: made.CorpSecret, AppKey: made.AppKey, AppSecret: made.AppSecret}, err
}

// Advance moves the clock of an app.
func (c *controlled) Advance(ctx context.Context, app contract.App, by time.Duration) error {
	return c.do(ctx, http.MethodPost, c.app(app)+"/clock/advance", map[string]string{"by": by.String()}, nil)
}

// Fault makes the next call of an operation fail.
func (c *controlled) Fault(ctx context.Context, app contract.App, operation, fault string) error {
	return c.do(ctx, http.MethodPost, c.app(app)+"/rules", map[string]any{
		"match": map[string]string{"operation": operation}, "when": map[string]int{"times": 1}, "effect": map[string]string{"fault": fault},
	}, nil)
}

// Violations returns what the fake found off-spec in an app's calls.
func (c *controlled) Violations(ctx context.Context, app contract.App) ([]dingmock.Violation, error) {
	var verdict struct{ Violations []dingmock.Violation }
	err := c.do(ctx, http.MethodGet, c.app(app)+"/verdict", nil, &verdict)
	return verdict.Violations, err
}
