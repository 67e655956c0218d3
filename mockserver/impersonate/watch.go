package impersonate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The alerts by which a client says that it does not take a certificate (RFC 8446, 6.2).
const (
	alertBadCertificate     = 42 // Go, whatever is wrong; OpenSSL for another name
	alertCertificateExpired = 45
	alertCertificateUnknown = 46 // Java, and BoringSSL
	alertUnknownCA          = 48 // OpenSSL
)

var refusing = []uint8{alertBadCertificate, alertCertificateExpired, alertCertificateUnknown, alertUnknownCA}

// atOnce is how soon a client leaves that has looked at the certificate after it shook hands.
const atOnce = 2 * time.Second

// watched is a client's connection below TLS. It finds out whether the client takes the certificate: some refuse it by an
// alert that crypto/tls reads, some by one that it cannot read, some leave in the middle of the handshake, and some after
// it.
type watched struct {
	net.Conn
	authority *Authority
	begun     atomic.Bool // it has been shown a certificate
	settled   atomic.Bool // there is no more to find out

	mu      sync.Mutex
	name    string // whose certificate it has been shown; "" before
	fault   string // of that
	version uint16 // of TLS, once hands are shaken
	since   time.Time
	records records
}

// begin notes which certificate the client is shown.
func (w *watched) begin(name, fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.name, w.fault = name, fault
	if !w.begun.Swap(true) {
		w.authority.open.Add(1)
	}
}

// over says that there is no more to find out.
func (w *watched) over() {
	if !w.settled.Swap(true) && w.begun.Load() {
		w.authority.open.Add(-1)
	}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if !w.settled.Load() {
		w.look(p[:n], err)
	}
	return n, err
}

// Close closes the connection.
func (w *watched) Close() error {
	if !w.settled.Load() {
		w.mu.Lock()
		if w.version != 0 {
			w.end("sent no request")
		}
		w.mu.Unlock()
	}
	return w.Conn.Close()
}

// NetConn returns the connection itself.
func (w *watched) NetConn() net.Conn { return w.Conn }

// look reads along with what the client sends.
func (w *watched) look(sent []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records.read(sent)
	if w.version != 0 {
		w.decide(err)
	}
}

// shaken notes that the client has shaken hands, which some do before they look at the certificate.
func (w *watched) shaken(version uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version, w.since = version, w.authority.now()
	w.decide(nil)
}

// decide looks at what a client does after the handshake.
func (w *watched) decide(err error) {
	switch spoke, asked := w.records.after(w.version); {
	case asked && w.fault != "":
		w.settle(slog.LevelWarn, "a client took a certificate with a fault: it does not check for it", "fault", w.fault)
	case asked:
		w.over()
	case !gone(err):
	case w.fault != "":
		w.end("left")
	case !spoke && w.authority.now().Sub(w.since) < atOnce:
		w.refused("a client left as soon as it had seen the certificate, as one does that does not trust it: " + trust)
	default:
		w.over()
	}
}

// trust is what to do about a client that does not.
const trust = "have it trust /_mock/ca.pem (dingmock ca)"

// failed says why the client has not shaken hands.
func (w *watched) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	alert := w.records.alert
	if alert == 0 {
		alert = alertOf(err)
	}
	var said []any
	if alert != 0 {
		said = []any{"alert", tls.AlertError(alert).Error()}
	}
	switch {
	case w.settled.Load(), errors.Is(err, context.Canceled):
	case w.name == "" && gone(err): // somebody looked whether the port is open
	case w.fault != "" && alert != 0:
		w.settle(slog.LevelInfo, "a client refused a certificate with a fault", append(said, "fault", w.fault)...)
	case w.fault != "":
		w.end("left")
	case alert == alertCertificateExpired:
		w.refused("a client refused the certificate: it holds it for expired, so its clock is not this machine's", said...)
	case alert != 0 && net.ParseIP(w.name) != nil:
		w.refused("a client refused the certificate: it does not trust dingmock's authority, or reached it by another name or address than "+
			"the certificate is for (--tls-host adds one); "+trust, said...)
	case alert != 0:
		w.refused("a client refused the certificate: it does not trust dingmock's authority; "+trust, said...)
	case gone(err):
		w.refused("a client left as soon as it had seen the certificate, as one does that does not trust it: " + trust)
	default:
		w.tell("a client did not shake hands", "error", err)
	}
}

// end is of a certificate with a fault, if any.
func (w *watched) end(how string) {
	if w.fault == "" {
		w.over()
		return
	}
	w.settle(slog.LevelInfo, "a client "+how+" after it had seen a certificate with a fault", "fault", w.fault)
}

// refused counts and tells of a refusal.
func (w *watched) refused(text string, more ...any) {
	w.authority.refused.Add(1)
	w.tell(text, more...)
}

// tell tells of what a client did, unless the same has just been told.
func (w *watched) tell(text string, more ...any) {
	host, _, _ := net.SplitHostPort(w.RemoteAddr().String())
	times, tell := w.authority.told.count(host+" "+w.name+" "+text, w.authority.now())
	if !tell {
		w.over()
		return
	}
	if times > 1 {
		more = append(more, "times", times)
	}
	w.settle(slog.LevelWarn, text, more...)
}

func (w *watched) settle(level slog.Level, text string, more ...any) {
	w.over()
	if w.name != "" {
		more = append([]any{"name", w.name}, more...)
	}
	w.authority.log.Log(context.Background(), level, text, append(more, "remote", w.RemoteAddr().String())...)
}

// alertOf returns the alert of refusing by which the client ended the handshake, or 0. crypto/tls has no type for it that
// others can use, but one that writes it the same.
func alertOf(err error) uint8 {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Err == nil {
		return 0
	}
	for _, alert := range refusing {
		if op.Err.Error() == tls.AlertError(alert).Error() {
			return alert
		}
	}
	return 0
}

// gone reports whether an error says that the client has closed or reset the connection.
func gone(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "read" || op.Op == "write") && !op.Timeout() && !errors.Is(err, net.ErrClosed)
}

// The types of records (RFC 8446, 5.1).
const (
	recordAlert = 21
	recordData  = 23 // in TLS 1.3 all that is encrypted
)

// records is what can be seen from outside of the records that a client sends.
type records struct {
	head   [5]byte
	filled int // of head
	left   int // of the record's body
	body   []byte

	alert  uint8 // of refusing, that was sent in the open
	alerts int
	data   []int // the lengths of the first records of data
}

func (r *records) read(sent []byte) {
	for len(sent) > 0 {
		if r.filled < len(r.head) {
			n := copy(r.head[r.filled:], sent)
			r.filled, sent = r.filled+n, sent[n:]
			if r.filled < len(r.head) {
				return
			}
			r.left, r.body = int(r.head[3])<<8|int(r.head[4]), r.body[:0]
			r.begin()
		}
		n := min(r.left, len(sent))
		r.body = append(r.body, sent[:min(n, 2-min(2, len(r.body)))]...)
		if r.left, sent = r.left-n, sent[n:]; r.left == 0 {
			r.end()
			r.filled = 0
		}
	}
}

func (r *records) begin() {
	switch r.head[0] {
	case recordAlert:
		r.alerts++
	case recordData:
		if len(r.data) < 8 {
			r.data = append(r.data, r.left)
		}
	}
}

func (r *records) end() {
	length := int(r.head[3])<<8 | int(r.head[4])
	if r.head[0] != recordAlert || length != 2 || len(r.body) != 2 {
		return
	}
	for _, alert := range refusing {
		if r.body[1] == alert {
			r.alert = alert
		}
	}
}

// longestAlert is how long an alert of TLS 1.3 gets, in bytes: 19, and 35 from Java, which hides the length. Requests
// are longer.
const longestAlert = 40

// after reports whether the client has said anything since the handshake, and whether that was a request.
func (r *records) after(version uint16) (spoke, asked bool) {
	data := r.data
	if version == tls.VersionTLS13 { // the first ends the handshake
		data = data[min(1, len(data)):]
	}
	for _, length := range data {
		asked = asked || version != tls.VersionTLS13 || length > longestAlert
	}
	return len(data)+r.alerts > 0, asked
}

// told are the refusals that have just been told.
type told struct {
	mu   sync.Mutex
	last map[string]*refusal
}

type refusal struct {
	at    time.Time
	times int // since then
}

const (
	quiet      = time.Minute // after a refusal, for the same
	maxRefused = 1000        // different ones
)

// count reports whether to tell of a refusal, and how many of the same it then stands for.
func (r *told) count(same string, now time.Time) (times int, tell bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || len(r.last) >= maxRefused {
		r.last = map[string]*refusal{}
	}
	last := r.last[same]
	if last == nil {
		r.last[same] = &refusal{at: now}
		return 1, true
	}
	last.times++
	if now.Sub(last.at) < quiet {
		return 0, false
	}
	times = last.times
	*last = refusal{at: now}
	return times, true
}

// Refusals returns how many connections clients ended at the certificate, as one does that does not trust it; certificates that
// were wrong on purpose aside.
func (a *Authority) Refusals() int { return int(a.refused.Load()) }

// Settle waits until it is known of each connection whether its client takes the certificate, and at most so long.
func (a *Authority) Settle(most time.Duration) {
	over := time.NewTimer(most)
	defer over.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for a.open.Load() > 0 {
		select {
		case <-again.C:
		case <-over.C:
			return
		}
	}
}
