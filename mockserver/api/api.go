// Package api defines the types of the control API: the state of apps, rules, matches, journal entries, questions
// to the journal, and the verdict, as they go over the wire and as users name them.
//
// It depends on neither the server nor its client: package mockserver answers with these types, and package
// control requests them. control.yaml, which a server offers at /_mock/control.yaml, says what each call does.
package api

import (
	"errors"
	"strings"
)

// NoApp is the name that stands for the calls that reached no app.
const NoApp = "_"

// ParseControlToken returns a control token without surrounding white space, which a file may have added to it. An
// empty text means no token. It returns an error if the text is only white space or contains a character that a
// header cannot hold; the error shows nothing of the token.
func ParseControlToken(text string) (string, error) {
	token := strings.TrimSpace(text)
	switch {
	case token == "" && text != "":
		return "", errors.New("the control token is blank: give one, or leave it out to ask for none")
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", errors.New("the control token has a character that cannot stand in a header: it has to be printable ASCII")
	}
	return token, nil
}
