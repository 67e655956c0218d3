// Package docs reads the project's documentation as its readers do, for tests of its contents.
package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Blocks returns the contents of the fenced code blocks of a language, without their trailing comments.
func Blocks(text, language string) (list []string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		comment := map[string]string{"sh": `(?m) +# .*$`, "go": `(?m) +// .*$`}[language]
		list = append(list, regexp.MustCompile(comment).ReplaceAllString(m[1], ""))
	}
	return list
}

// RunGo checks that Go programs of README.md, docs/go.md and contract/README.md compile and that their tests pass. which returns a program as it is
// to be run, or false to leave it out. The first setUps blocks of docs/go.md in sh set up the module; the last of them runs once
// the programs are there. root is the absolute path of the checkout.
func RunGo(t testing.TB, root string, setUps int, which func(program string) (string, bool)) {
	t.Helper()
	var texts [3]string
	for i, name := range []string{"README.md", "docs/go.md", "contract/README.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	setUp := Blocks(texts[1], "sh")[:setUps]
	for i, block := range setUp {
		setUp[i] = strings.ReplaceAll(block, "../dingmock", "'"+root+"'")
	}
	dir, n := t.TempDir(), 0
	run(t, dir, "go mod init example.com/shop\n"+strings.Join(setUp[:setUps-1], ""))
	for _, m := range regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(strings.Join(texts[:], ""), -1) {
		program, ok := which(m[1])
		if !ok {
			continue
		}
		n++
		folder := filepath.Join(dir, fmt.Sprint("p", n))
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "shop_test.go"), []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n < 2 {
		t.Fatalf("the documents have %d such programs", n)
	}
	run(t, dir, setUp[setUps-1]+"test -z \"$(gofmt -l .)\"\ngo vet ./...")
	out := run(t, dir, "go test ./...")
	if got := len(regexp.MustCompile(`(?m)^ok `).FindAllString(out, -1)); got != n {
		t.Errorf("of %d programs %d pass:\n%s", n, got, out)
	}
}

// run runs a script and returns its output. It fails the test if the script fails.
func run(t testing.TB, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute) // it may have all to compile
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.WaitDelay = 10 * time.Second // for what the script leaves behind with its output
	cmd.Dir = dir
	// Whatever this leaves unchecked was checked when dingmock's own modules were made.
	cmd.Env = append(os.Environ(), "GOSUMDB=off", "GOFLAGS=", "TESTCONTAINERS_RYUK_DISABLED=true")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}
