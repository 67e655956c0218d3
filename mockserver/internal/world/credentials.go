package world

import "sync"

// Kind is what a credential is: the x-credential of the document's security schemes.
type Kind string

// AppToken is the access token of an app.
const AppToken Kind = "app-token"

// fatesKept is how many credentials are remembered of apps that are no more, to tell their holders why.
const fatesKept = 10_000

// Credential is one that an app has given out.
type Credential struct {
	Kind  Kind
	Value string
}

// Fate is what became of the app of a credential that is no longer good: its name, and why, as the end of a sentence. The zero
// Fate is that of one that is not known.
type Fate struct{ App, Why string }

// Credentials knows whose a credential is. Any number of goroutines may use one; its lock is taken last.
type Credentials[Owner any] struct {
	mu     sync.RWMutex
	owner  map[Credential]Owner
	gone   map[Credential]Fate
	oldest []Credential // the keys of gone, the oldest first
}

// NewCredentials makes an index that is empty.
func NewCredentials[Owner any]() *Credentials[Owner] {
	return &Credentials[Owner]{owner: map[Credential]Owner{}, gone: map[Credential]Fate{}}
}

// Find returns the owner of a credential, or the zero Owner and what became of the one it had.
func (x *Credentials[Owner]) Find(kind Kind, value string) (Owner, Fate) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := Credential{kind, value}
	return x.owner[c], x.gone[c]
}

// Bury makes credentials nobody's and remembers why.
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

// Of is the part of the index that is one owner's.
func (x *Credentials[Owner]) Of(owner Owner) Ledger { return ledger[Owner]{x, owner} }

// Ledger is where a world notes the credentials that it gives out.
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
