package contract_test

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dingmock/dingmock/client"
	"github.com/dingmock/dingmock/contract"
)

// goClient is the driver that goes through this module's Go client.
type goClient struct{}

func (goClient) Client(config contract.DriverConfig) (contract.Client, error) {
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

// refusal tells the platform's refusals in the kit's terms.
func refusal(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return &contract.Refusal{Errcode: e.Errcode, SubCode: e.SubCode, Code: e.Code, Message: e.Message}
	}
	return err
}

func token(began time.Time, t client.Token, err error) (contract.Token, error) {
	return contract.Token{Value: t.Value, Life: t.Expires.Sub(began).Round(time.Minute)}, refusal(err)
}

func (c *clientOf) Gettoken(ctx context.Context) (contract.Token, error) {
	if err := c.renew(); err != nil {
		return contract.Token{}, err
	}
	began := time.Now()
	t, err := c.now().Token(ctx)
	return token(began, t, err)
}

func (c *clientOf) AccessToken(ctx context.Context) (contract.Token, error) {
	if err := c.renew(); err != nil {
		return contract.Token{}, err
	}
	began := time.Now()
	t, err := c.now().AccessToken(ctx)
	return token(began, t, err)
}

func (c *clientOf) GetSession(ctx context.Context, userID string) (*contract.Session, error) {
	s, ok, err := c.now().GetSession(ctx, userID)
	if err != nil || !ok {
		return nil, refusal(err)
	}
	return &contract.Session{SessionID: s.SessionID, AppKey: s.AppKey, UserID: s.UserID, ChatID: s.ChatID, CreateTime: s.CreateTime}, nil
}

func params(s contract.Session) client.SessionParams {
	return client.SessionParams{SessionID: s.SessionID, AppKey: s.AppKey, UserID: s.UserID, ChatID: s.ChatID}
}

func (c *clientOf) CreateSession(ctx context.Context, s contract.Session) (string, error) {
	id, err := c.now().CreateSession(ctx, params(s))
	return id, refusal(err)
}

func (c *clientOf) CloseSession(ctx context.Context, s contract.Session) error {
	return refusal(c.now().CloseSession(ctx, params(s)))
}
