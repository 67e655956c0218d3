//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dingmock/dingmock/internal/r0"
)

// A call is one kind of request. Its target has the token in it; n is the number of the request, in which some have their ids.
type call struct {
	name  string
	bytes func(n int64) []byte
}

var calls = []call{
	{"gettoken", func(int64) []byte {
		return request("GET", "/gettoken?appkey=dingmockapp&appsecret=dingmockappsecret", "")
	}},
	{"create_session", func(n int64) []byte {
		return request("POST", "/topapi/v2/im/create_session?access_token="+r0.Token, fmt.Sprintf(
			`{"session_id":"session-%d","app_key":"dingmockapp","chatid":"chatdce7caafccaa941d870e82ee9c97b2eb","user_id":"user-%d"}`, n, n))
	}},
}

func request(method, target, body string) []byte {
	length := ""
	if body != "" {
		length = fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: oapi.dingtalk.com\r\nUser-Agent: bench\r\n%s\r\n%s", method, target, length, body)
}

// conn is a connection that is kept alive.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(ctx context.Context, addr string) (*conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

var errRefused = errors.New("the call was refused")

// do makes a call, with as little work as possible, that has to succeed.
func (c *conn) do(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	length := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil {
				return err
			}
		}
		if len(line) <= 2 {
			break
		}
	}
	if length < 0 {
		return errors.New("a reply has no Content-Length")
	}
	body, err := c.in.Peek(length)
	if err != nil {
		return err
	}
	if !bytes.Contains(body, []byte(`"errcode":0`)) && !bytes.Contains(body, []byte(`"accessToken"`)) {
		return fmt.Errorf("%w: %s", errRefused, body)
	}
	_, err = c.in.Discard(length)
	return err
}

// load makes n calls over so many connections, each as soon as the last is answered or, at a rate of calls a second that is not 0,
// when it is due. It returns how long each took, from when it was due, and all of them together.
func load(ctx context.Context, addr string, c call, first int64, n, connections int, rate float64) (each []time.Duration, all time.Duration, err error) {
	var next atomic.Int64
	each = make([]time.Duration, n)
	failed := make(chan error, connections)
	var wg sync.WaitGroup
	began := time.Now()
	for range connections {
		to, err := dial(ctx, addr)
		if err != nil {
			return nil, 0, err
		}
		wg.Go(func() {
			defer func() { _ = to.Close() }()
			for {
				i := next.Add(1) - 1
				if i >= int64(n) {
					return
				}
				due := time.Now()
				if rate > 0 {
					due = began.Add(time.Duration(float64(i) / rate * float64(time.Second)))
					<-time.After(time.Until(due))
				}
				if err := to.do(c.bytes(first + i)); err != nil {
					failed <- err
					return
				}
				each[i] = time.Since(due)
			}
		})
	}
	wg.Wait()
	all = time.Since(began)
	select {
	case err := <-failed:
		return nil, 0, fmt.Errorf("%s: %w", c.name, err)
	default:
	}
	slices.Sort(each)
	return each, all, nil
}
