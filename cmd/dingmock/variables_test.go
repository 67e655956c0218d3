package main

import (
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// A variable that several commands read means one thing, and is read in one way.
func TestVariables(t *testing.T) {
	t.Parallel()
	const fake = "[]main.appFlag"
	meanings := map[string]struct{ meaning, kind, commands string }{
		"DINGMOCK_ADDR":              {"where the server listens that the command is, or asks", "[]string", "serve verdict proxy ready ca"},
		"DINGMOCK_APP":               {"the credentials of the fake's apps", fake, "serve run"},
		"DINGMOCK_CA":                {"certificates to trust", "string", "verify proxy"},
		"DINGMOCK_ALLOW_NO_CALLS":    {"what a verdict lets pass", "bool", "run verdict proxy"},
		"DINGMOCK_ALLOW_UNKNOWN":     {"what a verdict lets pass", "[]string", "run verdict proxy"},
		"DINGMOCK_CONTROL_HOST":      {"names of the fake's control API", "[]main.hostFlag", "serve run"},
		"DINGMOCK_CONTROL_TOKEN":     {"the token of the fake's control API", "main.tokenFlag", "serve run verify verdict"},
		"DINGMOCK_JOURNAL":           {"a setting of the fake", "uint", "serve run"},
		"DINGMOCK_MAX_APPS":          {"a setting of the fake", "main.count", "serve run"},
		"DINGMOCK_MAX_SESSIONS":      {"a setting of the fake", "main.count", "serve run"},
		"DINGMOCK_NO_AUTO_APPS":      {"a setting of the fake", "bool", "serve run"},
		"DINGMOCK_QPS":               {"a setting of the fake", "uint", "serve run"},
		"DINGMOCK_QUIET":             {"no line per call", "bool", "serve proxy"},
		"DINGMOCK_REFUSE_UNDECLARED": {"a setting of the fake", "bool", "serve run"},
		"DINGMOCK_SESSION_TTL":       {"a setting of the fake", "time.Duration", "serve run"},
		"DINGMOCK_SHUTDOWN_GRACE":    {"how long calls may take at the end", "time.Duration", "serve proxy"},
		"DINGMOCK_STATE":             {"a setting of the fake", "string", "serve run"},
		"DINGMOCK_STRICT":            {"what is off-spec fails", "bool", "run proxy"},
		"DINGMOCK_TLS_DIR":           {"where the certificate authority is kept", "string", "serve ca"},
		"DINGMOCK_TLS_HOST":          {"names to answer for", "[]main.hostFlag", "serve run"},
		"DINGMOCK_TOKEN_LIFE":        {"a setting of the fake", "time.Duration", "serve run"},
		"DINGMOCK_URL":               {"the fake that a program is to call", "string", "verdict ready ca"},
		"DINGMOCK_WITHOUT_SESSIONS":  {"a setting of the fake", "bool", "serve run"},
	}
	want := map[string][]string{}
	for name, m := range meanings {
		want[name] = append(strings.Fields(m.commands), m.kind)
	}
	got, kinds := map[string][]string{}, map[string]string{}
	for _, x := range variables(t) {
		if before := kinds[x.name]; before != "" && before != x.kind {
			t.Errorf("%s is a %s to %s, and a %s to another command", x.name, x.kind, x.command, before)
		}
		kinds[x.name] = x.kind
		got[x.name] = append(got[x.name], x.command)
	}
	for name, commands := range got {
		if len(commands) == 1 {
			delete(got, name)
			continue
		}
		got[name] = append(commands, kinds[name])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables of several commands (-want +got):\n%s", diff)
	}
}

type variable struct{ name, kind, command, flag string }

// variables are all that any command reads.
func variables(t *testing.T) []variable {
	t.Helper()
	var c commands
	k, err := kong.New(&c, kong.Name("dingmock"), kong.Vars{"version": "v"}, kong.Writers(io.Discard, io.Discard), kong.DefaultEnvars("DINGMOCK"))
	if err != nil {
		t.Fatal(err)
	}
	var list []variable
	for _, command := range k.Model.Children {
		for _, flag := range command.Flags {
			for _, name := range flag.Envs {
				list = append(list, variable{name, flag.Target.Type().String(), command.Name, flag.Name})
			}
		}
	}
	return list
}

// No error shows the value of a variable that holds secrets, usable or not.
func TestSecretVariables(t *testing.T) {
	t.Parallel()
	serve := startServe(t, map[string]string{"DINGMOCK_CONTROL_TOKEN": "another"})
	begin := map[string]struct {
		args []string
		with map[string]map[string]string // what else is set, for a variable that is not looked at without it
	}{
		"serve": {args: []string{"serve", "--addr", "nowhere"}},
		"run":   {args: []string{"run", "--", "no-such-program"}},
		"verify": {[]string{"verify", "--url", serve.url, "--run", "^gettoken/", "--budget", "0"}, map[string]map[string]string{
			"DINGMOCK_CONTROL_TOKEN": {"DINGMOCK_APPKEY": "k", "DINGMOCK_APPSECRET": "s"},
		}},
		"verdict": {args: []string{"verdict", "--url", serve.url}},
	}
	secrets := 0
	for _, x := range variables(t) {
		if !strings.HasSuffix(x.name, "_TOKEN") && !strings.HasSuffix(x.name, "SECRET") && x.name != "DINGMOCK_APP" {
			continue
		}
		secrets++
		for _, value := range []string{"topsecret", "top secret", "a:topsecret", "a:topsecret:c", "topsecret\n", "%zz topsecret ä"} {
			failing, ok := begin[x.command]
			if !ok {
				t.Fatalf("%s: no way is known to have %s fail", x.name, x.command)
			}
			env := map[string]string{x.name: value}
			maps.Copy(env, failing.with[x.name])
			code, stdout, stderr := tryRun(t, env, failing.args...)
			if said := stdout + stderr; code == exitOK || strings.Contains(said, "topsecret") || strings.Contains(said, "top secret") {
				t.Errorf("%s with %s=%q: exit code %d, %.2000s", x.command, x.name, value, code, said)
			}
		}
	}
	if secrets < 8 {
		t.Errorf("%d variables hold secrets, want 8 or more", secrets)
	}
	// What verdict is not told, it does not print.
	open := startServe(t, nil)
	if _, stdout, stderr := tryRun(t, map[string]string{"DINGMOCK_APP": "a:topsecret"}, "verdict", "--url", open.url); strings.Contains(stdout+stderr, "topsecret") {
		t.Errorf("verdict: %s%s", stdout, stderr)
	}
}
