package world

import (
	"fmt"
	"time"

	"github.com/dingmock/dingmock"
)

// Calls pairs each operation of the document with what answers it.
var Calls = map[string]func(*Call) (any, *Failure){
	"gettoken":       gettoken,
	"accessToken":    accessToken,
	"getsession":     getSession,
	"create_session": createSession,
	"close_session":  closeSession,
}

// Call is a call of an app that has passed all checks: its credential is good, and what it carries is as the document wants it.
type Call struct {
	*dingmock.Request
	*World

	Document   *dingmock.Document
	App        string // its name
	AppKey     string
	Now        time.Time     // by the app's clock
	TokenLives time.Duration // what a rule says of the tokens that the call issues; 0: nothing
}

// Failure is an error of the platform that answers a call.
type Failure struct {
	Reply   *dingmock.ErrorReply
	Holes   []string // of its text: name, value, name, value, …
	Explain string   // cause and way out, in English
}

// ErrorName is the name of an error in the document. Named makes one, so that a name that the document does not have is found
// before the first call.
type ErrorName struct{ name string }

var named []string

// Named is for package variables alone.
func Named(name string) ErrorName {
	named = append(named, name)
	return ErrorName{name}
}

// Fail returns the error of that name. The holes are those of its text: name, value, ….
func (c *Call) Fail(e ErrorName, explain string, holes ...string) *Failure {
	return Fail(c.Document, e, explain, holes...)
}

// Fail is what Call.Fail is, for checks that come before a Call.
func Fail(doc *dingmock.Document, e ErrorName, explain string, holes ...string) *Failure {
	return &Failure{Reply: doc.ErrorReply(e.name), Holes: holes, Explain: explain}
}

// CheckNames fails where a document does not have an error of those that are Named.
func CheckNames(doc *dingmock.Document) error {
	for _, name := range named {
		if doc.ErrorReply(name) == nil {
			return fmt.Errorf("the document has no error %s, which calls answer", name)
		}
	}
	return nil
}
