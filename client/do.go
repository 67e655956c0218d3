package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// operations lists the calls of openapi.yaml, each with the one method of Client that makes it.
var operations = map[string]struct{ method, path, by string }{
	"gettoken":       {http.MethodGet, "/gettoken", "Token"},
	"auth.scopes":    {http.MethodGet, "/auth/scopes", "AuthScopes"},
	"user.count":     {http.MethodPost, "/topapi/user/count", "UserCount"},
	"accessToken":    {http.MethodPost, "/v1.0/oauth2/accessToken", "AccessToken"},
	"getsession":     {http.MethodPost, "/topapi/v2/user/getsession", "GetSession"},
	"create_session": {http.MethodPost, "/topapi/v2/im/create_session", "CreateSession"},
	"close_session":  {http.MethodPost, "/topapi/v2/im/close_session", "CloseSession"},
}

const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"

	tokenHeader = "x-acs-dingtalk-access-token"
	tokenField  = "access_token"
)

// call is one call, without the client's token.
type call struct {
	operation  string // operationId, or method and path
	method     string
	url        url.URL
	mediaType  string // of body; "" for none
	body       []byte
	versioned  bool // in the dialect of /v1.0/: the token is in a header, and errors have an HTTP status and a code
	needsToken bool
	idempotent bool   // whether running it twice has the same effect as running it once
	givesToken bool   // whether the reply to a success holds a token
	ownToken   string // the token in its query, which replaces the client's
}

// operation makes a call of openapi.yaml.
func (c *Client) operation(id string, query url.Values, params any) (*call, error) {
	op := operations[id]
	q, err := c.call(id, op.method, op.path, params)
	if err != nil {
		return nil, err
	}
	q.url.RawQuery = query.Encode()
	q.givesToken = op.by == "Token" || op.by == "AccessToken"
	q.needsToken = !q.givesToken
	q.idempotent = id != "close_session"
	return q, nil
}

// call makes a call from a method and a path, which may include a query.
func (c *Client) call(operation, method, path string, params any) (*call, error) {
	q := &call{operation: operation, method: method, versioned: versioned(path), needsToken: true}
	fail := func(format string, args ...any) (*call, error) {
		return nil, c.scrub(fmt.Errorf("dingtalk: %s: "+format, append([]any{operation}, args...)...))
	}
	base := c.oapi
	if q.versioned {
		base = c.api
	}
	if !strings.HasPrefix(path, "/") || strings.Contains(path, "#") {
		return fail("the path has to begin with / and to be without a fragment")
	}
	u, err := url.Parse(base + path)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return fail("the path cannot be read: %w", err)
	}
	q.url = *u
	if own := u.Query().Get(tokenField); own != "" && !q.versioned {
		q.ownToken, q.needsToken = own, false
	}
	switch params := params.(type) {
	case nil:
	case url.Values:
		q.mediaType, q.body = mediaForm, []byte(params.Encode())
	default:
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(params); err != nil {
			return fail("the parameters cannot be encoded: %w", err)
		}
		q.mediaType, q.body = mediaJSON, bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	return q, nil
}

// versioned reports whether a path begins with a version, as /v1.0/ does.
func versioned(path string) bool {
	first, _, more := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	number, ok := strings.CutPrefix(first, "v")
	major, minor, dot := strings.Cut(number, ".")
	return ok && more && dot && digits(major) && digits(minor)
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// do makes a call and returns the reply if it is a success. If the platform refuses the token, do sends the call once more with
// another token. If the call may be retried, do sends it again after a pause.
func (c *Client) do(ctx context.Context, q *call) (*reply, error) {
	renewed := false
	for try := 1; ; try++ {
		var token *held
		if q.needsToken {
			var err error
			if token, err = c.token(ctx, c.renew); err != nil {
				return nil, err
			}
		}
		r, err := c.exchange(ctx, q, token)
		if err == nil {
			err = c.judge(r)
		}
		c.report(ctx, q, r, err)
		if err == nil {
			return r, nil
		}
		var refused *Error
		switch {
		case !errors.As(err, &refused):
			return nil, err
		case token != nil && refused.tokenRefused():
			c.cache.drop(token)
			c.options.Log.LogAttrs(ctx, slog.LevelWarn, "token refused", slog.String("operation", refused.Operation), slog.Int("try", try))
			if renewed {
				return nil, err
			}
			renewed = true
		default:
			if err := c.pause(ctx, q, refused, try); err != nil {
				return nil, err
			}
		}
	}
}

// exchange sends a call and reads the reply, without judging it.
func (c *Client) exchange(ctx context.Context, q *call, token *held) (*reply, error) {
	r := &reply{call: q, token: q.ownToken, sent: c.options.Now()}
	u := q.url
	if token != nil {
		r.token = token.Value
		if !q.versioned {
			u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+tokenField+"="+url.QueryEscape(r.token), "&")
		}
	}
	var body io.Reader
	if q.mediaType != "" {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), body)
	if err != nil {
		return nil, c.failed(q, err, r.token)
	}
	if q.mediaType != "" {
		req.Header.Set("Content-Type", q.mediaType)
	}
	if token != nil && q.versioned {
		req.Header.Set(tokenHeader, r.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(q, err, r.token)
	}
	defer func() { _ = resp.Body.Close() }()
	r.status, r.contentType = resp.StatusCode, resp.Header.Get("Content-Type")
	r.body, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, c.bad(r, "it breaks off", err)
	case len(r.body) > maxReply:
		return nil, c.bad(r, fmt.Sprintf("it is over %d bytes", maxReply), nil)
	}
	return r, nil
}

// failed returns the error for a call that got no reply: it wraps a *url.Error whose URL has no query.
func (c *Client) failed(q *call, err error, token string) error {
	plain := q.url
	plain.RawQuery = ""
	e := &url.Error{Op: q.method, URL: c.mask(plain.String(), token), Err: err}
	var inner *url.Error
	if errors.As(err, &inner) && inner == err { //nolint:errorlint // err itself, not one that it wraps
		e.Op, e.Err = inner.Op, inner.Err
	}
	e.Err = c.scrub(e.Err, token)
	return fmt.Errorf("dingtalk: %s: %w", c.mask(q.operation, token), e)
}

// report logs an exchange.
func (c *Client) report(ctx context.Context, q *call, r *reply, err error) {
	if !c.options.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{slog.String("operation", c.mask(q.operation))}
	if r != nil {
		attrs = append(attrs, slog.Int("http_status", r.status))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	c.options.Log.LogAttrs(ctx, slog.LevelDebug, "call", attrs...)
}
