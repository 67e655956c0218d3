package world

import (
	"sync"

	"github.com/dingmock/dingmock"
)

// kinds are the kinds of credentials that an app issues, each with its name as the object of a sentence.
var kinds = []struct {
	kind   dingmock.CredentialKind
	called string
}{
	{dingmock.AppToken, "an app's access token"},
	{dingmock.UserToken, "a user's access token"},
	{dingmock.LoginCode, "a login code"},
	{dingmock.RobotToken, "the token of a robot's webhook"},
	{dingmock.SessionWebhook, "the session of a conversation's webhook"},
	{dingmock.StreamTicket, "the ticket of a Stream connection"},
}

// fatesKept is how many credentials of removed apps are remembered, to tell their holders why they no longer work.
const fatesKept = 10_000

// Credential is a credential that an app has issued.
type Credential struct {
	Kind  dingmock.CredentialKind
	Value string
}

// Fate says what became of the app of a credential that is no longer valid: the app's name, and the reason as the
// end of a sentence. The zero value means that the credential is unknown.
type Fate struct{ App, Why string }

// Credentials is an index of credentials by owner. It is safe for concurrent use; its lock is taken last.
type Credentials[Owner any] struct {
	mu     sync.RWMutex
	owner  map[Credential]Owner
	gone   map[Credential]Fate
	oldest []Credential // the keys of gone, oldest first
}

// NewCredentials makes an empty index.
func NewCredentials[Owner any]() *Credentials[Owner] {
	return &Credentials[Owner]{owner: map[Credential]Owner{}, gone: map[Credential]Fate{}}
}

// Find returns the owner of a credential. If it has none, Find returns the zero Owner, and what became of the
// former owner.
func (x *Credentials[Owner]) Find(kind dingmock.CredentialKind, value string) (Owner, Fate) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := Credential{kind, value}
	return x.owner[c], x.gone[c]
}

// Mistaken says what a value is that is given as a credential of one kind but is one of another kind, such as "a login
// code, not an app's access token". It returns "" if the value is of no other kind.
func (x *Credentials[Owner]) Mistaken(as dingmock.CredentialKind, value string) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	is, wanted := "", ""
	for _, k := range kinds {
		_, known := x.owner[Credential{k.kind, value}]
		switch {
		case k.kind == as:
			wanted = k.called
		case known:
			is = k.called
		}
	}
	if is == "" {
		return ""
	}
	return is + ", not " + wanted
}

// Bury removes the owner of credentials and remembers why.
func (x *Credentials[Owner]) Bury(gone Fate, list ...Credential) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range list {
		delete(x.owner, c)
		x.gone[c] = gone
		x.oldest = append(x.oldest, c)
	}
	for len(x.oldest) > fatesKept {
		delete(x.gone, x.oldest[0])
		x.oldest = x.oldest[1:]
	}
}

// Of returns the part of the index that belongs to one owner.
func (x *Credentials[Owner]) Of(owner Owner) Ledger { return ledger[Owner]{x, owner} }

// Ledger records the credentials that a world issues.
type Ledger interface {
	Put(c Credential)
	Drop(c Credential)
}

type ledger[Owner any] struct {
	all   *Credentials[Owner]
	owner Owner
}

func (l ledger[Owner]) Put(c Credential) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	l.all.owner[c] = l.owner
}

func (l ledger[Owner]) Drop(c Credential) {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	delete(l.all.owner, c)
}
