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
	for _, tt := range []struct {
		name, report string
		spoilt       bool
		says         string
	}{
		{"as it is", good, false, "- validates"},
		{"no time of a case", strings.Replace(good, ` time="`, ` was="`, 2), true, "fails to validate"},
		{"a zone", strings.Replace(good, `" hostname`, `Z" hostname`, 1), true, "fails to validate"},
		{"no type", strings.Replace(good, ` type="MUST"`, ``, 1), true, "fails to validate"},
		{"cut off", good[:len(good)/2], true, "parser error"},
	} {
		if (tt.report != good) != tt.spoilt {
			t.Errorf("%s: spoilt is %t, want %t", tt.name, !tt.spoilt, tt.spoilt)
		}
		cmd := exec.CommandContext(ctx, xmllint, "--noout", "--nonet", "--schema", "testdata/junit.xsd", "-")
		cmd.Stdin = strings.NewReader(tt.report)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), tt.says) || (err != nil) != tt.spoilt {
			t.Errorf("%s: %v; want %q in\n%s", tt.name, err, tt.says, out)
		}
	}
}
