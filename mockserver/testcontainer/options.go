package testcontainer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"

	"github.com/dingmock/dingmock/mockserver"
)

// The environment variables of dingmock that the options set. Use [testcontainers.WithEnv] for others.
const (
	envAddr             = "DINGMOCK_ADDR"
	envTLSAddr          = "DINGMOCK_TLS_ADDR"
	envTLSHost          = "DINGMOCK_TLS_HOST"
	envState            = "DINGMOCK_STATE"
	envRefuseUndeclared = "DINGMOCK_REFUSE_UNDECLARED"
	envControlToken     = "DINGMOCK_CONTROL_TOKEN"
)

// stateFile is the path of the state in the container.
const stateFile = "/state.json"

// WithState makes the container start with these apps instead of the default app. They exist again after a restart
// of the container. Docker cannot copy a file into a container with a read-only root file system: in that case,
// mount a file and name it in DINGMOCK_STATE.
func WithState(state mockserver.State) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		data, err := json.Marshal(state)
		if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		return withState("state", data)(req)
	}
}

// WithStateFile is WithState for a JSON file, such as examples/article.json.
func WithStateFile(name string) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return withState(name, data)(req)
	}
}

// withState checks the state here, because its error is better than that of a container that does not start.
func withState(name string, data []byte) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		if _, err := mockserver.ReadState(name, data); err != nil {
			return err
		}
		file := testcontainers.ContainerFile{Reader: bytes.NewReader(data), ContainerFilePath: stateFile, FileMode: 0o444}
		if err := testcontainers.WithFiles(file)(req); err != nil {
			return err
		}
		return testcontainers.WithEnv(map[string]string{envState: stateFile})(req)
	}
}

// WithRefuseUndeclared rejects undeclared and repeated parameters, which the platform accepts.
func WithRefuseUndeclared() testcontainers.CustomizeRequestOption {
	return testcontainers.WithEnv(map[string]string{envRefuseUndeclared: "true"})
}

// WithAliases gives the container these names in a network, by default oapi.dingtalk.com and api.dingtalk.com, and
// makes it listen on the ports 443 and 80 as well. Other containers in the network then reach it under a URL that
// is built into them, once they trust its authority. Make the network with network.New of testcontainers-go.
func WithAliases(nw *testcontainers.DockerNetwork, names ...string) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		if nw == nil {
			return errors.New("aliases: there is no network: make one by network.New")
		}
		aliases := names
		if len(aliases) == 0 {
			aliases = []string{"oapi.dingtalk.com", "api.dingtalk.com"}
		}
		if err := network.WithNetwork(aliases, nw)(req); err != nil {
			return err
		}
		if err := withTLSHosts(names...)(req); err != nil {
			return err
		}
		return testcontainers.WithEnv(map[string]string{envAddr: ":8080,:80", envTLSAddr: ":8443,:443"})(req)
	}
}

// withTLSHosts adds names to those that are answered.
func withTLSHosts(names ...string) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		hosts := names
		if before := req.Env[envTLSHost]; before != "" {
			hosts = append([]string{before}, names...)
		}
		if len(hosts) == 0 {
			return nil
		}
		return testcontainers.WithEnv(map[string]string{envTLSHost: strings.Join(hosts, ",")})(req)
	}
}

// withDockerHost adds the name of the machine that Docker runs on, such as docker in GitLab's pipelines, to the
// names that are answered.
func withDockerHost(ctx context.Context) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		provider, err := testcontainers.NewDockerProvider()
		if err != nil {
			return err
		}
		defer func() { _ = provider.Close() }()
		host, err := provider.DaemonHost(ctx)
		if err != nil {
			return err
		}
		if host == "localhost" || host == "127.0.0.1" || host == "::1" {
			return nil
		}
		return withTLSHosts(host)(req)
	}
}
