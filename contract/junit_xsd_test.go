package contract_test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestJUnitSchema has another program read the report, by a schema, and refuse one that is spoilt.
func TestJUnitSchema(t *testing.T) {
	t.Parallel()
	xmllint, err := exec.LookPath("xmllint")
	if err != nil {
		t.Skip("there is no xmllint (Debian: libxml2-utils)")
	}
	var report bytes.Buffer
	if err := spoilt(t).WriteJUnit(&report); err != nil {
		t.Fatal(err)
	}
	good := report.String()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for _, tt := range []struct{ name, report, says string }{
		{"as it is", good, "- validates"},
		{"no time of a case", strings.Replace(good, ` time="`, ` was="`, 2), "fails to validate"},
		{"a zone", strings.Replace(good, `" hostname`, `Z" hostname`, 1), "fails to validate"},
		{"no type", strings.Replace(good, ` type="MUST"`, ``, 1), "fails to validate"},
		{"cut off", good[:len(good)/2], "parser error"},
	} {
		if tt.report == good && tt.name != "as it is" {
			t.Errorf("%s: nothing was spoilt", tt.name)
		}
		cmd := exec.CommandContext(ctx, xmllint, "--noout", "--nonet", "--schema", "testdata/junit.xsd", "-")
		cmd.Stdin = strings.NewReader(tt.report)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), tt.says) || (err == nil) != (tt.report == good) {
			t.Errorf("%s: %v; want %q in\n%s", tt.name, err, tt.says, out)
		}
	}
}
