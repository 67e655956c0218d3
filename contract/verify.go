package contract

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dingmock/dingmock"
)

// Report is the outcome of a run.
type Report struct {
	Target   string // the base URL, without credentials; "in process" for a handler
	Seed     uint64
	Exact    bool
	Started  time.Time
	Duration time.Duration

	// Interrupted says that the run was cancelled before all cases had ended: those that had not are errors.
	Interrupted bool

	Results  []Result // in the order of the table
	Causes   []*Cause // what is to be mended, in the order in which to mend it
	Coverage *Coverage
}

// Count returns how many results have that outcome.
func (r *Report) Count(o Outcome) int {
	n := 0
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// Nothing says that no rule was checked, since all cases are unsupported or skipped; "" if that is not so.
func (r *Report) Nothing() string {
	unsupported, skipped := r.Count(Unsupported), r.Count(Skipped)
	if unsupported+skipped < len(r.Results) {
		return ""
	}
	why := ""
	if len(r.Results) > 0 {
		why = ", such as " + r.Results[0].ID + ": " + r.Results[0].Reason
	}
	return fmt.Sprintf("no rule was checked: of %s %d are unsupported and %d skipped%s", plural(len(r.Results), "case"), unsupported, skipped, why)
}

// Broken returns the results that make the run fail: broken rules that are not known failures, and with
// Options.Exact known failures that passed.
func (r *Report) Broken() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool { return !x.Bad(r.Exact) })
}

// ErrCredentials is what Verify returns if the target refuses the credentials that it was given.
var ErrCredentials = errors.New("the credentials are refused")

// OptionError is what is wrong with a Target or with Options: nothing was tried.
type OptionError string

func (e OptionError) Error() string { return string(e) }

// runner runs cases against one target.
type runner struct {
	target    Target
	options   Options
	doc       *dingmock.Document
	coverage  *Coverage
	redact    *redactor
	transport http.RoundTripper
	prefixes  []string
	bytes     bool // the level BYTES is checked
	started   time.Time
	progress  sync.Mutex
}

// Verify runs the cases and reports how each ended. It returns an error, and no report, if the target cannot be
// checked at all: it is not reached, is no such platform, or refuses the credentials.
func Verify(ctx context.Context, target Target, options *Options) (*Report, error) {
	r, err := newRunner(target, options)
	if err != nil {
		return nil, err
	}
	cases, err := r.cases()
	if err != nil {
		return nil, err
	}
	if err := r.preflight(ctx); err != nil {
		return nil, err
	}
	results := begun(cases)
	var wg sync.WaitGroup
	slots := make(chan struct{}, r.options.Parallel)
	for i, c := range cases {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = r.run(ctx, c)
			r.tell(results[i])
		})
	}
	wg.Wait()
	r.excuse(ctx, results)
	return r.report(results), nil
}

// begun are the results of cases that have not ended. A driver or a power that ends the goroutine, as t.FailNow does, leaves one so.
func begun(cases []Case) []Result {
	results := make([]Result, len(cases))
	for i, c := range cases {
		results[i] = Result{Case: c, Outcome: Errored, Reason: endedOutside}
	}
	return results
}

const endedOutside = "the case was ended from outside, as by t.FailNow in a driver or a power"

func (r *runner) report(results []Result) *Report {
	name := "in process"
	if r.target.Handler == nil {
		name = r.redact.text(r.target.URL)
		if u, err := url.Parse(name); err == nil {
			name = u.Redacted()
		}
	}
	return &Report{
		Target: name, Seed: r.options.Seed, Exact: r.options.Exact, Started: r.started, Duration: time.Since(r.started),
		Interrupted: slices.ContainsFunc(results, func(x Result) bool { return x.Outcome == Errored && x.Reason == interrupted }),
		Results:     results, Causes: causes(r.doc, results, r.options.Exact), Coverage: r.coverage,
	}
}

func (r *runner) tell(result Result) {
	if r.options.Progress != nil {
		r.progress.Lock()
		defer r.progress.Unlock()
		r.options.Progress(result)
	}
}

func newRunner(target Target, options *Options) (*runner, error) {
	doc, err := document()
	if err != nil {
		return nil, err
	}
	r := &runner{target: target, doc: doc, coverage: newCoverage(doc), redact: &redactor{}, started: time.Now()}
	if options != nil {
		r.options = *options
	}
	o := &r.options
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	switch {
	case o.Budget < 0:
		return nil, OptionError(fmt.Sprintf("contract: Budget: %d is negative; it has to be 1 or more, or 0 for 200", o.Budget))
	case o.Budget == 0:
		o.Budget = 200
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Live {
		o.Parallel, o.NoGenerated, r.target.WithoutSessions = 1, true, true
	}
	if o.NoGenerated {
		o.Budget = 0
	}
	r.redact.pin(target.App.CorpSecret, target.App.AppSecret)
	if u, err := url.Parse(target.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		r.redact.pin(password)
	}
	if target.Handler != nil {
		r.transport = handlerTransport{handler: target.Handler}
		r.target.URL, r.target.APIURL = "http://contract.invalid", ""
	} else if err := r.addresses(); err != nil {
		return nil, err
	}
	if o.Live {
		r.transport = &paced{base: r.connect(), every: liveInterval}
	}
	if a := target.App; !r.makes() && !a.corpPair() && !a.appPair() {
		return nil, OptionError("contract: the target needs the credentials of an app: a corpid with its corpsecret, or an appkey with its appsecret")
	}
	return r, nil
}

func (r *runner) addresses() error {
	if r.target.APIURL == "" {
		r.target.APIURL = r.target.URL
	}
	for _, address := range []string{r.target.URL, r.target.APIURL} {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" {
			return OptionError(fmt.Sprintf("contract: %q is no base URL: write one such as http://127.0.0.1:8080", r.redact.text(address)))
		}
		r.prefixes = append(r.prefixes, strings.TrimSuffix(u.Path, "/"))
	}
	r.transport = http.DefaultTransport.(*http.Transport).Clone()
	if c := r.target.Client; c != nil && c.Transport != nil {
		r.transport = c.Transport
	}
	return nil
}

// base returns the base URL of a path.
func (r *runner) base(path string) string {
	if f := r.doc.Family(path); r.target.APIURL != "" && f != nil && f.Prefix != "/" && strings.HasPrefix(f.Prefix, "/v") {
		return r.target.APIURL
	}
	return r.target.URL
}

// cases returns those that the options select.
func (r *runner) cases() ([]Case, error) {
	list, err := Cases()
	if err != nil {
		return nil, err
	}
	o := r.options
	for _, id := range o.Operations {
		if !slices.ContainsFunc(list, func(c Case) bool { return c.Operation == id }) {
			return nil, OptionError(fmt.Sprintf("contract: there is no operation %q", id))
		}
	}
	list = slices.DeleteFunc(list, func(c Case) bool {
		return o.Run != nil && !o.Run(c.ID) || o.Level == MUST && c.Level != MUST ||
			len(o.Operations) > 0 && !slices.Contains(o.Operations, c.Operation) ||
			o.NoGenerated && strings.HasPrefix(c.ID, "generated/")
	})
	if len(list) == 0 {
		return nil, OptionError("contract: no case is selected")
	}
	return list, nil
}

// run runs one case.
func (r *runner) run(ctx context.Context, c Case) (result Result) {
	began := time.Now()
	result = Result{Case: c, Outcome: Pass, Known: slices.Contains(r.options.Known, c.ID)}
	defer func() { result.Duration = time.Since(began) }()
	if outcome, why := r.unfit(c); outcome != "" {
		result.Outcome, result.Reason = outcome, why
		return result
	}
	run := ctx
	if run.Err() != nil {
		result.Outcome, result.Reason = Errored, interrupted
		return result
	}
	timeout := r.options.Timeout
	if c.Needs.Has(needsTime) {
		timeout *= 10
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	t := r.trial(ctx, c)
	defer func() {
		if err := t.end(); err != nil && result.Outcome == Pass {
			result.Outcome, result.Reason = Errored, "the rule is kept, but "+r.redact.text(err.Error())
		}
	}()
	end := catch(func() { c.run(t) })
	result.calls = len(t.rec.exchanges())
	switch {
	case end == nil:
	case run.Err() != nil && end.stack == "": // it may be what is seen, and not the rule
		result.Outcome, result.Reason = Errored, interrupted
	default:
		t.ended(end, &result)
	}
	return result
}

// ended says in the result how the case was ended.
func (c *trial) ended(end *stop, result *Result) {
	text := c.rec.redact.text
	if end.outcome == Fail || end.outcome == Blocked {
		fault := c.examined(end)
		if fault == nil {
			result.Outcome, result.Failure, result.finding = end.outcome, c.failure(end), &end.finding
			result.finding.Found, result.finding.Expected = text(end.finding.Found), text(end.finding.Expected)
			if end.outcome == Blocked {
				result.Reason = result.finding.line()
			}
			return
		}
		fault.outcome, fault.reason = Errored, "the case's second look is broken: "+cmp.Or(fault.reason, fault.finding.line())
		end = fault
	}
	result.Outcome, result.Reason = end.outcome, text(end.reason)
	if end.stack != "" {
		result.Reason += " (" + cmp.Or(end.at, "in no case") + ")"
		result.Stack = text(end.stack)
	}
}

// trial makes what one run of a case needs.
func (r *runner) trial(ctx context.Context, c Case) *trial {
	rng := rand.New(rand.NewPCG(r.options.Seed, hash(c.ID)))
	t := &trial{
		Case: c, ctx: ctx, runner: r, doc: r.doc, rng: rng,
		rec: &recorder{base: r.connect(), doc: r.doc, prefixes: r.prefixes, coverage: r.coverage, redact: r.redact, bytes: r.bytes},
		tag: strconv.FormatUint(rng.Uint64()&0xffffffff|0x100000000, 36) + strconv.FormatInt(r.started.UnixMilli()&0xffffff, 36),
	}
	if !c.Needs.Has(NeedsJournal) {
		t.rec.mark = r.target.Powers.Mark
	}
	t.client = &http.Client{Transport: t.rec, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return t
}

func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// preflight asks the target for a token, to say in one clear sentence when there is no platform to check.
func (r *runner) preflight(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	t := r.trial(ctx, Case{ID: "preflight"})
	defer func() {
		if failed := t.end(); failed != nil && err == nil {
			err = fmt.Errorf("contract: %s", r.redact.text(failed.Error()))
		}
	}()
	app := r.target.App
	if r.makes() {
		if app, err = t.makeApp(AppSpec{}); err != nil {
			return fmt.Errorf("contract: %s", r.redact.text(err.Error()))
		}
	}
	q := t.call("gettoken", firstPair(app)...)
	req, err := q.request(ctx, r.base(q.path))
	if err != nil {
		return fmt.Errorf("contract: %s", r.redact.text(err.Error()))
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return fmt.Errorf("contract: %s: %s", r.redact.text(r.target.URL), r.redact.text(explain(err, r.options.Timeout)))
	}
	_ = resp.Body.Close()
	x := t.rec.exchanges()[0]
	r.bytes = r.options.Bytes || resp.Header.Get("Dingmock-Version") != ""
	body := strings.TrimSpace(strings.TrimPrefix(string(x.Body), "\ufeff")) // a mark in front breaks a rule, which the cases say
	switch {
	case !strings.HasPrefix(body, "{"):
		return fmt.Errorf("contract: %s is not the platform: gettoken is answered with HTTP %d and %q that begins %q, where JSON belongs",
			r.redact.text(r.target.URL), resp.StatusCode, r.redact.text(resp.Header.Get("Content-Type")), t.shown(body, 60))
	case x.Error != nil, t.refusal(x) != "":
		return fmt.Errorf("contract: %s: %w: %s", r.redact.text(r.target.URL), ErrCredentials, t.shown(string(x.Body), 200))
	}
	return nil
}

// firstPair returns the names and values of an app's first complete pair.
func firstPair(a App) []any {
	if a.AppKey != "" && a.AppSecret != "" {
		return []any{"appkey", a.AppKey, "appsecret", a.AppSecret}
	}
	return []any{"corpid", a.CorpID, "corpsecret", a.CorpSecret}
}

// unreachable reports whether an error says that the target was not reached, rather than that it does not answer.
func unreachable(err error) bool {
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &certificate) || errors.As(err, &record) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// excuse takes back that a rule is broken by a call that was not answered, if the target has ended meanwhile: whether that
// call ended it, another one, or somebody, cannot be told.
func (r *runner) excuse(ctx context.Context, results []Result) {
	unanswered := func(x Result) bool { return x.finding != nil && x.finding.Kind == KindNoAnswer }
	if !slices.ContainsFunc(results, unanswered) || r.listens(ctx) {
		return
	}
	for i, x := range results {
		if unanswered(x) {
			results[i].Outcome, results[i].finding, results[i].Failure = Errored, nil, nil
			results[i].Reason = fmt.Sprintf("a call was not answered, and now %s: %s", notListening, x.Failure.Request)
		}
	}
}

// listens reports whether something may still listen at the target's addresses.
func (r *runner) listens(ctx context.Context) bool {
	if r.target.Handler != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.Timeout)
	defer cancel()
	for _, base := range []string{r.target.URL, r.target.APIURL} {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
		if err != nil {
			continue
		}
		resp, err := r.connect().RoundTrip(req)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return false
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	return true
}

const (
	notListening = "nothing listens there (connection refused)"
	interrupted  = "the run was interrupted"
)

// explain says in a sentence why there was no answer.
func explain(err error, timeout time.Duration) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var dns *net.DNSError
	text := plain(err)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", timeout)
	case errors.Is(err, context.Canceled):
		return interrupted
	case errors.Is(err, syscall.ECONNREFUSED):
		return notListening
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset before an answer came"
	case errors.As(err, &authority):
		return "its TLS certificate is signed by a CA that is not known here: name the CA's file (--ca, or SSL_CERT_FILE)"
	case errors.As(err, &host):
		return "its TLS certificate is for another name: " + host.Error()
	case errors.As(err, &dns):
		return "there is no host of that name: " + dns.Name
	case strings.HasSuffix(text, "EOF"):
		return "the connection was closed before an answer came"
	case strings.Contains(text, "HTTP response to HTTPS client"):
		return "it speaks plain HTTP, not TLS: write http:// for https://"
	}
	return text
}

// Failures returns what is to be mended as a person reads it: each cause with the first exchange that shows it.
func (r *Report) Failures() string {
	var b strings.Builder
	for _, c := range r.Causes {
		b.WriteString(c.text())
	}
	return b.String()
}

// Select returns the cases that the options select, in the order in which they run.
func Select(options *Options) ([]Case, error) {
	r := &runner{}
	if options != nil {
		r.options = *options
	}
	return r.cases()
}
