package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The PHP of the article runs letter for letter, the host too, where a hosts file and a php.ini lead it to the fake: in
// a network of its own, in which the fake has port 443. DINGMOCK_ARTICLE names the article.
func TestArticleByHostsFile(t *testing.T) {
	t.Parallel()
	name := os.Getenv("DINGMOCK_ARTICLE")
	if name == "" {
		t.Skip("DINGMOCK_ARTICLE does not name the article")
	}
	needs(t, "php")
	if !apart(t, syscall.CLONE_NEWNET) {
		return
	}
	article, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hosts := write("hosts", "127.0.0.1 localhost oapi.dingtalk.com\n")
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	loopbackUp(t)

	tlsDir := filepath.Join(dir, "tls")
	c := startServe(t, nil, "--state", "../../examples/article.json", "--no-auto-apps", "--refuse-undeclared",
		"--tls-dir", tlsDir, "--tls-addr", "127.0.0.1:443")
	ini := write("php.ini", "openssl.cafile="+filepath.Join(tlsDir, "ca.pem")+"\ndisplay_errors=1\nerror_reporting=E_ALL\nhtml_errors=0\n")
	program := strings.Join(regexp.MustCompile(`(?s)<\?php\s.*?\?>\n?`).FindAllString(string(article), -1), "")
	if n := strings.Count(program, "'https://oapi.dingtalk.com/"); n != 4 {
		t.Fatalf("the article's PHP names the host %d times, want 4", n)
	}
	file := write("article.php", program+"<?php echo json_encode([$success, $session, $session_id]);\n")
	for range 2 {
		php := exec.CommandContext(t.Context(), "php", "-c", ini, file)
		var out, errs bytes.Buffer
		php.Stdout, php.Stderr = &out, &errs
		err := php.Run()
		// A warning would stand before the last line.
		if diff := cmp.Diff(`[true,null,"your_session_id"]`, out.String()); diff != "" || errs.Len() > 0 || err != nil {
			t.Errorf("%v, stderr %q, stdout (-want +got):\n%s", err, errs.String(), diff)
		}
		if open := text(t, http.DefaultClient, c.url+"/_mock/apps/article/sessions"); strings.TrimSpace(open) != `{"sessions":[]}` {
			t.Errorf("sessions after the article's last call: %s", open)
		}
	}
	want := strings.Repeat("GET gettoken article 0\nPOST getsession article 0\nPOST create_session article 0\nPOST close_session article 0\n", 2)
	if got := strings.Join(regexp.MustCompile(`(?m)^(GET|POST) .*\n`).FindAllString(c.stderr.String(), -1), ""); got != want {
		t.Errorf("calls (-want +got):\n%s", cmp.Diff(want, got))
	}
	if verdict := text(t, http.DefaultClient, c.url+"/_mock/verdict"); !strings.HasPrefix(verdict, `{"ok":true,`) {
		t.Errorf("the article's calls are off-spec: %s", verdict)
	}
}

// loopbackUp lets the processes of a new network reach each other.
func loopbackUp(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(socket) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}
