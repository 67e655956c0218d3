package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock/client/internal/wire"
)

const (
	maxLife       = 7200 * time.Second // of a token of the platform; a longer life is not believed
	renewAhead    = 10 * time.Minute   // before the end of a token's life, but at most a tenth of the life
	flightTimeout = time.Minute        // for getting one token
)

// Token is an access token. Printing or logging it does not show its value.
type Token struct {
	Value   string
	Expires time.Time // by the client's clock; the platform may refuse the token earlier
}

// Format prints the token without its value, whatever the verb.
func (t Token) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "client.Token{Value:%s Expires:%s}", hide(t.Value), t.Expires.Format(time.RFC3339))
}

// LogValue returns the token without its value.
func (t Token) LogValue() slog.Value { return slog.GroupValue(slog.Time("expires", t.Expires)) }

// Token returns the app's access token: the one that the client holds, or else a new one from gettoken.
//
// The client holds one token, whichever call it came from. It renews the token 10 minutes before it expires, or when a tenth
// of its life is left if that is less. At most one call for a token is under way at any time. Callers that need its token wait
// for as long as their ctx allows; the call goes on if the caller that started it gives up. As long as the old token is valid,
// nobody waits for the new one.
func (c *Client) Token(ctx context.Context) (Token, error) {
	return c.show(c.token(ctx, c.gettoken))
}

// AccessToken is like Token, but uses the platform's newer call accessToken, which takes only the app's pair of credentials.
// A token from either call is valid everywhere, so both methods share the token that the client holds.
func (c *Client) AccessToken(ctx context.Context) (Token, error) {
	if c.options.AppKey == "" {
		return Token{}, errors.New("dingtalk: accessToken: needs Options.AppKey and Options.AppSecret")
	}
	return c.show(c.token(ctx, c.accessToken))
}

func (c *Client) show(h *held, err error) (Token, error) {
	if err != nil {
		return Token{}, err
	}
	return h.Token, nil
}

// renew gets a token with the call that the options prefer.
func (c *Client) renew(ctx context.Context) (*held, error) {
	if c.options.PreferAccessToken {
		return c.accessToken(ctx)
	}
	return c.gettoken(ctx)
}

func (c *Client) gettoken(ctx context.Context) (*held, error) {
	o := c.options
	query := url.Values{"appkey": {o.AppKey}, "appsecret": {o.AppSecret}}
	if o.AppKey == "" {
		query = url.Values{"corpid": {o.CorpID}, "corpsecret": {o.CorpSecret}}
	}
	q, err := c.operation("gettoken", query, nil)
	if err != nil {
		return nil, err
	}
	var model wire.GettokenReply
	return c.hold(ctx, q, &model, func() (string, int) { return model.AccessToken, model.ExpiresIn })
}

func (c *Client) accessToken(ctx context.Context) (*held, error) {
	q, err := c.operation("accessToken", nil, wire.AccessTokenParams{AppKey: c.options.AppKey, AppSecret: c.options.AppSecret})
	if err != nil {
		return nil, err
	}
	var model wire.AccessTokenReply
	return c.hold(ctx, q, &model, func() (string, int) { return model.AccessToken, model.ExpireIn })
}

// hold makes a token call and reads the reply. The token's life counts from just before the try that succeeded was sent.
func (c *Client) hold(ctx context.Context, q *call, model any, read func() (value string, seconds int)) (*held, error) {
	r, err := c.do(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := c.decode(r, model); err != nil {
		return nil, err
	}
	value, seconds := read()
	switch {
	case value == "":
		return nil, c.bad(r, "the token is empty", nil)
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, c.bad(r, "the token is not of printable ASCII", nil)
	case seconds < 1:
		return nil, c.bad(r, "the token's life is less than a second", nil)
	}
	life := time.Duration(min(seconds, int(maxLife/time.Second))) * time.Second
	ahead := min(renewAhead, life/10)
	return &held{Token: Token{Value: value, Expires: r.sent.Add(life)}, ahead: ahead, renewAt: r.sent.Add(life - ahead)}, nil
}

// cache holds the client's token, and the call that is getting another.
type cache struct {
	mu     sync.Mutex
	held   *held
	flight *flight
}

// held is a token in the cache. Each answer to a token call makes a new held, even if it repeats the token.
type held struct {
	Token
	ahead   time.Duration // how long before its expiry it is renewed
	renewAt time.Time     // guarded by the cache
}

// flight is a token call that is under way. Its token and err may be read once done is closed.
type flight struct {
	done  chan struct{}
	token *held
	err   error

	// The refusal that it pauses for, or nil; when the pause ends, in real time; and a channel that is closed when these change.
	// The cache guards them.
	refused *Error
	resume  time.Time
	changed chan struct{}
}

// pausing tells the callers that wait for the flight that it has begun a pause, or has ended it if refused is nil.
func (c *cache) pausing(refused *Error, resume time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.flight
	f.refused, f.resume = refused, resume
	close(f.changed)
	f.changed = make(chan struct{})
}

// await waits for a flight, for as long as ctx allows. If ctx's deadline comes before the end of the flight's pause, await
// returns the refusal at once.
func (c *cache) await(ctx context.Context, f *flight) (*held, error) {
	for {
		c.mu.Lock()
		refused, resume, changed := f.refused, f.resume, f.changed
		c.mu.Unlock()
		if deadline, ok := ctx.Deadline(); ok && refused != nil && !deadline.After(resume) {
			return nil, refused
		}
		select {
		case <-f.done:
			return f.token, f.err
		case <-changed:
		case <-ctx.Done():
			if refused != nil {
				return nil, fmt.Errorf("%w (waiting for a token: %w)", refused, ctx.Err())
			}
			return nil, fmt.Errorf("dingtalk: waiting for a token: %w", ctx.Err())
		}
	}
}

// peek returns the token in the cache, however old, or nil if there is none.
func (c *cache) peek() *held {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// drop removes a token from the cache, unless another has taken its place.
func (c *cache) drop(token *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == token {
		c.held = nil
	}
}

// token returns the token in the cache. If there is none, or it is due for renewal, token makes sure that one call of fetch is
// under way. It waits for that call only if there is no valid token.
func (c *Client) token(ctx context.Context, fetch func(context.Context) (*held, error)) (*held, error) {
	now := c.options.Now()
	c.cache.mu.Lock()
	h, f := c.cache.held, c.cache.flight
	good := h != nil && now.Before(h.Expires)
	if good && now.Before(h.renewAt) {
		c.cache.mu.Unlock()
		return h, nil
	}
	if f == nil && ctx.Err() == nil {
		f = &flight{done: make(chan struct{}), changed: make(chan struct{})}
		c.cache.flight = f
		go c.fly(context.WithoutCancel(ctx), f, fetch)
	}
	c.cache.mu.Unlock()
	if good {
		return h, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dingtalk: waiting for a token: %w", err)
	}
	return c.cache.await(ctx, f)
}

// fly gets a token on behalf of all callers that wait for it.
func (c *Client) fly(ctx context.Context, f *flight, fetch func(context.Context) (*held, error)) {
	ctx, cancel := context.WithTimeout(ctx, flightTimeout)
	defer cancel()
	f.err = errors.New("dingtalk: the call for a token did not end") // stays if the transport ends the goroutine
	defer func() {
		c.cache.mu.Lock()
		c.cache.flight = nil
		old := c.cache.held
		if f.err == nil {
			c.cache.held = f.token
		} else if old != nil {
			old.renewAt = c.options.Now().Add(old.ahead / 10)
		}
		c.cache.mu.Unlock()
		close(f.done)
		if f.err != nil && old != nil {
			c.options.Log.LogAttrs(ctx, slog.LevelWarn, "token not renewed", slog.Time("expires", old.Expires), slog.String("error", f.err.Error()))
		}
	}()
	f.token, f.err = fetch(ctx)
}
