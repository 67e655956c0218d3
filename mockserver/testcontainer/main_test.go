package testcontainer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
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
	"github.com/testcontainers/testcontainers-go/network"
)

// TestMain removes the images that the tests have made.
func TestMain(m *testing.M) {
	code := m.Run()
	if err := images.remove(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// images are the images that this run has made.
var images made

type made struct {
	mu   sync.Mutex
	tags []string
}

func (m *made) add(tag string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tags = append(m.tags, tag)
}

func (m *made) remove(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.tags) == 0 {
		return nil
	}
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = docker.Close() }()
	for _, tag := range m.tags {
		if _, err := docker.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true}); err != nil {
			return fmt.Errorf("the image %s stays behind: %w", tag, err)
		}
	}
	return nil
}

// session is part of the name of all images of this run. The library reads its settings with it: there is no
// reaper, whose image would need a registry, because the tests remove what they make.
var session = func() string {
	_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	return testcontainers.SessionID()[:12]
}()

// buildLine matches the command with which the README builds the image.
var buildLine = regexp.MustCompile("(?m)^\\| Docker \\| `(docker build -t dingmock .*?)`")

// build builds an image, or a stage of it, from a Dockerfile as the README says, except for its name.
func build(ctx context.Context, dir, name, stage string) (string, error) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		return "", err
	}
	line := buildLine.FindSubmatch(text)
	if line == nil {
		return "", fmt.Errorf("README.md has no %s", buildLine)
	}
	tag := name + ":" + session
	flags := "-t " + tag
	if stage != "" {
		flags += " --target " + stage
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", strings.Replace(string(line[1]), "-t dingmock", flags, 1))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", line[1], err, out)
	}
	images.add(tag)
	return tag, nil
}

// built returns the image of the project's Dockerfile. Its first stage gets a name too, so that it can be removed.
var built = sync.OnceValues(func() (string, error) {
	if _, err := build(context.Background(), "../..", "dingmock-test-build", "build"); err != nil {
		return "", err
	}
	return build(context.Background(), "../..", "dingmock-test", "")
})

// importImage makes an image from files of this machine, by their names in the image.
func importImage(ctx context.Context, name string, files map[string]string, changes ...string) (string, error) {
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for inside, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.Clean(inside)[1:], Mode: 0o755, Size: int64(len(data))}); err != nil {
			return "", err
		}
		if _, err := w.Write(data); err != nil {
			return "", err
		}
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = docker.Close() }()
	tag := name + ":" + session
	result, err := docker.ImageImport(ctx, client.ImageImportSource{Source: &root, SourceName: "-"}, tag, client.ImageImportOptions{Changes: changes})
	if err != nil {
		return "", err
	}
	defer func() { _ = result.Close() }()
	said, err := io.ReadAll(result)
	if err != nil {
		return "", err
	}
	if bytes.Contains(said, []byte(`"error"`)) { // the status was sent before
		return "", fmt.Errorf("docker import: %s", said)
	}
	images.add(tag)
	return tag, nil
}

// needsDocker skips the test if there is no Docker.
func needsDocker(t *testing.T) {
	t.Helper()
	testcontainers.SkipIfProviderIsNotHealthy(t)
	needs(t, "docker")
}

// needs skips the test if a program is missing on this machine.
func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("there is no %s", program)
	}
}

// image returns the image of dingmock, or skips the test if there is no Docker.
func image(t *testing.T) string {
	t.Helper()
	needsDocker(t)
	tag, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// docker returns a client of the engine.
func docker(t *testing.T) *testcontainers.DockerClient {
	t.Helper()
	c, err := testcontainers.NewDockerClientWithOpts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// newNetwork makes a network that ends with the test.
func newNetwork(t *testing.T) *testcontainers.DockerNetwork {
	t.Helper()
	nw, err := network.New(t.Context())
	testcontainers.CleanupNetwork(t, nw)
	if err != nil {
		t.Fatal(err)
	}
	return nw
}
