// Package serverlog leaves out of the log of a net/http server what its clients did wrong, which is no matter for people. That one
// does not trust a certificate is; of it package impersonate tells, which shakes hands before net/http has the connection.
package serverlog

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
)

// New returns what an http.Server's ErrorLog, or that of a httputil.ReverseProxy, may be: what is wrong on this side is a warning.
func New(to *slog.Logger) *log.Logger { return log.New(filter{to}, "", 0) }

type filter struct{ to *slog.Logger }

// Write takes a line.
func (f filter) Write(line []byte) (int, error) {
	for _, ours := range []string{"http: panic serving", "http: Accept error", "http2: panic serving"} {
		if bytes.HasPrefix(line, []byte(ours)) {
			f.to.Warn(strings.TrimSpace(string(line)))
		}
	}
	return len(line), nil
}
