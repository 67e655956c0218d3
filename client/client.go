// Package client calls the DingTalk (钉钉) open platform. It gets and renews access tokens, has a typed method for each call
// in this module's openapi.yaml, and makes any other call with [Client.Call].
//
// It is not the official SDK: it has no methods for the platform's hundreds of other calls. The three session calls are
// not part of the public platform: they are known from one article, and this module's fake answers them.
// The package needs only the standard library. Start with [New]:
//
//	c, err := client.New(&client.Options{AppKey: key, AppSecret: secret})
//	session, ok, err := c.GetSession(ctx, "manager4220")
//
// There are three main kinds of errors. An [*Error] is a refusal by the platform; use [errors.Is] with the Err… variables to
// tell refusals apart. A [*ReplyError] is a reply that is not the platform's, such as an HTML page. A [*url.Error] means that
// the call got no reply. Other errors report arguments that cannot be sent, or a context that ended while the call was waiting
// for a token or for its next try; the latter also wraps the refusal that caused the wait, for errors.Is to find. No error
// holds a secret or a token: these travel in the query, and errors show URLs without it.
//
// The client retries a call that the platform throttles, after a pause. It also retries a call if the platform is busy,
// provided that running the call twice has the same effect as running it once. Pauses grow and are partly random. They last
// until the end of the throttle, if the platform names it, by the client's own clock. The client returns the refusal at once
// if the pause would go beyond ctx's deadline or last more than half a minute. It never retries after a used-up quota, a
// blocked address ([ErrBlocked]) or anything that is not an answer of the platform, such as a broken connection: nobody knows
// whether such a call was run. (net/http itself sends a GET again if a kept connection turns out to be dead before any reply.)
//
// Tries add up and do not multiply. A call goes out at most [Options].Tries times, or once more if its token was refused in
// between: 4 times by default. The call for the token that it needs, and the call for another token after a refusal, each go
// out at most Tries times, on behalf of all callers that wait for the token.
//
// The client follows no redirects: the platform sends none, and a reply must not decide where a token goes. A 3xx reply is
// a *ReplyError.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The hosts of the platform.
const (
	DefaultBaseURL    = "https://oapi.dingtalk.com"
	DefaultAPIBaseURL = "https://api.dingtalk.com"
)

// defaultTimeout limits one HTTP exchange if the options have no HTTP client.
const defaultTimeout = 30 * time.Second

// Options says which server a Client calls, and with which credentials. One complete pair of credentials is required; if there
// are two, the app's is used. Everything else is optional. Printing or logging Options shows no secret.
type Options struct {
	// BaseURL is the base of all paths except those of APIBaseURL, such as "http://127.0.0.1:8080/fake".
	// Default: APIBaseURL if that is given, or else DefaultBaseURL.
	BaseURL string

	// APIBaseURL is the base of the paths that begin with a version, such as /v1.0/.
	// Default: BaseURL if that is given, or else DefaultAPIBaseURL.
	APIBaseURL string

	// AppKey and AppSecret are the app's own pair (Client ID and Client Secret).
	AppKey, AppSecret string

	// CorpID and CorpSecret are the organization's pair, which gettoken still accepts.
	CorpID, CorpSecret string

	// PreferAccessToken makes the client get its tokens from accessToken instead of gettoken. It requires the app's pair.
	PreferAccessToken bool

	// HTTPClient makes the exchanges. New copies it, and the copy follows no redirects. Default: a client with a timeout of
	// 30 seconds and http.DefaultTransport.
	HTTPClient *http.Client

	// Now is the clock by which tokens age. It must be safe for concurrent use. Default: time.Now.
	Now func() time.Time

	// Tries is the maximum number of times that a call goes out if the platform throttles it or is busy: 1 means no retry.
	// Default: 3. See [Client.Call] for the calls that are retried. The extra call after a refused token is always made.
	Tries int

	// Sleep waits between tries. It must return an error if ctx is done before d has passed, and be safe for concurrent use.
	// Default: a timer.
	Sleep func(ctx context.Context, d time.Duration) error

	// Log receives each exchange at level debug, and at level warn each token that the platform refused or did not renew.
	// Default: nothing is logged.
	Log *slog.Logger
}

// Client calls the platform for one app. It is safe for concurrent use. All its users share its token, so make one Client for
// each app and keep it.
type Client struct {
	options Options
	oapi    string // this and api are base URLs, without a slash at the end
	api     string
	http    http.Client
	secrets []string
	cache   cache
	jitter  func(time.Duration) time.Duration
}

// New makes a Client. It makes no call. The error says which option is not valid.
func New(options *Options) (*Client, error) {
	c := &Client{jitter: jitter}
	if options != nil {
		c.options = *options
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("dingtalk: Options: %w", err)
	}
	return c, nil
}

func (c *Client) complete() error {
	o := &c.options
	for _, pair := range []struct{ idName, id, secretName, secret string }{
		{"AppKey", o.AppKey, "AppSecret", o.AppSecret},
		{"CorpID", o.CorpID, "CorpSecret", o.CorpSecret},
	} {
		if pair.id != "" && pair.secret == "" {
			return fmt.Errorf("%s: is empty, but %s is given", pair.secretName, pair.idName)
		}
		if pair.id == "" && pair.secret != "" {
			return fmt.Errorf("%s: is empty, but %s is given", pair.idName, pair.secretName)
		}
	}
	if o.AppKey == "" && o.CorpID == "" {
		return errors.New("AppKey and AppSecret are needed, or CorpID and CorpSecret")
	}
	if o.PreferAccessToken && o.AppKey == "" {
		return errors.New("PreferAccessToken: needs AppKey and AppSecret")
	}
	var err error
	if c.oapi, err = baseURL(o.BaseURL, o.APIBaseURL, DefaultBaseURL); err != nil {
		return fmt.Errorf("BaseURL: %w", err)
	}
	if c.api, err = baseURL(o.APIBaseURL, o.BaseURL, DefaultAPIBaseURL); err != nil {
		return fmt.Errorf("APIBaseURL: %w", err)
	}
	c.http = http.Client{Timeout: defaultTimeout}
	if o.HTTPClient != nil {
		c.http = *o.HTTPClient
	}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if o.Now == nil {
		o.Now = time.Now
	}
	switch {
	case o.Tries < 0:
		return fmt.Errorf("%s: is %d, but has to be 1 or more, or 0 for %d", "Tries", o.Tries, defaultTries)
	case o.Tries == 0:
		o.Tries = defaultTries
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, secret := range []string{o.AppSecret, o.CorpSecret} {
		if secret != "" {
			c.secrets = append(c.secrets, secret)
		}
	}
	return nil
}

// baseURL checks the first URL that is not empty, and returns it without a slash at the end. Its error never shows the URL,
// which may hold a password.
func baseURL(given ...string) (string, error) {
	text := given[slices.IndexFunc(given, func(s string) bool { return s != "" })]
	u, err := url.Parse(text)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		if strings.Contains(text, "@") {
			err = errors.New("it cannot be read")
		}
		return "", fmt.Errorf("is not a URL: %w", err)
	}
	switch port, err := strconv.Atoi(u.Port()); {
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("has to begin with http:// or https://")
	case u.Hostname() == "":
		return "", errors.New("has no host")
	case u.Port() != "" && (err != nil || port < 1 || port > 65535):
		return "", errors.New("has a port that is not from 1 to 65535")
	case u.User != nil:
		return "", errors.New("has to be without a user and a password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return "", errors.New("has to be without a query and a fragment")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// Format prints the options without their secrets, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "client.Options{BaseURL:%q APIBaseURL:%q AppKey:%q AppSecret:%s CorpID:%q CorpSecret:%s PreferAccessToken:%t}",
		plainURL(o.BaseURL), plainURL(o.APIBaseURL), o.AppKey, hide(o.AppSecret), o.CorpID, hide(o.CorpSecret), o.PreferAccessToken)
}

// LogValue returns the options without their secrets.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("base_url", plainURL(o.BaseURL)), slog.String("api_base_url", plainURL(o.APIBaseURL)),
		slog.String("app_key", o.AppKey), slog.String("corp_id", o.CorpID),
		slog.Bool("prefer_access_token", o.PreferAccessToken),
	)
}

// Format prints the client's options without secrets or the token, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil {
		_, _ = io.WriteString(f, "(*client.Client)(nil)")
		return
	}
	_, _ = fmt.Fprintf(f, "client.Client{%v}", c.options)
}

// LogValue returns the client's options without secrets or the token.
func (c *Client) LogValue() slog.Value {
	if c == nil {
		return slog.Value{}
	}
	return c.options.LogValue()
}

func hide(secret string) string {
	if secret == "" {
		return `""`
	}
	return masked
}

// plainURL returns a URL in a form that may be shown: without user, password, query and fragment.
func plainURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return masked
	}
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	return u.String()
}
