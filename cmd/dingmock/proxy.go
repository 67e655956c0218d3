package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dingmock/dingmock"
	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/capture"
	"github.com/dingmock/dingmock/internal/dial"
	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/internal/verdict"
)

const recorded = 64 << 10 // the most of each body that is recorded, in bytes

// passedBy is the header that marks a call as passed on. If such a call comes back, by whatever way and through whatever other
// proxies, --upstream or a proxy from the environment is this proxy itself. The standard header Via would change the answers of
// some servers: nginx compresses nothing for a proxy.
const passedBy = "Dingmock-Proxy"

const loop = "a call has come back to the proxy that passed it on: --upstream, HTTP_PROXY or HTTPS_PROXY leads to the proxy itself"

// proxyCommand passes calls on to another server, and judges them and their replies.
type proxyCommand struct {
	Upstream string   `required:"" placeholder:"URL" help:"The base URL of the server to pass calls on to; the Host that it is told is its own."`
	Addr     []string `default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Listen here; repeatable. Port 0 takes a free one."`
	CA       string   `name:"ca" placeholder:"FILE" help:"Trust the certificates in this PEM file, beside the system's."`
	Record   string   `placeholder:"FILE" help:"Append each exchange to this file as a line of JSON, secrets and tokens hidden, at most 64 KiB of each body."`
	Strict   bool     `help:"End with exit code 1 where a call or a reply was off-spec, or no call came."`
	Quiet    bool     `help:"Write a line for what is off-spec alone."`
	judgeFlags
	ShutdownGrace time.Duration `default:"10s" placeholder:"DURATION" help:"How long calls that are under way may take at the end."`
}

// Run passes calls on until ctx is done.
func (c *proxyCommand) Run(ctx context.Context, out streams) (failed error) {
	ruling, err := c.begin()
	if err != nil {
		return usageError{err}
	}
	defer func() { failed = ruling.close(failed) }()
	upstream, err := url.Parse(c.Upstream)
	if err != nil || upstream.Host == "" || upstream.Scheme != "http" && upstream.Scheme != "https" || upstream.RawQuery != "" {
		return usageError{errors.New("--upstream: has to be a base URL such as https://oapi.dingtalk.com")}
	}
	client, err := clientFor(c.CA)
	if err != nil {
		return usageError{err}
	}
	transport := dial.Own(client.Transport.(*http.Transport))
	transport.DisableCompression = true // pass on exactly what was sent
	transport.DisableKeepAlives = true  // no call may be sent twice, as net/http does if a kept connection was just closed
	outliveReaders()
	stdout, stderr := newLogWriter(out.stdout, nil), newLogWriter(out.stderr, tellDropped)
	defer func() { _, _ = stdout.close(), stderr.close() }()
	p := &proxy{
		upstream: upstream, quiet: c.Quiet, lines: stderr, rows: map[string]*finding{}, options: contract.JudgeOptions{AllowUnknown: c.AllowUnknown},
		mark: rand.Text(), cameBack: rand.Text(), looped: make(chan struct{}),
	}
	transport.ProxyConnectHeader = http.Header{passedBy: {p.mark}}
	if c.Record != "" {
		f, err := os.OpenFile(c.Record, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return usageError{fmt.Errorf("--record: %w", err)}
		}
		defer func() { _ = f.Close() }()
		p.record = f
	}
	listeners, err := listen(ctx, c.Addr)
	if err != nil {
		return usageError{err}
	}
	server := &http.Server{
		Handler: p.handler(transport), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(l) }()
	}
	_, _ = fmt.Fprintf(stdout, "dingmock proxy passes calls on to %s:\n\n  %s\n\n", upstream.Redacted(), baseURL(listeners[0].Addr()))
	select {
	case err := <-ended:
		_ = server.Close()
		return fmt.Errorf("proxy: %w", err)
	case <-p.looped:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close()
	}
	select {
	case <-p.looped:
		return usageError{errors.New(loop)}
	default:
	}
	return p.end(stdout, ruling, c.Strict)
}

// proxy judges what it passes on.
type proxy struct {
	upstream *url.URL
	quiet    bool
	recorder contract.Recorder
	options  contract.JudgeOptions
	mark     string // marks the calls that it has passed on
	cameBack string // marks its own answer to such a call; it differs from mark, since a server may echo the headers of a request
	looped   chan struct{}
	loopOnce sync.Once

	mu               sync.Mutex
	lines            io.Writer
	record           io.Writer
	exchanges        int
	calls            int                 // of the exchanges, without preflights and visits
	requests, faulty int                 // off-spec requests, and replies
	unjudged         int                 // replies
	rows             map[string]*finding // by place and key
	unwritten        error
}

// passing is one exchange on its way through.
type passing struct {
	request   *http.Request // as the client sent it
	began     time.Time
	sent      *capture.Body
	judgeOnce sync.Once

	unanswered error // why there was no reply; nil if the client gave up
}

type passingKey struct{}

// handler passes calls on byte for byte, and judges copies of them.
func (p *proxy) handler(transport http.RoundTripper) http.Handler {
	reverse := &httputil.ReverseProxy{
		Transport:      transport,
		FlushInterval:  -1,
		Rewrite:        p.rewrite,
		ModifyResponse: p.replied,
		ErrorHandler:   p.unanswered,
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(strings.Join(r.Header.Values(passedBy), ","), p.mark):
			p.loopOnce.Do(func() { close(p.looped) })
			w.Header().Set(passedBy, p.cameBack)
			say(w, http.StatusLoopDetected, loop)
			return
		case r.Method == http.MethodConnect:
			say(w, http.StatusNotImplemented, fmt.Sprintf("it is no tunnel: give the client its address in place of %s, not in HTTPS_PROXY", p.upstream.Redacted()))
			return
		}
		_ = http.NewResponseController(w).EnableFullDuplex() // the server may reply before it has read the whole request
		x := &passing{
			request: r.Clone(context.WithoutCancel(r.Context())), began: time.Now(), sent: capture.New(r.Body, max(r.ContentLength, -1), contract.Judged, nil),
		}
		x.request.URL.Scheme, x.request.URL.Host = "http", r.Host
		if r.ContentLength != 0 {
			r.Body = x.sent
		}
		reverse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), passingKey{}, x)))
	})
}

// rewrite turns a call into the one that is passed on.
func (p *proxy) rewrite(r *httputil.ProxyRequest) {
	r.SetURL(p.upstream)
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := r.In.Header[name]; ok { // only the client may set it
			r.Out.Header[name] = values
		}
	}
	r.Out.Trailer = r.In.Trailer // filled in when the body has ended
	r.Out.Header.Add(passedBy, p.mark)
}

// replied arranges for a reply to be judged when its body has passed.
func (p *proxy) replied(resp *http.Response) error {
	x := resp.Request.Context().Value(passingKey{}).(*passing)
	if resp.Header.Get(passedBy) == p.cameBack {
		return nil // the proxy's own reply, which says nothing about the server
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil // not a call of the document; the connection is passed on as it is
	}
	reply := *resp
	resp.Body = capture.New(resp.Body, resp.ContentLength, contract.Judged, func(body capture.Copy) { p.judge(x, &reply, body) })
	return nil
}

// unanswered answers a call that the server has not answered.
func (p *proxy) unanswered(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(passingKey{}).(*passing)
	select {
	case <-p.looped: // the proxy's own doing
	default:
		if r.Context().Err() == nil {
			x.unanswered = plainError(err)
		}
		p.judge(x, nil, capture.Copy{})
	}
	say(w, http.StatusBadGateway, fmt.Sprintf("%s has not answered: %s", p.upstream.Redacted(), printable.Line(plainError(err).Error())))
}

// say answers for the proxy itself, in none of the platform's dialects, so that nobody takes it for the server's answer.
func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "dingmock proxy: %s\n", text)
}

func plainError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// judge compares an exchange with the document and reports it. It is called before the last byte of the reply is passed on, so
// that nobody who has the reply can look too early.
func (p *proxy) judge(x *passing, resp *http.Response, body capture.Copy) {
	x.judgeOnce.Do(func() {
		sent := x.sent.Copy()
		exchange := contract.Observed{
			Request: x.request, Sent: sent.Bytes, Partial: x.request.ContentLength != 0 && !sent.Whole && !sent.Cut,
			Response: resp, Body: body.Bytes, Cut: body.Cut, Closed: body.Closed, Broken: body.Err,
		}.Judge(&p.options)
		if q := exchange.Parsed; x.unanswered != nil && q.Known == dingmock.KnownModelled {
			exchange.Violations = append(exchange.Violations, dingmock.Violation{
				Operation: q.Operation.ID, Kind: contract.KindNoAnswer, Level: dingmock.Red, Pointer: "/status", Found: "none: " + x.unanswered.Error(), Expected: "a reply",
			})
		}
		record := p.recorder.Record(exchange, x.began.UTC().Format(time.RFC3339Nano), recorded)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.exchanges++
		// An unknown path that is allowed is not a call of DingTalk.
		if exchange.Parsed.Calls() && !slices.ContainsFunc(exchange.Parsed.Violations, func(v dingmock.Violation) bool {
			return v.Kind == dingmock.KindUnknownPath && v.Level == dingmock.Note
		}) {
			p.calls++
		}
		what, code := record.Operation, "no reply"
		if what == "" {
			what = x.request.URL.Path
		}
		if resp != nil {
			code = resp.Status
		}
		if !p.quiet {
			p.say("%s %q %s %s", x.request.Method, what, code, record.Error)
		}
		if exchange.Unjudged != "" {
			p.unjudged++
			p.say("  the reply's body is not judged: %s", exchange.Unjudged)
		}
		p.requests += p.tell("request", record.Violations, record.Curl)
		p.faulty += p.tell("reply", record.Broken, record.Curl)
		if p.record != nil {
			line, err := json.Marshal(record)
			if err == nil {
				_, err = p.record.Write(append(printable.JSON(line), '\n'))
			}
			p.unwritten = errors.Join(p.unwritten, err)
		}
	})
}

// say writes a line.
func (p *proxy) say(format string, args ...any) {
	_, _ = fmt.Fprintln(p.lines, printable.Line(fmt.Sprintf(format, args...)))
}

// tell writes violations and notes, and returns 1 if anything is off-spec, or else 0.
func (p *proxy) tell(what string, list []dingmock.Violation, curl string) (off int) {
	for _, v := range list {
		key := what + " " + string(v.Level) + " " + v.String()
		if p.rows[key] == nil && len(p.rows) < maxRows {
			p.rows[key] = &finding{Violation: v, curl: curl}
		}
		if p.rows[key] != nil {
			p.rows[key].count++
		}
		label := "note on the"
		if v.Level == dingmock.Red {
			label, off = verdict.Red, 1
		}
		p.say("%s %s: %s", label, what, v)
	}
	if off > 0 {
		p.say("  %s", curl)
	}
	return off
}

// maxRows is the maximum number of ways of being off-spec that are told apart at the end.
const maxRows = 10_000

// end sums up.
func (p *proxy) end(w io.Writer, r *ruling, strict bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.calls = p.calls
	if r.calls == 0 && !r.flags.AllowNoCalls {
		r.reasons = []string{"no call came"}
	}
	for _, key := range slices.Sorted(maps.Keys(p.rows)) {
		r.add(*p.rows[key])
	}
	if err := r.tell(w); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "%d exchanges, %d off-spec requests, %d off-spec replies", p.exchanges, p.requests, p.faulty)
	if p.unjudged > 0 {
		_, _ = fmt.Fprintf(w, ", %d replies whose body was not judged", p.unjudged)
	}
	_, _ = fmt.Fprintln(w)
	if p.unwritten != nil {
		return fmt.Errorf("--record: %w", p.unwritten)
	}
	if strict {
		return r.wrong()
	}
	return nil
}
