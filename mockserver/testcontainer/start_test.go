package testcontainer_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// The limits for the image's start: how much later it may be ready than the smallest possible image, by medians
// over a number of starts. On a machine with other load the numbers mean little: the test prints them, and fails
// only far above.
const (
	startTarget = 150 * time.Millisecond
	startLimit  = 2 * time.Second
	starts      = 5
)

// started is how long after its start a container answered and was healthy.
type started struct{ answers, healthy time.Duration }

// The image is ready about as soon as an image of a trivial program. The test is not parallel, so that others do
// not disturb it.
func TestStart(t *testing.T) {
	fake, least := image(t), trivialImage(t)
	all := map[string][]started{}
	for range starts {
		for _, img := range []string{fake, least} { // in turns, so that other load affects both
			all[img] = append(all[img], startOnce(t, img))
		}
	}
	for _, x := range []struct {
		name string
		of   func(started) time.Duration
	}{
		{"answers", func(s started) time.Duration { return s.answers }},
		{"healthy", func(s started) time.Duration { return s.healthy }},
	} {
		a, b := median(all[fake], x.of), median(all[least], x.of)
		t.Logf("%s: dingmock %s, a trivial program %s, difference %s, target %s", x.name, a, b, a-b, startTarget)
		if a-b > startLimit {
			t.Errorf("%s: %s later than a trivial program, want %s at most", x.name, a-b, startLimit)
		}
	}
}

func median(list []started, of func(started) time.Duration) time.Duration {
	var values []time.Duration
	for _, s := range list {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2].Round(time.Millisecond)
}

// startOnce takes the times from Docker's own events, which are exact however late the test looks. The image's
// HEALTHCHECK runs more often than usual, to save time.
func startOnce(t *testing.T, img string) started {
	t.Helper()
	before := time.Now()
	var first time.Time
	answered := func(int) bool {
		if first.IsZero() {
			first = time.Now()
		}
		return true
	}
	c, err := testcontainers.Run(t.Context(), img,
		testcontainers.WithExposedPorts("8080/tcp"),
		testcontainers.WithConfigModifier(func(c *container.Config) {
			c.Healthcheck = &container.HealthConfig{Interval: time.Second / 2}
		}),
		testcontainers.WithWaitStrategy(wait.ForAll(
			wait.ForHTTP("/_mock/readyz").WithPort("8080/tcp").WithPollInterval(time.Millisecond).WithStatusCodeMatcher(answered),
			wait.ForHealthCheck(),
		)))
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	list := docker(t).Events(t.Context(), client.EventsListOptions{
		Since: strconv.FormatInt(before.Unix(), 10), Until: strconv.FormatInt(time.Now().Unix()+1, 10),
		Filters: make(client.Filters).Add("container", c.GetContainerID()),
	})
	var start, healthy time.Time
	for start.IsZero() || healthy.IsZero() {
		select {
		case e := <-list.Messages:
			switch e.Action {
			case events.ActionStart:
				start = time.Unix(0, e.TimeNano)
			case events.ActionHealthStatusHealthy:
				healthy = time.Unix(0, e.TimeNano)
			}
		case err := <-list.Err:
			t.Fatalf("the events end without start and healthy: %v", err)
		}
	}
	if err := testcontainers.TerminateContainer(c); err != nil {
		t.Error(err)
	}
	return started{answers: first.Sub(start), healthy: healthy.Sub(start)}
}

// trivialImage returns an image of testdata/trivial, made like the project's: one static binary, one user, a
// HEALTHCHECK.
func trivialImage(t *testing.T) string {
	t.Helper()
	needsDocker(t)
	tag, err := trivial()
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

var trivial = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "trivial")
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", program, "./testdata/trivial")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+runtime.GOARCH)
	if out, err := build.CombinedOutput(); err != nil {
		return "", &exec.Error{Name: "go build: " + string(out), Err: err}
	}
	return importImage(ctx, "dingmock-test-trivial", map[string]string{"/trivial": program},
		"USER 65532:65532", `ENTRYPOINT ["/trivial"]`, `HEALTHCHECK --interval=2s CMD ["/trivial", "probe"]`)
})
