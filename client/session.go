package client

import (
	"context"
	"time"

	"github.com/dingmock/dingmock/client/internal/wire"
)

// SessionParams says which session to create or to close. All fields have at most 128 characters, and all but ChatID at least 1.
type SessionParams struct {
	SessionID string // chosen by the caller
	UserID    string // the user whose session it is
	ChatID    string // the chat that it is held in; "" if none

	// AppKey is the key of the app that the session belongs to. Default: the client's own AppKey.
	AppKey string
}

// Session is an open session.
type Session struct {
	SessionID  string
	UserID     string
	ChatID     string // "" if none
	AppKey     string
	CreateTime time.Time // in UTC, to the millisecond
}

// GetSession returns the user's most recently created open session, and whether there is one. It is not an error if the user
// has none.
func (c *Client) GetSession(ctx context.Context, userID string) (Session, bool, error) {
	var model wire.GetsessionReply
	r, err := c.perform(ctx, "getsession", wire.GetsessionParams{Userid: userID}, &model)
	if err != nil {
		return Session{}, false, err
	}
	s := model.Result.Session
	if s == nil {
		return Session{}, false, nil
	}
	if s.SessionID == "" {
		return Session{}, false, c.bad(r, "result.session.session_id is empty", nil)
	}
	return Session{
		SessionID: s.SessionID, UserID: s.UserID, ChatID: s.Chatid, AppKey: s.AppKey,
		CreateTime: time.UnixMilli(s.CreateTime).UTC(),
	}, true, nil
}

// CreateSession opens a session and returns its id. Creating it again with the same values while it is open succeeds and changes
// nothing; with the same id but other values it fails with ErrInvalidSession.
func (c *Client) CreateSession(ctx context.Context, s SessionParams) (string, error) {
	var model wire.CreateSessionReply
	r, err := c.perform(ctx, "create_session", c.session(s), &model)
	if err != nil {
		return "", err
	}
	if model.Result.SessionID == "" {
		return "", c.bad(r, "result.session_id is empty", nil)
	}
	return model.Result.SessionID, nil
}

// CloseSession ends a session. It fails with ErrInvalidSession unless the session is open with exactly these values. Afterwards
// the id is free again.
func (c *Client) CloseSession(ctx context.Context, s SessionParams) error {
	var model wire.CloseSessionReply
	r, err := c.perform(ctx, "close_session", c.session(s), &model)
	if err != nil {
		return err
	}
	if !model.Success {
		return c.bad(r, "success is false", nil)
	}
	return nil
}

func (c *Client) session(s SessionParams) wire.SessionParams {
	params := wire.SessionParams{SessionID: s.SessionID, AppKey: s.AppKey, UserID: s.UserID}
	if params.AppKey == "" {
		params.AppKey = c.options.AppKey
	}
	if s.ChatID != "" {
		params.Chatid = &s.ChatID
	}
	return params
}

// perform makes a call of the document with params as its body, and reads the reply into model.
func (c *Client) perform(ctx context.Context, id string, params, model any) (*reply, error) {
	q, err := c.operation(id, nil, params)
	if err != nil {
		return nil, err
	}
	r, err := c.do(ctx, q)
	if err != nil {
		return nil, err
	}
	return r, c.decode(r, model)
}
