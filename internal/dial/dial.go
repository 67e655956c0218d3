// Package dial makes connections on which a reply is not lost.
package dial

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
)

// Own returns a transport like that one with connections of its own, which are read to their end even where they can no longer be
// written to. A server may answer before it has read all of a request, and close; net/http alone gives up with the write, and often
// loses what the server has said. That a write has failed because the other side is gone shows when there is nothing to read.
// Connections of a DialTLSContext or DialTLS are as they were: net/http has to see them to speak HTTP/2.
func Own(from *http.Transport) *http.Transport {
	t := from.Clone()
	if t.Protocols == nil { // for a dialer of ours net/http would leave out HTTP/2, of which Clone has made sure in from
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
