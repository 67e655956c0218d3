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

// The variables of dingmock that the options set. [testcontainers.WithEnv] sets the others.
const (
	envAddr             = "DINGMOCK_ADDR"
	envTLSAddr          = "DINGMOCK_TLS_ADDR"
	envTLSHost          = "DINGMOCK_TLS_HOST"
	envState            = "DINGMOCK_STATE"
	envRefuseUndeclared = "DINGMOCK_REFUSE_UNDECLARED"
	envControlToken     = "DINGMOCK_CONTROL_TOKEN"
)

// stateFile is where the state stands in the container.
const stateFile = "/state.json"

// WithState starts with these apps, in place of the default app. They are there again when the container is started
// again. Docker copies no file into a container with a read-only root file system: there, mount one and name it by
// DINGMOCK_STATE.
func WithState(state mockserver.State) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		data, err := json.Marshal(state)
		if err != nil {
			return fmt.Errorf("state: %w", err)
		}
		return withState("state", data)(req)
	}
}

// WithStateFile is WithState with a state from a JSON file, such as examples/article.json.
func WithStateFile(name string) testcontainers.CustomizeRequestOption {
	return func(req *testcontainers.GenericContainerRequest) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return withState(name, data)(req)
	}
}

// withState refuses here, with a better text than a container that does not start, what the container would refuse.
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

// WithRefuseUndeclared refuses undeclared and repeated parameters, which the platform accepts.
func WithRefuseUndeclared() testcontainers.CustomizeRequestOption {
	return testcontainers.WithEnv(map[string]string{envRefuseUndeclared: "true"})
}

// WithAliases makes the container be these names in a network, by default oapi.dingtalk.com and api.dingtalk.com, on
// the ports 443 and 80 too. The containers of that network then reach it by a URL that they carry, once they trust its
// authority. The network is one that network.New of testcontainers-go has made.
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

// withTLSHosts has names answered beside those that are.
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

// withDockerHost has the name of the machine that Docker runs on answered, such as docker in GitLab's pipelines.
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
