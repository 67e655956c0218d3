// Command dingmock runs the fake DingTalk (钉钉) open platform of this module.
//
// It is thin: package mockserver has what it serves, and the root package what it prints from the document. Start with
//
//	dingmock serve
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"reflect"
	"regexp"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/dingmock/dingmock/internal/printable"
)

// version is set when a release is built.
var version = ""

// The exit codes of all commands.
const (
	exitOK     = 0
	exitFailed = 1 // the command ran, and something went wrong
	exitUsage  = 2 // the command did not start: a flag, a variable, a file or an address is not usable
)

// commands holds the commands with their flags. A flag's environment variable is DINGMOCK_ followed by its name.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Answer as the DingTalk open platform does."`
	Run     runCommand     `cmd:"" help:"Run a program with a fake of its own in the platform's place."`
	Verify  verifyCommand  `cmd:"" help:"Hold a server to the document: this fake, your own, or the real platform."`
	Verdict verdictCommand `cmd:"" help:"Say whether the calls that a fake has had kept to the document."`
	Proxy   proxyCommand   `cmd:"" help:"Stand between a client and a server, and judge both by the document."`
	Ready   readyCommand   `cmd:"" help:"Say by the exit code whether a fake answers."`
	CA      caCommand      `cmd:"" name:"ca" help:"Print the certificate that clients of a fake's TLS have to trust."`
	Spec    specCommand    `cmd:"" help:"Print openapi.yaml, the document that says how."`

	Version kong.VersionFlag `env:"-" help:"Print the version."`
}

// streams holds the streams to which a command writes.
type streams struct {
	stdout, stderr io.Writer
}

// usageError is an error that keeps a command from starting.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func main() {
	log.SetOutput(io.Discard) // net/http's client logs there what servers do wrong
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if len(os.Args) < 2 || os.Args[1] != "run" { // run passes all signals on
		context.AfterFunc(ctx, endAtNext)
	}
	os.Exit(run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr))
}

// endAtNext ends the process at its next signal, with the exit code that a shell gives for that signal. It does not restore the
// signal's default action instead: if many signals came at once, Go's runtime would handle each within the last until its stack
// is full, and the process would die of SIGSEGV.
func endAtNext() {
	next := make(chan os.Signal, 1)
	signal.Notify(next, os.Interrupt, syscall.SIGTERM)
	code := exitFailed
	if s, ok := (<-next).(syscall.Signal); ok {
		code = 128 + int(s)
	}
	os.Exit(code)
}

// run runs the command that args name until it is done or ctx is, and returns the exit code.
func run(ctx context.Context, args []string, lookupEnv func(string) (string, bool), stdout, stderr io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	var c commands
	parsed, err := parse(&c, args, lookupEnv, stdout, stderr)
	if err != nil {
		err = errors.Join(err, misused(args, lookupEnv, err))
	}
	if parsed != nil && err == nil {
		parsed.BindTo(ctx, (*context.Context)(nil))
		err = parsed.Run(streams{stdout, stderr})
	}
	if err == nil {
		return exitOK
	}
	var coded exitError
	if errors.As(err, &coded) && coded.error == nil {
		return coded.code
	}
	last := newLogWriter(stderr, nil) // maybe nobody reads stderr any more
	_, _ = fmt.Fprintf(last, "dingmock: %s\n", oneLine(err))
	_ = last.close()
	switch {
	case coded.error != nil:
		return coded.code
	case args[0] == "run":
		return exitItself
	case errors.As(err, &usageError{}):
		return exitUsage
	}
	return exitFailed
}

func oneLine(err error) string {
	return printable.Line(strings.NewReplacer("\n", " ", "\r", " ").Replace(err.Error()))
}

// parse reads the flags and the environment into c. It returns nil for both results if it only had to print something, such as
// the help.
func parse(c *commands, args []string, lookupEnv func(string) (string, bool), stdout, stderr io.Writer) (*kong.Context, error) {
	done := false
	k, err := kong.New(c,
		kong.Name("dingmock"),
		kong.Description("A fake of the DingTalk open platform, for tests and for work offline."),
		kong.Vars{"version": versionString()},
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { done = true }),
		kong.DefaultEnvars("DINGMOCK"),
		kong.ValueFormatter(describeFlag),
		kong.Resolvers(environment(lookupEnv)),
	)
	if err != nil {
		return nil, err
	}
	if err := detachEnvironment(k); err != nil {
		return nil, err
	}
	parsed, err := k.Parse(args)
	switch {
	case done:
		return nil, nil
	case err != nil:
		return nil, usageError{hinted(err, args)}
	}
	return parsed, nil
}

// hints lists what to add to errors from kong that match a pattern.
var hints = []struct {
	error *regexp.Regexp
	hint  string
}{
	{regexp.MustCompile(`^unexpected argument version$`), "; --version prints it"},
	{regexp.MustCompile(`^unexpected argument help$`), "; --help prints it, and dingmock COMMAND --help that of a command"},
	{regexp.MustCompile(`missing unit in duration "`), "; a duration has one, such as 7200s or 2h"},
}

func hinted(err error, args []string) error {
	text := err.Error()
	if strings.HasPrefix(text, "unknown flag --port,") || text == "unknown flag --port" {
		switch args[0] {
		case "serve", "proxy":
			return errors.New("unknown flag --port; --addr HOST:PORT says where to listen")
		case "ready", "verdict", "ca":
			return errors.New("unknown flag --port; --addr HOST:PORT says where the fake listens")
		}
	}
	for _, h := range hints {
		if h.error.MatchString(text) {
			return fmt.Errorf("%w%s", err, h.hint)
		}
	}
	return err
}

// detachEnvironment keeps kong from reading the environment of the process: environment reads the one that run was given.
func detachEnvironment(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			flag.Tag.Envs = nil
		}
		return next(nil)
	})
}

// describeFlag returns the help text of a flag, with its default and its variable.
func describeFlag(v *kong.Value) string {
	text := v.Help
	if v.HasDefault {
		text += " Default " + v.Default + "."
	}
	if v.Flag != nil && len(v.Flag.Envs) > 0 {
		text += " ($" + v.Flag.Envs[0] + ")"
	}
	return text
}

// environment takes the value of a flag from its variable if the flag is not given. An empty variable counts as unset.
func environment(lookupEnv func(string) (string, bool)) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			value, ok := lookupEnv(name)
			if !ok || value == "" {
				continue
			}
			scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
			scratch := reflect.New(flag.Target.Type()).Elem()
			if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, scratch); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return value, nil
		}
		return nil, nil
	})
}

// versionString returns the version of a release, or else the version at which the module was fetched, or else dev.
func versionString() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
