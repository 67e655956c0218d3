package control

import "net/http"

// HandlerTransport is the transport of a Client that Of makes.
func HandlerTransport(h http.Handler) http.RoundTripper { return handlerTransport{h} }
