package mockserver

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/mockserver/internal/world"
)

// pair is one way to name an app and prove it.
type pair struct {
	id, secret     string // the names of the parameters
	corp           bool
	missing, wrong world.ErrorName // the errors for an id without its secret, and for a pair that is no app's
}

var (
	parameterMissing = world.Named("parameter-missing")

	// The first complete pair counts.
	pairs = []*pair{
		{"appkey", "appsecret", false, world.Named("appsecret-missing"), world.Named("appkey-or-appsecret-wrong")},
		{"corpid", "corpsecret", true, world.Named("corpsecret-missing"), world.Named("corpid-or-corpsecret-wrong")},
		{"appKey", "appSecret", false, parameterMissing, world.Named("invalidClientIdOrSecret")},
	}
)

// credentials returns the first pair whose values are both given, and true; otherwise the pair of the first id
// given, and false. It returns nil for a path outside the document, which takes no credentials.
func (c *call) credentials() (p *pair, complete bool) {
	if c.Operation == nil {
		return nil, false
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
	return nil, false
}

// identify finds the app by the credentials or, if the call has none, by the token.
func (c *call) identify() {
	if p, _ := c.credentials(); p != nil {
		c.app = c.server.tenants.by(p, c.Value(p.id))
		c.proven = c.app != nil && c.app.proves(p, c.Value(p.secret))
	} else {
		c.app, _ = c.server.tenants.credentials.Find(c.Family.Token.Kind, c.Token)
	}
	if c.app != nil {
		c.app.touch()
		c.done = c.app.ending()
	}
}

// introduce makes the app of a token call if its key is one for which an app is made on first use. If the app's
// secret is open, introduce makes the secret of the call the app's. It does neither for a call that will be
// rejected.
func (c *call) introduce() {
	p, complete := c.credentials()
	if c.proven || !complete || c.refuses(c.server.findings...) {
		return
	}
	id, secret := c.Value(p.id), c.Value(p.secret)
	for range 100 { // one round, unless apps come and go at the same time
		if c.app != nil {
			c.proven = c.app.takes(secret) || c.proven
			return
		}
		if c.server.options.NoAutoApps || !autoKey.MatchString(id) {
			return
		}
		_, err := c.server.tenants.add(AppState{Name: id, CorpID: id, CorpSecret: secret, AppKey: id, AppSecret: secret, Auto: true})
		if c.full = errors.Is(err, errFull); c.full {
			return
		}
		c.identify() // another goroutine may have made the app first, and it may have been evicted again
		if c.proven {
			return
		}
	}
}

// by returns the app whose id of that pair is id, or nil.
func (s *tenants) by(p *pair, id string) *tenant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p.corp {
		return s.byCorp[id]
	}
	return s.byKey[id]
}

// proves reports whether a secret is the app's. No secret is while the app's is open.
func (a *tenant) proves(p *pair, secret string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	want := a.appSecret
	if p.corp {
		want = a.corpSecret
	}
	return !a.open && subtle.ConstantTimeCompare([]byte(want), []byte(secret)) == 1
}

// takes makes a secret the app's if the app's is open, and reports whether it was.
func (a *tenant) takes(secret string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.open {
		return false
	}
	a.corpSecret, a.appSecret, a.open = secret, secret, false
	return true
}

// needsToken reports whether the call must carry the token of its family. The document or the list of DingTalk's
// calls says so; a path that only a stub knows needs a token.
func (c *call) needsToken(stub *FixedReply) bool {
	switch {
	case stub != nil && stub.WithoutToken:
		return false
	case c.Operation != nil:
		return slices.ContainsFunc(c.Operation.Security, func(r dingmock.Requirement) bool { return slices.Contains(r, c.Family.Token) })
	case c.Listed != nil:
		return c.Listed.Token.Of == "app"
	}
	return true
}

// checkToken rejects a call without the token that it needs. If that is not an app's token, only its presence is
// checked.
func (c *call) checkToken(stub *FixedReply) *world.Failure {
	if c.needsToken(stub) {
		return c.authorize()
	}
	if c.Listed == nil || c.Listed.Token.Name == "" || stub != nil && stub.WithoutToken {
		return nil
	}
	for _, v := range c.Violations {
		if v.Kind == dingmock.KindMissingCredential {
			return c.fail(parameterMissing, v.String(), "name", c.Listed.Token.Name)
		}
	}
	return nil
}

// authorize rejects a call whose token is missing, unknown or expired.
func (c *call) authorize() *world.Failure {
	credentials, kind := c.server.tenants.credentials, c.Family.Token.Kind
	owner, gone := credentials.Find(kind, c.Token)
	mistaken := ""
	if owner == nil {
		mistaken = credentials.Mistaken(kind, c.Token)
	}
	switch {
	case blank(c.Token):
		return c.answers("token-blank", c.noToken())
	case owner == nil && gone.Why != "":
		return c.answers("token-bad", "this token was good, but "+gone.Why+"; call gettoken again")
	case mistaken != "":
		return c.answers("token-bad", "this is "+mistaken+"; call gettoken")
	case c.app == nil:
		return c.answers("token-bad", "this token was never issued here, or so long ago that it is forgotten; call gettoken")
	}
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	if ok, ago := c.app.world.Tokens.Valid(c.Token, c.app.clock.Now()); !ok {
		return c.answers("token-bad", fmt.Sprintf("token expired %s ago by this app's clock; call gettoken again", ago.Round(time.Second)))
	}
	return nil
}

func blank(s string) bool {
	return !slices.ContainsFunc([]rune(s), func(r rune) bool { return r > ' ' })
}

// checkCredential rejects a call whose token or pair, whichever its operation needs, is not valid.
func (c *call) checkCredential() *world.Failure {
	if c.needsToken(nil) {
		return c.authorize()
	}
	return c.checkPair()
}

// checkPair rejects a call that needs a pair of credentials if the pair is missing, names no app or does not prove
// it.
func (c *call) checkPair() *world.Failure {
	p, complete := c.credentials()
	switch {
	case c.needsToken(nil):
		return nil
	case p == nil:
		return c.fail(parameterMissing, "neither appkey nor corpid was given"+c.bodyUnread()+"; give one with its secret, in the query", "name", "corpid or appkey")
	case !complete:
		return c.fail(p.missing, p.id+" was given without "+p.secret+c.bodyUnread()+"; give both, in the query", "name", p.secret)
	case c.app == nil:
		return c.fail(p.wrong, "no app has this "+p.id+c.noApp(p))
	case !c.proven:
		return c.fail(p.wrong, c.notProven(p))
	}
	return nil
}

// noApp returns the end of a sentence: how to make an app of that id, or why none was made.
func (c *call) noApp(p *pair) string {
	id := c.Value(p.id)
	const ways = "the options, a state file or the control API (options app, state)"
	if a, what := c.server.tenants.called(id); a != nil {
		mine := a.appKey
		if p.corp {
			mine = a.corpID
		}
		return "; it is the " + what + " of the app " + a.name + ", whose " + p.id + " is " + mine
	}
	switch {
	case c.server.options.NoAutoApps:
		return "; apps come from " + ways + ", and none is made on first use here (option no-auto-apps)"
	case c.full:
		return fmt.Sprintf(", and none could be made: there are %d apps, as many as there may be (option max-apps), and none of them was made on first use, to go in its place; delete one, or allow more", c.server.options.MaxApps)
	case strings.HasPrefix(id, "mock-") && !autoKey.MatchString(id):
		return "; a key makes one on first use if it is mock- and then 1 to 64 of A-Z, a-z, 0-9, _ and -, which this one is not"
	}
	return "; a key like mock-my-test makes one on first use, others come from " + ways
}

// notProven returns the text for a wrong secret.
func (c *call) notProven(p *pair) string {
	text := "this is not the " + p.secret + " of the app " + c.app.name
	if c.app.auto {
		text += ", which was made on first use with another; give that one, or take a key of your own"
	}
	return text
}

// bodyUnread returns the middle of a sentence: why nothing was found in the body of a token call. It returns "" if
// the body was read.
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

// noToken returns the text for a missing token, with the place where one is looked for.
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
