package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v4"
	"golang.org/x/sys/unix"
)

// service is a container that runs next to a job.
type service struct {
	Image, Name string
	Env         map[string]string
	Variables   map[string]string
	Options     string
	Alias       string
	Ports       []string
}

// recipe is a job of examples in the words of this test.
type recipe struct {
	job     string
	service service
	env     map[string]string
	scripts []string // one shell for each
	kept    string   // how a script hands variables to the next
}

func readYAML(t *testing.T, name string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err == nil {
		err = yaml.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// recipes are the jobs of the pipelines under examples.
func recipes(t *testing.T) (list []recipe) {
	t.Helper()
	var github struct {
		Jobs map[string]struct {
			Services map[string]service
			Env      map[string]string
			Steps    []struct{ Run string }
		}
	}
	readYAML(t, "examples/github-actions.yml", &github)
	for name, job := range github.Jobs {
		r := recipe{job: "github " + name, service: job.Services["dingmock"], env: job.Env, kept: "GITHUB_ENV"}
		for _, step := range job.Steps {
			if step.Run != "" {
				r.scripts = append(r.scripts, step.Run)
			}
		}
		list = append(list, r)
	}
	var gitlab map[string]struct {
		Services     []service
		BeforeScript []string `yaml:"before_script"`
		Script       []string
	}
	readYAML(t, "examples/gitlab-ci.yml", &gitlab)
	for name, job := range gitlab {
		s := job.Services[0]
		s.Image, s.Env = s.Name, s.Variables
		list = append(list, recipe{job: "gitlab " + name, service: s, scripts: []string{strings.Join(append(job.BeforeScript, job.Script...), "\n")}})
	}
	return list
}

// The pipelines name the image that a release makes, the flags that there are and the ports that the fake then has;
// the health check and the runner that waits for an exposed port find it.
func TestRecipes(t *testing.T) {
	t.Parallel()
	release := readRelease(t)
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	image := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)(DINGMOCK_\w+)=(\S+)`).FindAllStringSubmatch(string(dockerfile), -1) {
		image[m[1]] = m[2]
	}
	exposed := strings.Fields(regexp.MustCompile(`(?m)^EXPOSE (.*)$`).FindStringSubmatch(string(dockerfile))[1])
	for _, r := range recipes(t) {
		t.Run(r.job, func(t *testing.T) {
			t.Parallel()
			if name, tag, _ := strings.Cut(r.service.Image, ":"); !slices.Contains(release.Dockers[0].Images, name) || tag != "latest" {
				t.Errorf("image %s, want %v", r.service.Image, release.Dockers[0].Images)
			}
			c := containerFlags(t, image, r.service.Env)
			ports := map[string]bool{}
			for _, addr := range append(c.Serve.Addr, c.Serve.TLSAddr...) {
				_, port, err := net.SplitHostPort(addr)
				if err != nil {
					t.Error(err)
				}
				ports[port] = true
			}
			for _, pair := range r.service.Ports {
				if _, port, _ := strings.Cut(pair, ":"); !ports[port] || !slices.Contains(exposed, port) {
					t.Errorf("ports: %s: the fake listens on %v, and the image exposes %v", pair, ports, exposed)
				}
			}
			if aliased := r.service.Options + r.service.Alias; aliased != "" && (!ports["80"] || !ports["443"]) {
				t.Errorf("%s needs the ports 80 and 443; the fake listens on %v", aliased, ports)
			}
			if strings.HasPrefix(r.job, "gitlab") && !ports[slices.Min(exposed)] {
				t.Errorf("the runner waits for port %s; the fake listens on %v", slices.Min(exposed), ports)
			}
		})
	}
}

// containerFlags are serve's flags in a container with variables of the image and of its own.
func containerFlags(t *testing.T, image, own map[string]string) *commands {
	t.Helper()
	env := map[string]string{}
	for _, of := range []map[string]string{image, own} {
		maps.Copy(env, of)
	}
	var c commands
	if _, err := parse(&c, []string{"serve"}, lookup(env), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	for name := range own {
		var help bytes.Buffer
		if _, err := parse(&commands{}, []string{"serve", "--help"}, lookup(nil), &help, io.Discard); err != nil || !strings.Contains(help.String(), "$"+name+")") {
			t.Errorf("serve has no flag for %s: %v", name, err)
		}
	}
	return &c
}

// The shell lines of the pipelines do what they say, letter for letter, in a network of their own with the names that
// the pipeline gives the container; and the last of them fails where a call was off-spec.
func TestRecipesRun(t *testing.T) {
	t.Parallel()
	needs(t, "curl", "php", "grep")
	if _, err := os.Stat("/etc/ssl/certs/ca-certificates.crt"); err != nil {
		t.Skip(err)
	}
	if !apart(t, syscall.CLONE_NEWNET) {
		return
	}
	loopbackUp(t)
	hosts := filepath.Join(t.TempDir(), "hosts")
	for _, r := range recipes(t) {
		names := regexp.MustCompile(`[a-z]+\.dingtalk\.com`).FindAllString(r.service.Options+" "+r.service.Alias, -1)
		if err := os.WriteFile(hosts, fmt.Appendf(nil, "127.0.0.1 localhost %s\n", strings.Join(names, " ")), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		for _, offSpec := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, off-spec %t", r.job, offSpec), func(t *testing.T) {
				env := map[string]string{"DINGMOCK_ADDR": ":8080", "DINGMOCK_TLS_ADDR": ":8443"}
				maps.Copy(env, r.service.Env)
				fake := startServe(t, env)
				kept := filepath.Join(t.TempDir(), "env")
				vars := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
				for name, value := range r.env {
					vars = append(vars, name+"="+value)
				}
				for i, script := range r.scripts {
					if offSpec && i == len(r.scripts)-1 {
						text(t, http.DefaultClient, fake.url+"/gettoken?appkey=mock-x&appsecret=y&extra=1")
					}
					shell := bounded(t, "sh", "-e")
					shell.Dir = "../.."
					shell.Env = append(vars, "GITHUB_ENV="+kept)
					// In the program's place, PHP too, of which neither half reads the variables that others do.
					const program = "examples/unmodified/session.sh"
					shell.Stdin = strings.NewReader(strings.Replace(script, program, program+"\nphp examples/unmodified/session.php\nphp examples/unmodified/session_streams.php", 1))
					out, err := shell.CombinedOutput()
					switch {
					case offSpec && i == len(r.scripts)-1:
						if err == nil || !strings.Contains(string(out), "undeclared-parameter") {
							t.Errorf("an off-spec call passes: %s", out)
						}
					case err != nil:
						t.Fatalf("%v, output:\n%s\nscript:\n%s", err, out, script)
					}
					if more, err := os.ReadFile(kept); err == nil && r.kept != "" {
						vars = append(vars, strings.Fields(string(more))...)
					}
				}
				if !fake.stderr.waitFor(`"operation":"close_session"`) {
					t.Errorf("the program did not reach the fake:\n%s", fake.stderr)
				}
			})
		}
		if err := unix.Unmount("/etc/hosts", unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
}
