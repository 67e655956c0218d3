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

// inline matches the styles and scripts within the page.
var inline = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)

// pagePolicy allows the page to run its own script, use its own styles and talk to this server, and nothing else:
// what a call holds can never become more than text.
var pagePolicy = sync.OnceValue(func() string {
	policy := "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, m := range inline.FindAllSubmatch(pageSource, -1) {
		sum := sha256.Sum256(m[2])
		policy += "; " + string(m[1]) + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return policy
})

// ui returns the page on which a person watches and controls the fake. The page uses only the control API.
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
	text, err := json.Marshal(data) // Marshal escapes <, so the data cannot end the script
	if err != nil {
		return nil, err
	}
	return controlReply{
		contentType: "text/html; charset=utf-8",
		header:      map[string]string{"Content-Security-Policy": pagePolicy(), "Referrer-Policy": "no-referrer"},
		text:        bytes.Replace(pageSource, []byte("DATA"), text, 1),
	}, nil
}

// pagePath is the path of the page.
const pagePath = controlPrefix + "ui/"

// pageOf returns the page's path if the request is for the page but lacks the last slash, else "".
func pageOf(r *http.Request) string {
	asked := r.Method == http.MethodGet || r.Method == http.MethodHead
	if p := r.URL.Path; asked && (p+"/" == controlPrefix || p+"/" == pagePath) {
		return pagePath
	}
	return ""
}

// browsed reports whether a person has opened the fake's address in a browser, under none of the platform's names.
func (c *call) browsed() bool {
	return c.Method == http.MethodGet && c.Path == "/" && !hosts.IsPlatform(hosts.Name(c.http.Host)) &&
		slices.ContainsFunc(c.http.Header.Values("Accept"), func(v string) bool { return strings.Contains(strings.ToLower(v), "text/html") })
}

// toPage redirects to the page. This is no call, so it has no violations.
func (c *call) toPage() reply {
	c.Violations = nil
	return reply{status: http.StatusFound, header: http.Header{"Location": {pagePath}}, code: "0", explain: "a browser that asks for / is led to the page"}
}
