package mockserver

import (
	"log/slog"

	"github.com/dingmock/dingmock/internal/hosts"
	"github.com/dingmock/dingmock/internal/printable"
)

// CallLine is what a log says about a call, as a line of text or as attributes.
type CallLine struct {
	Method    string
	Host      string // the host that was called
	Operation string // "" for a path that DingTalk does not have
	Path      string // without the query
	App       string // its name; NoApp for a call that reached none
	Code      string // 0, an errcode, errcode/sub_code or a code of the newer dialect
	Probe     bool   // whether ProbeHeader marked it: it is in no journal and no verdict
}

// String returns a printable line such as "POST create_session mock-a 0", with the path in ASCII. The host follows
// if it is one of the platform's names, and a probe is marked as such.
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

// Attrs returns the same as attributes: method, host, operation or else path, app and code, and for a probe also
// probe.
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
