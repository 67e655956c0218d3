package testcontainer_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/dingmock/dingmock/contract"
	"github.com/dingmock/dingmock/internal/powers"
	"github.com/dingmock/dingmock/mockserver/testcontainer"
)

const maxSize = 15e6 // of the image, in bytes

// start runs a container of the image until the end of the test.
func start(t *testing.T, opts ...testcontainers.ContainerCustomizer) *testcontainer.Container {
	t.Helper()
	c, err := testcontainer.Run(t.Context(), image(t), opts...)
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// hardened removes from a container every right that it can do without.
func hardened() testcontainers.CustomizeRequestOption {
	return testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
		c.ReadonlyRootfs = true
		c.CapDrop = []string{"ALL"}
		c.SecurityOpt = []string{"no-new-privileges"}
	})
}

// The whole contract holds in a container without any rights: over HTTP, and over TLS by the platform's names.
// This takes three servers: one with few sessions, one whose sessions end, and one without session calls.
func TestContract(t *testing.T) {
	t.Parallel()
	image(t)
	servers := []struct {
		env    map[string]string
		target contract.Target
		leave  contract.Needs // of the cases that another server covers
		budget int            // of generated requests an operation; 0: none
	}{
		{map[string]string{"DINGMOCK_MAX_SESSIONS": "40"}, contract.Target{MaxSessions: 40}, contract.NeedsSessionLife, 50},
		{map[string]string{"DINGMOCK_SESSION_TTL": "1h"}, contract.Target{SessionTTL: time.Hour}, contract.NeedsSessionLimit, 0},
		{map[string]string{"DINGMOCK_WITHOUT_SESSIONS": "true"}, contract.Target{WithoutSessions: true}, contract.NeedsSessionLimit | contract.NeedsSessionLife, 0},
	}
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	passed := map[bool]map[string]bool{false: {}, true: {}} // over TLS, or not
	for _, server := range servers {
		c := start(t, hardened(), testcontainers.WithEnv(server.env))
		info, err := c.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if info.Config.User != "65532:65532" || !info.HostConfig.ReadonlyRootfs || !slices.Contains(info.HostConfig.CapDrop, "ALL") {
			t.Errorf("the container runs as %q, read-only: %t, without %v", info.Config.User, info.HostConfig.ReadonlyRootfs, info.HostConfig.CapDrop)
		}
		base, err := c.URL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		unchanged, err := c.HTTPClient(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at, err := c.Control(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		suits := func(id string) bool {
			return slices.ContainsFunc(cases, func(c contract.Case) bool { return c.ID == id && c.Needs&server.leave == 0 })
		}
		for _, way := range []struct {
			tls         bool
			url, apiURL string
			client      *http.Client
		}{
			{false, base, base, nil},
			{true, "https://oapi.dingtalk.com", "https://api.dingtalk.com", unchanged},
		} {
			target := server.target
			target.URL, target.APIURL, target.Client, target.Powers = way.url, way.apiURL, way.client, powers.Of(at)
			run := func(id string) bool { return suits(id) && spoken(way.tls, id) }
			report, err := contract.Verify(t.Context(), target, &contract.Options{Run: run, Budget: server.budget, NoGenerated: server.budget == 0, Timeout: time.Minute})
			if err != nil {
				t.Fatalf("TLS %t, %v: %v", way.tls, server.env, err)
			}
			for _, r := range report.Results {
				switch r.Outcome {
				case contract.Pass:
					passed[way.tls][r.ID] = true
				case contract.Fail:
					t.Errorf("TLS %t, %v: %s\n%v", way.tls, server.env, r.Line(), r.Failure)
				case contract.Errored, contract.Unsupported:
					t.Errorf("TLS %t, %v: %s: %s", way.tls, server.env, r.Line(), r.Reason)
				}
			}
			t.Logf("TLS %t, %v: %d cases pass in %s", way.tls, server.env, report.Count(contract.Pass), report.Duration.Round(time.Millisecond))
		}
	}
	for tls, ids := range passed {
		for _, c := range cases {
			if !ids[c.ID] && spoken(tls, c.ID) {
				t.Errorf("TLS %t: no server has passed %s", tls, c.ID)
			}
		}
		t.Logf("TLS %t: %d of %d cases pass", tls, len(ids), len(cases))
	}
}

// spoken reports whether a case uses a version of HTTP that works with or without TLS: HTTP/2 works only over TLS.
func spoken(tls bool, id string) bool { return tls || !strings.HasSuffix(id, "/http-2") }

func TestImageSize(t *testing.T) {
	t.Parallel()
	img := image(t)
	info, err := docker(t).ImageInspect(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size > maxSize {
		t.Errorf("the image is %.1f MB, want %.1f at most", float64(info.Size)/1e6, maxSize/1e6)
	}
	t.Logf("the image is %.1f MB", float64(info.Size)/1e6)
}

// The modules are downloaded using only go.mod and go.sum, before the source is copied: another source uses the
// same layers.
func TestImageModulesStandApart(t *testing.T) {
	t.Parallel()
	image(t)
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", "go.mod", "go.sum"} {
		file := filepath.Join("../..", name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), info.Mode()); err != nil { // the mode is part of a layer
			t.Fatal(err)
		}
	}
	modules, err := build(t.Context(), dir, "dingmock-test-modules", "modules")
	if err != nil {
		t.Fatal(err)
	}
	layers := func(img string) []string {
		info, err := docker(t).ImageInspect(t.Context(), img)
		if err != nil {
			t.Fatal(err)
		}
		return info.RootFS.Layers
	}
	want, got := layers(modules), layers("dingmock-test-build:"+session)
	if diff := cmp.Diff(want, got[:min(len(want), len(got))]); diff != "" {
		t.Errorf("the layers of the modules and the first of the build (-want +got):\n%s", diff)
	}
}

// The image's own HEALTHCHECK finds the container healthy, wherever serve listens and whatever else is set.
func TestHealth(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name string
		opts []testcontainers.ContainerCustomizer
	}{
		{"as it is", nil},
		{"an address by flag", []testcontainers.ContainerCustomizer{testcontainers.WithCmd("serve", "--addr", ":9090")}},
		{"an address by variable", []testcontainers.ContainerCustomizer{testcontainers.WithEnv(map[string]string{"DINGMOCK_ADDR": "127.0.0.1:9090,:8080"})}},
		{"another fake to call", []testcontainers.ContainerCustomizer{testcontainers.WithEnv(map[string]string{"DINGMOCK_URL": "http://elsewhere:1"})}},
		{"a control token", []testcontainers.ContainerCustomizer{testcontainers.WithEnv(map[string]string{"DINGMOCK_CONTROL_TOKEN": "x"})}},
		{"as root", []testcontainers.ContainerCustomizer{
			testcontainers.WithCmd("serve", "--addr", ":9090"),
			testcontainers.WithConfigModifier(func(c *container.Config) { c.User = "0:0" }),
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, append([]testcontainers.ContainerCustomizer{hardened(), testcontainers.WithWaitStrategy(wait.ForHealthCheck())}, x.opts...)...)
			state, err := c.State(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if state.Health == nil || state.Health.Status != container.Healthy {
				t.Errorf("the health is %+v, want healthy", state.Health)
			}
		})
	}
}

// A container whose serve does not answer, or that runs no serve, is not healthy.
func TestUnhealthy(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, signal string
		cmd          []string
	}{
		{"a serve that hangs", "SIGSTOP", []string{"serve", "--addr", ":9090"}},
		{"another server", "", []string{"proxy", "--upstream", "http://elsewhere:1", "--addr", ":8080"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			var waits wait.Strategy = wait.ForLog("dingmock")
			if x.signal != "" {
				waits = wait.ForHealthCheck()
			}
			began := time.Now()
			c := start(t, hardened(), testcontainers.WithWaitStrategy(waits), testcontainers.WithCmd(x.cmd...),
				testcontainers.WithConfigModifier(func(c *container.Config) {
					c.Healthcheck = &container.HealthConfig{Interval: time.Second / 2, Timeout: 2 * time.Second, Retries: 1}
				}))
			if x.signal != "" {
				if _, err := docker(t).ContainerKill(t.Context(), c.GetContainerID(), client.ContainerKillOptions{Signal: x.signal}); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			list := docker(t).Events(ctx, client.EventsListOptions{
				Since:   strconv.FormatInt(began.Unix(), 10),
				Filters: make(client.Filters).Add("container", c.GetContainerID()),
			})
			for {
				select {
				case e := <-list.Messages:
					if e.Action == events.ActionHealthStatusUnhealthy {
						return
					}
				case err := <-list.Err:
					t.Fatal(err)
				}
			}
		})
	}
}

// A container that was killed has its state again after it is restarted, and is ready.
func TestKilled(t *testing.T) {
	t.Parallel()
	c := start(t, testcontainer.WithStateFile("../../examples/article.json"))
	for range 2 {
		base, err := c.URL(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if reply := get(t, http.DefaultClient, base+"/gettoken?corpid=your_corpid&corpsecret=your_corpsecret"); reply["errcode"] != 0.0 {
			t.Errorf("the state's app gets %v", reply)
		}
		if _, err := docker(t).ContainerKill(t.Context(), c.GetContainerID(), client.ContainerKillOptions{}); err != nil {
			t.Fatal(err)
		}
		if code := ended(t, c); code != 137 {
			t.Errorf("exit code %d of a container that was killed, want 137", code)
		}
		if err := c.Start(t.Context()); err != nil { // waits until it is ready
			t.Fatal(err)
		}
	}
}

// docker stop ends the container regularly, long before Docker would kill it.
func TestStopped(t *testing.T) {
	t.Parallel()
	c := start(t, hardened())
	patience, began := time.Minute, time.Now()
	if err := c.Stop(t.Context(), &patience); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	if code := ended(t, c); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	t.Logf("stopped in %s", took.Round(time.Millisecond))
}

// ended waits for the end of a container and returns its exit code.
func ended(t *testing.T, c testcontainers.Container) int64 {
	t.Helper()
	wait := docker(t).ContainerWait(t.Context(), c.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case result := <-wait.Result:
		return result.StatusCode
	case err := <-wait.Error:
		t.Fatal(err)
		return -1
	}
}
