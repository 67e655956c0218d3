package mockserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dingmock/dingmock/internal/hosts"
)

//go:embed control_ui.html
var pageSource []byte

// inline finds the texts of the page that a browser runs or styles by.
var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

// pagePolicy lets the page run its own script, style by its own, and talk to this server: nothing of what a call holds can
// become more than text.
var pagePolicy = sync.OnceValue(func() string {
	policy := "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, m := range inline.FindAllSubmatch(pageSource, -1) {
		sum := sha256.Sum256(m[2])
		policy += "; " + string(m[1]) + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return policy
})

// ui answers the page on which a person watches and steers the fake. It works by the control API alone.
func (c *controlCall) ui() (any, error) {
	type operation struct {
		ID         string `json:"id"`
		Method     string `json:"method"`
		Path       string `json:"path"`
		Summary    string `json:"summary"`
		Provenance string `json:"provenance"`
	}
	var data struct {
		Version    string      `json:"version"`
		Operations []operation `json:"operations"`
		Faults     []string    `json:"faults"`
	}
	data.Version, data.Faults = c.server.options.Version, Faults()
	for _, op := range c.server.doc.Operations() {
		data.Operations = append(data.Operations, operation{op.ID, op.Method, op.Path, op.Summary, op.Provenance})
	}
	text, err := json.Marshal(data) // with < escaped, so that it ends no script
	if err != nil {
		return nil, err
	}
	return controlReply{
		contentType: "text/html; charset=utf-8",
		header:      map[string]string{"Content-Security-Policy": pagePolicy(), "Referrer-Policy": "no-referrer"},
		text:        bytes.Replace(pageSource, []byte("DATA"), text, 1),
	}, nil
}

// pagePath is where the page is.
const pagePath = controlPrefix + "ui/"

// pageOf returns where the page is that is asked for without its last slash, "" where it is not.
func pageOf(r *http.Request) string {
	asked := r.Method == http.MethodGet || r.Method == http.MethodHead
	if p := r.URL.Path; asked && (p+"/" == controlPrefix || p+"/" == pagePath) {
		return pagePath
	}
	return ""
}

// browsed reports whether a person has typed the address of the fake, by none of the platform's names, into a browser.
func (c *call) browsed() bool {
	return c.Method == http.MethodGet && c.Path == "/" && !hosts.IsPlatform(hosts.Name(c.http.Host)) &&
		slices.ContainsFunc(c.http.Header.Values("Accept"), func(v string) bool { return strings.Contains(strings.ToLower(v), "text/html") })
}

// toPage leads to the page. It is no call, and nothing is held against it.
func (c *call) toPage() reply {
	c.Violations = nil
	return reply{status: http.StatusFound, header: http.Header{"Location": {pagePath}}, code: "0", explain: "a browser that asks for / is led to the page"}
}
