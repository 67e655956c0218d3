package contract

import (
	"bytes"
	"io"
	"net/http"

	"github.com/dingmock/dingmock/internal/dial"
)

// connections are those of one case: a judge may tell whose a call is by what else came on its connection. A request that meets one
// which the server has closed meanwhile, as it may, is sent again on another, by POST too. On a new connection nothing is sent again,
// so a server that answers no request is found; one that does what a call asks and then closes a used connection without an answer
// is not told from one that closed it before.
type connections struct{ own *http.Transport }

func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header["Idempotency-Key"] = nil // so says net/http that it may; it sends no such header
	if req.Body != nil && req.Body != http.NoBody {
		body, err := io.ReadAll(req.Body)
		_ = req.Body.Close()
		if err != nil {
			return nil, err
		}
		again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		out.Body, _ = again()
		out.GetBody = again
	}
	return c.own.RoundTrip(out)
}

// connect returns what makes the calls of a case. A RoundTripper that is the caller's own has what connections it has.
func (r *runner) connect() http.RoundTripper {
	if t, ok := r.transport.(*http.Transport); ok {
		return &connections{dial.Own(t)}
	}
	return r.transport
}

// speak has the connections speak that version of HTTP alone.
func (c *connections) speak(major int) {
	c.own.Protocols = new(http.Protocols)
	c.own.Protocols.SetHTTP1(major == 1)
	c.own.Protocols.SetHTTP2(major == 2)
	if major == 1 && c.own.TLSClientConfig != nil { // in which another transport has HTTP/2 negotiated
		c.own.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
}

// disconnect closes the connections of a trial.
func (c *trial) disconnect() {
	if base, ok := c.rec.base.(*connections); ok {
		base.own.CloseIdleConnections()
	}
}
