package mockserver

import "time"

// The pairs of credentials by the parameters that carry them, in the order in which the first complete one counts.
var (
	appPair    = pair{id: "appkey", secret: "appsecret"}
	corpPair   = pair{id: "corpid", secret: "corpsecret", corp: true}
	apiAppPair = pair{id: "appKey", secret: "appSecret"}
	pairs      = []pair{appPair, corpPair, apiAppPair}
)

// credentials returns the first pair of which both values are there; else, of the first id given, the pair
// and false.
func (c *call) credentials() (p pair, complete bool) {
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
		return nil, c.fail("parameter-missing", "neither appkey nor corpid was given: give one with its secret, in the query", "name", "corpid or appkey")
	case !complete:
		return nil, c.fail(p.secret+"-missing", p.id+" was given without "+p.secret)
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

// issue returns the token of the app that the pair names and proves, and how long it lives.
func (c *call) issue(p pair, wrong string) (string, time.Duration, error) {
	for {
		if c.app == nil {
			return "", 0, c.fail(wrong, "no app has this "+p.id+c.server.autoHint())
		}
		if !c.proven {
			return "", 0, c.fail(wrong, "this is not the "+p.secret+" of the app "+c.app.name)
		}
		if token, life, ok := c.app.issue(0); ok {
			return token, life, nil
		}
		c.findApp() // it was removed meanwhile
	}
}

func (s *Server) autoHint() string {
	if s.options.NoAutoApps {
		return "; apps are made with --app, --state or the control API (--no-auto-apps is set)"
	}
	return "; a key like mock-my-test makes one on first use, others are made with --app, --state or the control API"
}
