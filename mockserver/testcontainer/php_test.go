package testcontainer_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"testing"
)

// phpImage returns an image of this machine's PHP, because tests have no registry to get one from.
func phpImage(t *testing.T) string {
	t.Helper()
	needsDocker(t)
	needs(t, "php")
	tag, err := php()
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

var php = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	files, err := phpFiles(ctx)
	if err != nil {
		return "", err
	}
	return importImage(ctx, "dingmock-test-php", files, "ENV PATH=/usr/bin")
})

// library matches a line of ldd that names a file: after "=>", or alone if it is the loader.
var library = regexp.MustCompile(`(?m)^\s+(?:\S+ => )?(/\S+) \(0x`)

// phpFiles returns the PHP program and the libraries that it is linked to, without any configuration.
func phpFiles(ctx context.Context) (map[string]string, error) {
	program, err := exec.LookPath("php")
	if err != nil {
		return nil, err
	}
	links, err := exec.CommandContext(ctx, "ldd", program).Output()
	if err != nil {
		return nil, err
	}
	files := map[string]string{"/usr/bin/php": program}
	for _, found := range library.FindAllStringSubmatch(string(links), -1) {
		files[found[1]] = found[1]
	}
	const zone = "/usr/share/zoneinfo/UTC" // Debian's PHP takes the zones from there
	if _, err := os.Stat(zone); err == nil {
		files[zone] = zone
	}
	return files, nil
}
