// Package client calls the DingTalk (钉钉) open platform: it gets and renews access tokens, makes the calls of this
// module's openapi.yaml as typed methods, and any other call by [Client.Call].
//
// It is not the official SDK and has a method for none of the platform's hundreds of other calls, and the three
// session calls are not the public platform's: they are known from one article, and this module's fake answers them.
// It needs the standard library alone. Start with [New]:
//
//	c, err := client.New(&client.Options{AppKey: key, AppSecret: secret})
//	session, ok, err := c.GetSession(ctx, "manager4220")
//
// Errors are of three kinds: an [*Error] is the platform's own no, to be told apart by [errors.Is] and the Err…
// variables; a [*ReplyError] is a reply that is not the platform's, such as an HTML page; a [*url.Error] is a call
// that got no reply. Beside them there are arguments that cannot be sent, and a context that ended while its call was
// waiting, for a token or to be tried again; errors.Is finds the refusal that was waited for in it too. None holds a secret or a token, although these travel in the query: addresses are shown
// without it.
//
// A call that the platform throttles is tried again after a pause; one that finds the platform busy as well, if doing it
// twice is doing it once. The pauses grow, are spread by chance, last until the end of the throttle that the platform names,
// by the client's own clock, and are not begun where ctx's deadline or half a minute would not do for them: then the refusal
// is returned at once. A used-up quota, a blocked address ([ErrBlocked]) and whatever else is no answer of the platform, such
// as a broken connection, are never tried again: nobody knows whether such a call was run. (net/http itself sends a GET once
// more where a kept connection turns out to be dead before any reply.)
//
// Tries add up and do not multiply. A call goes out at most [Options].Tries times, or once more than that where its token was
// refused in between: 4 times by default. The call for the token that it needs, and that for another after a refusal, go out
// at most Tries times each, for all who wait for it together.
//
// Redirects are not followed: the platform sends none, and a token must not go where a reply says. A 3xx reply is a
// *ReplyError.
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

// defaultTimeout bounds one HTTP exchange where the options bring no HTTP client.
const defaultTimeout = 30 * time.Second

// Options says whom a Client calls, and as whom. One complete pair of credentials is needed; of two the app's counts.
// All else may be left out. Printing Options, or logging them, shows no secret.
type Options struct {
	// BaseURL is where all paths but those of APIBaseURL are, such as "http://127.0.0.1:8080/fake". Default: APIBaseURL
	// where that is given, else DefaultBaseURL.
	BaseURL string

	// APIBaseURL is where the paths that begin with a version are, such as /v1.0/. Default: BaseURL where that is
	// given, else DefaultAPIBaseURL.
	APIBaseURL string

	// AppKey and AppSecret are the app's own pair (Client ID and Client Secret).
	AppKey, AppSecret string

	// CorpID and CorpSecret are the organization's pair, which gettoken still takes.
	CorpID, CorpSecret string

	// PreferAccessToken gets the tokens that calls need by accessToken in place of gettoken. It needs the app's pair.
	PreferAccessToken bool

	// HTTPClient makes the exchanges. It is copied, and the copy follows no redirects. Default: one with a timeout of
	// 30 seconds and http.DefaultTransport.
	HTTPClient *http.Client

	// Now is the clock that tokens age by. Default: time.Now. It is called by several goroutines at once.
	Now func() time.Time

	// Tries is how often a call goes out at most where the platform throttles it or is busy, 1 or more; 1 is never again.
	// Default 3. See [Client.Call] for which calls go out again. The one more call after a refused token is made in any case.
	Tries int

	// Sleep waits between tries. It returns an error when ctx is done earlier. Default: by a timer. It is called by
	// several goroutines at once.
	Sleep func(ctx context.Context, d time.Duration) error

	// Log gets each exchange at level debug, and at level warn each token that the platform refused or would not renew.
	// Default: nothing is logged.
	Log *slog.Logger
}

// Client calls the platform for one app. Any number of goroutines may use one, and they share its token, so make one
// for each app and keep it.
type Client struct {
	options Options
	oapi    string // base URLs, without a slash at the end
	api     string
	http    http.Client
	secrets []string
	cache   cache
	jitter  func(time.Duration) time.Duration
}

// New makes a Client. It calls nobody; the error says which option is not valid.
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

// baseURL checks the first of the URLs that is given. What it says of a bad one never shows the URL, which may
// hold a password.
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

// LogValue is the options without their secrets.
func (o Options) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("base_url", plainURL(o.BaseURL)), slog.String("api_base_url", plainURL(o.APIBaseURL)),
		slog.String("app_key", o.AppKey), slog.String("corp_id", o.CorpID),
		slog.Bool("prefer_access_token", o.PreferAccessToken),
	)
}

// Format prints whom the client calls and as whom, without secrets or the token, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) {
	if c == nil {
		_, _ = io.WriteString(f, "(*client.Client)(nil)")
		return
	}
	_, _ = fmt.Fprintf(f, "client.Client{%v}", c.options)
}

// LogValue is whom the client calls and as whom, without secrets or the token.
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

// plainURL is a URL as it may be shown: without a password, a query and a fragment.
func plainURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return masked
	}
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	return u.String()
}
