package testcontainer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// needsPHP skips the test where there is no PHP on this machine.
func needsPHP(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("php"); err != nil {
		t.Skip("there is no php")
	}
}

// phpImage returns an image of this machine's PHP: tests have no registry to get one from.
func phpImage(t *testing.T) string {
	t.Helper()
	needsDocker(t)
	needsPHP(t)
	tag, err := php()
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

var php = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	root, err := phpFiles(ctx)
	if err != nil {
		return "", err
	}
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = docker.Close() }()
	tag := "dingmock-test-php:" + session
	result, err := docker.ImageImport(ctx, client.ImageImportSource{Source: root, SourceName: "-"}, tag, client.ImageImportOptions{
		Changes: []string{`ENTRYPOINT ["/usr/bin/php"]`},
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = result.Close() }()
	said, err := io.ReadAll(result)
	if err != nil {
		return "", err
	}
	if bytes.Contains(said, []byte(`"error"`)) {
		return "", errors.New("docker import: " + string(said))
	}
	images.add(tag)
	return tag, nil
})

// library is a line of ldd that names a file: after "=>", or alone where it is the loader.
var library = regexp.MustCompile(`(?m)^\s+(?:\S+ => )?(/\S+) \(0x`)

// phpFiles is a tar file of the PHP program and the libraries that it is linked to, without any configuration.
func phpFiles(ctx context.Context) (io.Reader, error) {
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
	const zone = "/usr/share/zoneinfo/UTC" // Debian's PHP has the zones from there
	if _, err := os.Stat(zone); err == nil {
		files[zone] = zone
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(filepath.Clean(name), "/"), Mode: 0o755, Size: int64(len(data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
	}
	return &out, w.Close()
}
