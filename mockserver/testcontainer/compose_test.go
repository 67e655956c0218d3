package testcontainer_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// composer is the command for Docker Compose on this machine: the plugin, or the separate program.
func composer(t *testing.T) []string {
	t.Helper()
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if exec.CommandContext(t.Context(), command[0], append(command[1:], "version")...).Run() == nil {
			return command
		}
	}
	t.Skip("there is neither docker compose nor docker-compose")
	return nil
}

// The recipe under examples/compose does what it says: the program runs, twice, and the verdict is green; after an
// off-spec call it is red.
func TestCompose(t *testing.T) {
	t.Parallel()
	img, php := image(t), phpImage(t)
	command := composer(t)
	compose := func(ctx context.Context, args ...string) (stdout, stderr string, err error) {
		cmd := exec.CommandContext(ctx, command[0], append(append(command[1:len(command):len(command)], "--project-name", "dingmock-test-"+session), args...)...)
		cmd.Dir = "../../examples/compose"
		cmd.Env = append(os.Environ(), "DINGMOCK_IMAGE="+img, "PHP_IMAGE="+php)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err = cmd.Run()
		return out.String(), errs.String(), err
	}
	t.Cleanup(func() {
		if _, errs, err := compose(context.WithoutCancel(t.Context()), "down", "--volumes", "--timeout", "5"); err != nil {
			t.Errorf("down: %v\n%s", err, errs)
		}
	})
	for range 2 {
		out, errs, err := compose(t.Context(), "run", "--rm", "-T", "app")
		if diff := cmp.Diff("opened s-compose\nclosed s-compose\n", out); diff != "" || err != nil {
			t.Fatalf("%v, stderr:\n%s\nstdout (-want +got):\n%s", err, errs, diff)
		}
	}
	if out, errs, err := compose(t.Context(), "exec", "-T", "dingmock", "/dingmock", "verdict"); err != nil {
		t.Errorf("verdict: %v\n%s%s", err, out, errs)
	}
	_, errs, err := compose(t.Context(), "run", "--rm", "-T", "app", "php", "-r", `file_get_contents("https://oapi.dingtalk.com/gettoken");`)
	if err != nil {
		t.Errorf("%v\n%s", err, errs)
	}
	if out, errs, err := compose(t.Context(), "exec", "-T", "dingmock", "/dingmock", "verdict"); err == nil || !strings.Contains(out, "missing-credential") {
		t.Errorf("verdict on a call off-spec: %v\n%s%s", err, out, errs)
	}
}
