package world

import "slices"

// Users are the ids of the users that exist.
type Users struct {
	list []string // as given; nil: every user exists
	set  map[string]bool
}

// NewUsers makes Users of a list; nil means that every user exists.
func NewUsers(list []string) Users {
	u := Users{list, make(map[string]bool, len(list))}
	for _, id := range list {
		u.set[id] = true
	}
	return u
}

// List returns the list given to NewUsers.
func (u *Users) List() []string { return slices.Clone(u.list) }

// Has reports whether a user exists.
func (u *Users) Has(id string) bool { return u.list == nil || u.set[id] }

// Count returns how many users exist: those of the list, or one if every user exists.
func (u *Users) Count() int {
	if u.list == nil {
		return 1
	}
	return len(u.set)
}

var userNotFound = Named("user-not-found")

func (c *Call) knownUser(id string) *Failure {
	if c.Users.Has(id) {
		return nil
	}
	return c.Fail(userNotFound, "the app "+c.App+" has a list of users, and this one is not in it; add it to users in the app's state, or leave users out to know every user")
}

type userCountReply struct {
	Result struct {
		Count int `json:"count"`
	} `json:"result"`
}

// userCount counts the users. All have activated DingTalk.
func userCount(c *Call) (any, *Failure) {
	var reply userCountReply
	reply.Result.Count = c.Users.Count()
	return reply, nil
}
