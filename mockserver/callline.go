package mockserver

import (
	"log/slog"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/printable"
)

// CallLine is what a log tells of a call: a line of text, or attributes.
type CallLine struct {
	Method    string
	Host      string // that the call was made to
	Operation string // "" for a path that DingTalk does not have
	Path      string // without the query
	App       string // its name; NoApp for a call that reached none
	Code      string // 0, an errcode, errcode/sub_code or a code of the newer dialect
	Probe     bool   // it was marked by ProbeHeader: it is in no journal and no verdict
}

// String is such as "POST create_session mock-a 0", printable, the path in ASCII, with the host at its end where that is one of the
// platform's names. That the call is a probe stands there too.
func (l CallLine) String() string {
	what := l.Operation
	if what == "" {
		what = printable.ASCII(l.Path)
	}
	line := l.Method + " " + what + " " + l.App + " " + l.Code
	if name := hosts.Name(l.Host); hosts.IsPlatform(name) {
		line += " " + name
	}
	if l.Probe {
		line += " (not judged)"
	}
	return printable.Line(line)
}

// Attrs are the same by name: method, host, operation or else path, app, code; of a probe also probe.
func (l CallLine) Attrs() []slog.Attr {
	what := slog.String("operation", l.Operation)
	if l.Operation == "" {
		what = slog.String("path", l.Path)
	}
	list := []slog.Attr{slog.String("method", l.Method), slog.String("host", l.Host), what, slog.String("app", l.App), slog.String("code", l.Code)}
	if l.Probe {
		list = append(list, slog.Bool("probe", true))
	}
	return list
}
