package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/dingmock/dingmock/internal/printable"
	"github.com/dingmock/dingmock/mockserver"
	"github.com/dingmock/dingmock/mockserver/impersonate"
)

// The exit codes of run other than the program's own; env uses the same.
const (
	exitItself      = 125 // dingmock itself failed
	exitNotRun      = 126 // the program exists but cannot be run
	exitNotFound    = 127
	loopbackAnyPort = "127.0.0.1:0"
)

// maxSettle is how long run waits for the last clients to accept or refuse the certificate.
const maxSettle = 200 * time.Millisecond

// runCommand runs a program with a fake in the platform's place.
type runCommand struct {
	Command     []string   `arg:"" passthrough:"partial" placeholder:"PROGRAM" help:"The program and its arguments, best after --."`
	AllowEgress bool       `help:"Let the program reach other hosts through the proxy, and trust the system's certificates as well."`
	TLSHost     []hostFlag `name:"tls-host" placeholder:"HOST" help:"Answer for this name as well; repeatable."`
	Strict      bool       `help:"End with exit code 1 where the program ended with 0 but made calls that were off-spec, or none."`
	Isolate     string     `enum:"none,hosts" default:"none" placeholder:"none|hosts" help:"hosts: lead every program of this machine to the fake while the command runs, by lines in /etc/hosts and on the ports 443 and 80. For root in a container."`
	KeepLogs    string     `placeholder:"FILE" help:"Write a line per call, and the log, to this file."`
	judgeFlags
	fakeFlags
}

// Run runs the program to its end. Its error carries the exit code.
func (c *runCommand) Run(ctx context.Context, out streams) (failed error) {
	command := c.Command
	if command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return errors.New("no program is given: dingmock run -- PROGRAM")
	}
	ruling, err := c.begin()
	if err != nil {
		return err
	}
	defer func() { failed = ruling.close(failed) }()
	program, err := lookProgram(command[0])
	if err != nil {
		return err
	}
	signals := caught()
	outliveReaders()
	stderr := newLogWriter(out.stderr, tellDropped)
	defer func() { _ = stderr.close() }()
	log, calls, closeLogs, err := c.logs(stderr)
	if err != nil {
		return err
	}
	defer closeLogs()
	var fake *mockserver.Server // before the first handshake
	authority, err := newAuthority("", c.TLSHost, func(name string) string { return fake.TLSFault(name) }, log)
	if err != nil {
		return err
	}
	c.ControlHost = append(c.ControlHost, c.TLSHost...)
	if fake, err = c.fake(log, calls, authority); err != nil {
		return err
	}
	var egress *http.Transport
	if c.AllowEgress {
		egress = http.DefaultTransport.(*http.Transport).Clone() // uses the proxy that the environment names
	}
	front := func(at addresses) (*front, error) { return newFront(ctx, fake, fake, authority, at, egress, log) }
	f, isolated, err := c.listen(front)
	if err != nil {
		return err
	}
	defer f.close()
	f.serve()
	env, remove, err := c.environment(f, authority)
	if err != nil {
		return err
	}
	defer remove()
	if isolated != "" {
		restore, err := isolate(hostsFile, isolated, authority.Names())
		if err != nil {
			return err
		}
		defer func() {
			if err := restore(); err != nil {
				_, _ = fmt.Fprintf(stderr, "dingmock: %v\n", err)
			}
		}()
	}

	code, err := execute(ctx, signals, program, command, env, out)
	if err != nil {
		return err
	}
	authority.Settle(maxSettle)
	f.close()
	verdict, err := fake.Verdict(c.options())
	if err != nil {
		return err
	}
	ruling.take(verdict)
	ruling.explained = fake.Explanations(math.MaxInt)
	if !c.Strict {
		ruling.hint = "--strict would fail; --allow-no-calls lets it pass"
	}
	unwritten := ruling.tell(prefixed(writerFunc(stderr.result)))
	if verdict.Calls == 0 && !c.AllowNoCalls {
		_, _ = fmt.Fprintf(stderr, "dingmock: %s\n", printable.Line(unreached(command, code, authority.Refusals())))
	}
	if code == 0 && c.Strict && ruling.wrong() != nil {
		code = exitFailed
	}
	switch {
	case code == 0:
		return unwritten
	case unwritten != nil:
		_, _ = fmt.Fprintf(stderr, "dingmock: %v\n", unwritten)
	}
	return exitError{nil, code}
}

// listen makes the front, and returns the address for the hosts file, or "" if that is not to be written.
func (c *runCommand) listen(make func(addresses) (*front, error)) (f *front, isolated string, err error) {
	if c.Isolate == "hosts" {
		return isolatedFront(make)
	}
	here := []string{loopbackAnyPort}
	f, err = make(addresses{here, here, here})
	return f, "", err
}

// lookProgram finds a program as env does. The exit code of its error says whether there is none, or it cannot be run.
func lookProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path, nil
	case errors.Is(err, exec.ErrNotFound) && strings.ContainsRune(name, os.PathSeparator), errors.Is(err, fs.ErrNotExist):
		return "", exitError{fmt.Errorf("run: %s: there is no such file", name), exitNotFound}
	case !errors.Is(err, exec.ErrNotFound):
		if why, ok := errors.AsType[*exec.Error](err); ok {
			err = why.Err
		}
		return "", exitError{fmt.Errorf("run: %s: %w", name, err), exitNotRun}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode().IsRegular() {
			return "", exitError{fmt.Errorf("run: %s: is not executable", filepath.Join(dir, name)), exitNotRun}
		}
	}
	return "", exitError{fmt.Errorf("run: %s: there is no such program in PATH", name), exitNotFound}
}

// logs returns where to write the fake's log and its lines of calls: both to the file of --keep-logs, and warnings to stderr.
func (c *runCommand) logs(stderr io.Writer) (log *slog.Logger, calls func(mockserver.CallLine), end func(), err error) {
	warnings := slog.NewTextHandler(printableLines(stderr), &slog.HandlerOptions{
		Level: slog.LevelWarn,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.Attr{}
			case slog.LevelKey:
				return slog.String("dingmock", strings.ToLower(a.Value.String()))
			}
			return a
		},
	})
	if c.KeepLogs == "" {
		return slog.New(warnings), nil, func() {}, nil
	}
	file, err := os.Create(c.KeepLogs)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("--keep-logs: %w", err)
	}
	kept := newLogWriter(file, tellDropped)
	log = slog.New(slog.NewMultiHandler(slog.NewTextHandler(printableLines(kept), nil), warnings))
	return log, callLines(kept), func() {
		if err := errors.Join(kept.close(), file.Close()); err != nil {
			_, _ = fmt.Fprintf(stderr, "dingmock: --keep-logs: %v\n", err)
		}
	}, nil
}

// caught returns a channel of the signals to pass on, from now to the end of the process. If a signal's default action were
// restored, it would end the process before the verdict is printed, and many at once would kill it with SIGSEGV (see endAtNext).
func caught() <-chan os.Signal {
	signals := make(chan os.Signal, 16)
	for _, s := range passedOn {
		if !signal.Ignored(s) { // it is under nohup
			signal.Notify(signals, s)
		}
	}
	return signals
}

// execute runs the program to its end, passes signals on to it, and returns its exit code.
func execute(ctx context.Context, signals <-chan os.Signal, program string, command, env []string, out streams) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, errors.New("run: was told to end before the program began")
	}
	cmd := exec.Command(program, command[1:]...) //nolint:noctx // it ends by itself, or by the signals that are passed on
	cmd.Args[0] = command[0]
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, out.stdout, out.stderr
	if err := cmd.Start(); err != nil {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path.Err
		}
		code := exitNotRun
		if errors.Is(err, fs.ErrNotExist) { // a script's interpreter is missing
			code = exitNotFound
		}
		return 0, exitError{fmt.Errorf("run: %s: %w", program, err), code}
	}
	ended := make(chan struct{})
	go func() {
		for {
			select {
			case s := <-signals:
				if !sentToBoth(s) {
					_ = cmd.Process.Signal(s)
				}
			case <-ended:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return 0, fmt.Errorf("run: %w", err)
	}
	return exitCode(cmd.ProcessState), nil
}

// prefixed writes each line with dingmock's name in front, since the lines appear among the program's own.
func prefixed(w io.Writer) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		var b strings.Builder
		for line := range strings.Lines(string(p)) {
			if !strings.HasPrefix(line, "::") { // GitHub reads annotations only at the beginning of a line
				b.WriteString("dingmock: ")
			}
			b.WriteString(line)
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return 0, err
		}
		return len(p), nil
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// environment returns the program's environment, with the fake's address, the proxy, and the certificate in the variables of each
// runtime. remove deletes the files that they name.
func (c *runCommand) environment(f *front, authority *impersonate.Authority) (env []string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "dingmock-run-")
	if err != nil {
		return nil, nil, fmt.Errorf("run: %w (%s says where else)", err, tempVariable)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	bundle := authority.PEM()
	if c.AllowEgress {
		bundle = append(bundle, systemRoots(os.Getenv)...)
	}
	store, err := trustStore(bundle)
	if err != nil {
		return nil, nil, fmt.Errorf("run: the trust store for Java: %w", err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	roots, java, node, python, php := in("ca.pem"), in("truststore.p12"), in("node.cjs"), in("python"), in("prepend.php")
	names := authority.Names()
	for name, data := range map[string][]byte{
		roots: bundle,
		java:  store,
		node:  preload(nodeSource, f, names, authority.PEM()),
		php:   preload(phpSource, f, names, authority.PEM()),
		filepath.Join(python, "sitecustomize.py"): preload(pythonSource, f, names, authority.PEM()),
		in("dingmock.ini"):                        []byte("curl.cainfo=\"" + roots + "\"\nopenssl.cafile=\"" + roots + "\"\nauto_prepend_file=\"" + php + "\"\n"),
	} {
		if err := writePublic(name, data); err != nil {
			return nil, nil, fmt.Errorf("run: %w", err)
		}
	}

	relay := f.proxy[0].Addr()
	set := map[string]string{
		"DINGMOCK_URL":        baseURL(f.plain[0].Addr()),
		"NODE_USE_ENV_PROXY":  "1",
		"SSL_CERT_FILE":       roots,
		"NODE_EXTRA_CA_CERTS": roots,
		"REQUESTS_CA_BUNDLE":  roots,
		"CURL_CA_BUNDLE":      roots,
		"JAVA_TOOL_OPTIONS":   joined(os.Getenv("JAVA_TOOL_OPTIONS"), " ", javaOptions(java, reachable(relay))),
		"NODE_OPTIONS":        joined(os.Getenv("NODE_OPTIONS"), " ", `--require="`+strings.ReplaceAll(node, `\`, `\\`)+`"`),
		"PYTHONPATH":          joined(python, string(os.PathListSeparator), os.Getenv("PYTHONPATH")),
		"PHP_INI_SCAN_DIR":    os.Getenv("PHP_INI_SCAN_DIR") + string(os.PathListSeparator) + dir, // in addition to the folder that PHP was built for
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		set[name] = baseURL(relay)
	}
	set["NO_PROXY"] = noProxy(os.Getenv("NO_PROXY")+" "+os.Getenv("no_proxy"), names)
	if runtime.GOOS != "windows" { // where names ignore case
		for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} {
			set[strings.ToLower(name)] = set[name]
		}
	}
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); set[name] == "" {
			env = append(env, pair)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env, func() { _ = os.RemoveAll(dir) }, nil
}

// noProxy returns what bypasses the proxy: this machine, and the inherited entries, except those that some program might take to
// cover the names.
func noProxy(inherited string, names []string) string {
	list := []string{"localhost", "127.0.0.1", "::1"}
	for entry := range strings.FieldsFuncSeq(inherited, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		host := strings.ToLower(entry)
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.Trim(host, "*.")
		takes := func(name string) bool { return strings.HasSuffix(name, host) || strings.Contains(entry, "//") }
		if !slices.ContainsFunc(names, takes) && !slices.Contains(list, entry) {
			list = append(list, entry)
		}
	}
	return strings.Join(list, ",")
}

// tempVariable is the variable that chooses the folder for temporary files.
var tempVariable = map[bool]string{false: "TMPDIR", true: "TMP"}[runtime.GOOS == "windows"]

// joined joins two values with a separator, unless one is empty.
func joined(a, between, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

// writePublic writes a file, and makes its folder, so that every user may read it, whatever the umask: the program may switch to
// another user.
func writePublic(name string, data []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return err
	}
	return os.Chmod(name, 0o644)
}
