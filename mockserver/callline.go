package mockserver

import "log/slog"

// CallLine is what a log tells of a call: a line of text, or attributes.
type CallLine struct {
	Method    string
	Operation string // "" for a path that the document does not have
	Path      string // without the query
	App       string // its name; NoApp for a call that reached none
	Code      string // 0, an errcode, errcode/sub_code or a code of the newer dialect
}

// String is such as "POST create_session mock-a 0", in printable ASCII.
func (l CallLine) String() string {
	what := l.Operation
	if what == "" {
		what = headerText(l.Path)
	}
	return l.Method + " " + what + " " + l.App + " " + l.Code
}

// Attrs are the same by name: method, operation or else path, app, code.
func (l CallLine) Attrs() []slog.Attr {
	what := slog.String("operation", l.Operation)
	if l.Operation == "" {
		what = slog.String("path", l.Path)
	}
	return []slog.Attr{slog.String("method", l.Method), what, slog.String("app", l.App), slog.String("code", l.Code)}
}
