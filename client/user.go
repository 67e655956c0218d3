package client

import (
	"context"

	"github.com/dingmock/dingmock/client/internal/wire"
)

// UserCount returns how many people the company has, or how many of them have activated DingTalk.
func (c *Client) UserCount(ctx context.Context, onlyActive bool) (int, error) {
	var model wire.UserCountReply
	if _, err := c.perform(ctx, "user.count", wire.UserCountParams{OnlyActive: onlyActive}, &model); err != nil {
		return 0, err
	}
	return model.Result.Count, nil
}
