// Package control is the Go client of dingmock's control API: apps, clocks, rules, the journal, the verdict and
// state.
//
// It does not make the platform's calls; package client does. It sends and receives the types of package api.
// control.yaml, which the server offers at /_mock/control.yaml, says what each call does. Start with [New] for a
// server behind a URL, or with [Of] for one in this process:
//
//	c, err := control.New("http://127.0.0.1:8080", nil)
//	app, err := c.NewApp(ctx, api.AppState{})
//	clock, err := app.Advance(ctx, 2*time.Hour)
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/dingmock/dingmock/mockserver/api"
)

// Options configures a Client. Nil and the zero value are ready for use.
type Options struct {
	// Token is the server's control token (option control-token), read as by api.ParseControlToken. No error shows it.
	// Default: none.
	Token string

	// HTTPClient makes the calls. A wait and a stream last longer than most timeouts: limit them by the context
	// instead. Default: a client that uses no proxy.
	HTTPClient *http.Client
}

// Client calls the control API of one server. It is safe for concurrent use.
type Client struct {
	base  string // without a slash at the end
	token string
	http  *http.Client
}

// New makes a Client of the server at a base URL, such as http://127.0.0.1:8080. It makes no call. It returns an
// error if the base URL or the token is not valid.
func New(base string, options *Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("control: the base URL has to be like http://127.0.0.1:8080, without user, query and fragment")
	}
	var o Options
	if options != nil {
		o = *options
	}
	if o.HTTPClient == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.Proxy = nil
		o.HTTPClient = &http.Client{Transport: transport}
	}
	return newClient(strings.TrimRight(u.String(), "/"), o)
}

// Of makes a Client of a server in this process, such as a *mockserver.Server, without a socket in between. It
// ignores the options' HTTPClient. It returns an error if the token is not valid.
func Of(handler http.Handler, options *Options) (*Client, error) {
	var o Options
	if options != nil {
		o = *options
	}
	o.HTTPClient = &http.Client{Transport: handlerTransport{handler}}
	return newClient("http://localhost", o)
}

func newClient(base string, o Options) (*Client, error) {
	token, err := api.ParseControlToken(o.Token)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return &Client{base: base, token: token, http: o.HTTPClient}, nil
}

// URL returns the base URL of the server, without a slash at the end; http://localhost for a Client that Of made.
func (c *Client) URL() string { return c.base }

// Problem is an error of the control API, as RFC 9457 defines it. Use errors.Is with the codes of package api,
// such as api.ErrNoApp, to tell which error it is.
type Problem api.Problem

// Error returns the problem as one line.
func (p *Problem) Error() string {
	text := fmt.Sprintf("control: HTTP %d: %s", p.Status, p.Detail)
	if p.Field != "" {
		text += " (" + p.Field + ")"
	}
	return text
}

// Unwrap returns the code of the problem, nil if it has none.
func (p *Problem) Unwrap() error { return (*api.Problem)(p).Unwrap() }

// Version returns the version of the server. It returns an error if the server is not a dingmock.
func (c *Client) Version(ctx context.Context) (string, error) {
	var v struct{ Name, Version string }
	if err := c.get(ctx, "/version", nil, &v); err != nil {
		return "", err
	}
	if v.Name != "dingmock" || v.Version == "" {
		return "", fmt.Errorf("control: %s is answered, but not by a dingmock", c.base)
	}
	return v.Version, nil
}

// Ready returns an error unless the server answers calls.
func (c *Client) Ready(ctx context.Context) error { return c.get(ctx, "/readyz", nil, nil) }

// Live returns an error unless the server's process is up.
func (c *Client) Live(ctx context.Context) error { return c.get(ctx, "/livez", nil, nil) }

// CA returns the certificate, in PEM, that TLS clients of the server must trust.
func (c *Client) CA(ctx context.Context) ([]byte, error) { return c.text(ctx, "/ca.pem") }

// OpenAPI returns the server's openapi.yaml.
func (c *Client) OpenAPI(ctx context.Context) ([]byte, error) { return c.text(ctx, "/openapi.yaml") }

// ControlAPI returns the server's control.yaml, the document of the control API.
func (c *Client) ControlAPI(ctx context.Context) ([]byte, error) { return c.text(ctx, "/control.yaml") }

// Apps returns all apps, without tokens, sessions and rules, in the order they were made. It reads page by page;
// an app that exists all the time is in the list exactly once.
func (c *Client) Apps(ctx context.Context) ([]api.AppState, error) {
	return pages[api.AppState](ctx, c, "/apps", "apps")
}

// NewApp makes an app. The server makes up what the state leaves out, the credentials at random; Made of the
// returned app has them.
func (c *Client) NewApp(ctx context.Context, state api.AppState) (*App, error) {
	a := &App{client: c}
	if err := c.call(ctx, http.MethodPost, "/apps", nil, state, &a.state); err != nil {
		return nil, err
	}
	a.name = a.state.Name
	return a, nil
}

// App returns the app of that name or appkey, or, for api.NoApp, the calls that reached no app. It does not check
// that the app exists: the methods return api.ErrNoApp if it does not.
func (c *Client) App(name string) *App { return &App{client: c, name: name} }

// Rules returns the rules for every app.
func (c *Client) Rules() *Rules { return &Rules{client: c, path: "/rules"} }

// State returns a snapshot of all apps, each at one moment, and of the rules for every app.
func (c *Client) State(ctx context.Context) (api.State, error) {
	var state api.State
	err := c.get(ctx, "/state", nil, &state)
	return state, err
}

// PutState makes or replaces the apps in the state, and replaces the rules for every app unless they are nil. It
// does all of this or nothing, and leaves everything else alone.
func (c *Client) PutState(ctx context.Context, state api.State) error {
	return c.call(ctx, http.MethodPut, "/state", nil, state, nil)
}

// Verdict judges the calls so far: all of them, unless the options name apps. Nil options are the strictest.
func (c *Client) Verdict(ctx context.Context, options *api.VerdictOptions) (api.Verdict, error) {
	return c.verdict(ctx, "/verdict", options)
}

func (c *Client) verdict(ctx context.Context, path string, options *api.VerdictOptions) (api.Verdict, error) {
	var v api.Verdict
	query := url.Values{}
	if options != nil {
		for name, values := range map[string][]string{"app": options.Apps, "allow_unknown": options.AllowUnknown} {
			if len(values) > 0 {
				query[name] = values
			}
		}
		if options.AllowNoCalls {
			query.Set("allow_no_calls", "true")
		}
	}
	err := c.get(ctx, path, query, &v)
	return v, err
}

func (c *Client) get(ctx context.Context, path string, query url.Values, out any) error {
	return c.call(ctx, http.MethodGet, path, query, nil, out)
}

// pages returns the items of all pages of a list; name is the field that holds them.
func pages[T any](ctx context.Context, c *Client, path, name string) ([]T, error) {
	list := []T{}
	query := url.Values{}
	for {
		var page map[string]json.RawMessage
		if err := c.get(ctx, path, query, &page); err != nil {
			return nil, err
		}
		var items []T
		var next string
		for field, out := range map[string]any{name: &items, "next": &next} {
			if data, ok := page[field]; ok {
				if err := json.Unmarshal(data, out); err != nil {
					return nil, fmt.Errorf("control: GET %s: the reply cannot be read: %w", path, err)
				}
			}
		}
		list = append(list, items...)
		if next == "" {
			return list, nil
		}
		query.Set("cursor", next)
	}
}

// text returns the body of a reply that is not JSON.
func (c *Client) text(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodGet, path, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// call makes a call and decodes the reply into out, unless out is nil. A 409 that is no Problem is a regular
// answer: it means no.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	resp, err := c.send(ctx, method, path, query, nil, in)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber() // keeps the parameters of an entry as they were sent
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("control: %s %s: the reply cannot be read: %w", method, path, err)
	}
	return nil
}

const maxProblem = 1 << 20 // bytes of a problem that are read

// send makes a call and returns the reply. A reply that is a problem becomes the error.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, header http.Header, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("control: %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(data)
	}
	address := c.base + "/_mock" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	maps.Copy(req.Header, header)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		defer func() { _ = resp.Body.Close() }()
		p := &Problem{}
		if err := json.NewDecoder(io.LimitReader(resp.Body, maxProblem)).Decode(p); err != nil {
			return nil, fmt.Errorf("control: %s %s: HTTP %d, and the problem cannot be read: %w", method, path, resp.StatusCode, err)
		}
		return nil, p
	}
	if resp.Header.Get("Dingmock-Version") == "" || resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusConflict {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("control: %s %s: HTTP %d with Content-Type %q is not an answer of a dingmock", method, path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	return resp, nil
}
