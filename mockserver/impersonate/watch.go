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

// The alerts with which a client rejects a certificate (RFC 8446, 6.2).
const (
	alertBadCertificate     = 42 // Go, for any reason; OpenSSL, for a wrong name
	alertCertificateExpired = 45
	alertCertificateUnknown = 46 // Java, and BoringSSL
	alertUnknownCA          = 48 // OpenSSL
)

var refusing = []uint8{alertBadCertificate, alertCertificateExpired, alertCertificateUnknown, alertUnknownCA}

// atOnce is how soon a client leaves if it checks the certificate only after the handshake.
const atOnce = 2 * time.Second

// watched is a client's connection below TLS. It finds out whether the client accepts the certificate. Some
// clients reject it by an alert that crypto/tls can read, some by one that it cannot read, some leave in the
// middle of the handshake, and some after it.
type watched struct {
	net.Conn
	authority *Authority
	begun     atomic.Bool // the client has been shown a certificate
	settled   atomic.Bool // the outcome is known

	mu      sync.Mutex
	name    string // the name on the certificate that was shown; "" before
	fault   string // of that certificate
	version uint16 // of TLS, after the handshake
	since   time.Time
	records records
}

// begin records which certificate the client is shown.
func (w *watched) begin(name, fault string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.name, w.fault = name, fault
	if !w.begun.Swap(true) {
		w.authority.open.Add(1)
	}
}

// over records that the outcome is known.
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

// NetConn returns the underlying connection.
func (w *watched) NetConn() net.Conn { return w.Conn }

// look inspects what the client sends.
func (w *watched) look(sent []byte, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records.read(sent)
	if w.version != 0 {
		w.decide(err)
	}
}

// shaken records that the handshake is complete. Some clients complete it before they check the certificate.
func (w *watched) shaken(version uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.version, w.since = version, w.authority.now()
	w.decide(nil)
}

// decide interprets what a client does after the handshake.
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

// trust says what to do about a client that does not trust the authority.
const trust = "have it trust /_mock/ca.pem (dingmock ca)"

// failed logs why the handshake failed.
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
	case w.name == "" && gone(err): // somebody checked whether the port is open
	case w.fault != "" && alert != 0:
		w.settle(slog.LevelInfo, "a client refused a certificate with a fault", append(said, "fault", w.fault)...)
	case w.fault != "":
		w.end("left")
	case alert == alertCertificateExpired:
		w.refused("a client refused the certificate: it holds it for expired, so its clock is not this machine's", said...)
	case alert != 0 && net.ParseIP(w.name) != nil:
		w.refused("a client refused the certificate: it does not trust dingmock's authority, or reached it by another name or address than "+
			"the certificate is for (option tls-host adds one); "+trust, said...)
	case alert != 0:
		w.refused("a client refused the certificate: it does not trust dingmock's authority; "+trust, said...)
	case gone(err):
		w.refused("a client left as soon as it had seen the certificate, as one does that does not trust it: " + trust)
	default:
		w.tell("a client did not shake hands", "error", err)
	}
}

// end settles a connection that the client ended, and logs it if the certificate had a fault.
func (w *watched) end(how string) {
	if w.fault == "" {
		w.over()
		return
	}
	w.settle(slog.LevelInfo, "a client "+how+" after it had seen a certificate with a fault", "fault", w.fault)
}

// refused counts and logs a refusal.
func (w *watched) refused(text string, more ...any) {
	w.authority.refused.Add(1)
	w.tell(text, more...)
}

// tell logs what a client did, unless the same has just been logged.
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

// alertOf returns the alert, one of refusing, with which the client ended the handshake, or 0. crypto/tls does not
// export the type of this error, so the texts are compared.
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

// gone reports whether an error means that the client has closed or reset the connection.
func gone(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "read" || op.Op == "write") && !op.Timeout() && !errors.Is(err, net.ErrClosed)
}

// The record types (RFC 8446, 5.1).
const (
	recordAlert = 21
	recordData  = 23 // in TLS 1.3, everything that is encrypted
)

// records holds what can be seen of a client's records without decrypting them.
type records struct {
	head   [5]byte
	filled int // of head
	left   int // of the record's body, in bytes
	body   []byte

	alert  uint8 // one of refusing, if it was sent unencrypted
	alerts int
	data   []int // the lengths of the first data records
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

// longestAlert is an upper bound for the length of a TLS 1.3 alert in bytes: 19, or 35 from Java, which hides the length.
// Requests are longer.
const longestAlert = 40

// after reports whether the client has sent anything since the handshake, and whether that was a request.
func (r *records) after(version uint16) (spoke, asked bool) {
	data := r.data
	if version == tls.VersionTLS13 { // the first record ends the handshake
		data = data[min(1, len(data)):]
	}
	for _, length := range data {
		asked = asked || version != tls.VersionTLS13 || length > longestAlert
	}
	return len(data)+r.alerts > 0, asked
}

// told holds the refusals that have just been logged.
type told struct {
	mu   sync.Mutex
	last map[string]*refusal
}

type refusal struct {
	at    time.Time
	times int // refusals since then
}

const (
	quiet      = time.Minute // how long the same refusal is not logged again
	maxRefused = 1000        // different refusals
)

// count reports whether to log a refusal, and how many of the same it then stands for.
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

// Refusals returns how many connections clients ended at the certificate, as happens if a client does not trust
// it. Certificates with a deliberate fault are not counted.
func (a *Authority) Refusals() int { return int(a.refused.Load()) }

// Settle waits until it is known for each connection whether its client accepts the certificate, but at most for
// most.
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
