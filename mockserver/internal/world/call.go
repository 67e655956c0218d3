package world

import (
	"fmt"
	"time"

	"github.com/dingmock/dingmock"
)

// Calls maps each operation of the document to its handler.
var Calls = map[string]func(*Call) (any, *Failure){
	"gettoken":       gettoken,
	"auth.scopes":    authScopes,
	"user.count":     userCount,
	"accessToken":    accessToken,
	"getsession":     getSession,
	"create_session": createSession,
	"close_session":  closeSession,
}

// Call is a call of an app that has passed all checks: its credential is valid, and its parameters are as the
// document demands.
type Call struct {
	*dingmock.Request
	*World

	Document   *dingmock.Document
	App        string // its name
	AppKey     string
	Now        time.Time     // by the app's clock
	TokenLives time.Duration // the lifetime that a rule sets for the tokens that the call issues; 0: none
}

// Failure is an error of the platform that answers a call.
type Failure struct {
	Reply   *dingmock.ErrorReply
	Holes   []string // of its text: name, value, name, value, …
	Explain string   // the cause, and what to do about it, in English
}

// ErrorName is the name of an error in the document. Named makes one, so that CheckNames finds a name that the
// document lacks before the first call.
type ErrorName struct{ name string }

var named []string

// Named returns the ErrorName of a name. Use it only for package variables.
func Named(name string) ErrorName {
	named = append(named, name)
	return ErrorName{name}
}

// Fail returns the error of that name. holes are the names and values for the holes of its text: name, value, ….
func (c *Call) Fail(e ErrorName, explain string, holes ...string) *Failure {
	return Fail(c.Document, e, explain, holes...)
}

// Fail is Call.Fail for checks that run before there is a Call.
func Fail(doc *dingmock.Document, e ErrorName, explain string, holes ...string) *Failure {
	return &Failure{Reply: doc.ErrorReply(e.name), Holes: holes, Explain: explain}
}

// CheckNames returns an error if a document lacks an error that was Named.
func CheckNames(doc *dingmock.Document) error {
	for _, name := range named {
		if doc.ErrorReply(name) == nil {
			return fmt.Errorf("the document has no error %s, which calls answer", name)
		}
	}
	return nil
}
