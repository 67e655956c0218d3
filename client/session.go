package client

import (
	"context"
	"time"

	"github.com/dingmock/dingmock/client/internal/wire"
)

// SessionParams says which session to create or to close. All are at most 128 characters, and all but ChatID at least 1.
type SessionParams struct {
	SessionID string // the caller's choice
	UserID    string // the user it is of
	ChatID    string // the chat it is held in; empty: none

	// AppKey is the key of the app that it belongs to. Default: the client's own AppKey.
	AppKey string
}

// Session is an open session.
type Session struct {
	SessionID  string
	UserID     string
	ChatID     string // empty: none
	AppKey     string
	CreateTime time.Time // in UTC, to the millisecond
}

// GetSession returns the open session of a user that was created last, and whether there is one: a user without a
// session is no error.
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

// CreateSession opens a session and returns its id. The same values again, while it is open, succeed and change nothing;
// other values under its id are ErrInvalidSession.
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

// CloseSession ends a session, which has to be open with just these values: else it is ErrInvalidSession. Its id is
// free again afterwards.
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

// perform makes a call of the document with a body, and reads the reply into model.
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
