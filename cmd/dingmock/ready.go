package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// where holds the flags of a command that talks to a running fake.
type where struct {
	URL  string   `placeholder:"URL" help:"The base URL of the fake. Where it is not given, it is the first --addr on this machine."`
	Addr []string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where the fake listens, as serve has it."`

	Container bool `env:"-" help:"Ask the serve that runs in this container, wherever its own flags and variables have it listen; --url does not count. Where none is seen, as outside Linux, --addr does."`
}

// base returns the fake's base URL.
func (w *where) base() (string, error) {
	addrs := w.Addr
	switch {
	case w.Container:
		if at := servedAt("/proc"); len(at) > 0 {
			addrs = at
		}
	case w.URL != "":
		u, err := url.Parse(w.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "", errors.New("--url: has to be a base URL such as http://127.0.0.1:8080")
		}
		return strings.TrimSuffix(w.URL, "/"), nil
	}
	if len(addrs) == 0 {
		return "", errors.New("--addr: is empty; it has to be HOST:PORT")
	}
	addr, err := net.ResolveTCPAddr("tcp", addrs[0])
	if err != nil {
		return "", fmt.Errorf("--addr %s: %w", addrs[0], hintedAddr(err))
	}
	if addr.Port == 0 {
		return "", fmt.Errorf("--addr %s: does not say which port; --url does", addrs[0])
	}
	return baseURL(addr), nil
}

// hintedAddr adds to the error for an address without a port what would have been right.
func hintedAddr(err error) error {
	var wrong *net.AddrError
	if !errors.As(err, &wrong) || wrong.Err != "missing port in address" {
		return err
	}
	right := wrong.Addr + ":8080"
	if _, err := strconv.ParseUint(wrong.Addr, 10, 16); err == nil {
		right = "127.0.0.1:" + wrong.Addr
	} else if strings.Trim(wrong.Addr, "0123456789") == "" {
		right = "127.0.0.1:8080"
	}
	return fmt.Errorf("%w; it has to be HOST:PORT, such as %s", err, right)
}

// fetch makes a GET request, bypassing any proxy. It fails if the answer is not a dingmock's or does not start with begins.
func fetch(ctx context.Context, url, begins string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, plainError(err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: answers %s", url, resp.Status)
	}
	if resp.Header.Get("Dingmock-Version") == "" || !bytes.HasPrefix(body, []byte(begins)) { // a fake answers a wrong path as the platform does
		return nil, fmt.Errorf("%s: is answered, but not by a dingmock", url)
	}
	return body, nil
}

// readyCommand ends with exit code 0 once a fake answers.
type readyCommand struct {
	where
	Wait time.Duration `default:"0s" placeholder:"DURATION" help:"How long to wait for it."`
}

// often is the interval at which a fake that is not ready is asked again.
const often = 20 * time.Millisecond

// Run asks until the fake is ready or the time is over.
func (c *readyCommand) Run(ctx context.Context) error {
	if c.Wait < 0 {
		return usageError{fmt.Errorf("--wait: %s is negative; it has to be 0s or more", c.Wait)}
	}
	over, cancel := context.WithTimeout(ctx, max(c.Wait, time.Second)) // a single request may take a second
	defer cancel()
	began := time.Now()
	again := time.NewTicker(often)
	defer again.Stop()
	var last error
	for {
		base, err := c.base() // each time, since a serve may start only now
		if err != nil {
			return usageError{err}
		}
		if _, err = fetch(over, base+"/_mock/readyz", "ok"); err == nil {
			return nil
		}
		if last == nil || over.Err() == nil { // an earlier error says more than that the time is over
			last = err
		}
		if time.Since(began)+often > c.Wait {
			return fmt.Errorf("not ready: %w", last)
		}
		select {
		case <-again.C:
		case <-over.Done():
			return fmt.Errorf("not ready: %w", last)
		}
	}
}
