package contract_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/contract"
)

// goClient is the driver that goes through this module's Go client.
func goClient(config contract.DriverConfig) (contract.Client, error) {
	c := &clientOf{options: client.Options{
		BaseURL: config.URL, APIBaseURL: config.APIURL, HTTPClient: config.HTTPClient,
		AppKey: config.App.AppKey, AppSecret: config.App.AppSecret, CorpID: config.App.CorpID, CorpSecret: config.App.CorpSecret,
	}}
	return c, c.renew()
}

// clientOf is a client, made anew for each token call: a client that holds a token makes none.
type clientOf struct {
	options client.Options

	mu sync.Mutex
	c  *client.Client
}

func (c *clientOf) renew() (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.c, err = client.New(&c.options)
	return err
}

func (c *clientOf) now() *client.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.c
}

// object is a part of a reply's body.
type object map[string]any

// calls are the client's calls by operation. Each returns what it understood of the body.
var calls = map[string]func(ctx context.Context, c *clientOf, params map[string]any) (any, error){
	"gettoken": func(ctx context.Context, c *clientOf, _ map[string]any) (any, error) {
		t, err := c.token(func() (client.Token, error) { return c.now().Token(ctx) })
		return object{"access_token": t.value, "expires_in": t.seconds}, err
	},
	"accessToken": func(ctx context.Context, c *clientOf, _ map[string]any) (any, error) {
		t, err := c.token(func() (client.Token, error) { return c.now().AccessToken(ctx) })
		return object{"accessToken": t.value, "expireIn": t.seconds}, err
	},
	"auth.scopes": func(ctx context.Context, c *clientOf, _ map[string]any) (any, error) {
		s, err := c.now().AuthScopes(ctx)
		return object{"auth_user_field": s.UserFields, "auth_org_scopes": object{"authed_user": s.Users, "authed_dept": s.Departments}}, err
	},
	"user.count": func(ctx context.Context, c *clientOf, params map[string]any) (any, error) {
		onlyActive, _ := params["only_active"].(bool)
		n, err := c.now().UserCount(ctx, onlyActive)
		return object{"result": object{"count": n}}, err
	},
	"getsession": func(ctx context.Context, c *clientOf, params map[string]any) (any, error) {
		s, ok, err := c.now().GetSession(ctx, text(params, "userid"))
		if err != nil || !ok {
			return object{"result": object{"session": nil}}, err
		}
		return object{"result": object{"session": object{
			"session_id": s.SessionID, "app_key": s.AppKey, "user_id": s.UserID, "chatid": s.ChatID, "create_time": s.CreateTime.UnixMilli(),
		}}}, nil
	},
	"create_session": func(ctx context.Context, c *clientOf, params map[string]any) (any, error) {
		id, err := c.now().CreateSession(ctx, session(params))
		return object{"result": object{"session_id": id}}, err
	},
	"close_session": func(ctx context.Context, c *clientOf, params map[string]any) (any, error) {
		return object{}, c.now().CloseSession(ctx, session(params))
	},
}

// Do makes a call. What the platform refuses is a *contract.Refusal; an operation that is not among calls is none of the client's.
func (c *clientOf) Do(ctx context.Context, operation string, params map[string]any) (json.RawMessage, error) {
	call := calls[operation]
	if call == nil {
		return nil, contract.ErrNoCall
	}
	body, err := call(ctx, c, params)
	if e, ok := errors.AsType[*client.Error](err); ok {
		err = &contract.Refusal{Errcode: e.Errcode, SubCode: e.SubCode, Code: e.Code, Message: e.Message}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(body)
}

type issued struct {
	value   string
	seconds float64
}

// token makes a token call with a client that holds none.
func (c *clientOf) token(call func() (client.Token, error)) (issued, error) {
	if err := c.renew(); err != nil {
		return issued{}, err
	}
	began := time.Now()
	t, err := call()
	return issued{t.Value, t.Expires.Sub(began).Round(time.Minute).Seconds()}, err
}

func text(params map[string]any, name string) string {
	s, _ := params[name].(string)
	return s
}

func session(params map[string]any) client.SessionParams {
	return client.SessionParams{
		SessionID: text(params, "session_id"), AppKey: text(params, "app_key"), UserID: text(params, "user_id"), ChatID: text(params, "chatid"),
	}
}
