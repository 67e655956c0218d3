// Package github writes what GitHub's workflows read.
package github

import (
	"fmt"
	"strings"

	"github.com/dingmock/dingmock/internal/printable"
)

// Error returns the line by which a workflow is given an error as an annotation.
func Error(title, text string) string {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	return fmt.Sprintf("::error title=%s::%s\n", property.Replace(printable.Line(title)), escape.Replace(printable.Text(text)))
}
