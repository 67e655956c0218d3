// Package api is the shapes of the control API: apps at rest, rules, matches, the journal's entries, questions to it, and the
// verdict, as they go over the wire and as users name them.
//
// It knows neither the server nor how it is asked: package mockserver answers with these shapes, and package control asks for
// them. What each call does stands in control.yaml, which a server has at /_mock/control.yaml.
package api

import (
	"errors"
	"strings"
)

// NoApp is the name under which calls stand that reached no app.
const NoApp = "_"

// ParseControlToken returns a control token without the white space around it, which a file that it was read from may have
// added; "" is none. It fails on white space alone and on what cannot stand in a header, and shows nothing of it.
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
