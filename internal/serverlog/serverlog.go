// Package serverlog filters the error log of a net/http server: it drops the mistakes of clients, which need nobody's attention.
// A client that does not trust a certificate does; package impersonate reports it, since it does the handshake before net/http
// has the connection.
package serverlog

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
)

// New returns a logger for the ErrorLog of an http.Server or httputil.ReverseProxy. It writes to a warning for what goes wrong on
// this side, and drops the rest.
func New(to *slog.Logger) *log.Logger { return log.New(filter{to}, "", 0) }

type filter struct{ to *slog.Logger }

// Write handles one line of the log.
func (f filter) Write(line []byte) (int, error) {
	for _, ours := range []string{"http: panic serving", "http: Accept error", "http2: panic serving"} {
		if bytes.HasPrefix(line, []byte(ours)) {
			f.to.Warn(strings.TrimSpace(string(line)))
		}
	}
	return len(line), nil
}
