package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The programs under examples do against a server what they say, twice in a row, and fail when it says no.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		args []string
		want string
	}{
		{"go", []string{"go", "run", "./go"}, "before: no session\nopened: s-go\ncurrent: s-go\nafter: no session\n"},
		{"php", []string{"php", "-d", "display_errors=1", "-d", "error_reporting=E_ALL", "php/session.php"},
			"before: no session\nopened: s-php\ncurrent: s-php of u-php\nafter: no session\n"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			needs(t, x.args[0])
			c := startServe(t, nil)
			try := func(secret string) (string, string, error) {
				cmd := bounded(t, x.args[0], x.args[1:]...)
				cmd.Dir = "../../examples"
				cmd.Env = append(os.Environ(), "DINGTALK_BASE_URL="+c.url, "DINGTALK_APPKEY=", "DINGTALK_APPSECRET="+secret)
				var out, errs bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &errs
				err := cmd.Run()
				return out.String(), errs.String(), err
			}
			for range 2 {
				out, errs, err := try("")
				if diff := cmp.Diff(x.want, out); diff != "" || errs != "" || err != nil {
					t.Errorf("%v, stderr %q, stdout (-want +got):\n%s", err, errs, diff)
				}
			}
			_, errs, err := try("wrong")
			if err == nil || !strings.Contains(errs, "40096") {
				t.Errorf("with a wrong secret: %v, stderr %q, want errcode 40096 and a failure", err, errs)
			}
		})
	}
}
