package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/junit"
)

// exitUnchecked is verify's exit code if no rule is broken, but not every rule could be checked.
const exitUnchecked = 3

// exitError is an error with its own exit code. If error is nil, only the code counts.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// The hosts of the real platform.
const (
	liveURL    = "https://oapi.dingtalk.com"
	liveAPIURL = "https://api.dingtalk.com"
)

// verifyCommand checks a server against the document.
type verifyCommand struct {
	URL    string `env:"DINGMOCK_TARGET_URL" placeholder:"URL" help:"The base URL of the server to check. With --live it is the real platform's where it is not given."`
	APIURL string `name:"api-url" placeholder:"URL" help:"The base URL of the paths under /v1.0/, where it is another one."`

	CorpID        string        `name:"corpid" placeholder:"ID" help:"The app's corpid."`
	CorpSecret    string        `name:"corpsecret" placeholder:"SECRET" help:"The secret of the corpid."`
	AppKey        string        `name:"appkey" placeholder:"KEY" help:"The app's appkey."`
	AppSecret     string        `name:"appsecret" placeholder:"SECRET" help:"The secret of the appkey."`
	ControlToken  tokenFlag     `placeholder:"TOKEN" help:"What the control API of a dingmock at the URL asks for."`
	CA            string        `name:"ca" placeholder:"FILE" help:"Trust the certificates in this PEM file, beside the system's."`
	MaxSessions   int           `name:"target-max-sessions" placeholder:"N" help:"How many open sessions an app of the server may have, if that is 1000 or fewer."`
	SessionTTL    string        `name:"target-session-ttl" placeholder:"DURATION" help:"How long a session lives at the server, if sessions end by themselves."`
	WithoutCalls  bool          `name:"target-without-sessions" help:"The server answers the session calls as the public platform does: errcode 22."`
	Live          bool          `help:"Check the real platform: only what it documents, four calls a second, one at a time."`
	AllowWrites   bool          `help:"With --live: also make calls that change something."`
	List          bool          `env:"-" help:"Print the cases that are selected and end."`
	Only          string        `env:"-" name:"run" placeholder:"REGEXP" help:"Run the cases whose id matches."`
	Operation     []string      `env:"-" placeholder:"ID" help:"Run the cases of this operation; repeatable."`
	Level         string        `env:"-" placeholder:"MUST" help:"MUST leaves out the cases of level SHOULD."`
	Timeout       time.Duration `default:"10s" placeholder:"DURATION" help:"How long one case may take."`
	Parallel      count         `default:"8" placeholder:"N" help:"How many cases run at once."`
	Seed          uint64        `placeholder:"N" help:"Where random values begin; 0 makes one up. It is printed."`
	Budget        int           `default:"200" placeholder:"N" help:"How many requests are generated of each operation; 0: none."`
	JUnit         string        `name:"junit" placeholder:"FILE" help:"Write the report as JUnit XML."`
	JSON          string        `name:"json" placeholder:"FILE" help:"Write the report as JSON."`
	First         bool          `help:"Print what is to be mended first, and only the first of it in full."`
	Bytes         bool          `help:"Check what only a stand-in that is exact to the byte needs as well: spaces, the order of keys, how headers are spelt. So by itself where a dingmock answers."`
	GitHub        bool          `name:"github" help:"Print annotations for GitHub's workflows."`
	KnownFailures string        `placeholder:"FILE" help:"A list of case ids, one a line, whose failures do not count."`
	Exact         bool          `help:"A known failure that passes counts as a failure."`
	MinCoverage   float64       `placeholder:"PERCENT" help:"Fail where less of the document was exercised."`
}

// Run checks the server. It fails if a rule is broken.
func (c *verifyCommand) Run(ctx context.Context, out streams) error {
	if c.List {
		options, err := c.options()
		if err != nil {
			return usageError{err}
		}
		return c.list(options, out.stdout)
	}
	if err := c.unstarted(errNotEnded); err != nil {
		return err
	}
	report, err := c.verify(ctx, out)
	if err != nil {
		return errors.Join(err, c.unstarted(err))
	}
	return c.finish(report, out)
}

// verify runs the cases. If it returns an error there is no report.
func (c *verifyCommand) verify(ctx context.Context, out streams) (*contract.Report, error) {
	options, err := c.options()
	if err != nil {
		return nil, usageError{err}
	}
	target, err := c.target(ctx)
	if err != nil {
		return nil, usageError{err}
	}
	if isTerminal(out.stderr) {
		done := 0
		options.Progress = func(r contract.Result) {
			done++
			_, _ = fmt.Fprintf(out.stderr, "\r\033[K%4d %s", done, r.ID)
		}
	}
	report, err := contract.Verify(ctx, target, options)
	if options.Progress != nil {
		_, _ = fmt.Fprint(out.stderr, "\r\033[K")
	}
	var wrong contract.OptionError
	switch {
	case errors.As(err, &wrong):
		return nil, usageError{err}
	case err != nil && c.app() == (contract.App{}) && errors.Is(err, contract.ErrCredentials):
		err = fmt.Errorf("%w (no credentials were given: --appkey and --appsecret, or --corpid and --corpsecret)", err)
	}
	if err != nil {
		return nil, exitError{err, exitUnchecked}
	}
	return report, nil
}

// shownURL returns a base URL without what may be secret in it.
func shownURL(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return ""
}

// finish writes the reports, files first, and returns how the run ended. If a report cannot be written, that changes only an exit
// code of 0.
func (c *verifyCommand) finish(report *contract.Report, out streams) error {
	unwritten := c.write(writeFile, report.WriteJUnit, report.WriteJSON)
	writeText := report.WriteText
	if c.First {
		writeText = report.WriteFirst
	}
	told := writeText(out.stdout)
	if c.GitHub && told == nil {
		told = report.WriteGitHub(out.stdout)
	}
	unwritten = errors.Join(unwritten, told)
	ended := c.ended(report)
	var coded exitError
	switch {
	case ended == nil:
		return unwritten
	case errors.As(ended, &coded):
		return exitError{errors.Join(coded.error, unwritten), coded.code}
	}
	return exitError{errors.Join(ended, unwritten), exitFailed}
}

// ended returns what keeps the exit code from being 0: broken rules before rules that could not be checked.
func (c *verifyCommand) ended(report *contract.Report) error {
	unchecked, how := report.Count(contract.Errored), ""
	if report.Interrupted {
		how = "interrupted: "
	}
	switch nothing := report.Nothing(); {
	case len(report.Causes) > 0:
		broken, blocked := len(report.Broken()), report.Count(contract.Blocked)
		first := "first to be mended: " + report.Causes[0].String()
		if report.Ended() {
			first = "the server ended during the run"
		}
		return fmt.Errorf("%s%d of %d cases do not pass (fail: %d, blocked by what is to be mended: %d, error: %d); %s",
			how, broken+blocked+unchecked, len(report.Results), broken, blocked, unchecked, first)
	case unchecked > 0:
		return exitError{fmt.Errorf("%s%d of %d rules could not be checked", how, unchecked, len(report.Results)), exitUnchecked}
	case nothing != "":
		return exitError{errors.New(nothing), exitUnchecked}
	case report.Coverage.Percent() < c.MinCoverage:
		return fmt.Errorf("document coverage is %.1f %%, less than --min-coverage %.1f", report.Coverage.Percent(), c.MinCoverage)
	}
	return nil
}

// unstarted writes the reports of a run that could check nothing, in place of those of an earlier run.
func (c *verifyCommand) unstarted(why error) error {
	target := c.URL
	if target == "" && c.Live {
		target = liveURL
	}
	now, text := time.Now(), oneLine(why)
	var x junit.Report
	x.Suite("contract", "target", now).Add(junit.Case{
		Name: "target", ClassName: "contract", Error: &junit.Reason{Message: text, Type: "error", Text: text},
	}, 0)
	write := func(name string, report func(io.Writer) error) error { return writeWhy(name, why, report) }
	return c.write(write, x.Write, func(w io.Writer) error {
		report := contract.JSONReport{
			Version: contract.JSONVersion, Target: shownURL(target), Started: now, Error: text, Summary: map[contract.Outcome]int{},
			Coverage: contract.JSONCoverage{Missing: []contract.Item{}, Unlisted: []string{}}, Causes: []*contract.Cause{}, Cases: []contract.JSONCase{},
		}
		return report.Write(w)
	})
}

// write writes the requested report files.
func (c *verifyCommand) write(file func(string, func(io.Writer) error) error, asJUnit, asJSON func(io.Writer) error) error {
	var failed error
	for _, x := range []struct {
		flag, name string
		write      func(io.Writer) error
	}{{"--junit", c.JUnit, asJUnit}, {"--json", c.JSON, asJSON}} {
		if x.name == "" {
			continue
		}
		if err := file(x.name, x.write); err != nil {
			failed = errors.Join(failed, usageError{fmt.Errorf("%s: %w", x.flag, err)})
		}
	}
	return failed
}

// options returns the kit's options for the flags.
func (c *verifyCommand) options() (*contract.Options, error) {
	o := &contract.Options{
		Operations: c.Operation, Level: contract.Level(c.Level), Timeout: c.Timeout, Parallel: int(c.Parallel), Seed: c.Seed,
		Budget: c.Budget, NoGenerated: c.Budget == 0, Bytes: c.Bytes, Live: c.Live, AllowWrites: c.AllowWrites, Exact: c.Exact,
	}
	if c.Level != "" && o.Level != contract.MUST && o.Level != contract.SHOULD {
		return nil, fmt.Errorf("--level: %q has to be MUST or SHOULD", c.Level)
	}
	if c.Timeout <= 0 {
		return nil, fmt.Errorf("--timeout: %s has to be more than 0s", c.Timeout)
	}
	if c.Budget < 0 {
		return nil, fmt.Errorf("--budget: %d has to be 0 or more", c.Budget)
	}
	if c.Only != "" {
		pattern, err := regexp.Compile(c.Only)
		if err != nil {
			return nil, fmt.Errorf("--run: %w", err)
		}
		o.Run = pattern.MatchString
	}
	if c.KnownFailures != "" {
		f, err := os.Open(c.KnownFailures)
		if err != nil {
			return nil, fmt.Errorf("--known-failures: %w", err)
		}
		defer func() { _ = f.Close() }()
		if o.Known, err = contract.ReadKnown(f); err != nil {
			return nil, fmt.Errorf("--known-failures: %s: %w", c.KnownFailures, err)
		}
	}
	return o, nil
}

// list prints the cases.
func (c *verifyCommand) list(o *contract.Options, w io.Writer) error {
	cases, err := contract.Select(o)
	if err != nil {
		return usageError{err}
	}
	for _, x := range cases {
		line := fmt.Sprintf("%-44s %-6s %s", x.ID, x.Level, x.Rule)
		if needs := x.Needs.String(); needs != "" {
			line += " [needs: " + needs + "]"
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func (c *verifyCommand) app() contract.App {
	return contract.App{CorpID: c.CorpID, CorpSecret: c.CorpSecret, AppKey: c.AppKey, AppSecret: c.AppSecret}
}

// target returns the server that the flags name, with all powers if it is a dingmock.
func (c *verifyCommand) target(ctx context.Context) (contract.Target, error) {
	t := contract.Target{
		URL: c.URL, APIURL: c.APIURL, MaxSessions: c.MaxSessions, WithoutSessions: c.WithoutCalls,
		App: c.app(),
	}
	switch {
	case t.URL == "" && c.Live:
		t.URL, t.APIURL = liveURL, liveAPIURL
	case t.URL == "":
		return t, errors.New("--url: is empty; it has to be a base URL such as http://127.0.0.1:8080")
	}
	if c.SessionTTL != "" {
		ttl, err := time.ParseDuration(c.SessionTTL)
		if err != nil || ttl <= 0 {
			return t, fmt.Errorf("--target-session-ttl: %q is no duration of more than 0s", c.SessionTTL)
		}
		t.SessionTTL = ttl
	}
	client, err := clientFor(c.CA)
	if err != nil {
		return t, err
	}
	t.Client = client
	if c.Live {
		return t, nil
	}
	ask, cancel := context.WithTimeout(ctx, c.Timeout/2)
	defer cancel()
	powers, ok := powersAt(ask, t.URL, t.APIURL, string(c.ControlToken), client)
	if t.Powers = powers; !ok && t.App == (contract.App{}) {
		// No app is given and none can be made, so take any; the kit reports what answers there, if anything.
		t.App = contract.App{AppKey: "mock-verify", AppSecret: "mock-verify-secret"}
	}
	return t, nil
}

// clientFor makes an HTTP client that also trusts the certificates in a file, if one is given.
func clientFor(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("--ca: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca: %s: holds no certificate in PEM", strings.TrimSpace(ca))
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: transport}, nil
}
