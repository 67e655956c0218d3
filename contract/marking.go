package contract

import "net/http"

// marking has each request marked on its way out, so that no report shows the mark: who sends its curl lines is a client.
type marking struct {
	base http.RoundTripper
	mark func(*http.Request)
}

func (m marking) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	m.mark(req)
	return m.base.RoundTrip(req)
}
