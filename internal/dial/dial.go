// Package dial makes connections that do not lose a reply if the server closes early.
package dial

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
)

// Own returns a copy of a transport whose connections are read to their end even if they can no longer be written to. A server
// may answer and close before it has read the whole request; net/http by itself gives up when the write fails, and often loses
// the answer. With Own, a write that fails because the other side is gone is not an error; the next read reports it if there is
// nothing left to read. Connections of DialTLSContext and DialTLS are not changed: net/http must see them to speak HTTP/2.
func Own(from *http.Transport) *http.Transport {
	t := from.Clone()
	if t.Protocols == nil { // with a custom dialer net/http would leave out HTTP/2, which Clone has set up in from
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		t.Protocols.SetHTTP2(from.TLSNextProto["h2"] != nil)
	}
	dial := t.DialContext
	switch {
	case dial != nil:
	case t.Dial != nil: //nolint:staticcheck // the caller's may have it still
		old := t.Dial //nolint:staticcheck // as above
		dial = func(_ context.Context, network, address string) (net.Conn, error) { return old(network, address) }
	default:
		dial = (&net.Dialer{}).DialContext
	}
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return readOn{conn}, nil
	}
	return t
}

type readOn struct{ net.Conn }

func (c readOn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if slices.ContainsFunc(gone, func(is error) bool { return errors.Is(err, is) }) {
		return len(p), nil
	}
	return n, err
}
