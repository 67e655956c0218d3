package testcontainer_test

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/dingmock/dingmock/mockserver/testcontainer"
)

// phpINI makes PHP trust an authority, without changing programs or their URLs.
const phpINI = "openssl.cafile=/ca.pem\ncurl.cainfo=/ca.pem\ndisplay_errors=1\nerror_reporting=E_ALL\nhtml_errors=0\n"

// The PHP of the article that documents the session calls runs unchanged, with its URLs, in a container whose
// network has the fake under the platform's name: twice in a row. The article is not part of this project:
// DINGMOCK_ARTICLE names the file. If it is not set, a program of ours makes the same calls.
func TestArticle(t *testing.T) {
	t.Parallel()
	name := os.Getenv("DINGMOCK_ARTICLE")
	if name == "" {
		name = "../../testdata/sessions.php"
	}
	article, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	php := phpImage(t)
	program := bytes.Join(regexp.MustCompile(`(?s)<\?php\s.*?\?>\n?`).FindAll(article, -1), nil)
	if n := bytes.Count(program, []byte("'https://oapi.dingtalk.com/")); n != 4 {
		t.Fatalf("%s: its PHP names the platform %d times, want 4", name, n)
	}
	program = append(program, "<?php echo json_encode([$success, $session, $session_id]);\n"...)

	nw := newNetwork(t)
	fake := start(t, testcontainer.WithAliases(nw), testcontainer.WithStateFile("../../examples/article.json"), testcontainer.WithRefuseUndeclared())
	fake.Verdict(t)
	ca, err := fake.CACert(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, err := fake.Control(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, errs, code := runIn(t, nw, php, map[string]string{"/ca.pem": string(ca), "/php.ini": phpINI, "/article.php": string(program)},
			"php", "-c", "/php.ini", "/article.php")
		// A warning would come before the last line.
		if diff := cmp.Diff(`[true,null,"your_session_id"]`, out); diff != "" || errs != "" || code != 0 {
			t.Errorf("exit code %d, stderr %q, stdout (-want +got):\n%s", code, errs, diff)
		}
		if open, err := at.App("article").Sessions(t.Context()); err != nil || len(open) > 0 {
			t.Errorf("%v, open sessions: %+v", err, open)
		}
	}
}

// runIn runs a program to its end in a container of a network.
func runIn(t *testing.T, nw *testcontainers.DockerNetwork, img string, files map[string]string, args ...string) (stdout, stderr string, code int64) {
	t.Helper()
	opts := []testcontainers.ContainerCustomizer{network.WithNetwork(nil, nw), testcontainers.WithCmd(args...), testcontainers.WithWaitStrategy(wait.ForExit())}
	for name, text := range files {
		opts = append(opts, testcontainers.WithFiles(testcontainers.ContainerFile{Reader: strings.NewReader(text), ContainerFilePath: name, FileMode: 0o444}))
	}
	c, err := testcontainers.Run(t.Context(), img, opts...)
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	code = ended(t, c)
	logs, err := docker(t).ContainerLogs(t.Context(), c.GetContainerID(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = logs.Close() }()
	var out, errs bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &errs, io.Reader(logs)); err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), code
}
