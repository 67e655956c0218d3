package client

import (
	"context"

	"github.com/dingmock/dingmock/client/internal/wire"
)

// Scopes is what of the company's contacts an app may read.
type Scopes struct {
	Departments []int64  // with all below them; 1 is the whole company
	Users       []string // by userid, besides those of the departments
	UserFields  []string // the fields of users
}

// AuthScopes returns what of the company's contacts the app may read.
func (c *Client) AuthScopes(ctx context.Context) (Scopes, error) {
	var model wire.AuthScopesReply
	if _, err := c.perform(ctx, "auth.scopes", nil, &model); err != nil {
		return Scopes{}, err
	}
	return Scopes{Departments: model.AuthOrgScopes.AuthedDept, Users: model.AuthOrgScopes.AuthedUser, UserFields: model.AuthUserField}, nil
}
