package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The article's PHP runs letter for letter, the host too, where a hosts file and a php.ini lead it to the fake: in a
// network of its own, in which the fake has port 443.
func TestArticleByHostsFile(t *testing.T) {
	t.Parallel()
	needs(t, "php")
	if !apart(t, syscall.CLONE_NEWNET) {
		return
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
	c := startServe(t, nil, "--state", "../../examples/article.json", "--no-auto-apps", "--refuse-undeclared", "--log-format", "text",
		"--tls-dir", tlsDir, "--tls-addr", "127.0.0.1:443")
	ini := write("php.ini", "openssl.cafile="+filepath.Join(tlsDir, "ca.pem")+"\ndisplay_errors=1\nerror_reporting=E_ALL\nhtml_errors=0\n")
	file := write("article.php", article(t))
	for range 2 {
		php := bounded(t, "php", "-c", ini, file)
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
	if verdict := text(t, http.DefaultClient, c.url+"/_mock/verdict"); !strings.HasPrefix(verdict, `{"ok":true,`) {
		t.Errorf("the article's calls are off-spec: %s", verdict)
	}
	c.end(t)
	want := strings.Repeat("GET gettoken article 0 oapi.dingtalk.com\nPOST getsession article 0 oapi.dingtalk.com\n"+
		"POST create_session article 0 oapi.dingtalk.com\nPOST close_session article 0 oapi.dingtalk.com\n", 2)
	if got := strings.Join(regexp.MustCompile(`(?m)^(GET|POST) .*\n`).FindAllString(c.stderr.String(), -1), ""); got != want {
		t.Errorf("calls (-want +got):\n%s", cmp.Diff(want, got))
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
