package mockserver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
)

// The pairs of credentials by the parameters that carry them, in the order in which the first complete one counts.
var (
	appPair    = pair{id: "appkey", secret: "appsecret"}
	corpPair   = pair{id: "corpid", secret: "corpsecret", corp: true}
	apiAppPair = pair{id: "appKey", secret: "appSecret"}
	pairs      = []pair{appPair, corpPair, apiAppPair}
)

// credentials returns the first pair of which both values are there; else, of the first id given, the pair
// and false. A path outside the document takes none.
func (c *call) credentials() (p pair, complete bool) {
	if c.Operation == nil {
		return pair{}, false
	}
	for _, p := range pairs {
		if c.Value(p.id) != "" && c.Value(p.secret) != "" {
			return p, true
		}
	}
	for _, p := range pairs {
		if c.Value(p.id) != "" {
			return p, false
		}
	}
	return pair{}, false
}

func (c *call) gettoken() (any, error) {
	p, complete := c.credentials()
	switch {
	case p == pair{}:
		return nil, c.fail("parameter-missing", "neither appkey nor corpid was given"+c.bodyUnread()+"; give one with its secret, in the query", "name", "corpid or appkey")
	case !complete:
		return nil, c.fail(p.secret+"-missing", p.id+" was given without "+p.secret+c.bodyUnread()+"; give both, in the query")
	}
	wrong := "appkey-or-appsecret-wrong"
	if p.corp {
		wrong = "corpid-or-corpsecret-wrong"
	}
	token, life, err := c.issue(p, wrong)
	if err != nil {
		return nil, err
	}
	return gettokenReply{AccessToken: token, Errmsg: "ok", ExpiresIn: int(life.Seconds())}, nil
}

func (c *call) accessToken() (any, error) {
	token, life, err := c.issue(apiAppPair, "invalidClientIdOrSecret")
	if err != nil {
		return nil, err
	}
	return accessTokenReply{ExpireIn: int(life.Seconds()), AccessToken: token}, nil
}

// tokenLife is how long a rule has the token of this call live; 0 for as long as the app's do.
func (c *call) tokenLife() time.Duration {
	if c.rule == nil {
		return 0
	}
	return time.Duration(c.rule.Effect.TokenLife)
}

// issue returns the token of the app that the pair names and proves, and how long it lives.
func (c *call) issue(p pair, wrong string) (string, time.Duration, error) {
	for {
		if c.app == nil {
			return "", 0, c.fail(wrong, "no app has this "+p.id+c.noApp(p))
		}
		if !c.proven {
			return "", 0, c.fail(wrong, c.notProven(p))
		}
		if token, life, ok := c.app.issue(c.tokenLife()); ok {
			return token, life, nil
		}
		c.findApp() // it was removed meanwhile
	}
}

// noApp says, at the end of a sentence, how an app of that id is made, or why it was not.
func (c *call) noApp(p pair) string {
	id := c.Value(p.id)
	const ways = "the options, a state file or the control API (--app, --state)"
	if a, what := c.server.tenants.called(id); a != nil {
		mine := a.appKey
		if p.corp {
			mine = a.corpID
		}
		return "; it is the " + what + " of the app " + a.name + ", whose " + p.id + " is " + mine
	}
	switch {
	case c.server.options.NoAutoApps:
		return "; apps come from " + ways + ", and none is made on first use here (--no-auto-apps)"
	case c.full:
		return fmt.Sprintf(", and none could be made: there are %d apps, as many as there may be (--max-apps), and none of them was made on first use, to go in its place; delete one, or allow more", c.server.options.MaxApps)
	case strings.HasPrefix(id, "mock-") && !autoKey.MatchString(id):
		return "; a key makes one on first use if it is mock- and then 1 to 64 of A-Z, a-z, 0-9, _ and -, which this one is not"
	}
	return "; a key like mock-my-test makes one on first use, others come from " + ways
}

// notProven says that the secret is wrong.
func (c *call) notProven(p pair) string {
	text := "this is not the " + p.secret + " of the app " + c.app.name
	if c.app.auto {
		text += ", which was made on first use with another; give that one, or take a key of your own"
	}
	return text
}

// bodyUnread says, in the middle of a sentence, why nothing was found in the body of a token call, "" where it was read.
func (c *call) bodyUnread() string {
	if c.unread != nil {
		return ", and the body could not be read to its end"
	}
	for _, v := range c.Violations {
		if v.Kind == dingmock.KindContentType || v.Kind == dingmock.KindBody {
			return ", and the body could not be read: found " + v.Found + ", expected " + v.Expected
		}
	}
	if c.Method != http.MethodPost && c.size > 0 {
		return ", and the body of a " + c.Method + " is not read"
	}
	return ""
}

// noToken says that there is no token, and where it would have been found.
func (c *call) noToken() string {
	t := c.Family.Token
	place := "the " + t.In + " parameter " + t.Name
	if t.In == "header" {
		place = "the header " + t.Name
	}
	text := "no access token was given, in " + place
	if c.Token != "" {
		text = "the access token in " + place + " is blank"
	}
	inJSON := func(v dingmock.Violation) bool {
		return v.Kind == dingmock.KindUndeclaredParameter && v.Pointer == "/body/"+t.Name
	}
	switch {
	case !t.FormField || c.Token != "":
	case c.unread != nil:
		text += ", and the body could not be read to its end"
	case c.size > dingmock.MaxBody:
		text += fmt.Sprintf(", and the body is over %d bytes, too large to look for one", dingmock.MaxBody)
	case slices.ContainsFunc(c.Violations, inJSON):
		text += ", and one in a JSON body is not read"
	}
	return text + "; get one by gettoken"
}
